// SPDX-License-Identifier: Apache-2.0
#include "schedule/plan.h"

#include <algorithm>
#include <cmath>

#include "support/strings.h"

namespace tunesmith::schedule {
namespace {

/// The smallest span that contains both; nothing if they move differently with the loops around.
std::optional<Span> Hull(const Span& a, const Span& b) {
  if (a.first.terms != b.first.terms) return std::nullopt;
  Span hull = a;
  hull.first.constant = std::min(a.first.constant, b.first.constant);
  int64_t end = std::max(a.first.constant + a.extent, b.first.constant + b.extent);
  hull.extent = end - hull.first.constant;
  return hull;
}

}  // namespace

const std::string& Plan::NameOf(StageId id) const {
  return graph->tensors[static_cast<size_t>(stage(id).tensor)].name;
}

std::string Plan::LoopName(NodeId loop) const {
  const Node& node = nodes[static_cast<size_t>(loop)];
  return StrCat(NameOf(node.owner), ".", node.label);
}

NodeIds Plan::LoopsAbove(NodeId node) const {
  const NodeId parent = nodes[static_cast<size_t>(node)].parent;
  size_t depth = 0;
  for (NodeId n = parent; n != kRoot; n = nodes[static_cast<size_t>(n)].parent) ++depth;
  NodeIds loops(depth);
  for (NodeId n = parent; n != kRoot; n = nodes[static_cast<size_t>(n)].parent) loops[--depth] = n;
  return loops;
}

StageIds Plan::StagesIn(NodeId loop) const {
  StageIds inside;
  if (loop != kRoot && nodes[static_cast<size_t>(loop)].is_leaf())
    inside.push_back(nodes[static_cast<size_t>(loop)].stage);
  auto walk = [&](auto& self, const Children& children) -> void {
    for (NodeId n : children) {
      const Node& node = nodes[static_cast<size_t>(n)];
      if (node.is_leaf()) inside.push_back(node.stage);
      self(self, node.children);
    }
  };
  walk(walk, ChildrenOf(loop));
  return inside;
}

NodeId Plan::ChildTowards(NodeId loop, NodeId node) const {
  while (nodes[static_cast<size_t>(node)].parent != loop) node = nodes[static_cast<size_t>(node)].parent;
  return node;
}

const Children& Plan::ChildrenOf(NodeId loop) const {
  return loop == kRoot ? roots : nodes[static_cast<size_t>(loop)].children;
}

bool Plan::Reduces(StageId id, NodeId loop) const {
  const StagePlan& s = stages[static_cast<size_t>(id)];
  for (size_t a = static_cast<size_t>(stage(id).spatial); a < s.axes.size(); ++a) {
    if (s.axes[a].CoefficientOf(loop) != 0) return true;
  }
  return false;
}

bool Plan::IsSpatial(StageId id, NodeId loop) const {
  const StagePlan& s = stages[static_cast<size_t>(id)];
  for (size_t a = 0; a < static_cast<size_t>(stage(id).spatial); ++a) {
    if (s.axes[a].CoefficientOf(loop) != 0) return true;
  }
  return false;
}

te::Graph* OwnGraph(Plan* plan) {
  // A graph is made as what can be changed; the plan's pointer only keeps others from doing so. Where nobody
  // else has a pointer to it, nobody else can get one either.
  if (plan->graph.use_count() != 1) {
    constexpr size_t kMoreStages = 8;  // room for what steps add
    auto own = std::make_shared<te::Graph>();
    own->tensors.reserve(plan->graph->tensors.size() + kMoreStages);
    own->tensors = plan->graph->tensors;
    own->stages.reserve(plan->graph->stages.size() + kMoreStages);
    own->stages = plan->graph->stages;
    plan->graph = std::move(own);
  }
  return const_cast<te::Graph*>(plan->graph.get());
}

Plan InitialPlan(std::shared_ptr<const te::Graph> graph) {
  Plan plan;
  plan.graph = std::move(graph);
  plan.stages.resize(plan.graph->stages.size());
  for (StageId id = 0; id < static_cast<StageId>(plan.stages.size()); ++id) {
    BuildNest(&plan, id, kRoot, static_cast<int>(plan.roots.size()));
  }
  return plan;
}

NodeId AddNode(Plan* plan, NodeId parent, int position) {
  const NodeId n = static_cast<NodeId>(plan->nodes.size());
  Children& siblings = parent == kRoot ? plan->roots : plan->nodes[static_cast<size_t>(parent)].children;
  siblings.insert(siblings.begin() + position, n);
  plan->nodes.emplace_back().parent = parent;
  return n;
}

void BuildNest(Plan* plan, StageId id, NodeId parent, int position) {
  const te::Stage& stage = plan->stage(id);
  StagePlan& s = plan->stages[static_cast<size_t>(id)];
  s.axes.resize(stage.axes.size());
  s.guards.clear();
  s.touched = false;
  for (size_t a = 0; a < stage.axes.size(); ++a) {
    parent = AddNode(plan, parent, position);
    position = 0;
    Node& loop = plan->nodes.back();
    loop.label = stage.axes[a].name;
    loop.owner = id;
    bool within = a < static_cast<size_t>(stage.spatial) && !s.region.empty();
    loop.extent = within ? s.region[a].extent : stage.axes[a].extent;
    s.axes[a] = within ? s.region[a].first : te::Affine();
    s.axes[a].terms.emplace_back(parent, 1);  // a new node's number is the largest: the terms stay sorted
  }
  s.leaf = AddNode(plan, parent, position);
  plan->nodes.back().stage = id;
  for (const Guard& outside : s.where) {
    Guard& guard = s.guards.emplace_back(Guard{te::Affine{{}, outside.value.constant}, outside.extent});
    for (const auto& [axis, factor] : outside.value.terms)
      te::AddScaled(&guard.value, s.axes[static_cast<size_t>(axis)], factor);
  }
}

void RemoveNest(Plan* plan, StageId id) {
  NodeId node = plan->stages[static_cast<size_t>(id)].leaf;
  plan->stages[static_cast<size_t>(id)].leaf = -1;
  while (node != kRoot && plan->nodes[static_cast<size_t>(node)].children.empty()) {
    Node& n = plan->nodes[static_cast<size_t>(node)];
    n.removed = true;
    Children& siblings =
        n.parent == kRoot ? plan->roots : plan->nodes[static_cast<size_t>(n.parent)].children;
    siblings.erase(std::find(siblings.begin(), siblings.end(), node));
    node = n.parent;
  }
}

Result<NodeId> LoopNamed(const Plan& plan, std::string_view name) {
  NodeId found = -1, another = -1;
  for (NodeId n = 0; n < static_cast<NodeId>(plan.nodes.size()); ++n) {
    const Node& node = plan.nodes[static_cast<size_t>(n)];
    if (node.removed || node.is_leaf() || !name.ends_with(node.label)) continue;
    if (name.size() == node.label.size()) {
      if (another == -1) (found == -1 ? found : another) = n;
    } else if (name == plan.LoopName(n)) {
      return n;
    }
  }
  if (another != -1) {
    return Invalid(StrCat("two loops are called '", name, "': write '", plan.LoopName(found), "' or '",
                          plan.LoopName(another), "'"));
  }
  if (found != -1) return found;
  std::string known;
  for (NodeId n = 0; n < static_cast<NodeId>(plan.nodes.size()); ++n) {
    const Node& node = plan.nodes[static_cast<size_t>(n)];
    if (!node.removed && !node.is_leaf()) StrAppend(&known, known.empty() ? "" : ", ", plan.LoopName(n));
  }
  return NotFound(StrCat("no loop is called '", name, "'; there are: ", known));
}

Result<StageId> StageNamed(const Plan& plan, std::string_view name) {
  for (StageId id = 0; id < static_cast<StageId>(plan.stages.size()); ++id) {
    if (plan.NameOf(id) == name) return id;
  }
  std::string known;
  for (StageId id = 0; id < static_cast<StageId>(plan.stages.size()); ++id)
    StrAppend(&known, known.empty() ? "" : ", ", plan.NameOf(id));
  return NotFound(StrCat("no stage is called '", name, "'; there are: ", known));
}

Span SpanOf(const Plan& plan, const te::Affine& value, NodeId within) {
  Span span;
  span.extent = 1;
  span.first.constant = value.constant;
  for (const auto& [loop, factor] : value.terms) {
    if (within != kRoot && (loop == within || !plan.Encloses(within, loop))) {
      span.first.terms.emplace_back(loop, factor);
      continue;
    }
    int64_t reach = std::max<int64_t>(plan.nodes[static_cast<size_t>(loop)].extent - 1, 0) * factor;
    if (reach < 0) span.first.constant += reach;
    span.extent += std::abs(reach);
  }
  return span;
}

std::optional<te::Affine> IndexOverLoops(const Plan& plan, StageId stage, const te::Expr& index) {
  return te::ToAffine(index, plan.stages[static_cast<size_t>(stage)].axes);
}

std::vector<Span> RegionTouched(const Plan& plan, int tensor_id, const StageIds& stages, NodeId loop) {
  const te::Tensor& tensor = plan.graph->tensors[static_cast<size_t>(tensor_id)];
  absl::InlinedVector<std::optional<Span>, 4> region(tensor.shape.size());
  absl::InlinedVector<bool, 4> whole(tensor.shape.size(), false);
  auto touch = [&](size_t d, const std::optional<te::Affine>& index) {
    if (!index) {
      whole[d] = true;
      return;
    }
    Span span = SpanOf(plan, *index, loop);
    std::optional<Span> hull = region[d] ? Hull(*region[d], span) : span;
    if (hull) {
      region[d] = hull;
    } else {
      whole[d] = true;
    }
  };
  for (StageId id : stages) {
    if (plan.stage(id).tensor == tensor_id) {
      for (size_t d = 0; d < tensor.shape.size(); ++d) touch(d, plan.stages[static_cast<size_t>(id)].axes[d]);
    }
    te::Visit(plan.stage(id).body, [&](const te::Expr& e) {
      if (e->kind != te::ExprKind::kRead || e->id != tensor_id) return;
      for (size_t d = 0; d < tensor.shape.size(); ++d) touch(d, IndexOverLoops(plan, id, e->args[d]));
    });
  }
  std::vector<Span> spans;
  spans.reserve(tensor.shape.size());
  for (size_t d = 0; d < tensor.shape.size(); ++d) {
    bool all =
        whole[d] || !region[d] || (region[d]->first.terms.empty() && region[d]->extent >= tensor.shape[d]);
    spans.push_back(all ? Span{te::Affine(), tensor.shape[d]} : *region[d]);
  }
  return spans;
}

double LinesOf(absl::Span<const int64_t> extents, int64_t element_bytes) {
  constexpr double kLine = 64;  // bytes
  double lines = 1;
  for (size_t d = 0; d < extents.size(); ++d) {
    const double extent = static_cast<double>(extents[d]);
    lines *=
        d + 1 == extents.size() ? std::ceil(extent * static_cast<double>(element_bytes) / kLine) : extent;
  }
  return lines;
}

double LinesOf(const Plan& plan, int tensor, const std::vector<Span>& region) {
  absl::InlinedVector<int64_t, 6> extents;
  for (const Span& span : region) extents.push_back(span.extent);
  return LinesOf(extents, te::SizeOf(plan.graph->tensors[static_cast<size_t>(tensor)].dtype));
}

}  // namespace tunesmith::schedule
