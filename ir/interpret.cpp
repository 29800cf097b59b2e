// SPDX-License-Identifier: Apache-2.0
#include "ir/interpret.h"

#include <algorithm>
#include <limits>
#include <string>
#include <utility>

#include "ir/interpret_machine.h"

namespace tunesmith::ir {
namespace {

using interpret::Machine;
using interpret::Memory;
using interpret::World;
using te::Value;

// 24 bytes and up for each; what is interpreted is small.
constexpr int64_t kMostElements = int64_t{1} << 27;

Status CheckSizes(const Function& f, const std::vector<Value>& parameters) {
  int64_t total = 0;
  std::vector<bool> bound(parameters.size());
  for (const Buffer& b : f.buffers) {
    if (b.elements < 0 || b.elements > kMostElements || (total += b.elements) > kMostElements) {
      return Invalid(f.name + ": '" + b.name +
                     "' is too large to be interpreted; interpret a smaller workload");
    }
    if (b.scope != Scope::kParameter) continue;
    size_t position = static_cast<size_t>(b.parameter);
    if (b.parameter < 0 || position >= parameters.size()) {
      return Invalid(f.name + ": '" + b.name + "' is parameter " + std::to_string(b.parameter) + ", but " +
                     std::to_string(parameters.size()) + " values are given");
    }
    if (bound[position]) {
      return Invalid(f.name + ": '" + b.name + "' is parameter " + std::to_string(b.parameter) +
                     ", as another buffer is");
    }
    bound[position] = true;
    const Value& value = parameters[position];
    if (value.dtype() != b.dtype || value.elements() != b.elements) {
      return Invalid(f.name + ": '" + b.name + "' has " + std::to_string(b.elements) + " elements of type " +
                     std::string(te::NameOf(b.dtype)) + ", but the value given has " +
                     std::to_string(value.elements()) + " of type " + std::string(te::NameOf(value.dtype())));
    }
  }
  return absl::OkStatus();
}

/// What becomes of the elements of a written parameter that the function never stores to.
enum class Unstored { kKeep, kPoison, kRefuse };

/// A value that spoils what is computed from it.
void Poison(int64_t element, Value* value) {
  if (te::IsFloat(value->dtype())) {
    value->Store(element, std::numeric_limits<double>::quiet_NaN());
  } else {
    value->StoreInteger(element, te::LowestInteger(value->dtype()) + 85);
  }
}

/// As Interpret.
Status Run(const Function& f, std::vector<Value>* parameters, const Observer& observe, Unstored unstored) {
  TS_RETURN_IF_ERROR(CheckSizes(f, *parameters));
  TS_ASSIGN_OR_RETURN(interpret::Code code, interpret::Compile(f));
  World world(f, code, observe);
  world.fired.resize(f.events.size());
  std::vector<Memory*> live(f.buffers.size(), nullptr);
  for (size_t n = 0; n < f.buffers.size(); ++n) {
    const Buffer& b = f.buffers[n];
    if (b.scope != Scope::kParameter && b.scope != Scope::kWorkspace) continue;
    world.memories.push_back(std::make_unique<Memory>());
    Memory& memory = *(live[n] = world.memories.back().get());
    bool given = b.scope == Scope::kParameter && !b.written;
    memory.Start(b.elements, given, code.concurrent);
    if (!given) continue;
    const Value& value = (*parameters)[static_cast<size_t>(b.parameter)];
    for (int64_t e = 0; e < b.elements; ++e) {
      interpret::Cell& cell = memory.cells[static_cast<size_t>(e)];
      if (te::IsFloat(b.dtype)) {
        cell.f = value.Load(e);
      } else {
        cell.i = value.LoadInteger(e);
      }
    }
  }
  Machine machine(&world, live);
  TS_ASSIGN_OR_RETURN(Machine::State state, machine.Run());
  if (state == Machine::State::kBlocked) {
    return Invalid(f.name + ": " + machine.Waiting() +
                   ": waits forever; nothing is left that fires the event");
  }
  if (!world.pending.empty()) {
    const StmtNode& copy = *code.statements[static_cast<size_t>(world.pending[0].instruction->statement)];
    return Invalid(f.name + ": " + ToString(f, copy) + ": is never waited for");
  }
  for (size_t n = 0; n < f.buffers.size(); ++n) {
    const Buffer& b = f.buffers[n];
    if (b.scope != Scope::kParameter || !b.written) continue;
    const Memory& memory = *live[n];
    Value& value = (*parameters)[static_cast<size_t>(b.parameter)];
    for (int64_t e = 0; e < b.elements; ++e) {
      if (!memory.defined[static_cast<size_t>(e)]) {
        if (unstored == Unstored::kRefuse) {
          return Invalid(f.name + ": " + b.name + "[" + std::to_string(e) + "] is never stored to");
        }
        if (unstored == Unstored::kPoison) Poison(e, &value);
        continue;
      }
      const interpret::Cell& cell = memory.cells[static_cast<size_t>(e)];
      if (te::IsFloat(b.dtype)) {
        value.Store(e, cell.f);
      } else {
        value.StoreInteger(e, cell.i);
      }
    }
  }
  return absl::OkStatus();
}

int ParametersOf(const Function& f) {
  int count = 0;
  for (const Buffer& b : f.buffers) count += b.scope == Scope::kParameter;
  return count;
}

/// Fills in values for the parameters from `first` on.
void AddValues(const Function& f, size_t first, std::vector<Value>* values) {
  values->resize(static_cast<size_t>(ParametersOf(f)));
  for (const Buffer& b : f.buffers) {
    if (b.scope != Scope::kParameter || b.parameter < 0) continue;
    size_t position = static_cast<size_t>(b.parameter);
    if (position >= first && position < values->size() && b.elements >= 0 && b.elements <= kMostElements) {
      (*values)[position] = Value(b.dtype, {b.elements});
    }
  }
}

}  // namespace

Status Interpret(const Function& function, std::vector<Value>* parameters, const Observer& observe) {
  return Run(function, parameters, observe, Unstored::kKeep);
}

Result<std::vector<Value>> Interpret(const Program& program, const std::vector<Value>& parameters,
                                     const std::vector<int>& weights) {
  std::vector<Value> values = parameters;
  if (program.pack.body != nullptr) {
    std::vector<Value> packing;
    for (int w : weights) {
      if (w < 0 || static_cast<size_t>(w) >= parameters.size()) {
        return Invalid("there is no parameter " + std::to_string(w) + " that could be a weight");
      }
      packing.push_back(parameters[static_cast<size_t>(w)]);
    }
    AddValues(program.pack, weights.size(), &packing);
    TS_RETURN_IF_ERROR(Run(program.pack, &packing, nullptr, Unstored::kPoison));
    for (size_t n = 0; n < program.packed.size(); ++n) {
      size_t position = static_cast<size_t>(program.packed[n]);
      if (program.packed[n] < 0 || position >= values.size() || weights.size() + n >= packing.size()) {
        return Invalid("packed buffer " + std::to_string(n) + " has no place among the parameters of " +
                       program.main.name);
      }
      values[position] = packing[weights.size() + n];
    }
  }
  AddValues(program.main, parameters.size(), &values);
  TS_RETURN_IF_ERROR(Run(program.main, &values, nullptr, Unstored::kRefuse));
  return std::vector<Value>(
      values.begin() + static_cast<ptrdiff_t>(std::min(parameters.size(), values.size())), values.end());
}

}  // namespace tunesmith::ir
