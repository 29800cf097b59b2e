// SPDX-License-Identifier: Apache-2.0
// The schedule space of a workload. Rules (schedule/rules.h) look at the stage graph and give a sketch: a
// recipe of steps with holes. A value for each hole makes a candidate; a candidate becomes a trace of
// explicit steps, which is all that is recorded: sketches and rules may change, traces replay.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "schedule/draft.h"
#include "schedule/machine.h"

namespace tunesmith::schedule {

/// One open decision. Its domain lists every value it may take, in an order in which neighbours are alike.
struct Hole {
  std::string name;  // "C.rows": the stage and what is decided
  std::vector<int64_t> domain;
};

/// A candidate: for each hole of the space the number of the chosen value in its domain.
using Choice = std::vector<uint16_t>;

/// The values of a candidate's holes, asked for by number.
class Decisions {
 public:
  Decisions(const std::vector<Hole>& holes, const Choice& choice) : holes_(holes), choice_(choice) {}
  int64_t operator[](size_t hole) const { return holes_[hole].domain[choice_[hole]]; }

 private:
  const std::vector<Hole>& holes_;
  const Choice& choice_;
};

/// How one stage, with what is fused into it, is scheduled. A rule made it and knows the numbers of its
/// holes.
class Part {
 public:
  virtual ~Part() = default;
  /// False where the values of its holes contradict one another or the machine (too many accumulators).
  virtual bool Allows(const Decisions& d) const = 0;
  /// They depend on nothing in the nests of other parts' stages and leave those as they are, so that parts
  /// can be judged one by one.
  virtual void TakeSteps(const Decisions& d, Draft* draft) const = 0;
};

/// A plan of which one part alone has been scheduled.
struct PartPlan {
  Plan plan;
  Children roots;  // the part's nests, in the order of execution, as the plan of the whole choice has them
};

/// All candidates of one graph on one machine.
class Space {
 public:
  /// Never empty: every graph that te::Verify accepts can be scheduled.
  static Space Of(const te::Graph& graph, const Machine& machine, std::string target);

  const std::vector<Hole>& holes() const { return holes_; }
  const te::Graph& graph() const { return graph_; }
  /// The number of choices, those that `Allows` refuses included; the largest integer if it is beyond that.
  int64_t size() const;
  bool Allows(const Choice& choice) const;

  /// The parts, in the order in which they are scheduled: from the last that is executed to the first. No
  /// step of one looks into another's nests; so a plan is made of its parts' nests, and its parts can be
  /// judged one by one, each by the values of its own holes.
  size_t parts() const { return parts_.size(); }
  absl::Span<const uint16_t> HolesOf(size_t part, const Choice& choice) const;
  Result<PartPlan> PlanOfPart(size_t part, const Choice& choice) const;

  /// Its steps up to the first that refuses.
  Trace TraceOf(const Choice& choice) const;
  /// Replay(TraceOf(choice), graph()), without the trace. An error names the step.
  Result<Plan> PlanOf(const Choice& choice) const;

 private:
  struct OwnedPart {
    std::shared_ptr<const Part> part;
    std::vector<StageId> stages;  // of the graph
    size_t first_hole, end_hole;
  };

  /// Takes the steps of these parts.
  Result<Plan> Make(absl::Span<const OwnedPart> parts, const Choice& choice,
                    std::vector<Step>* written) const;
  /// What a step has refused, with the step. Steps are written down only for those few that refuse.
  Status Refusal(absl::Span<const OwnedPart> parts, const Choice& choice, const Status& refused) const;

  te::Graph graph_;
  Plan inlined_;                // what all candidates begin with
  std::vector<Step> inlining_;  // the steps that made it
  std::string target_;
  std::vector<Hole> holes_;
  std::vector<OwnedPart> parts_;
};

}  // namespace tunesmith::schedule
