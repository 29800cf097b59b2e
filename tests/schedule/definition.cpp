// SPDX-License-Identifier: Apache-2.0
#include "tests/schedule/definition.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "codegen/llvm/compile.h"
#include "ir/interpret.h"
#include "ir/lower.h"
#include "support/strings.h"
#include "tests/codegen/running.h"

namespace tunesmith::schedule::testing {
namespace {

te::Tolerance ToleranceFor(te::InputKind kind) { return {te::ErrorModelFor(kind), 1}; }

std::vector<te::BoundedValue> Evaluate(const te::Graph& graph, te::InputKind kind,
                                       const std::vector<te::Value>& inputs) {
  auto values = te::InterpretBounded(graph, inputs, ToleranceFor(kind));
  EXPECT_TRUE(values.ok()) << MessageOf(values.status()) << "\n" << te::ToString(graph);
  return values.ok() ? *std::move(values) : std::vector<te::BoundedValue>();
}

/// Adds what the function writes: every bit pattern there is one that no kernel should leave.
void AddWritten(const ir::Function& function, std::vector<te::Value>* values) {
  size_t count = 0;
  for (const ir::Buffer& b : function.buffers) count += b.parameter >= 0;
  values->resize(count);
  for (const ir::Buffer& b : function.buffers) {
    if (b.parameter < 0 || !b.written) continue;
    te::Value value(b.dtype, {b.elements});
    std::fill_n(value.data(), value.size_in_bytes(),
                static_cast<uint8_t>(b.dtype == te::DType::kBool ? 1 : 0x7B));
    (*values)[static_cast<size_t>(b.parameter)] = std::move(value);
  }
}

}  // namespace

Result<std::vector<te::Value>> RunCompiled(const ir::Program& program, const codegen::Target& target,
                                           const std::vector<te::Value>& inputs,
                                           const std::vector<int>& weights) {
  constexpr int kThreads = 2;
  TS_ASSIGN_OR_RETURN(codegen::Kernel kernel, codegen::Compile(program, target));
  std::vector<te::Value> values = inputs;
  if (program.pack.body != nullptr) {
    std::vector<te::Value> packing;
    for (int w : weights) packing.push_back(inputs[static_cast<size_t>(w)]);
    AddWritten(program.pack, &packing);
    TS_RETURN_IF_ERROR(codegen::testing::RunImage(kernel.image, kernel.image.pack_offset,
                                                  kernel.pack_workspace, program.pack, &packing, kThreads));
    for (size_t n = 0; n < program.packed.size(); ++n)
      values[static_cast<size_t>(program.packed[n])] = packing[weights.size() + n];
  }
  AddWritten(program.main, &values);
  TS_RETURN_IF_ERROR(codegen::testing::RunImage(kernel.image, kernel.image.main_offset, kernel.main_workspace,
                                                program.main, &values, kThreads));
  return values;
}

Definition::Definition(te::Graph graph, te::InputKind kind, uint64_t seed)
    : graph_(std::move(graph)), inputs_(te::GenerateInputs(kind, seed, graph_)) {
  std::vector<int> parameters = graph_.Parameters();
  for (size_t p = 0; p < parameters.size(); ++p) {
    if (graph_.tensors[static_cast<size_t>(parameters[p])].role == te::Role::kWeight)
      weights_.push_back(static_cast<int>(p));
  }
  expected_ = Evaluate(graph_, kind, inputs_);
}

std::string Definition::Compare(const std::vector<te::Value>& outputs) const {
  if (outputs.size() != expected_.size()) return StrCat(outputs.size(), " outputs");
  std::vector<int> tensors = graph_.Outputs();
  for (size_t o = 0; o < outputs.size(); ++o) {
    const te::Tensor& tensor = graph_.tensors[static_cast<size_t>(tensors[o])];
    if (outputs[o].elements() != tensor.elements())
      return StrCat(tensor.name, " has ", outputs[o].elements(), " elements");
    for (int64_t n = 0; n < tensor.elements(); ++n) {
      te::Expected want = expected_[o].At(n);
      if (!te::Accepts(want, tensor.dtype, outputs[o].data() + n * te::SizeOf(tensor.dtype))) {
        return StrCat(tensor.name, " at ", n, " is ", outputs[o].Load(n), ", not ",
                      te::ToString(want, tensor.dtype));
      }
    }
  }
  return "";
}

std::string Definition::DifferenceOf(const ir::Program& program) const {
  auto outputs = ir::Interpret(program, inputs_, weights_);
  std::string wrong = outputs.ok() ? Compare(*outputs) : std::string(MessageOf(outputs.status()));
  return wrong.empty() ? "" : StrCat(wrong, "\n", ir::ToString(program));
}

std::string Definition::DifferenceOf(const ir::Program& program, const codegen::Target& target) const {
  auto values = RunCompiled(program, target, inputs_, weights_);
  std::string wrong;
  if (values.ok()) {
    values->erase(values->begin(), values->begin() + static_cast<ptrdiff_t>(inputs_.size()));
    wrong = Compare(*values);
  } else {
    wrong = MessageOf(values.status());
  }
  return wrong.empty() ? "" : StrCat("compiled for ", target.name, ": ", wrong, "\n", ir::ToString(program));
}

std::string Definition::DifferenceOf(const Plan& plan) const {
  auto program = ir::Lower(plan);
  std::string wrong = program.ok() ? DifferenceOf(*program) : std::string(MessageOf(program.status()));
  return wrong.empty() ? "" : StrCat(wrong, "\n", ToString(plan));
}

}  // namespace tunesmith::schedule::testing
