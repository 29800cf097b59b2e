// SPDX-License-Identifier: Apache-2.0
// Steps that say how data passes the caches.
#include <algorithm>

#include "schedule/placement.h"
#include "schedule/steps.h"
#include "support/strings.h"

namespace tunesmith::schedule {
namespace {

bool Touches(const Plan& plan, StageId id, int tensor) {
  bool touches = plan.stage(id).tensor == tensor;
  te::Visit(plan.stage(id).body, [&](const te::Expr& e) {
    touches = touches || (e->kind == te::ExprKind::kRead && e->id == tensor);
  });
  return touches;
}

}  // namespace

Result<Plan> Stream(Plan plan, StageId id) {
  if (Of(plan, id).place == Place::kInlined)
    return Invalid(StrCat("stream ", plan.NameOf(id), ": the stage is inlined; it is not stored"));
  Of(plan, id).streaming = true;
  return plan;
}

Result<Plan> Prefetch(Plan plan, int tensor_id, StageId id, NodeId loop, int64_t ahead) {
  const te::Tensor& tensor = plan.graph->tensors[static_cast<size_t>(tensor_id)];
  auto step = [&] {
    return StrCat("prefetch ", tensor.name, " for ", plan.NameOf(id), " at ", plan.LoopName(loop));
  };
  StagePlan& s = Of(plan, id);
  if (s.place == Place::kInlined) return Invalid(step() + ": the stage is inlined; it touches nothing");
  if (!Touches(plan, id, tensor_id))
    return Invalid(StrCat(step(), ": the stage neither reads nor computes '", tensor.name, "'"));
  if (!plan.Encloses(loop, s.leaf)) return Invalid(step() + ": the stage is not computed inside this loop");
  if (StageId made = plan.graph->StageOf(tensor_id); made >= 0 && Of(plan, made).place == Place::kLoop) {
    return Invalid(StrCat(step(), ": '", tensor.name,
                          "' lives in registers or in memory of the thread, which is near already"));
  }
  for (NodeId n = loop; n != kRoot; n = At(plan, n).parent) {
    const LoopKind kind = At(plan, n).kind;
    if (kind == LoopKind::kVector || (n == loop && kind == LoopKind::kUnroll)) {
      return Invalid(StrCat(step(), ": ", plan.LoopName(n), " is a loop of lanes or unrolled, whose ",
                            "iterations do not come one after the other; choose a loop outside of it"));
    }
  }
  const int64_t extent = At(plan, loop).extent;
  if (ahead < 0 || ahead >= extent) {
    return Invalid(StrCat(step(), ": ", ahead, " iterations ahead; it must be at least 0 and less than the ",
                          extent, " of the loop"));
  }
  for (const Prefetched& p : s.prefetched) {
    if (p.tensor == tensor_id && p.loop == loop)
      return Invalid(step() + ": it is asked for at this loop already");
  }
  const std::vector<Span> region = RegionTouched(plan, tensor_id, {id}, loop);
  const bool moves = std::any_of(region.begin(), region.end(),
                                 [&](const Span& span) { return span.first.CoefficientOf(loop) != 0; });
  if (!moves) return Invalid(step() + ": each of its iterations touches the same elements");
  if (LinesOf(plan, tensor_id, region) > kMostPrefetched) {
    return Invalid(StrCat(step(), ": an iteration touches more than ", kMostPrefetched,
                          " lines; choose a loop inside of it"));
  }
  s.prefetched.push_back({tensor_id, loop, ahead});
  MarkTouched(&plan, loop);
  return plan;
}

}  // namespace tunesmith::schedule
