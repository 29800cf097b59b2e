// SPDX-License-Identifier: Apache-2.0
#include "ir/interpret_machine.h"

#include <numeric>
#include <utility>

#include "te/scalar.h"

namespace tunesmith::ir::interpret {
namespace {

bool IsConcurrent(LoopKind kind) {
  return kind == LoopKind::kParallel || kind == LoopKind::kBound || kind == LoopKind::kVector;
}

/// An order that is neither forwards nor backwards, in steps coprime to the extent, from the last.
int64_t StepThrough(int64_t extent) {
  int64_t step = extent * 5 / 8 + 1;
  while (std::gcd(step, extent) != 1) ++step;
  return step;
}

}  // namespace

Machine::Machine(World* world, std::vector<Memory*> live)
    : world_(world), live_(std::move(live)), slots_(world->code.slots) {}

Status Machine::Wrong(const Instruction& instruction, const std::string& reason) const {
  const Function& f = world_->function;
  std::string text = f.name + ": ";
  if (instruction.statement >= 0) {
    text += ToString(f, *world_->code.statements[static_cast<size_t>(instruction.statement)]) + ": ";
  }
  text += reason;
  const char* separator = " (at ";
  for (const Frame& frame : frames_) {
    const StmtNode& loop = *world_->code.statements[static_cast<size_t>(At(frame.head).statement)];
    text += separator + f.variables[static_cast<size_t>(loop.var)] + " = " +
            std::to_string(slots_[static_cast<size_t>(At(frame.head).dst)].i);
    separator = ", ";
  }
  if (!frames_.empty()) text += ")";
  return Invalid(text);
}

std::string Machine::Waiting() const {
  if (!roles_.empty()) return roles_.front()->Waiting();
  const Instruction& i = At(pc_);
  return ToString(world_->function, *world_->code.statements[static_cast<size_t>(i.statement)]);
}

Result<Machine::State> Machine::Run() {
  while (true) {
    if (!roles_.empty()) {
      TS_ASSIGN_OR_RETURN(State state, RunRoles());
      if (state == State::kBlocked) return state;
      continue;
    }
    const Instruction& i = At(pc_);
    switch (i.op) {
      case Op::kLoad:
        TS_RETURN_IF_ERROR(Load(i));
        break;
      case Op::kStore:
        TS_RETURN_IF_ERROR(Store(i));
        break;
      case Op::kLoop:
        BeginLoop(i);
        continue;
      case Op::kNext:
        TS_RETURN_IF_ERROR(Next(i));
        continue;
      case Op::kJump:
        pc_ = i.target;
        continue;
      case Op::kJumpUnless:
        if (Slot(i.a).i == 0) {
          pc_ = i.target;
          continue;
        }
        break;
      case Op::kAlloc: {
        const Buffer& b = world_->function.buffers[static_cast<size_t>(i.buffer)];
        Memory*& memory = live_[static_cast<size_t>(i.buffer)];
        if (memory != nullptr && memory->alive) return Wrong(i, "the buffer is alive already");
        if (memory == nullptr) {
          world_->memories.push_back(std::make_unique<Memory>());
          memory = world_->memories.back().get();
        }
        memory->Start(b.elements, false, world_->code.concurrent);
        break;
      }
      case Op::kFree:
        TS_RETURN_IF_ERROR(Free(i));
        break;
      case Op::kCopy:
        TS_RETURN_IF_ERROR(StartCopy(i));
        break;
      case Op::kWait:
        if (Waits(i)) return State::kBlocked;
        break;
      case Op::kSignal:
        world_->fired[static_cast<size_t>(i.event)].push_back(FiringNow());
        ++world_->now;
        break;
      case Op::kRoles:
        BeginRoles(i);
        continue;
      case Op::kHalt:
        return State::kDone;
      default:
        Evaluate(i);
        break;
    }
    ++pc_;
  }
}

void Machine::Evaluate(const Instruction& i) {
  auto a = [&] { return Slot(i.a); };
  auto b = [&] { return Slot(i.b); };
  auto c = [&] { return Slot(i.c); };
  Cell result{0};
  switch (i.op) {
    case Op::kNegInteger:
      result.i = te::Wrap(i.type, te::WrappingSub(0, a().i));
      break;
    case Op::kNegFloat:
      result.f = -a().f;
      break;
    case Op::kNot:
      result.i = a().i == 0;
      break;
    case Op::kInteger:
      result.i = te::ApplyInteger(i.kind, i.type, a().i, b().i);
      break;
    case Op::kFloat:
      result.f = te::ApplyFloat(i.kind, a().f, b().f);
      break;
    case Op::kCompareInteger:
      result.i = te::Compare(i.kind, a().i, b().i);
      break;
    case Op::kCompareFloat:
      result.i = te::Compare(i.kind, a().f, b().f);
      break;
    case Op::kSelect:
      result = a().i != 0 ? b() : c();
      break;
    case Op::kCastFloatFloat:
      result.f = te::RoundTo(i.type, a().f);
      break;
    case Op::kCastFloatInteger:
      result.i = te::CastToInteger(i.type, i.rounding, a().f);
      break;
    case Op::kCastIntegerInteger:
      result.i = te::CastInteger(i.type, a().i);
      break;
    case Op::kCastIntegerFloat:
      result.f = te::CastToFloat(i.type, a().i);
      break;
    case Op::kCall:
      result.f = te::ApplyFunction(i.function, a().f, i.b < 0 ? 0 : b().f, i.c < 0 ? 0 : c().f);
      break;
    case Op::kBits: {
      int64_t bits = te::IsFloat(i.from) ? te::BitsOf(i.from, a().f) : a().i;
      if (te::IsFloat(i.type)) {
        result.f = te::FloatOfBits(i.type, bits);
      } else {
        result.i = te::Wrap(i.type, bits);
      }
      break;
    }
    default:
      break;
  }
  Slot(i.dst) = result;
}

Status Machine::CheckInside(const Instruction& i, int buffer, int64_t index, int64_t elements,
                            const char* does) const {
  const Buffer& b = world_->function.buffers[static_cast<size_t>(buffer)];
  Memory* memory = live_[static_cast<size_t>(buffer)];
  if (memory == nullptr || !memory->alive) {
    return Wrong(i, std::string(does) + " '" + b.name + "' outside its life");
  }
  if (elements < 0) return Wrong(i, "copies a negative number of elements");
  if (index < 0 || index > b.elements - elements) {
    return Wrong(i, std::string(does) + " " + b.name + "[" + std::to_string(index) + "], but '" + b.name +
                        "' has " + std::to_string(b.elements) + " elements");
  }
  return absl::OkStatus();
}

Status Machine::CheckPending(const Instruction& i, const Memory* memory, int64_t index, int64_t elements,
                             bool store) {
  for (const World::PendingCopy& copy : world_->pending) {
    auto overlaps = [&](const Memory* other, int64_t first) {
      return memory == other && index < first + copy.elements && first < index + elements;
    };
    if (overlaps(copy.to, copy.to_index) || (store && overlaps(copy.from, copy.from_index))) {
      return Wrong(i, "touches what an asynchronous copy that has not been waited for " +
                          std::string(overlaps(copy.to, copy.to_index) ? "writes" : "reads"));
    }
  }
  return absl::OkStatus();
}

Status Machine::Touch(const Instruction& i, int buffer, int64_t index, bool store) {
  Memory* memory = live_[static_cast<size_t>(buffer)];
  if (world_->observe) world_->observe(buffer, index, store);
  if (!world_->code.concurrent) return absl::OkStatus();
  if (!world_->pending.empty()) TS_RETURN_IF_ERROR(CheckPending(i, memory, index, 1, store));
  if (memory->Races(index, store, {task_, i.reduces, world_->now}, world_->tasks, clock_)) {
    const std::string& name = world_->function.buffers[static_cast<size_t>(buffer)].name;
    return Wrong(i, "race: " + name + "[" + std::to_string(index) +
                        "] is touched by two concurrent iterations or roles, and written by one");
  }
  return absl::OkStatus();
}

Status Machine::Load(const Instruction& i) {
  if (i.b >= 0 && Slot(i.b).i == 0) {
    Slot(i.dst) = Slot(i.c);
    return absl::OkStatus();
  }
  int64_t index = Slot(i.a).i;
  TS_RETURN_IF_ERROR(CheckInside(i, i.buffer, index, 1, "reads"));
  TS_RETURN_IF_ERROR(Touch(i, i.buffer, index, false));
  const Memory& memory = *live_[static_cast<size_t>(i.buffer)];
  if (!memory.defined[static_cast<size_t>(index)]) {
    const std::string& name = world_->function.buffers[static_cast<size_t>(i.buffer)].name;
    return Wrong(i, "reads " + name + "[" + std::to_string(index) + "], which is undefined");
  }
  Slot(i.dst) = memory.cells[static_cast<size_t>(index)];
  return absl::OkStatus();
}

Status Machine::Store(const Instruction& i) {
  const Buffer& b = world_->function.buffers[static_cast<size_t>(i.buffer)];
  int64_t index = Slot(i.a).i;
  TS_RETURN_IF_ERROR(CheckInside(i, i.buffer, index, 1, "stores to"));
  if (b.scope == Scope::kParameter && !b.written) {
    return Wrong(i, "stores to '" + b.name + "', which is only read");
  }
  TS_RETURN_IF_ERROR(Touch(i, i.buffer, index, true));
  Memory& memory = *live_[static_cast<size_t>(i.buffer)];
  Cell& cell = memory.cells[static_cast<size_t>(index)];
  if (te::IsFloat(b.dtype)) {
    cell.f = te::RoundTo(b.dtype, Slot(i.b).f);
  } else {
    cell.i = te::Wrap(b.dtype, Slot(i.b).i);
  }
  memory.defined[static_cast<size_t>(index)] = 1;
  return absl::OkStatus();
}

void Machine::BeginLoop(const Instruction& i) {
  Frame frame{pc_, Slot(i.a).i, Slot(i.b).i, 0, 0, 1, task_, 0, world_->pending.size()};
  if (frame.extent <= 0) {
    pc_ = i.target;
    return;
  }
  if (IsConcurrent(i.loop)) {
    frame.instance = world_->tasks.NewInstance();
    if (i.loop != LoopKind::kVector) {
      frame.start = frame.extent - 1;
      frame.step = StepThrough(frame.extent);
    }
  }
  frames_.push_back(frame);
  BeginIteration(&frames_.back());
}

void Machine::BeginIteration(Frame* frame) {
  const Instruction& loop = At(frame->head);
  Slot(loop.dst).i = frame->begin + (frame->start + frame->position * frame->step) % frame->extent;
  if (IsConcurrent(loop.loop)) {
    task_ = world_->tasks.Add(frame->task_outside, frame->instance, loop.loop == LoopKind::kVector, false);
  }
  pc_ = frame->head + 1;
}

Status Machine::Next(const Instruction& i) {
  Frame& frame = frames_.back();
  const Instruction& loop = At(i.target);
  if (loop.loop == LoopKind::kParallel || loop.loop == LoopKind::kBound) {
    if (world_->pending.size() > frame.pending_before) {
      return Wrong(*world_->pending.back().instruction, "is never waited for in its iteration");
    }
    // Each iteration counts events for itself.
    for (auto& firings : world_->fired) {
      std::erase_if(firings,
                    [&](const World::Firing& firing) { return world_->tasks.IsWithin(firing.task, task_); });
    }
  }
  if (++frame.position < frame.extent) {
    BeginIteration(&frame);
    return absl::OkStatus();
  }
  task_ = frame.task_outside;
  frames_.pop_back();
  pc_ = loop.target;
  return absl::OkStatus();
}

World::Firing Machine::FiringNow() const {
  World::Firing firing{task_, clock_};
  if (role_ >= 0) firing.clock[role_] = world_->now;
  return firing;
}

Status Machine::StartCopy(const Instruction& i) {
  int64_t to = Slot(i.a).i, from = Slot(i.b).i, elements = Slot(i.c).i;
  TS_RETURN_IF_ERROR(CheckInside(i, i.buffer, to, elements, "copies to"));
  TS_RETURN_IF_ERROR(CheckInside(i, i.source, from, elements, "copies from"));
  const Buffer& b = world_->function.buffers[static_cast<size_t>(i.buffer)];
  if (b.scope == Scope::kParameter && !b.written) {
    return Wrong(i, "copies to '" + b.name + "', which is only read");
  }
  Memory* target = live_[static_cast<size_t>(i.buffer)];
  Memory* source = live_[static_cast<size_t>(i.source)];
  TS_RETURN_IF_ERROR(CheckPending(i, target, to, elements, true));
  TS_RETURN_IF_ERROR(CheckPending(i, source, from, elements, false));
  for (int64_t n = 0; n < elements; ++n) {
    TS_RETURN_IF_ERROR(Touch(i, i.source, from + n, false));
    TS_RETURN_IF_ERROR(Touch(i, i.buffer, to + n, true));
  }
  world_->pending.push_back({&i, target, source, to, from, elements, FiringNow()});
  ++world_->now;
  return absl::OkStatus();
}

void Machine::Finish(const World::PendingCopy& copy) {
  for (int64_t n = 0; n < copy.elements; ++n) {
    size_t to = static_cast<size_t>(copy.to_index + n), from = static_cast<size_t>(copy.from_index + n);
    copy.to->cells[to] = copy.from->cells[from];
    copy.to->defined[to] = copy.from->defined[from];
  }
  world_->fired[static_cast<size_t>(copy.instruction->event)].push_back(copy.firing);
}

bool Machine::Waits(const Instruction& i) {
  auto& fired = world_->fired[static_cast<size_t>(i.event)];
  size_t times = static_cast<size_t>(std::max<int64_t>(Slot(i.a).i, 0));
  for (size_t n = 0; n < world_->pending.size() && fired.size() < times;) {
    if (world_->pending[n].instruction->event != i.event) {
      ++n;
      continue;
    }
    World::PendingCopy copy = std::move(world_->pending[n]);
    world_->pending.erase(world_->pending.begin() + static_cast<ptrdiff_t>(n));
    Finish(copy);
  }
  if (fired.size() < times) return true;
  for (size_t n = 0; n < times; ++n) {
    for (const auto& [role, moment] : fired[n].clock) {
      int64_t& known = clock_[role];
      known = std::max(known, moment);
    }
  }
  return false;
}

void Machine::BeginRoles(const Instruction& i) {
  int instance = world_->tasks.NewInstance();
  for (int n = 0; n < i.count; ++n) {
    auto role = std::make_unique<Machine>(world_, live_);
    role->slots_ = slots_;
    role->clock_ = clock_;
    role->task_ = role->role_ = world_->tasks.Add(task_, instance, false, true);
    role->clock_[role->role_] = -1;
    role->pc_ = At(pc_ + 1 + n).target;
    role->frames_ = frames_;  // for messages; the role leaves them alone
    roles_.push_back(std::move(role));
  }
  after_roles_ = i.target;
  if (roles_.empty()) pc_ = i.target;
}

Result<Machine::State> Machine::RunRoles() {
  bool progress = true;
  while (progress && !roles_.empty()) {
    progress = false;
    for (size_t n = 0; n < roles_.size();) {
      int before = roles_[n]->pc_;
      size_t firings = 0;
      for (const auto& fired : world_->fired) firings += fired.size();
      TS_ASSIGN_OR_RETURN(State state, roles_[n]->Run());
      if (state == State::kDone) {
        roles_.erase(roles_.begin() + static_cast<ptrdiff_t>(n));
        progress = true;
        continue;
      }
      size_t firings_now = 0;
      for (const auto& fired : world_->fired) firings_now += fired.size();
      progress |= roles_[n]->pc_ != before || firings_now != firings;
      ++n;
    }
  }
  if (!roles_.empty()) return State::kBlocked;
  pc_ = after_roles_;
  return State::kDone;
}

Status Machine::Free(const Instruction& i) {
  Memory* memory = live_[static_cast<size_t>(i.buffer)];
  for (const World::PendingCopy& copy : world_->pending) {
    if (copy.to == memory || copy.from == memory) {
      return Wrong(*copy.instruction, "is still under way when the life of '" +
                                          world_->function.buffers[static_cast<size_t>(i.buffer)].name +
                                          "' ends");
    }
  }
  memory->alive = false;
  return absl::OkStatus();
}

}  // namespace tunesmith::ir::interpret
