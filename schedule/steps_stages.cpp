// SPDX-License-Identifier: Apache-2.0
// Steps that add stages to the graph or take them away: inline, cache, factor.
#include <algorithm>

#include "absl/container/flat_hash_map.h"
#include "schedule/placement.h"
#include "schedule/steps.h"
#include "te/bounds.h"

namespace tunesmith::schedule {
namespace {

using te::Expr;
using te::ExprKind;

Status CheckNewName(const Plan& plan, StepText step, const std::string& name) {
  bool word = !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  });
  if (!word) return Invalid(StrCat(step(), ": '", name, "' is not a name: letters, digits and _"));
  for (const te::Tensor& t : plan.graph->tensors) {
    if (t.name == name) return Invalid(StrCat(step(), ": there is a tensor '", name, "' already"));
  }
  return absl::OkStatus();
}

/// Adds a stage, without a nest yet, that `reader` is going to read.
StageId AddStage(Plan* plan, StageId reader, te::Tensor tensor, te::Stage stage) {
  te::Graph* graph = OwnGraph(plan);
  stage.tensor = static_cast<int>(graph->tensors.size());
  graph->tensors.push_back(std::move(tensor));
  graph->stages.push_back(std::move(stage));
  const StageId further = Of(*plan, reader).serves;
  plan->stages.emplace_back().serves = further >= 0 ? further : reader;
  return static_cast<StageId>(plan->stages.size()) - 1;
}

int RootPosition(const Plan& plan, StageId stage) {
  NodeId top = plan.ChildTowards(kRoot, plan.stages[static_cast<size_t>(stage)].leaf);
  return static_cast<int>(std::find(plan.roots.begin(), plan.roots.end(), top) - plan.roots.begin());
}

Expr Zero(te::DType type) { return te::IsFloat(type) ? te::Float(0, type) : te::Int(0, type); }

/// Inlining into several reads doubles an expression each time. No operator comes near this.
constexpr int64_t kMostNodes = 100000;

/// The size of the expression as a tree: subtrees that are shared count as often as they are used.
int64_t NodesOf(const Expr& e, absl::flat_hash_map<const te::ExprNode*, int64_t>* known) {
  if (e == nullptr) return 0;
  if (auto found = known->find(e.get()); found != known->end()) return found->second;
  int64_t nodes = 1;
  for (const Expr& a : e->args) nodes = std::min(nodes + NodesOf(a, known), kMostNodes + 1);
  known->emplace(e.get(), nodes);
  return nodes;
}
int64_t NodesOf(const Expr& e) {
  absl::flat_hash_map<const te::ExprNode*, int64_t> known;
  return NodesOf(e, &known);
}

}  // namespace

Result<Plan> Inline(Plan plan, StageId id) {
  te::Graph* graph = OwnGraph(&plan);
  const te::Stage& stage = plan.stage(id);
  const std::string& name = plan.NameOf(id);
  const te::Tensor& tensor = plan.graph->tensors[static_cast<size_t>(stage.tensor)];
  if (stage.reducer != te::Reducer::kNone)
    return Invalid(StrCat("inline ", name, ": the stage reduces; place it instead"));
  if (tensor.role == te::Role::kOutput)
    return Invalid(StrCat("inline ", name, ": it is an output, which must be stored"));
  TS_RETURN_IF_ERROR(CheckPlaceable(plan, id, "inline"));
  TS_RETURN_IF_ERROR(
      CheckNotPrefetched(plan, stage.tensor, Consumers(plan, id), [&] { return StrCat("inline ", name); }));
  for (StageId consumer : plan.graph->ConsumersOf(stage.tensor)) {
    bool guarded = false;
    te::Stage& c = graph->stages[static_cast<size_t>(consumer)];
    c.body = te::Substitute(c.body, [&](const Expr& e) -> Expr {
      if (e->kind != ExprKind::kRead || e->id != stage.tensor) return nullptr;
      guarded = guarded || e->guarded;
      Expr value = te::Substitute(stage.body, [&](const Expr& inner) -> Expr {
        return inner->kind == ExprKind::kVar ? e->args[static_cast<size_t>(inner->id)] : nullptr;
      });
      return value->type == tensor.dtype ? value : te::Cast(tensor.dtype, value);
    });
    if (guarded) {
      return Invalid(
          StrCat("inline ", name, ": '", plan.NameOf(consumer), "' reads it guarded; place it instead"));
    }
    if (NodesOf(c.body) > kMostNodes) {
      return Invalid(StrCat("inline ", name, ": the expression of '", plan.NameOf(consumer),
                            "' would have more than ", kMostNodes, " operands; place it instead"));
    }
  }
  RemoveNest(&plan, id);
  plan.stages[static_cast<size_t>(id)].place = Place::kInlined;
  return plan;
}

