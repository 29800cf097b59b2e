// SPDX-License-Identifier: Apache-2.0
// What a search moves through: the candidates of one workload on one target.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "costmodel/features.h"
#include "schedule/sketch.h"
#include "search/drops.h"
#include "search/part_judge.h"
#include "support/random.h"
#include "te/graph.h"

namespace tunesmith::search {

struct Candidate {
  int algorithm = 0;        // number in Problem::algorithms
  schedule::Choice choice;  // empty for one that came as a trace (a record of an earlier run)
  uint64_t hash = 0;        // of the plan: candidates that lower to the same program are one
  costmodel::Features features;
  double score = 0;  // by the model that proposed it: smaller is faster
};

/// One way to compute the workload, normalised, and the space of its schedules.
struct SearchedAlgorithm {
  std::string name;
  double tolerance_factor = 1;
  te::Graph graph;
  schedule::Space space;
};

/// A workload prepared for search.
class Problem {
 public:
  static Problem Of(const te::Workload& workload, const schedule::Machine& machine,
                    const std::string& target);

  const std::vector<SearchedAlgorithm>& algorithms() const { return algorithms_; }
  const schedule::Machine& machine() const { return machine_; }
  /// The number of choices of all algorithms together.
  int64_t size() const;

  /// The candidate of a choice with its features; nothing if the choice contradicts itself or a step refuses
  /// it, which is counted in `drops`.
  std::optional<Candidate> Make(int algorithm, schedule::Choice choice, Drops* drops) const;
  /// A choice drawn uniformly; it may contradict itself.
  schedule::Choice Draw(int algorithm, Random* random) const;
  /// Enumerates the space of an algorithm: `number`, below its size, is read in mixed radix, a digit a hole,
  /// the first hole's the least significant.
  schedule::Choice Numbered(int algorithm, int64_t number) const;

  /// Of a candidate that has a choice.
  schedule::Trace TraceOf(const Candidate& candidate) const;
  Result<schedule::Plan> PlanOf(const Candidate& candidate) const;
  /// The candidate that a trace of an earlier run describes: of the algorithm that it names, else of the
  /// first on which it replays. Fails if there is none.
  Result<Candidate> FromTrace(const schedule::Trace& trace) const;

 private:
  std::vector<SearchedAlgorithm> algorithms_;
  std::vector<std::unique_ptr<PartJudge>> judges_;  // of the algorithms' spaces
  schedule::Machine machine_;
};

}  // namespace tunesmith::search
