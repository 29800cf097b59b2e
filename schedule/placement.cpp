// SPDX-License-Identifier: Apache-2.0
#include "schedule/placement.h"

namespace tunesmith::schedule {

double Product(const std::vector<int64_t>& extents) {
  double product = 1;
  for (int64_t extent : extents) product *= static_cast<double>(extent);
  return product;
}

bool IsOutput(const Plan& plan, StageId id) {
  return plan.graph->tensors[static_cast<size_t>(plan.stage(id).tensor)].role == te::Role::kOutput;
}

StageIds Consumers(const Plan& plan, StageId id) {
  StageIds live;
  for (StageId consumer : plan.graph->ConsumersOf(plan.stage(id).tensor)) {
    if (Of(plan, consumer).place != Place::kInlined) live.push_back(consumer);
  }
  return live;
}

int PositionIn(const Plan& plan, NodeId loop, NodeId child) {
  const auto& children = plan.ChildrenOf(loop);
  return static_cast<int>(std::find(children.begin(), children.end(), child) - children.begin());
}

Status CheckAlone(const Plan& plan, StageId id, StepText step) {
  for (StageId other = 0; other < static_cast<StageId>(plan.stages.size()); ++other) {
    if (other == id || Of(plan, other).leaf < 0) continue;
    NodeId outermost = kRoot;
    for (NodeId n = At(plan, Of(plan, other).leaf).parent; n != kRoot; n = At(plan, n).parent) {
      if (At(plan, n).owner == id) outermost = n;
    }
    if (outermost == kRoot) continue;
    return Invalid(StrCat(step(), ": '", plan.NameOf(other), "' is computed in its loop ",
                          plan.LoopName(outermost), "; do this before that"));
  }
  return absl::OkStatus();
}

Status CheckPrivate(const Plan& plan, NodeId loop, StepText step) {
  for (NodeId n = 0; n < static_cast<NodeId>(plan.nodes.size()); ++n) {
    const Node& node = At(plan, n);
    if (node.kind != LoopKind::kParallel || node.removed || !plan.Encloses(loop, n)) continue;
    return Invalid(StrCat(step(), ": ", plan.LoopName(n),
                          ", inside this loop, is parallel, and what is stored here ",
                          "belongs to one thread; choose a loop inside of it"));
  }
  return absl::OkStatus();
}

Status CheckNotPrefetched(const Plan& plan, int tensor, const StageIds& stages, StepText step) {
  for (StageId id : stages) {
    for (const Prefetched& p : Of(plan, id).prefetched) {
      if (p.tensor != tensor) continue;
      return Invalid(StrCat(step(), ": '", plan.NameOf(id), "' prefetches it at ", plan.LoopName(p.loop),
                            ", but would no longer touch it; do this before that"));
    }
  }
  return absl::OkStatus();
}

bool EndsWith(const Plan& plan, StageId id, NodeId loop) {
  if (Of(plan, id).leaf < 0 || !plan.Encloses(loop, Of(plan, id).leaf)) return false;
  if (plan.Reduces(id, loop)) return true;
  bool ends = false;
  te::Visit(plan.stage(id).body, [&](const te::Expr& e) {
    const StageId source = e->kind == te::ExprKind::kRead ? plan.graph->StageOf(e->id) : -1;
    ends = ends || (source >= 0 && source != id && EndsWith(plan, source, loop));
  });
  return ends;
}

void MarkTouched(Plan* plan, NodeId loop) {
  for (StageId id : plan->StagesIn(loop)) Of(*plan, id).touched = true;
}

Status CheckPlaceable(const Plan& plan, StageId id, std::string_view step) {
  const StagePlan& s = Of(plan, id);
  if (s.place == Place::kInlined) {
    return Invalid(StrCat(step, " ", plan.NameOf(id), ": the stage is inlined; it has no loops"));
  }
  if (s.touched || s.place != Place::kRoot) {
    return Invalid(
        StrCat(step, " ", plan.NameOf(id),
               ": the stage has been placed, or its loops have been changed, already; place it first"));
  }
  return absl::OkStatus();
}

Status CheckSumsEnd(const Plan& plan, StageId id, NodeId loop, StepText step) {
  for (NodeId n = loop; n != kRoot; n = At(plan, n).parent) {
    if (At(plan, n).extent == 0 && plan.Reduces(id, n)) {
      return Invalid(StrCat(step(), ": '", plan.NameOf(id), "' is reduced over ", plan.LoopName(n),
                            ", which has no iterations; choose a loop outside of it"));
    }
  }
  return absl::OkStatus();
}

}  // namespace tunesmith::schedule
