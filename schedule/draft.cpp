// SPDX-License-Identifier: Apache-2.0
#include "schedule/draft.h"

#include "schedule/placement.h"

namespace tunesmith::schedule {

void Draft::Take(absl::FunctionRef<Step()> write, absl::FunctionRef<Result<Plan>(Plan)> take) {
  if (!refusal_.ok()) return;
  if (written_) written_->push_back(write());
  Result<Plan> next = take(std::move(plan_));
  if (next.ok()) {
    plan_ = *std::move(next);
  } else {
    refusal_ = next.status();
  }
}

Result<Plan> Draft::Finish() && {
  if (!refusal_.ok()) return refusal_;
  return std::move(plan_);
}

StageId Draft::LastStage() const {
  return refusal_.ok() ? static_cast<StageId>(plan_.stages.size()) - 1 : -1;
}

NodeId Draft::LoopOf(StageId stage, int axis) const {
  if (!refusal_.ok()) return -1;
  // Its terms are sorted, and the stage's own loops are younger than those that it was placed in.
  return Of(plan_, stage).axes[static_cast<size_t>(axis)].terms.back().first;
}

NodeId Draft::Split(NodeId loop, int64_t factor, Tail tail) {
  Take(
      [&] {
        return Step{Verb::kSplit, {plan_.LoopName(loop), tail == Tail::kMask ? "mask" : "peel"}, {factor}};
      },
      [&](Plan plan) { return schedule::Split(std::move(plan), loop, factor, tail); });
  return refusal_.ok() ? static_cast<NodeId>(plan_.nodes.size()) - 1 : -1;
}

void Draft::Reorder(absl::Span<const NodeId> loops) {
  Take(
      [&] {
        Step step{Verb::kOrder, {}, {}};
        for (NodeId loop : loops) step.names.push_back(plan_.LoopName(loop));
        return step;
      },
      [&](Plan plan) { return schedule::Reorder(std::move(plan), loops); });
}

void Draft::SetKind(Verb verb, NodeId loop, LoopKind kind, std::optional<int64_t> grain) {
  Take(
      [&] {
        Step step{verb, {plan_.LoopName(loop)}, {}};
        if (grain) step.numbers = {*grain};
        return step;
      },
      [&](Plan plan) { return schedule::SetKind(std::move(plan), loop, kind, grain.value_or(1)); });
}

void Draft::Vector(NodeId loop) { SetKind(Verb::kVector, loop, LoopKind::kVector, std::nullopt); }

void Draft::Unroll(NodeId loop) { SetKind(Verb::kUnroll, loop, LoopKind::kUnroll, std::nullopt); }

void Draft::Parallel(NodeId loop, std::optional<int64_t> grain) {
  SetKind(Verb::kParallel, loop, LoopKind::kParallel, grain);
}

void Draft::Partition(NodeId loop) {
  Take(
      [&] {
        return Step{Verb::kPartition, {plan_.LoopName(loop)}, {}};
      },
      [&](Plan plan) { return SetPartition(std::move(plan), loop); });
}

void Draft::ComputeAt(StageId stage, NodeId loop, Scope scope) {
  Take(
      [&] {
        Step step{Verb::kAt, {plan_.NameOf(stage), plan_.LoopName(loop)}, {}};
        if (scope == Scope::kRegister) step.names.push_back("registers");
        return step;
      },
      [&](Plan plan) { return schedule::ComputeAt(std::move(plan), stage, loop, scope); });
}

void Draft::FuseConsumer(StageId consumer, StageId producer, NodeId loop) {
  Take(
      [&] {
        return Step{Verb::kFuse, {plan_.NameOf(consumer), plan_.NameOf(producer), plan_.LoopName(loop)}, {}};
      },
      [&](Plan plan) { return schedule::FuseConsumer(std::move(plan), consumer, producer, loop); });
}

StageId Draft::Cache(int tensor, StageId consumer, const std::string& name,
                     const std::vector<int64_t>& multiples) {
  Take(
      [&] {
        const std::string& source = plan_.graph->tensors[static_cast<size_t>(tensor)].name;
        return Step{Verb::kCache, {source, plan_.NameOf(consumer), name}, multiples};
      },
      [&](Plan plan) { return schedule::Cache(std::move(plan), tensor, consumer, name, multiples); });
  return LastStage();
}

void Draft::Pack(StageId stage) {
  Take(
      [&] {
        return Step{Verb::kPack, {plan_.NameOf(stage)}, {}};
      },
      [&](Plan plan) { return schedule::Pack(std::move(plan), stage); });
}

void Draft::SetLayout(StageId stage, const std::vector<int>& order, const std::vector<Piece>& blocks) {
  Take(
      [&] {
        Step step{Verb::kLayout, {plan_.NameOf(stage)}, {order.begin(), order.end()}};
        if (!blocks.empty()) step.names.push_back(StrCat(order.size()));
        for (const Piece& b : blocks) step.numbers.insert(step.numbers.end(), {b.dim, b.extent});
        return step;
      },
      [&](Plan plan) { return schedule::SetLayout(std::move(plan), stage, order, blocks); });
}

void Draft::Keep(StageId stage, NodeId loop) {
  Take(
      [&] {
        return Step{Verb::kKeep, {plan_.NameOf(stage), plan_.LoopName(loop)}, {}};
      },
      [&](Plan plan) { return schedule::Keep(std::move(plan), stage, loop); });
}

StageId Draft::Factor(StageId stage, NodeId loop, const std::string& name) {
  Take(
      [&] {
        return Step{Verb::kFactor, {plan_.NameOf(stage), plan_.LoopName(loop), name}, {}};
      },
      [&](Plan plan) { return schedule::Factor(std::move(plan), stage, loop, name); });
  return LastStage();
}

void Draft::Stream(StageId stage) {
  Take(
      [&] {
        return Step{Verb::kStream, {plan_.NameOf(stage)}, {}};
      },
      [&](Plan plan) { return schedule::Stream(std::move(plan), stage); });
}

void Draft::Prefetch(int tensor, StageId stage, NodeId loop, int64_t ahead) {
  Take(
      [&] {
        const std::string& name = plan_.graph->tensors[static_cast<size_t>(tensor)].name;
        return Step{Verb::kPrefetch, {name, plan_.NameOf(stage), plan_.LoopName(loop)}, {ahead}};
      },
      [&](Plan plan) { return schedule::Prefetch(std::move(plan), tensor, stage, loop, ahead); });
}

}  // namespace tunesmith::schedule
