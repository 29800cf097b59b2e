// SPDX-License-Identifier: Apache-2.0
// The step that computes a consumer in its producer's nest.
#include <algorithm>

#include "schedule/placement.h"
#include "schedule/steps.h"

namespace tunesmith::schedule {
namespace {

/// The innermost loop above both, or the root.
NodeId CommonLoop(const Plan& plan, NodeId loop, NodeId leaf) {
  while (loop != kRoot && !plan.Encloses(loop, leaf)) loop = At(plan, loop).parent;
  return loop;
}

/// The last child of `loop` that computes what the consumer reads, the producer among it.
NodeId LastRead(const Plan& plan, StageId consumer, StageId producer, NodeId loop) {
  NodeId last = plan.ChildTowards(loop, Of(plan, producer).leaf);
  te::Visit(plan.stage(consumer).body, [&](const te::Expr& e) {
    StageId source = e->kind == te::ExprKind::kRead ? plan.graph->StageOf(e->id) : -1;
    if (source < 0 || !plan.Encloses(loop, Of(plan, source).leaf)) return;
    NodeId child = plan.ChildTowards(loop, Of(plan, source).leaf);
    if (PositionIn(plan, loop, child) > PositionIn(plan, loop, last)) last = child;
  });
  return last;
}

/// What else the consumer reads must be there, right after `child`: computed in an earlier nest, or for this
/// very iteration of the loops that they share.
Status CheckOtherReads(const Plan& plan, StageId consumer, StageId producer, NodeId loop, NodeId child,
                       const std::vector<te::Affine>& axes, StepText step) {
  const StageIds stages = plan.StagesIn(kRoot);
  StageId last = producer;  // of those that run before the consumer
  for (StageId id : stages) {
    if (Of(plan, id).leaf == child || plan.Encloses(child, Of(plan, id).leaf)) last = id;
  }
  auto end = std::find(stages.begin(), stages.end(), last) + 1;
  Status status = absl::OkStatus();
  te::Visit(plan.stage(consumer).body, [&](const te::Expr& e) {
    if (e->kind != te::ExprKind::kRead || !status.ok()) return;
    StageId source = plan.graph->StageOf(e->id);
    if (source < 0 || source == producer || Of(plan, source).place == Place::kPack) return;
    const StagePlan& made = Of(plan, source);
    auto late = [&](std::string_view why) {
      status = Invalid(StrCat(step(), ": the consumer also reads '", plan.NameOf(source), "', ", why));
    };
    if (std::find(stages.begin(), end, source) == end) return late("which is computed later");
    NodeId common = CommonLoop(plan, loop, made.leaf);
    if (common == kRoot) return;
    for (NodeId n = common; n != kRoot; n = At(plan, n).parent) {
      const bool moves =
          std::any_of(axes.begin(), axes.end(), [&](const te::Affine& a) { return a.CoefficientOf(n) != 0; });
      if (moves && At(plan, n).extent > 1 && EndsWith(plan, source, n))
        return late(StrCat("which is complete only in the last iteration of ", plan.LoopName(n)));
    }
    if (e->guarded) return late("guarded, whose elements are not all computed there");
    for (int d = 0; d < plan.stage(source).spatial; ++d) {
      std::optional<te::Affine> index = te::ToAffine(e->args[static_cast<size_t>(d)], axes);
      if (!index) return late("whose elements are not all computed there");
      Span read = SpanOf(plan, *index, common);
      Span computed = SpanOf(plan, made.axes[static_cast<size_t>(d)], common);
      int64_t before = read.first.constant - computed.first.constant;
      if (read.first.terms != computed.first.terms || before < 0 || before + read.extent > computed.extent)
        return late("whose elements are not all computed there");
    }
  });
  return status;
}

}  // namespace

Result<Plan> FuseConsumer(Plan plan, StageId consumer, StageId producer, NodeId loop) {
  auto step = [&] { return StrCat("fuse ", plan.NameOf(consumer), " at ", plan.LoopName(loop)); };
  TS_RETURN_IF_ERROR(CheckPlaceable(plan, consumer, "fuse"));
  const te::Stage& c = plan.stage(consumer);
  const te::Stage& p = plan.stage(producer);
  const StagePlan& made = Of(plan, producer);
  if (made.leaf < 0 || !plan.Encloses(loop, made.leaf)) {
    return Invalid(StrCat(step(), ": '", plan.NameOf(producer), "' is not computed inside this loop"));
  }
  if (consumer == producer) return Invalid(StrCat(step(), ": a stage does not consume itself"));
  TS_RETURN_IF_ERROR(CheckSumsEnd(plan, producer, loop, step));
  // The read that ties the two: its indices must name each axis of the consumer once.
  te::Expr read;
  bool several = false;
  te::Visit(c.body, [&](const te::Expr& e) {
    if (e->kind != te::ExprKind::kRead || e->id != p.tensor) return;
    if (read && !te::Same(read, e)) several = true;
    read = e;
  });
  if (!read || several || read->guarded) {
    return Invalid(StrCat(step(), ": the consumer must read exactly one element of '", plan.NameOf(producer),
                          "', unguarded, in each iteration"));
  }
  // Loops below `loop` over the producer's spatial axes, outermost first: each gets a copy.
  NodeIds adopted;
  for (NodeId n : plan.LoopsAbove(made.leaf)) {
    if (plan.Encloses(loop, n) && plan.IsSpatial(producer, n)) adopted.push_back(n);
  }
  std::vector<te::Affine> axes(c.axes.size());
  std::vector<bool> bound(c.axes.size(), false);
  for (size_t d = 0; d < static_cast<size_t>(p.spatial); ++d) {
    std::optional<te::Affine> index = te::ToAffine(read->args[d]);
    if (!index || index->constant != 0) {
      return Invalid(StrCat(step(), ": the consumer does not walk dimension ", d, " of '",
                            plan.NameOf(producer), "' as a whole"));
    }
    const te::Affine& value = made.axes[d];
    const int64_t extent = p.axes[d].extent;
    size_t axis = index->terms.empty() ? 0 : static_cast<size_t>(index->terms[0].first);
    bool one_axis = index->terms.size() == 1 && index->terms[0].second == 1;
    if ((index->terms.empty() && extent != 1) || (one_axis && c.axes[axis].extent != extent)) {
      return Invalid(StrCat(step(), ": the consumer does not walk dimension ", d, " of '",
                            plan.NameOf(producer), "' as a whole"));
    }
    if (index->terms.empty()) continue;
    if (one_axis) {
      if (bound[axis]) return Invalid(StrCat(step(), ": the consumer reads a diagonal"));
      axes[axis] = value;
      bound[axis] = true;
      continue;
    }
    // An index split over several axes (a factored reduction) matches loops that were split in the same way.
    for (const auto& [axis, factor] : index->terms) {
      for (const auto& [n, coefficient] : value.terms) {
        if (coefficient != factor || At(plan, n).extent != c.axes[static_cast<size_t>(axis)].extent) continue;
        axes[static_cast<size_t>(axis)] = te::Affine{{{n, 1}}, 0};
        bound[static_cast<size_t>(axis)] = true;
      }
    }
    if (value.terms.size() != index->terms.size() || value.constant != 0) {
      return Invalid(
          StrCat(step(), ": dimension ", d, " of '", plan.NameOf(producer), "' is split otherwise"));
    }
  }
  for (size_t a = 0; a < axes.size(); ++a) {
    if (!bound[a] && c.axes[a].extent != 1) {
      return Invalid(StrCat(step(), ": '", plan.NameOf(producer), "' does not depend on the consumer's axis ",
                            c.axes[a].name));
    }
  }
  std::vector<Guard> guards;
  for (const Guard& g : made.guards) {
    bool spatial = std::all_of(g.value.terms.begin(), g.value.terms.end(),
                               [&](const auto& t) { return !plan.Reduces(producer, t.first); });
    if (spatial) guards.push_back(g);
  }
  for (const Guard& outside : Of(plan, consumer).where) {
    Guard g{te::Affine{{}, outside.value.constant}, outside.extent};
    for (const auto& [axis, factor] : outside.value.terms)
      te::AddScaled(&g.value, axes[static_cast<size_t>(axis)], factor);
    if (std::find(guards.begin(), guards.end(), g) == guards.end()) guards.push_back(std::move(g));
  }
  NodeId child = LastRead(plan, consumer, producer, loop);
  TS_RETURN_IF_ERROR(CheckOtherReads(plan, consumer, producer, loop, child, axes, step));
  bool sole = Consumers(plan, producer).size() == 1;
  bool partial = false;  // the producer's sums are complete only in the last iteration of an outer loop
  for (NodeId n = loop; n != kRoot; n = At(plan, n).parent) partial = partial || plan.Reduces(producer, n);
  // A layout is that of the whole tensor, which then stays where it is.
  const bool moves =
      sole && !partial && made.place == Place::kRoot && !IsOutput(plan, producer) && made.layout.empty();
  if (moves) TS_RETURN_IF_ERROR(CheckPrivate(plan, loop, step));
  std::vector<Span> region;
  for (size_t d = 0; d < static_cast<size_t>(p.spatial); ++d)
    region.push_back(SpanOf(plan, made.axes[d], loop));

  int position = PositionIn(plan, loop, child) + 1;
  RemoveNest(&plan, consumer);
  NodeId parent = loop;
  for (NodeId original : adopted) {
    parent = AddNode(&plan, parent, position);
    position = 0;
    const Node& from = At(plan, original);
    Node& copy = plan.nodes.back();
    copy.label = from.label;
    copy.owner = consumer;
    copy.extent = from.extent;
    copy.kind = from.kind;
    copy.grain = from.grain;
    copy.partition = from.partition;
    te::Affine value{{{parent, 1}}, 0};
    for (te::Affine& a : axes) a = te::Substitute(a, original, value);
    for (Guard& g : guards) g.value = te::Substitute(g.value, original, value);
  }
  NodeId leaf = AddNode(&plan, parent, position);
  plan.nodes.back().stage = consumer;
  StagePlan& s = Of(plan, consumer);
  s.leaf = leaf;
  s.axes = std::move(axes);
  s.guards = std::move(guards);
  s.touched = true;
  StagePlan& source = Of(plan, producer);
  source.touched = true;
  if (moves) {
    source.place = Place::kLoop;
    source.at = loop;
    source.region = std::move(region);
    source.scope = Scope::kThread;
  }
  return plan;
}

}  // namespace tunesmith::schedule
