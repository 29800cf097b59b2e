// SPDX-License-Identifier: Apache-2.0
#include "te/interpret.h"

#include <new>

#include "te/evaluation.h"

namespace tunesmith::te {
namespace {

Value OutputOf(const Evaluation& evaluation, const Tensor& tensor, int id) {
  Value value(tensor.dtype, tensor.shape);
  bool is_float = IsFloat(tensor.dtype);
  for (int64_t i = 0; i < value.elements(); ++i) {
    Expected element = evaluation.At(id, i);
    if (is_float) {
      value.Store(i, element.value);
    } else {
      value.StoreInteger(i, element.integer);
    }
  }
  return value;
}

Status OutOfMemory() {
  return absl::ResourceExhaustedError("the outputs do not fit in memory: use smaller extents");
}

}  // namespace

Result<std::vector<Value>> Interpret(const Graph& graph, const std::vector<Value>& inputs) try {
  TS_ASSIGN_OR_RETURN(auto evaluation, Evaluation::Create(graph, inputs, nullptr));
  evaluation->ComputeAll();
  std::vector<Value> outputs;
  for (int id : graph.Outputs()) {
    outputs.push_back(OutputOf(*evaluation, graph.tensors[static_cast<size_t>(id)], id));
  }
  return outputs;
} catch (const std::bad_alloc&) {
  return OutOfMemory();
}

Expected BoundedValue::At(int64_t index) const {
  Expected expected;
  expected.value = value.Load(index);
  if (!IsFloat(value.dtype())) expected.integer = value.LoadInteger(index);
  expected.bound = bounds[static_cast<size_t>(index)];
  return expected;
}

Result<std::vector<BoundedValue>> InterpretBounded(const Graph& graph, const std::vector<Value>& inputs,
                                                   const Tolerance& tolerance) try {
  TS_ASSIGN_OR_RETURN(auto evaluation, Evaluation::Create(graph, inputs, &tolerance));
  evaluation->ComputeAll();
  std::vector<BoundedValue> outputs;
  for (int id : graph.Outputs()) {
    BoundedValue output;
    output.value = OutputOf(*evaluation, graph.tensors[static_cast<size_t>(id)], id);
    for (int64_t i = 0; i < output.value.elements(); ++i) {
      output.bounds.push_back(evaluation->At(id, i).bound);
    }
    outputs.push_back(std::move(output));
  }
  return outputs;
} catch (const std::bad_alloc&) {
  return OutOfMemory();
}

class ElementEvaluator::State {
 public:
  explicit State(const Graph& graph) : graph(graph), outputs(graph.Outputs()) {}

  Graph graph;
  std::vector<int> outputs;
  std::unique_ptr<Evaluation> evaluation;
};

ElementEvaluator::ElementEvaluator(std::unique_ptr<State> state) : state_(std::move(state)) {}
ElementEvaluator::ElementEvaluator(ElementEvaluator&&) noexcept = default;
ElementEvaluator& ElementEvaluator::operator=(ElementEvaluator&&) noexcept = default;
ElementEvaluator::~ElementEvaluator() = default;

Result<ElementEvaluator> ElementEvaluator::Create(const Graph& graph, const std::vector<Value>& inputs,
                                                  const Tolerance& tolerance) {
  auto state = std::make_unique<State>(graph);
  TS_ASSIGN_OR_RETURN(state->evaluation, Evaluation::Create(state->graph, inputs, &tolerance));
  return ElementEvaluator(std::move(state));
}

Expected ElementEvaluator::Evaluate(int output, int64_t index) { return Evaluate(output, index, 1).front(); }

std::vector<Expected> ElementEvaluator::Evaluate(int output, int64_t first, int64_t count) {
  int tensor = state_->outputs[static_cast<size_t>(output)];
  state_->evaluation->Supply(tensor, first, 1, count);
  std::vector<Expected> elements;
  for (int64_t i = 0; i < count; ++i) elements.push_back(state_->evaluation->At(tensor, first + i));
  return elements;
}

}  // namespace tunesmith::te