Result<Plan> Cache(Plan plan, int tensor_id, StageId consumer, const std::string& name,
                   const std::vector<int64_t>& multiples) {
  const te::Tensor& source = plan.graph->tensors[static_cast<size_t>(tensor_id)];
  auto step = [&] { return StrCat("cache ", source.name, " for ", plan.NameOf(consumer)); };
  TS_RETURN_IF_ERROR(CheckNewName(plan, step, name));
  const te::Stage& reader = plan.stage(consumer);
  const StagePlan& reading = Of(plan, consumer);
  if (reading.place == Place::kInlined)
    return Invalid(StrCat(step(), ": that stage is inlined; it reads nothing"));
  if (reading.place == Place::kPack)
    return Invalid(StrCat(step(), ": that stage is packed already; cache before that"));
  if (!multiples.empty() && multiples.size() != source.shape.size()) {
    return Invalid(StrCat(step(), ": ", multiples.size(), " multiples for ", source.shape.size(),
                          " dimensions; give one for each"));
  }
  std::vector<Expr> reads;
  te::Visit(reader.body, [&](const Expr& e) {
    if (e->kind == ExprKind::kRead && e->id == tensor_id) reads.push_back(e);
  });
  if (reads.empty()) return Invalid(StrCat(step(), ": the stage does not read it"));
  TS_RETURN_IF_ERROR(CheckNotPrefetched(plan, tensor_id, {consumer}, step));
  if (StageId made = plan.graph->StageOf(tensor_id);
      made >= 0 && RootPosition(plan, made) >= RootPosition(plan, consumer)) {
    return Invalid(StrCat(step(), ": both are computed in one nest; cache before they are placed"));
  }

  te::Tensor copy = source;
  copy.name = name;
  copy.role = te::Role::kTemp;
  te::Stage stage;
  stage.spatial = static_cast<int>(source.shape.size());
  stage.accumulator = source.dtype;
  Expr otherwise;
  std::vector<Expr> indices;
  double padded_from = 1;  // elements without the multiples
  std::vector<int64_t> offset(source.shape.size(), 0);
  for (size_t d = 0; d < source.shape.size(); ++d) {
    int64_t low = 0, high = source.shape[d] - 1;
    std::string axis = StrCat("d", d);
    for (const Expr& read : reads) {
      std::optional<te::Affine> index = te::ToAffine(read->args[d]);
      if (index && index->terms.size() == 1)
        axis = reader.axes[static_cast<size_t>(index->terms[0].first)].name;
      if (!read->guarded) continue;
      const std::optional<te::Interval> reach = te::Bounds(read->args[d], reader.axes);
      constexpr int64_t kFarthest = int64_t{1} << 40;
      if (!reach || reach->low < -kFarthest || reach->high > kFarthest)
        return Invalid(StrCat(step(), ": a guarded index may be anywhere"));
      Expr value = read->args.back();
      if (otherwise && !te::Same(otherwise, value))
        return Invalid(StrCat(step(), ": it is guarded by two different values"));
      otherwise = value;
      low = std::min(low, reach->low);
      high = std::max(high, reach->high);
    }
    auto taken = [&] {
      return std::any_of(stage.axes.begin(), stage.axes.end(), [&](const auto& a) { return a.name == axis; });
    };
    if (taken()) axis = StrCat("d", d);
    while (taken()) axis += "_";
    int64_t extent = high - low + 1;
    if (!multiples.empty()) {
      if (multiples[d] < 1)
        return Invalid(StrCat(step(), ": dimension ", d, " is padded to a multiple of ", multiples[d],
                              "; it must be at least 1"));
      if (multiples[d] > std::max(4 * extent, int64_t{1} << 20))
        return Invalid(StrCat(step(), ": dimension ", d, " is padded to a multiple of ", multiples[d],
                              ", far beyond its extent of ", extent));
      extent = (extent + multiples[d] - 1) / multiples[d] * multiples[d];
    }
    offset[d] = low;
    padded_from *= static_cast<double>(high - low + 1);
    copy.shape[d] = extent;
    stage.axes.push_back({axis, extent});
    indices.push_back(te::Var(static_cast<int>(d)) + te::Int(low));
  }
  if (Product(copy.shape) > std::max(4 * padded_from, kMostPadded))
    return Invalid(StrCat(step(), ": padding it would need more than four times the memory"));
  if (copy.shape == source.shape) {
    stage.body = te::Read(source.dtype, tensor_id, indices);
  } else {
    stage.body = te::GuardedRead(source.dtype, tensor_id, indices, nullptr,
                                 otherwise ? otherwise : Zero(source.dtype));
  }
  const te::DType type = source.dtype;  // the graph that `source` and `reader` belong to may go
  StageId id = AddStage(&plan, consumer, std::move(copy), std::move(stage));
  int copied = plan.stage(id).tensor;
  te::Stage& c = OwnGraph(&plan)->stages[static_cast<size_t>(consumer)];
  c.body = te::Substitute(c.body, [&](const Expr& e) -> Expr {
    if (e->kind != ExprKind::kRead || e->id != tensor_id) return nullptr;
    std::vector<Expr> shifted;
    for (size_t d = 0; d < offset.size(); ++d) {
      std::optional<te::Affine> index = te::ToAffine(e->args[d]);
      shifted.push_back(index ? te::ToExpr(*index + te::Affine{{}, -offset[d]})
                              : e->args[d] + te::Int(-offset[d]));
    }
    return te::Read(type, copied, std::move(shifted));
  });
  BuildNest(&plan, id, kRoot, RootPosition(plan, consumer));
  return plan;
}

