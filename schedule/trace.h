// SPDX-License-Identifier: Apache-2.0
// A trace: the steps that made a plan, as text that replays alone, years later (docs/formats/trace.md).
//
//   trace 1
//   names A B | C(i j k)
//   target x86-64-avx512
//   split C.i 8 peel
//   …
//
// The second line names the graph's parameters, then its stages with their axes, by position: so a trace
// found for one operator replays on any graph with the same structure, whatever its names are. One that was
// found for a further algorithm of its operator names that as well.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "schedule/steps.h"

namespace tunesmith::schedule {

enum class Verb : uint8_t {
  kInline,
  kCache,
  kPack,
  kAt,
  kFuse,
  kSplit,
  kOrder,
  kVector,
  kUnroll,
  kParallel,
  kPartition,
  kKeep,
  kFactor,
  kLayout,
  kStream,
  kPrefetch,
};

/// One decision. `names` and `numbers` are the arguments in the order in which the text gives them.
struct Step {
  Verb verb = Verb::kSplit;
  std::vector<std::string> names;
  std::vector<int64_t> numbers;
  bool operator==(const Step&) const = default;
};

struct Trace {
  std::vector<std::string> parameters;
  struct StageNames {
    std::string tensor;
    std::vector<std::string> axes;
    bool operator==(const StageNames&) const = default;
  };
  std::vector<StageNames> stages;
  std::string algorithm;  // empty: the definition
  std::string target;
  std::vector<Step> steps;
};

/// A trace without steps for this graph, with the graph's own names.
Trace TraceFor(const te::Graph& graph, std::string target);

Result<Trace> ParseTrace(std::string_view text);
std::string ToString(const Trace& trace);
std::string ToString(const Step& step);

/// The plan after one more step, or why the step refuses.
Result<Plan> Apply(Plan plan, const Step& step);
/// The plan after these steps, one after the other. An error names the step.
Result<Plan> ApplyAll(Plan plan, const std::vector<Step>& steps);
/// The plan that the trace makes of the graph. An error names the line.
Result<Plan> Replay(const Trace& trace, const te::Graph& graph);

/// The numbers of the algorithms, each with a `name`, in the order in which a trace is to be tried on them:
/// the one it was found for first. Graphs of one structure cannot be told apart by whether it replays.
template <class Algorithms>
std::vector<size_t> AlgorithmsFor(const Trace& trace, const Algorithms& algorithms) {
  std::vector<size_t> order;
  for (size_t i = 0; i < algorithms.size(); ++i)
    order.insert(algorithms[i].name == trace.algorithm ? order.begin() : order.end(), i);
  return order;
}

}  // namespace tunesmith::schedule
