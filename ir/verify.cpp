// SPDX-License-Identifier: Apache-2.0
#include "ir/verify.h"

#include <algorithm>
#include <utility>

#include "ir/accesses.h"
#include "ir/simplify_stmt.h"
#include "ir/types.h"
#include "ir/verifier.h"
#include "ir/verify_events.h"
#include "support/strings.h"

namespace tunesmith::ir {

Status Verifier::Run() {
  TS_RETURN_IF_ERROR(CheckBuffers());
  if (f_.body == nullptr) return absl::OkStatus();
  CollectStored(f_.body);
  TS_RETURN_IF_ERROR(Visit(f_.body));
  return f_.events.empty() ? absl::OkStatus() : VerifyEvents(f_);
}

void Verifier::CollectStored(const Stmt& s) {
  if (s == nullptr) return;
  if ((s->kind == StmtKind::kStore || s->kind == StmtKind::kCopy) && s->buffer >= 0 &&
      static_cast<size_t>(s->buffer) < buffers_.size()) {
    StateOf(s->buffer).is_stored_to = true;
  }
  for (const Stmt& child : s->body) CollectStored(child);
}

void Verifier::Changed() {
  algebra_.Reset();
  context_ = nullptr;
}

std::shared_ptr<KnownRanges> Verifier::KnownHere() {
  if (context_ == nullptr) context_ = std::make_shared<KnownRanges>(ranges_);
  return context_;
}

Status Verifier::Visit(const Stmt& s) {
  statement_ = s.get();
  visited_.clear();
  TS_RETURN_IF_ERROR(CheckNumbers(*s));
  switch (s->kind) {
    case StmtKind::kSeq:
    case StmtKind::kRoles:
      for (const Stmt& child : s->body) TS_RETURN_IF_ERROR(Visit(child));
      return absl::OkStatus();
    case StmtKind::kFor:
      return VisitLoop(*s);
    case StmtKind::kIf:
      return VisitChoice(*s);
    case StmtKind::kStore:
      return VisitStore(*s);
    case StmtKind::kAlloc:
      return VisitAlloc(*s);
    case StmtKind::kPrefetch:
      TS_RETURN_IF_ERROR(CheckType(s->index, DType::kI64));
      TS_RETURN_IF_ERROR(CheckAlive(s->buffer));
      return VisitExpression(s->index);
    case StmtKind::kCopy:
      return VisitCopy(*s);
    case StmtKind::kWait:
      TS_RETURN_IF_ERROR(CheckType(s->extent, DType::kI64));
      return VisitExpression(s->extent);
    case StmtKind::kSignal:
      return absl::OkStatus();
  }
  return absl::OkStatus();
}

Status Verifier::VisitLoop(const StmtNode& s) {
  TS_RETURN_IF_ERROR(CheckType(s.begin, DType::kI64));
  TS_RETURN_IF_ERROR(CheckType(s.extent, DType::kI64));
  TS_RETURN_IF_ERROR(VisitExpression(s.begin));
  TS_RETURN_IF_ERROR(VisitExpression(s.extent));
  TS_RETURN_IF_ERROR(CheckLoopKind(s));
  Expr begin = algebra_.Simplified(s.begin), extent = algebra_.Simplified(s.extent);
  Loop loop{&s, {}, accesses_.size(), {}};
  if (IsConcurrent(s.loop)) {
    loop.outside.resize(variables_.size() + 1);  // and the elements of copies
    for (size_t v = 0; v < variables_.size(); ++v) loop.outside[v] = variables_[v].in_scope;
  }
  size_t mark = EnterLoop(s.var, begin, extent, &ranges_);
  loop.range = ranges_.Get(s.var).value_or(
      Interval{std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max()});
  Changed();
  variables_[static_cast<size_t>(s.var)] = {true, true, s.loop, loops_.size()};
  loops_.push_back(std::move(loop));
  concurrent_ += IsConcurrent(s.loop);
  bool never = extent->kind == te::ExprKind::kInt && extent->integer <= 0;
  never_ += never;
  TS_RETURN_IF_ERROR(Visit(s.body[0]));
  never_ -= never;
  if (IsConcurrent(s.loop)) TS_RETURN_IF_ERROR(CheckRaces(loops_.back()));
  concurrent_ -= IsConcurrent(s.loop);
  if (concurrent_ == 0) accesses_.clear();
  loops_.pop_back();
  variables_[static_cast<size_t>(s.var)].in_scope = false;
  LeaveLoop(s.var, mark, &ranges_);
  Changed();
  return absl::OkStatus();
}

Status Verifier::VisitChoice(const StmtNode& s) {
  TS_RETURN_IF_ERROR(CheckType(s.condition, DType::kBool));
  TS_RETURN_IF_ERROR(VisitExpression(s.condition));
  // Each branch begins with what was stored before; what either stores is there afterwards: a read that both
  // might feed has the same condition.
  std::vector<BufferState> before = buffers_, after = buffers_;
  for (size_t n = 0; n < s.body.size(); ++n) {
    buffers_ = before;
    Expr condition = algebra_.Simplified(n == 0 ? s.condition : Negation(s.condition));
    size_t mark = ranges_.AssumeSimplified(condition);
    Changed();
    never_ += te::IsConstant(condition, 0);
    TS_RETURN_IF_ERROR(Visit(s.body[n]));
    never_ -= te::IsConstant(condition, 0);
    ranges_.Forget(mark);
    Changed();
    for (size_t b = 0; b < buffers_.size(); ++b) {
      after[b].has_content = after[b].has_content || buffers_[b].has_content;
    }
  }
  buffers_ = std::move(after);
  return absl::OkStatus();
}

Status Verifier::VisitStore(const StmtNode& s) {
  TS_RETURN_IF_ERROR(CheckType(s.index, DType::kI64));
  TS_RETURN_IF_ERROR(CheckType(s.value, At(s.buffer).dtype));
  reduced_ = ReducedRead(s);
  bool reduces = reduced_ != nullptr;
  TS_RETURN_IF_ERROR(VisitExpression(s.index));
  TS_RETURN_IF_ERROR(VisitExpression(s.value));
  reduced_ = nullptr;
  TS_RETURN_IF_ERROR(CheckWritten(s.buffer));
  TS_RETURN_IF_ERROR(Access(s.buffer, s.index, nullptr, true, reduces));
  StateOf(s.buffer).has_content = true;
  return absl::OkStatus();
}

Status Verifier::VisitAlloc(const StmtNode& s) {
  const Buffer& b = At(s.buffer);
  if (b.scope == Scope::kParameter || b.scope == Scope::kWorkspace) {
    return Broken("scopes", StrCat("'", b.name, "' is given by the caller and cannot be allocated"));
  }
  BufferState& state = StateOf(s.buffer);
  if (state.alive) return Broken("scopes", StrCat("'", b.name, "' is allocated already"));
  state.alive = true;
  state.has_content = false;
  state.depth = loops_.size();
  TS_RETURN_IF_ERROR(Visit(s.body[0]));
  StateOf(s.buffer).alive = false;
  return absl::OkStatus();
}

Status Verifier::VisitCopy(const StmtNode& s) {
  for (const Expr& e : {s.index, s.value, s.extent}) {
    TS_RETURN_IF_ERROR(CheckType(e, DType::kI64));
    TS_RETURN_IF_ERROR(VisitExpression(e));
  }
  if (At(s.buffer).dtype != At(s.source).dtype) {
    return Broken("types", "copies between buffers of different types");
  }
  TS_RETURN_IF_ERROR(CheckWritten(s.buffer));
  TS_RETURN_IF_ERROR(CheckContent(s.source));
  if (!algebra_.NonNegative(algebra_.Normal(s.extent))) {
    return Broken("bounds", "may copy a negative number of elements");
  }
  TS_RETURN_IF_ERROR(Access(s.source, s.value, s.extent, false, false));
  TS_RETURN_IF_ERROR(Access(s.buffer, s.index, s.extent, true, false));
  StateOf(s.buffer).has_content = true;
  return absl::OkStatus();
}

Status Verifier::VisitExpression(const Expr& e) {
  if (e->args.empty() && e->kind == te::ExprKind::kVar) return CheckVariable(*e);
  if (e.use_count() > 1 && !visited_.insert(e.get()).second) return absl::OkStatus();
  if (std::string wrong = TypeErrorOf(*e, f_.buffers); !wrong.empty()) return Broken("types", wrong);
  for (const Expr& a : e->args) TS_RETURN_IF_ERROR(VisitExpression(a));
  return e->kind == te::ExprKind::kRead ? VisitRead(e) : absl::OkStatus();
}

Status Verifier::VisitRead(const Expr& e) {
  TS_RETURN_IF_ERROR(CheckContent(e->id));
  bool reduces = e.get() == reduced_;
  if (!e->guarded) return Access(e->id, e->args[0], nullptr, false, reduces);
  Expr guard = algebra_.Simplified(e->args[1]);
  if (te::IsConstant(guard, 0)) return CheckAlive(e->id);  // memory is not touched
  std::shared_ptr<KnownRanges> outside = std::move(context_);
  context_ = nullptr;
  Status status = algebra_.Under(guard, [&] { return Access(e->id, e->args[0], nullptr, false, reduces); });
  context_ = std::move(outside);
  return status;
}

/// An access at `index`, or, if `count` is not null, at that many elements from there.
Status Verifier::Access(int buffer, const Expr& index, const Expr& count, bool store, bool reduces) {
  TS_RETURN_IF_ERROR(CheckAlive(buffer));
  if (never_ > 0) return absl::OkStatus();
  Linear first = algebra_.Normal(index);
  Linear last = first;
  if (count != nullptr)
    last = AddScaled(AddScaled(first, algebra_.Normal(count), 1), Linear::Constant(-1), 1);
  TS_RETURN_IF_ERROR(CheckBounds(buffer, first, last));
  TS_RETURN_IF_ERROR(CheckRegister(buffer, first));
  if (concurrent_ == 0 || !StateOf(buffer).is_stored_to) return absl::OkStatus();
  BufferAccess access{statement_, buffer, store, reduces, first, KnownHere()};
  if (count != nullptr) {
    // The elements copied are those of one more loop, whose variable is a number that no other has.
    auto context = std::make_shared<KnownRanges>(ranges_);
    int element = static_cast<int>(variables_.size());
    EnterLoop(element, te::Int(0), algebra_.Simplified(count), &context->ranges);
    access.context = std::move(context);
    access.index = AddScaled(first, Linear::Variable(element), 1);
  }
  accesses_.push_back(std::move(access));
  return absl::OkStatus();
}

Status Verify(const Function& function) { return Verifier(function).Run(); }

Status Verify(const Program& program) {
  if (program.pack.body != nullptr) TS_RETURN_IF_ERROR(Verify(program.pack));
  TS_RETURN_IF_ERROR(Verify(program.main));
  // types: what pack writes is what main reads in the packed weights' places.
  std::vector<const Buffer*> written(program.pack.buffers.size(), nullptr);
  for (const Buffer& b : program.pack.buffers) {
    if (b.scope == Scope::kParameter && b.written) written[static_cast<size_t>(b.parameter)] = &b;
  }
  std::erase(written, nullptr);
  bool match = written.size() == program.packed.size();
  for (size_t n = 0; match && n < written.size(); ++n) {
    match = std::any_of(program.main.buffers.begin(), program.main.buffers.end(), [&](const Buffer& b) {
      return b.scope == Scope::kParameter && b.parameter == program.packed[n] && !b.written &&
             b.name == written[n]->name && b.dtype == written[n]->dtype && b.elements == written[n]->elements;
    });
  }
  if (match) return absl::OkStatus();
  return Invalid(StrCat(program.main.name, ": types: the packed weights that ", program.pack.name,
                        " writes are not those that are read"));
}

}  // namespace tunesmith::ir