Result<Plan> Factor(Plan plan, StageId id, NodeId loop, const std::string& name) {
  auto step = [&] { return StrCat("factor ", plan.NameOf(id), " ", plan.LoopName(loop)); };
  TS_RETURN_IF_ERROR(CheckNewName(plan, step, name));
  StagePlan& s = plan.stages[static_cast<size_t>(id)];
  const te::Stage& old = plan.stage(id);
  if (s.place != Place::kRoot || s.keep != kRoot)
    return Invalid(StrCat(step(), ": the stage has been placed or kept already; factor it first"));
  if (s.leaf < 0 || !plan.Encloses(loop, s.leaf) || !plan.Reduces(id, loop)) {
    return Invalid(StrCat(step(), ": the stage is not reduced over this loop"));
  }
  TS_RETURN_IF_ERROR(CheckAlone(plan, id, step));
  for (NodeId n : plan.LoopsAbove(s.leaf)) {
    const Node& above = At(plan, n);
    if (above.owner != id) {
      return Invalid(StrCat(step(), ": the stage is computed in the nest of '", plan.NameOf(above.owner),
                            "'; factor it before that"));
    }
    if (above.kind != LoopKind::kSerial) {
      return Invalid(
          StrCat(step(), ": its loop ", plan.LoopName(n), " is no longer serial; factor it before that"));
    }
  }
  for (int a = 0; a < old.spatial; ++a) {
    const te::Affine& value = s.axes[static_cast<size_t>(a)];
    if (value.terms.size() > 1 || (value.terms.size() == 1 && value.terms[0].second != 1)) {
      return Invalid(StrCat(step(), ": its axis ", old.axes[static_cast<size_t>(a)].name,
                            " has been split already; factor it first"));
    }
  }
  te::Tensor tensor{name, old.accumulator, plan.graph->tensors[static_cast<size_t>(old.tensor)].shape,
                    te::Role::kTemp};
  tensor.shape.push_back(At(plan, loop).extent);
  te::Stage partial;
  partial.reducer = old.reducer;
  partial.accumulator = old.accumulator;
  partial.spatial = old.spatial + 1;
  std::vector<std::pair<NodeId, int>> axis_of;  // loop -> axis of the new stage
  for (int a = 0; a < old.spatial; ++a) {
    const te::Affine& value = s.axes[static_cast<size_t>(a)];
    if (!value.terms.empty()) axis_of.emplace_back(value.terms[0].first, a);
    partial.axes.push_back(old.axes[static_cast<size_t>(a)]);
  }
  // No two loops of the new stage, or of what is left of this one, may have one name.
  auto free_name = [&](NodeId n) {
    std::string label = At(plan, n).label;
    std::replace(label.begin(), label.end(), '.', '_');
    const auto taken = [&](const te::Axis& axis) { return axis.name == label; };
    while (std::any_of(partial.axes.begin(), partial.axes.end(), taken)) label += '_';
    return label;
  };
  NodeIds inner = plan.LoopsAbove(s.leaf);
  inner.erase(
      std::remove_if(inner.begin(), inner.end(), [&](NodeId n) { return n == loop || !plan.Reduces(id, n); }),
      inner.end());
  inner.insert(inner.begin(), loop);
  for (NodeId n : inner) {
    axis_of.emplace_back(n, static_cast<int>(partial.axes.size()));
    partial.axes.push_back({free_name(n), plan.nodes[static_cast<size_t>(n)].extent});
  }
  auto over_axes = [&](const te::Affine& over_loops) {
    te::Affine a{{}, over_loops.constant};
    for (const auto& [n, factor] : over_loops.terms) {
      for (const auto& [from, to] : axis_of) {
        if (from == n) te::AddScaled(&a, te::Affine{{{to, 1}}, 0}, factor);
      }
    }
    return a;
  };
  partial.body = te::Substitute(old.body, [&](const Expr& e) -> Expr {
    if (e->kind != ExprKind::kVar) return nullptr;
    const te::Affine value = over_axes(s.axes[static_cast<size_t>(e->id)]);
    return value == te::Affine{{{e->id, 1}}, 0} ? nullptr : te::ToExpr(value);
  });
  std::vector<Guard> where;
  for (const Guard& g : s.guards) where.push_back({over_axes(g.value), g.extent});
  // Those that the new stage has no loop left to reduce under exclude elements that it does not have.
  std::vector<Guard> outside;
  for (const Guard& g : where) {
    const bool spatial = std::all_of(g.value.terms.begin(), g.value.terms.end(),
                                     [&](const auto& t) { return t.first <= old.spatial; });
    if (spatial) outside.push_back(g);
  }

  const te::Axis factored_axis = partial.axes[static_cast<size_t>(old.spatial)];
  int position = RootPosition(plan, id);
  RemoveNest(&plan, id);
  StageId factored = AddStage(&plan, id, std::move(tensor), std::move(partial));
  te::Stage& rest = OwnGraph(&plan)->stages[static_cast<size_t>(id)];
  std::vector<Expr> indices;
  for (int a = 0; a <= rest.spatial; ++a) indices.push_back(te::Var(a));
  rest.axes.resize(static_cast<size_t>(rest.spatial));
  rest.axes.push_back(factored_axis);
  rest.body = te::Read(rest.accumulator, plan.stage(factored).tensor, std::move(indices));
  plan.stages[static_cast<size_t>(id)].where = std::move(outside);
  plan.stages[static_cast<size_t>(factored)].where = std::move(where);
  BuildNest(&plan, id, kRoot, position);
  BuildNest(&plan, factored, kRoot, position);
  return plan;
}

}  // namespace tunesmith::schedule
