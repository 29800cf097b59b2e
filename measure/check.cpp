// SPDX-License-Identifier: Apache-2.0
#include "measure/check.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>
#include <string>
#include <utility>

#include "measure/projection.h"
#include "support/files.h"
#include "support/strings.h"
#include "support/units.h"
#include "te/interpret.h"

namespace tunesmith::measure {
namespace {

constexpr int kSets = 2;  // uniform and hostile

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
    case te::InputKind::kModerate:
      return "moderate";
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

/// Chosen elements are expected: for each number of a set others.
Status ExpectSome(const te::Graph& graph, const te::Tolerance& tolerance, const CheckPlan& plan, int number,
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
    expected.indices = ChooseElements(outputs[o].shape, count, plan.seed + o, number, kSets);
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
Result<InputSet> SetOf(const te::Graph& graph, te::InputKind kind, const CheckPlan& plan, int number,
                       const std::vector<Interface>& outputs) {
  InputSet set;
  set.name = NameOf(kind);
  set.parameters = te::GenerateInputs(kind, plan.seed, graph);
  const te::Tolerance tolerance{te::ErrorModelFor(kind), 1};
  if (EvaluationsOf(graph) <= static_cast<double>(plan.evaluations)) {
    TS_RETURN_IF_ERROR(ExpectAll(graph, tolerance, &set));
  } else {
    TS_RETURN_IF_ERROR(ExpectSome(graph, tolerance, plan, number, outputs, &set));
  }
  return set;
}

/// The share of the elements whose bounds tell a right value from others of the output's magnitude: the least
/// of the outputs.
double ShareTold(const InputSet& set) {
  double least = 1;
  for (const ExpectedOutput& output : set.outputs) {
    std::vector<double> magnitudes;
    for (const te::Expected& e : output.elements) {
      if (std::isfinite(e.value)) magnitudes.push_back(std::fabs(e.value));
    }
    // Of the larger elements, but not the largest: one of a million may be of another order.
    const auto high = magnitudes.begin() + static_cast<ptrdiff_t>(magnitudes.size() * 9 / 10);
    if (high != magnitudes.end()) std::nth_element(magnitudes.begin(), high, magnitudes.end());
    const double magnitude = high != magnitudes.end() ? *high : 0;
    constexpr double kUnderflow = 0x1p-120;  // the bound of a 0 that a kernel may flush to
    const auto told =
        std::count_if(output.elements.begin(), output.elements.end(), [&](const te::Expected& e) {
          return e.bound <=
                 std::max({magnitude, std::isfinite(e.value) ? std::fabs(e.value) : 0, kUnderflow}) / 8;
        });
    if (!output.elements.empty())
      least = std::min(least, static_cast<double>(told) / static_cast<double>(output.elements.size()));
  }
  return least;
}

/// The first of some kinds whose results are known well enough to refuse wrong ones, or the best of them:
/// where exponentials are taken of sums that lose all their digits, anything is right.
Result<InputSet> HostileSetOf(const te::Graph& graph, const CheckPlan& plan, const Expectation& expectation) {
  constexpr double kEnough = 0.5;
  std::vector<te::InputKind> kinds = {te::InputKind::kCancelling, te::InputKind::kModerate,
                                      te::InputKind::kEqual};
  if (HasIntegerInput(expectation)) kinds.insert(kinds.begin(), te::InputKind::kLarge);
  std::optional<InputSet> best;
  double most = -1;
  for (te::InputKind kind : kinds) {
    TS_ASSIGN_OR_RETURN(InputSet set, SetOf(graph, kind, plan, 1, expectation.outputs));
    const double told = ShareTold(set);
    if (told > most) best = std::move(set);
    most = std::max(most, told);
    if (told >= kEnough) break;
  }
  return *std::move(best);
}

}  // namespace

Status CheckMemory(const te::Workload& workload) {
  constexpr int64_t kCopies = 5;
  int64_t bytes = 0;
  for (const te::Tensor& tensor : workload.definition().tensors) {
    if (tensor.role != te::Role::kTemp) bytes += tensor.elements() * te::SizeOf(tensor.dtype);
  }
  const int64_t memory = MemoryBytes();
  if (bytes <= memory / kCopies) return absl::OkStatus();
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

  std::vector<Result<InputSet>> sets(kSets, absl::CancelledError("not prepared"));
  const auto prepare = [&](size_t i) {
    sets[i] = i == 0 ? SetOf(graph, te::InputKind::kUniform, plan, 0, expectation->outputs)
                     : HostileSetOf(graph, plan, *expectation);
  };
  if (pool) {
    ParallelFor(pool, sets.size(), prepare);
  } else {
    for (size_t i = 0; i < sets.size(); ++i) prepare(i);
  }
  for (Result<InputSet>& set : sets) {
    TS_RETURN_IF_ERROR(set.status());
    expectation->sets.push_back(*std::move(set));
  }
  return std::shared_ptr<const Expectation>(std::move(expectation));
}

}  // namespace tunesmith::measure
