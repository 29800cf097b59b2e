// SPDX-License-Identifier: Apache-2.0
// A candidate's plan while the rules make it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/types/span.h"
#include "schedule/steps.h"
#include "schedule/trace.h"

namespace tunesmith::schedule {

/// Takes steps (schedule/steps.h) on a plan, one after the other. Loops and stages are named by number, so
/// nothing is looked up and no name is made, unless the steps are to be written down. Once a step refuses, no
/// later one is taken, and the loops and stages that it would have made are -1.
class Draft {
 public:
  /// `written`, if it is not null, gets the steps as a trace gives them, the one that refuses included.
  explicit Draft(Plan plan, std::vector<Step>* written = nullptr)
      : plan_(std::move(plan)), written_(written) {}

  /// The loop that runs over an axis of a stage, as long as it has not been split.
  NodeId LoopOf(StageId stage, int axis) const;

  /// The outer loop keeps its number; gives the inner one's.
  NodeId Split(NodeId loop, int64_t factor, Tail tail);
  void Reorder(absl::Span<const NodeId> loops);
  void Vector(NodeId loop);
  void Unroll(NodeId loop);
  void Parallel(NodeId loop, std::optional<int64_t> grain = std::nullopt);
  void Partition(NodeId loop);
  void ComputeAt(StageId stage, NodeId loop, Scope scope);
  void FuseConsumer(StageId consumer, StageId producer, NodeId loop);
  /// Gives the new stage.
  StageId Cache(int tensor, StageId consumer, const std::string& name, const std::vector<int64_t>& multiples);
  void Pack(StageId stage);
  void SetLayout(StageId stage, const std::vector<int>& order, const std::vector<Piece>& blocks);
  void Keep(StageId stage, NodeId loop);
  /// Gives the new stage.
  StageId Factor(StageId stage, NodeId loop, const std::string& name);
  void Stream(StageId stage);
  void Prefetch(int tensor, StageId stage, NodeId loop, int64_t ahead);

  /// The plan, or why a step refused.
  Result<Plan> Finish() &&;

 private:
  void Take(absl::FunctionRef<Step()> write, absl::FunctionRef<Result<Plan>(Plan)> take);
  void SetKind(Verb verb, NodeId loop, LoopKind kind, std::optional<int64_t> grain);
  StageId LastStage() const;

  Plan plan_;
  Status refusal_;
  std::vector<Step>* written_;
};

}  // namespace tunesmith::schedule
