// SPDX-License-Identifier: Apache-2.0
// Steps that say where stages are computed and stored.
#include <algorithm>

#include "schedule/placement.h"
#include "schedule/steps.h"
#include "support/strings.h"

namespace tunesmith::schedule {
namespace {

/// A span may reach over the tensor's end (in the last tile, or outside of guarded reads): those iterations
/// are guarded.
void GuardRegion(Plan* plan, StageId id) {
  const te::Tensor& tensor = plan->graph->tensors[static_cast<size_t>(plan->stage(id).tensor)];
  StagePlan& s = Of(*plan, id);
  for (size_t d = 0; d < s.region.size(); ++d) {
    Span all = SpanOf(*plan, s.axes[d], kRoot);
    if (all.first.constant < 0 || all.first.constant + all.extent > tensor.shape[d]) {
      s.guards.push_back({s.axes[d], tensor.shape[d]});
    }
  }
}

}  // namespace

Result<Plan> ComputeAt(Plan plan, StageId id, NodeId loop, Scope scope) {
  auto step = [&] { return StrCat("at ", plan.NameOf(id), " ", plan.LoopName(loop)); };
  TS_RETURN_IF_ERROR(CheckPlaceable(plan, id, "at"));
  if (IsOutput(plan, id))
    return Invalid(StrCat(step(), ": an output is computed as a whole; fuse its producer instead"));
  const StageIds consumers = Consumers(plan, id);
  if (consumers.empty()) return Invalid(StrCat(step(), ": no stage reads it"));
  int position = static_cast<int>(At(plan, loop).children.size());
  for (StageId consumer : consumers) {
    NodeId leaf = Of(plan, consumer).leaf;
    if (!plan.Encloses(loop, leaf)) {
      return Invalid(StrCat(step(), ": the consumer '", plan.NameOf(consumer), "' is not inside this loop"));
    }
    position = std::min(position, PositionIn(plan, loop, plan.ChildTowards(loop, leaf)));
  }
  for (NodeId n = loop; n != kRoot; n = At(plan, n).parent) {
    if (At(plan, n).kind == LoopKind::kVector) {
      return Invalid(
          StrCat(step(), ": a stage cannot be computed inside the vector loop ", plan.LoopName(n)));
    }
  }
  TS_RETURN_IF_ERROR(CheckPrivate(plan, loop, step));
  if (!Of(plan, id).layout.empty())
    return Invalid(StrCat(step(), ": its layout is that of the whole tensor; lay it out after this"));
  std::vector<Span> region = RegionTouched(plan, plan.stage(id).tensor, consumers, loop);
  RemoveNest(&plan, id);
  StagePlan& s = Of(plan, id);
  s.place = Place::kLoop;
  s.at = loop;
  s.scope = scope;
  s.region = std::move(region);
  BuildNest(&plan, id, loop, position);
  GuardRegion(&plan, id);
  MarkTouched(&plan, loop);
  return plan;
}

/// Far above any register file: what does not fit is the cost model's business.
constexpr int64_t kMostKept = 4096;

Result<Plan> Keep(Plan plan, StageId id, NodeId loop) {
  auto step = [&] { return StrCat("keep ", plan.NameOf(id), " from ", plan.LoopName(loop)); };
  StagePlan& s = Of(plan, id);
  if (plan.stage(id).reducer == te::Reducer::kNone)
    return Invalid(StrCat(step(), ": the stage does not reduce"));
  if (s.leaf < 0 || !plan.Encloses(loop, s.leaf))
    return Invalid(StrCat(step(), ": the stage is not computed inside this loop"));
  if (s.keep != kRoot) return Invalid(StrCat(step(), ": its accumulators are kept already"));
  // Each iteration computes its part anew, and parts may overlap.
  if (s.place == Place::kLoop && plan.Encloses(loop, s.at)) {
    return Invalid(StrCat(step(), ": the stage is computed anew in each iteration of ", plan.LoopName(s.at),
                          "; keep its accumulators from there, or from a loop inside"));
  }
  TS_RETURN_IF_ERROR(CheckSumsEnd(plan, id, loop, step));
  TS_RETURN_IF_ERROR(CheckPrivate(plan, loop, step));
  int64_t elements = 1;
  for (int d = 0; d < plan.stage(id).spatial && elements <= kMostKept; ++d)
    elements *= SpanOf(plan, s.axes[static_cast<size_t>(d)], loop).extent;
  if (elements > kMostKept) {
    return Invalid(
        StrCat(step(), ": more than ", kMostKept,
               " accumulators; split its loops and keep a smaller tile, from a loop further inside"));
  }
  s.keep = loop;
  s.touched = true;
  return plan;
}

Result<Plan> Pack(Plan plan, StageId id) {
  TS_RETURN_IF_ERROR(CheckPlaceable(plan, id, "pack"));
  if (IsOutput(plan, id))
    return Invalid(StrCat("pack ", plan.NameOf(id), ": an output cannot be computed ahead of time"));
  Status status = absl::OkStatus();
  te::Visit(plan.stage(id).body, [&](const te::Expr& e) {
    if (e->kind != te::ExprKind::kRead || !status.ok()) return;
    const te::Tensor& source = plan.graph->tensors[static_cast<size_t>(e->id)];
    if (source.role == te::Role::kWeight) return;
    int made_by = plan.graph->StageOf(e->id);
    if (made_by >= 0 && Of(plan, made_by).place == Place::kPack) return;
    status = Invalid(StrCat("pack ", plan.NameOf(id), ": it reads '", source.name,
                            "', which is not a weight and not packed"));
  });
  TS_RETURN_IF_ERROR(status);
  Of(plan, id).place = Place::kPack;
  return plan;
}

Result<Plan> SetLayout(Plan plan, StageId id, const std::vector<int>& order,
                       const std::vector<Piece>& blocks) {
  auto step = [&] { return StrCat("layout ", plan.NameOf(id)); };
  StagePlan& s = Of(plan, id);
  const te::Tensor& tensor = plan.graph->tensors[static_cast<size_t>(plan.stage(id).tensor)];
  if (tensor.role == te::Role::kOutput)
    return Invalid(step() + ": an output's layout is part of the operator's interface");
  if (s.place == Place::kInlined) return Invalid(step() + ": the stage is inlined; it is not stored");
  size_t rank = tensor.shape.size();
  std::vector<int64_t> left;
  for (size_t d = 0; d < rank; ++d) left.push_back(s.region.empty() ? tensor.shape[d] : s.region[d].extent);
  std::vector<int> sorted = order;
  std::sort(sorted.begin(), sorted.end());
  bool permutes = sorted.size() == rank;
  for (size_t d = 0; permutes && d < rank; ++d) permutes = sorted[d] == static_cast<int>(d);
  if (!permutes)
    return Invalid(StrCat(step(), ": the order must name each of its ", rank, " dimensions once, from 0"));
  const double elements = Product(left);
  std::vector<int64_t> sizes;
  for (const Piece& b : blocks) {
    if (b.dim < 0 || b.dim >= static_cast<int>(rank) || b.extent < 1) {
      return Invalid(StrCat(step(), ": a block is a dimension, below ", rank,
                            ", and a size of at least 1; not ", b.dim, " ", b.extent));
    }
    int64_t& rest = left[static_cast<size_t>(b.dim)];
    rest = rest / b.extent + (rest % b.extent != 0);
    sizes.push_back(b.extent);
  }
  if (Product(left) * Product(sizes) > std::max(4 * elements, kMostPadded)) {
    return Invalid(StrCat(step(), ": the blocks need more than four times the memory; choose smaller ones"));
  }
  s.layout.clear();
  for (int d : order) s.layout.push_back({d, left[static_cast<size_t>(d)]});
  s.layout.insert(s.layout.end(), blocks.begin(), blocks.end());
  return plan;
}

}  // namespace tunesmith::schedule
