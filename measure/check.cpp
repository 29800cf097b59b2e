// SPDX-License-Identifier: Apache-2.0
#include "measure/check.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <string>
#include <utility>

#include "measure/projection.h"
#include "support/files.h"
#include "support/strings.h"
#include "support/units.h"
#include "te/interpret.h"

namespace tunesmith::measure {
namespace {

std::vector<Interface> InterfacesOf(const te::Graph& graph, const std::vector<int>& ids) {
  std::vector<Interface> interfaces;
  for (int id : ids) {
    const te::Tensor& tensor = graph.tensors[static_cast<size_t>(id)];
    interfaces.push_back({tensor.name, tensor.dtype, tensor.shape, tensor.role});
  }
  return interfaces;
}

/// How often the body of some stage is evaluated to compute everything.
double EvaluationsOf(const te::Graph& graph) {
  double total = 0;
  for (const te::Stage& stage : graph.stages) {
    double evaluations = 1;
    for (const te::Axis& axis : stage.axes) evaluations *= static_cast<double>(axis.extent);
    total += evaluations;
  }
  return total;
}

bool HasIntegerInput(const Expectation& expectation) {
  return std::any_of(expectation.parameters.begin(), expectation.parameters.end(),
                     [](const Interface& tensor) { return te::IsInteger(tensor.dtype); });
}

std::string_view NameOf(te::InputKind kind) {
  switch (kind) {
    case te::InputKind::kUniform:
      return "uniform";
    case te::InputKind::kLarge:
      return "large";
    case te::InputKind::kTiny:
      return "tiny";
    case te::InputKind::kCancelling:
      return "cancelling";
    case te::InputKind::kEqual:
      return "equal";
  }
  return "";
}

/// Everything is expected, element by element.
Status ExpectAll(const te::Graph& graph, const te::Tolerance& tolerance, InputSet* set) {
  TS_ASSIGN_OR_RETURN(const std::vector<te::BoundedValue> outputs,
                      te::InterpretBounded(graph, set->parameters, tolerance));
  for (const te::BoundedValue& output : outputs) {
    ExpectedOutput expected;
    expected.indices.resize(static_cast<size_t>(output.value.elements()));
    std::iota(expected.indices.begin(), expected.indices.end(), uint64_t{0});
    expected.elements.reserve(expected.indices.size());
    for (int64_t i = 0; i < output.value.elements(); ++i) expected.elements.push_back(output.At(i));
    set->outputs.push_back(std::move(expected));
  }
  return absl::OkStatus();
}

/// Chosen elements are expected.
Status ExpectSome(const te::Graph& graph, const te::Tolerance& tolerance, const CheckPlan& plan,
                  const std::vector<Interface>& outputs, InputSet* set) {
  double elements = 0;
  for (const Interface& output : outputs) elements += static_cast<double>(output.elements());
  const double evaluations_an_element = EvaluationsOf(graph) / std::max(elements, 1.0);
  const double affordable =
      static_cast<double>(plan.evaluations) / evaluations_an_element / static_cast<double>(outputs.size());
  const auto count = static_cast<int64_t>(std::clamp(affordable, static_cast<double>(plan.least_elements),
                                                     static_cast<double>(plan.most_elements)));
  TS_ASSIGN_OR_RETURN(te::ElementEvaluator evaluator,
                      te::ElementEvaluator::Create(graph, set->parameters, tolerance));
  for (size_t o = 0; o < outputs.size(); ++o) {
    ExpectedOutput expected;
    expected.indices = ChooseElements(outputs[o].shape, count, plan.seed + o);
    for (uint64_t index : expected.indices) {
      expected.elements.push_back(evaluator.Evaluate(static_cast<int>(o), static_cast<int64_t>(index)));
    }
    TS_ASSIGN_OR_RETURN(expected.projection,
                        Project(graph, set->parameters, expected, 8 * plan.evaluations, plan.seed));
    set->outputs.push_back(std::move(expected));
  }
  return absl::OkStatus();
}

/// The inputs of one kind and what a kernel must make of them.
Result<InputSet> SetOf(const te::Graph& graph, te::InputKind kind, const CheckPlan& plan,
                       const std::vector<Interface>& outputs) {
  InputSet set;
  set.name = NameOf(kind);
  set.parameters = te::GenerateInputs(kind, plan.seed, graph);
  const te::Tolerance tolerance{te::ErrorModelFor(kind), 1};
  if (EvaluationsOf(graph) <= static_cast<double>(plan.evaluations)) {
    TS_RETURN_IF_ERROR(ExpectAll(graph, tolerance, &set));
  } else {
    TS_RETURN_IF_ERROR(ExpectSome(graph, tolerance, plan, outputs, &set));
  }
  return set;
}

}  // namespace

Status CheckMemory(const te::Workload& workload) {
  constexpr int64_t kSets = 5;
  int64_t bytes = 0;
  for (const te::Tensor& tensor : workload.definition().tensors) {
    if (tensor.role != te::Role::kTemp) bytes += tensor.elements() * te::SizeOf(tensor.dtype);
  }
  const int64_t memory = MemoryBytes();
  if (bytes <= memory / kSets) return absl::OkStatus();
  return Invalid(StrCat("its tensors need ", FormatBytes(bytes),
                        ", and checking a kernel five times that; this machine has ", FormatBytes(memory),
                        "; bind smaller extents"));
}

Result<std::shared_ptr<const Expectation>> PrepareExpectation(const te::Workload& workload,
                                                              const CheckPlan& plan, ThreadPool* pool) {
  const te::Graph& graph = workload.definition();
  auto expectation = std::make_shared<Expectation>();
  expectation->parameters = InterfacesOf(graph, graph.Parameters());
  expectation->outputs = InterfacesOf(graph, graph.Outputs());
  TS_RETURN_IF_ERROR(CheckMemory(workload));

  const te::InputKind hostile =
      HasIntegerInput(*expectation) ? te::InputKind::kLarge : te::InputKind::kCancelling;
  const std::array kinds = {te::InputKind::kUniform, hostile};
  std::vector<Result<InputSet>> sets(kinds.size(), absl::CancelledError("not prepared"));
  const auto prepare = [&](size_t i) { sets[i] = SetOf(graph, kinds[i], plan, expectation->outputs); };
  if (pool) {
    ParallelFor(pool, kinds.size(), prepare);
  } else {
    for (size_t i = 0; i < kinds.size(); ++i) prepare(i);
  }
  for (Result<InputSet>& set : sets) {
    TS_RETURN_IF_ERROR(set.status());
    expectation->sets.push_back(*std::move(set));
  }
  return std::shared_ptr<const Expectation>(std::move(expectation));
}

}  // namespace tunesmith::measure
