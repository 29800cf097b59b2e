// SPDX-License-Identifier: Apache-2.0
#include "te/normalize.h"

#include <algorithm>

#include "te/bounds.h"

namespace tunesmith::te {
namespace {

size_t At(int id) { return static_cast<size_t>(id); }

/// Which dimensions of extent 1 every read leaves out without a change: an unguarded read of such a dimension
/// is at 0, a guarded one may be elsewhere.
std::vector<std::vector<bool>> DroppableDimensions(const Graph& graph) {
  std::vector<std::vector<bool>> droppable(graph.tensors.size());
  for (size_t t = 0; t < graph.tensors.size(); ++t) {
    for (int64_t extent : graph.tensors[t].shape) droppable[t].push_back(extent == 1);
  }
  for (const Stage& stage : graph.stages) {
    Visit(stage.body, [&](const Expr& e) {
      if (e->kind != ExprKind::kRead || !e->guarded) return;
      for (size_t d = 0; d < ReadRank(*e); ++d) {
        auto range = Bounds(e->args[d], stage.axes);
        if (!range || range->low != 0 || range->high != 0) droppable[At(e->id)][d] = false;
      }
    });
  }
  return droppable;
}

}  // namespace

bool DropDeadStages(Graph* graph) {
  std::vector<bool> needed(graph->tensors.size());
  for (size_t t = 0; t < needed.size(); ++t) needed[t] = graph->tensors[t].role != Role::kTemp;
  for (size_t s = graph->stages.size(); s-- > 0;) {
    const Stage& stage = graph->stages[s];
    if (!needed[At(stage.tensor)]) continue;
    Visit(stage.body, [&](const Expr& e) {
      if (e->kind == ExprKind::kRead) needed[At(e->id)] = true;
    });
  }
  if (std::find(needed.begin(), needed.end(), false) == needed.end()) return false;

  std::vector<int> new_id(needed.size(), -1);
  std::vector<Tensor> tensors;
  for (size_t t = 0; t < needed.size(); ++t) {
    if (!needed[t]) continue;
    new_id[t] = static_cast<int>(tensors.size());
    tensors.push_back(std::move(graph->tensors[t]));
  }
  graph->tensors = std::move(tensors);
  std::erase_if(graph->stages, [&](const Stage& stage) { return !needed[At(stage.tensor)]; });
  for (Stage& stage : graph->stages) {
    stage.tensor = new_id[At(stage.tensor)];
    stage.body = Substitute(stage.body, [&](const Expr& e) -> Expr {
      if (e->kind != ExprKind::kRead || new_id[At(e->id)] == e->id) return nullptr;
      auto node = std::make_shared<ExprNode>(*e);
      node->id = new_id[At(e->id)];
      return node;
    });
  }
  return true;
}

bool SimplifyBodies(Graph* graph) {
  bool changed = false;
  for (Stage& stage : graph->stages) {
    Expr simple = Simplify(stage.body, stage.axes, graph->tensors);
    if (Same(simple, stage.body)) continue;
    stage.body = std::move(simple);
    changed = true;
  }
  return changed;
}

bool SplitStores(Graph* graph) {
  bool changed = false;
  for (size_t s = 0; s < graph->stages.size(); ++s) {
    const Stage stored = graph->stages[s];
    const Tensor tensor = graph->tensors[At(stored.tensor)];
    if (stored.reducer == Reducer::kNone || stored.accumulator == tensor.dtype) continue;
    std::string name = tensor.name + "_wide";
    const auto taken = [&](const Tensor& other) { return other.name == name; };
    while (std::any_of(graph->tensors.begin(), graph->tensors.end(), taken)) name += "_";
    const auto wide = static_cast<int>(graph->tensors.size());
    graph->tensors.push_back({name, stored.accumulator, tensor.shape, Role::kTemp});

    Stage cast = stored;
    cast.axes.resize(At(stored.spatial));
    cast.reducer = Reducer::kNone;
    std::vector<Expr> element;
    for (int d = 0; d < stored.spatial; ++d) element.push_back(Var(d));
    cast.body = Cast(tensor.dtype, Read(stored.accumulator, wide, std::move(element)));
    cast.accumulator = tensor.dtype;
    graph->stages[s].tensor = wide;
    graph->stages.insert(graph->stages.begin() + static_cast<ptrdiff_t>(s) + 1, std::move(cast));
    changed = true;
  }
  return changed;
}

bool DropUnitAxes(Graph* graph) {
  auto droppable = DroppableDimensions(*graph);
  bool changed = false;
  for (Stage& stage : graph->stages) {
    std::vector<Axis> axes;
    std::vector<Expr> value;  // of each old axis
    int spatial = 0;
    for (size_t a = 0; a < stage.axes.size(); ++a) {
      bool is_spatial = a < At(stage.spatial);
      if (is_spatial ? droppable[At(stage.tensor)][a] : stage.axes[a].extent == 1) {
        value.push_back(Int(0));
        continue;
      }
      value.push_back(Var(static_cast<int>(axes.size())));
      axes.push_back(stage.axes[a]);
      spatial += is_spatial ? 1 : 0;
    }
    stage.body = Substitute(stage.body, [&](const Expr& e) -> Expr {
      if (e->kind == ExprKind::kVar) return value[At(e->id)];
      const std::vector<bool>& drop = droppable[At(e->id)];
      std::vector<Expr> args;
      for (size_t i = 0; i < e->args.size(); ++i) {
        if (i >= drop.size() || !drop[i]) args.push_back(e->args[i]);
      }
      if (args.size() == e->args.size()) return nullptr;
      auto node = std::make_shared<ExprNode>(*e);
      node->args = std::move(args);
      return node;
    });
    changed = changed || axes.size() != stage.axes.size();
    stage.axes = std::move(axes);
    stage.spatial = spatial;
    if (stage.reducer != Reducer::kNone && At(spatial) == stage.axes.size()) {
      stage.reducer = Reducer::kNone;
      stage.body = Cast(graph->tensors[At(stage.tensor)].dtype, stage.body);
      stage.accumulator = stage.body->type;
      changed = true;
    }
  }
  for (size_t t = 0; t < graph->tensors.size(); ++t) {
    std::vector<int64_t> shape;
    for (size_t d = 0; d < droppable[t].size(); ++d) {
      if (!droppable[t][d]) shape.push_back(graph->tensors[t].shape[d]);
    }
    changed = changed || shape.size() != droppable[t].size();
    graph->tensors[t].shape = std::move(shape);
  }
  return changed;
}

Graph Normalize(const Graph& graph) {
  Graph result = graph;
  // Each round that changes something leaves fewer stages, axes or nodes, or an axis or a store less to
  // split.
  for (bool changed = true; changed;) {
    changed = DropDeadStages(&result);
    changed = SplitStores(&result) || changed;
    changed = SimplifyBodies(&result) || changed;
    changed = DropUnitAxes(&result) || changed;
    changed = SplitDividedAxes(&result) || changed;
    changed = MergeAxes(&result) || changed;
  }
  // Of axes x, y and xy, the first two may have merged: schedules name axes, so names stay distinct.
  for (Stage& stage : result.stages) {
    for (size_t a = 1; a < stage.axes.size(); ++a) {
      std::string& name = stage.axes[a].name;
      auto is_taken = [&](const Axis& axis) { return axis.name == name; };
      auto end = stage.axes.begin() + static_cast<ptrdiff_t>(a);
      while (std::any_of(stage.axes.begin(), end, is_taken)) name += "_";
    }
  }
  return result;
}

}  // namespace tunesmith::te
