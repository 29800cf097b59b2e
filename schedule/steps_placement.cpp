// SPDX-License-Identifier: Apache-2.0
// Steps that say where stages are computed and stored.
#include <algorithm>

#include "schedule/steps.h"
#include "support/strings.h"

namespace tunesmith::schedule {
namespace {

const Node& At(const Plan& plan, NodeId n) { return plan.nodes[static_cast<size_t>(n)]; }
StagePlan& Of(Plan& plan, StageId id) { return plan.stages[static_cast<size_t>(id)]; }

std::vector<StageId> Consumers(const Plan& plan, StageId id) {
  std::vector<StageId> live;
  for (StageId consumer : plan.graph->ConsumersOf(plan.stage(id).tensor)) {
    if (plan.stages[static_cast<size_t>(consumer)].place != Place::kInlined) live.push_back(consumer);
  }
  return live;
}

Status CheckPlaceable(Plan& plan, StageId id, std::string_view step) {
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

bool IsOutput(const Plan& plan, StageId id) {
  return plan.graph->tensors[static_cast<size_t>(plan.stage(id).tensor)].role == te::Role::kOutput;
}

/// The smallest span that contains both; nothing if they move differently with the loops around.
std::optional<Span> Hull(const Span& a, const Span& b) {
  if (a.first.terms != b.first.terms) return std::nullopt;
  Span hull = a;
  hull.first.constant = std::min(a.first.constant, b.first.constant);
  int64_t end = std::max(a.first.constant + a.extent, b.first.constant + b.extent);
  hull.extent = end - hull.first.constant;
  return hull;
}

/// What these consumers of `id`, inside `loop`, read of it while one iteration of `loop` runs.
std::vector<Span> RegionRead(const Plan& plan, StageId id, const std::vector<StageId>& consumers,
                             NodeId loop) {
  const te::Tensor& tensor = plan.graph->tensors[static_cast<size_t>(plan.stage(id).tensor)];
  std::vector<std::optional<Span>> region(tensor.shape.size());
  std::vector<bool> whole(tensor.shape.size(), false);
  for (StageId consumer : consumers) {
    te::Visit(plan.stage(consumer).body, [&](const te::Expr& e) {
      if (e->kind != te::ExprKind::kRead || e->id != plan.stage(id).tensor) return;
      for (size_t d = 0; d < tensor.shape.size(); ++d) {
        std::optional<te::Affine> index = IndexOverLoops(plan, consumer, e->args[d]);
        if (!index) {
          whole[d] = true;
          continue;
        }
        Span span = SpanOf(plan, *index, loop);
        std::optional<Span> hull = region[d] ? Hull(*region[d], span) : span;
        if (hull) {
          region[d] = hull;
        } else {
          whole[d] = true;
        }
      }
    });
  }
  std::vector<Span> spans;
  for (size_t d = 0; d < tensor.shape.size(); ++d) {
    bool all =
        whole[d] || !region[d] || (region[d]->first.terms.empty() && region[d]->extent >= tensor.shape[d]);
    spans.push_back(all ? Span{te::Affine(), tensor.shape[d]} : *region[d]);
  }
  return spans;
}

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

int PositionIn(const Plan& plan, NodeId loop, NodeId child) {
  const auto& children = plan.ChildrenOf(loop);
  return static_cast<int>(std::find(children.begin(), children.end(), child) - children.begin());
}

}  // namespace

Result<Plan> ComputeAt(Plan plan, StageId id, NodeId loop, Scope scope) {
  std::string step = StrCat("at ", plan.NameOf(id), " ", At(plan, loop).name);
  TS_RETURN_IF_ERROR(CheckPlaceable(plan, id, "at"));
  if (IsOutput(plan, id))
    return Invalid(StrCat(step, ": an output is computed as a whole; fuse its producer instead"));
  std::vector<StageId> consumers = Consumers(plan, id);
  int position = static_cast<int>(At(plan, loop).children.size());
  for (StageId consumer : consumers) {
    NodeId leaf = Of(plan, consumer).leaf;
    if (!plan.Encloses(loop, leaf)) {
      return Invalid(StrCat(step, ": the consumer '", plan.NameOf(consumer), "' is not inside this loop"));
    }
    position = std::min(position, PositionIn(plan, loop, plan.ChildTowards(loop, leaf)));
  }
  for (NodeId n = loop; n != kRoot; n = At(plan, n).parent) {
    if (At(plan, n).kind == LoopKind::kVector) {
      return Invalid(StrCat(step, ": a stage cannot be computed inside the vector loop ", At(plan, n).name));
    }
  }
  std::vector<Span> region = RegionRead(plan, id, consumers, loop);
  RemoveNest(&plan, id);
  StagePlan& s = Of(plan, id);
  s.place = Place::kLoop;
  s.at = loop;
  s.scope = scope;
  s.region = std::move(region);
  BuildNest(&plan, id, loop, position);
  GuardRegion(&plan, id);
  return plan;
}

Result<Plan> FuseConsumer(Plan plan, StageId consumer, StageId producer, NodeId loop) {
  std::string step = StrCat("fuse ", plan.NameOf(consumer), " at ", At(plan, loop).name);
  TS_RETURN_IF_ERROR(CheckPlaceable(plan, consumer, "fuse"));
  const te::Stage& c = plan.stage(consumer);
  const te::Stage& p = plan.stage(producer);
  const StagePlan& made = Of(plan, producer);
  if (made.leaf < 0 || !plan.Encloses(loop, made.leaf)) {
    return Invalid(StrCat(step, ": '", plan.NameOf(producer), "' is not computed inside this loop"));
  }
  // The read that ties the two: its indices must name each axis of the consumer once.
  te::Expr read;
  bool several = false;
  te::Visit(c.body, [&](const te::Expr& e) {
    if (e->kind != te::ExprKind::kRead || e->id != p.tensor) return;
    if (read && !te::Same(read, e)) several = true;
    read = e;
  });
  if (!read || several || read->guarded) {
    return Invalid(StrCat(step, ": the consumer must read exactly one element of '", plan.NameOf(producer),
                          "', unguarded, in each iteration"));
  }
  // Loops below `loop` over the producer's spatial axes, outermost first: each gets a copy.
  std::vector<NodeId> adopted;
  for (NodeId n : plan.LoopsAbove(made.leaf)) {
    if (plan.Encloses(loop, n) && plan.IsSpatial(producer, n)) adopted.push_back(n);
  }
  std::vector<te::Affine> axes(c.axes.size());
  std::vector<bool> bound(c.axes.size(), false);
  for (size_t d = 0; d < static_cast<size_t>(p.spatial); ++d) {
    std::optional<te::Affine> index = te::ToAffine(read->args[d]);
    if (!index || index->constant != 0) {
      return Invalid(StrCat(step, ": the consumer does not walk dimension ", d, " of '",
                            plan.NameOf(producer), "' as a whole"));
    }
    const te::Affine& value = made.axes[d];
    if (index->terms.empty()) continue;
    if (index->terms.size() == 1 && index->terms[0].second == 1) {
      size_t axis = static_cast<size_t>(index->terms[0].first);
      if (bound[axis]) return Invalid(StrCat(step, ": the consumer reads a diagonal"));
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
      return Invalid(StrCat(step, ": dimension ", d, " of '", plan.NameOf(producer), "' is split otherwise"));
    }
  }
  for (size_t a = 0; a < axes.size(); ++a) {
    if (!bound[a] && c.axes[a].extent != 1) {
      return Invalid(StrCat(step, ": '", plan.NameOf(producer), "' does not depend on the consumer's axis ",
                            c.axes[a].name));
    }
  }
  std::vector<Guard> guards;
  for (const Guard& g : made.guards) {
    bool spatial = std::all_of(g.value.terms.begin(), g.value.terms.end(),
                               [&](const auto& t) { return !plan.Reduces(producer, t.first); });
    if (spatial) guards.push_back(g);
  }
  bool sole = Consumers(plan, producer).size() == 1;
  bool partial = false;  // the producer's sums are complete only in the last iteration of an outer loop
  for (NodeId n = loop; n != kRoot; n = At(plan, n).parent) partial = partial || plan.Reduces(producer, n);
  std::vector<Span> region;
  for (size_t d = 0; d < static_cast<size_t>(p.spatial); ++d)
    region.push_back(SpanOf(plan, made.axes[d], loop));

  int position = PositionIn(plan, loop, plan.ChildTowards(loop, made.leaf)) + 1;
  RemoveNest(&plan, consumer);
  NodeId parent = loop;
  auto append = [&](Node node, int at) {
    NodeId n = static_cast<NodeId>(plan.nodes.size());
    node.parent = parent;
    auto& siblings = plan.nodes[static_cast<size_t>(parent)].children;
    siblings.insert(siblings.begin() + at, n);
    plan.nodes.push_back(std::move(node));
    parent = n;
    return n;
  };
  const std::string own = plan.NameOf(consumer), other = plan.NameOf(producer);
  for (size_t i = 0; i < adopted.size(); ++i) {
    Node copy = At(plan, adopted[i]);
    copy.children.clear();
    copy.owner = consumer;
    copy.name = own + copy.name.substr(copy.name.find('.', plan.NameOf(At(plan, adopted[i]).owner).size()));
    NodeId n = append(std::move(copy), i == 0 ? position : 0);
    te::Affine value{{{n, 1}}, 0};
    for (te::Affine& a : axes) a = te::Substitute(a, adopted[i], value);
    for (Guard& g : guards) g.value = te::Substitute(g.value, adopted[i], value);
  }
  Node leaf;
  leaf.name = own;
  leaf.stage = consumer;
  NodeId leaf_id = append(std::move(leaf), adopted.empty() ? position : 0);
  StagePlan& s = Of(plan, consumer);
  s.leaf = leaf_id;
  s.axes = std::move(axes);
  s.guards = std::move(guards);
  s.touched = true;
  StagePlan& source = Of(plan, producer);
  source.touched = true;
  if (sole && !partial && source.place == Place::kRoot && !IsOutput(plan, producer)) {
    source.place = Place::kLoop;
    source.at = loop;
    source.region = std::move(region);
    source.scope = Scope::kThread;
  }
  return plan;
}

Result<Plan> Keep(Plan plan, StageId id, NodeId loop) {
  std::string step = StrCat("keep ", plan.NameOf(id), " from ", At(plan, loop).name);
  StagePlan& s = Of(plan, id);
  if (plan.stage(id).reducer == te::Reducer::kNone)
    return Invalid(StrCat(step, ": the stage does not reduce"));
  if (s.leaf < 0 || !plan.Encloses(loop, s.leaf))
    return Invalid(StrCat(step, ": the stage is not computed inside this loop"));
  if (s.keep != kRoot) return Invalid(StrCat(step, ": its accumulators are kept already"));
  int64_t elements = 1;
  for (int d = 0; d < plan.stage(id).spatial; ++d)
    elements *= SpanOf(plan, s.axes[static_cast<size_t>(d)], loop).extent;
  constexpr int64_t kMost =
      4096;  // far above any register file: what does not fit is the cost model's business
  if (elements > kMost)
    return Invalid(StrCat(step, ": ", elements, " accumulators; at most ", kMost, " can be kept"));
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
  std::string step = StrCat("layout ", plan.NameOf(id));
  StagePlan& s = Of(plan, id);
  const te::Tensor& tensor = plan.graph->tensors[static_cast<size_t>(plan.stage(id).tensor)];
  if (tensor.role == te::Role::kOutput)
    return Invalid(step + ": an output's layout is part of the operator's interface");
  size_t rank = tensor.shape.size();
  std::vector<int> sorted = order;
  std::sort(sorted.begin(), sorted.end());
  for (size_t d = 0; d < sorted.size(); ++d) {
    if (sorted[d] != static_cast<int>(d)) return Invalid(step + ": the order must name each dimension once");
  }
  if (sorted.size() != rank) return Invalid(step + ": the order must name each dimension once");
  std::vector<int64_t> left;
  for (size_t d = 0; d < rank; ++d) left.push_back(s.region.empty() ? tensor.shape[d] : s.region[d].extent);
  for (const Piece& b : blocks) {
    if (b.dim < 0 || b.dim >= static_cast<int>(rank) || b.extent < 1)
      return Invalid(step + ": a block must name a dimension and a size of at least 1");
    left[static_cast<size_t>(b.dim)] = (left[static_cast<size_t>(b.dim)] + b.extent - 1) / b.extent;
  }
  s.layout.clear();
  for (int d : order) s.layout.push_back({d, left[static_cast<size_t>(d)]});
  s.layout.insert(s.layout.end(), blocks.begin(), blocks.end());
  return plan;
}

Result<Plan> Stream(Plan plan, StageId id) {
  Of(plan, id).streaming = true;
  return plan;
}

}  // namespace tunesmith::schedule
