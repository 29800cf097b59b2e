// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "te/bounds.h"
#include "te/normalize.h"

namespace tunesmith::te {
namespace {

size_t At(int id) { return static_cast<size_t>(id); }

bool Divides(const Expr& e) { return e->kind == ExprKind::kDiv || e->kind == ExprKind::kMod; }

/// True if the index's quotient and remainder by q are expressions without divisions.
bool DividesAway(const Expr& index, int64_t q, const Stage& stage, const Graph& graph) {
  bool remains = false;
  for (ExprKind kind : {ExprKind::kDiv, ExprKind::kMod}) {
    Visit(Simplify(Binary(kind, index, Int(q)), stage.axes, graph.tensors),
          [&](const Expr& e) { remains = remains || Divides(e); });
  }
  return !remains;
}

/// What is split by one factor: axes (stage, axis) and dimensions (tensor, dimension), all of one extent.
struct Split {
  int64_t factor = 0;
  int64_t extent = 0;
  std::set<std::pair<size_t, int>> axes;
  std::set<std::pair<int, size_t>> dimensions;
};

/// Adds what must be split along; false if some access would need a division that it did not need before.
bool AddAxis(const Graph& graph, size_t stage, int axis, Split* split);

bool AddDimension(const Graph& graph, int tensor, size_t dimension, Split* split) {
  if (!split->dimensions.emplace(tensor, dimension).second) return true;
  int producer = graph.StageOf(tensor);
  if (producer >= 0 && !AddAxis(graph, At(producer), static_cast<int>(dimension), split)) return false;
  for (size_t s = 0; s < graph.stages.size(); ++s) {
    const Stage& stage = graph.stages[s];
    bool holds = true;
    Visit(stage.body, [&](const Expr& e) {
      if (!holds || e->kind != ExprKind::kRead || e->id != tensor) return;
      const Expr& index = e->args[dimension];
      if (index->kind == ExprKind::kVar && stage.axes[At(index->id)].extent == split->extent) {
        holds = AddAxis(graph, s, index->id, split);
      } else {
        holds = DividesAway(index, split->factor, stage, graph);
      }
    });
    if (!holds) return false;
  }
  return true;
}

bool AddAxis(const Graph& graph, size_t stage, int axis, Split* split) {
  if (!split->axes.emplace(stage, axis).second) return true;
  if (axis >= graph.stages[stage].spatial) return true;
  return AddDimension(graph, graph.stages[stage].tensor, At(axis), split);
}

/// Tensors that are indexed by a split axis alone are split too, where that costs no division: then the
/// accesses stay one axis a dimension.
void AddWhatIsRead(const Graph& graph, Split* split) {
  for (bool grown = true; grown;) {
    grown = false;
    for (const auto& [s, axis] : std::set(split->axes)) {
      Visit(graph.stages[s].body, [&, axis = axis](const Expr& e) {
        if (e->kind != ExprKind::kRead) return;
        for (size_t d = 0; d < ReadRank(*e); ++d) {
          if (e->args[d]->kind != ExprKind::kVar || e->args[d]->id != axis) continue;
          if (graph.tensors[At(e->id)].shape[d] != split->extent || split->dimensions.contains({e->id, d})) {
            continue;
          }
          Split larger = *split;
          if (!AddDimension(graph, e->id, d, &larger)) continue;
          *split = std::move(larger);
          grown = true;
        }
      });
    }
  }
}

/// The smallest constant by which the stage divides the axis, and which divides its extent; 0 if none.
int64_t FactorOf(const Stage& stage, int axis) {
  int64_t extent = stage.axes[At(axis)].extent, factor = 0;
  Visit(stage.body, [&](const Expr& e) {
    if (!Divides(e) || e->args[0]->kind != ExprKind::kVar || e->args[0]->id != axis) return;
    if (e->args[1]->kind != ExprKind::kInt) return;
    int64_t q = e->args[1]->integer;
    if (q > 1 && q < extent && extent % q == 0 && (factor == 0 || q < factor)) factor = q;
  });
  return factor;
}

std::optional<Split> FindSplit(const Graph& graph) {
  for (size_t s = 0; s < graph.stages.size(); ++s) {
    for (int a = 0; At(a) < graph.stages[s].axes.size(); ++a) {
      Split split;
      split.factor = FactorOf(graph.stages[s], a);
      split.extent = graph.stages[s].axes[At(a)].extent;
      if (split.factor == 0 || !AddAxis(graph, s, a, &split)) continue;
      AddWhatIsRead(graph, &split);
      return split;
    }
  }
  return std::nullopt;
}

void Apply(const Split& split, Graph* graph) {
  for (size_t s = 0; s < graph->stages.size(); ++s) {
    Stage& stage = graph->stages[s];
    std::vector<Axis> axes;
    std::vector<Expr> value;  // of each old axis
    int spatial = 0;
    for (int a = 0; At(a) < stage.axes.size(); ++a) {
      const Axis& axis = stage.axes[At(a)];
      auto next = static_cast<int>(axes.size());
      if (split.axes.contains({s, a})) {
        axes.push_back({axis.name + ".o", axis.extent / split.factor});
        axes.push_back({axis.name + ".i", split.factor});
        value.push_back(Var(next) * Int(split.factor) + Var(next + 1));
      } else {
        axes.push_back(axis);
        value.push_back(Var(next));
      }
      if (a + 1 == stage.spatial) spatial = static_cast<int>(axes.size());
    }
    stage.body = Substitute(stage.body, [&](const Expr& e) -> Expr {
      if (e->kind == ExprKind::kVar) return value[At(e->id)];
      auto node = std::make_shared<ExprNode>(*e);
      node->args.clear();
      for (size_t i = 0; i < e->args.size(); ++i) {
        const Expr& arg = e->args[i];
        if (i < ReadRank(*e) && split.dimensions.contains({e->id, i})) {
          node->args.push_back(Binary(ExprKind::kDiv, arg, Int(split.factor)));
          node->args.push_back(Binary(ExprKind::kMod, arg, Int(split.factor)));
        } else {
          node->args.push_back(arg);
        }
      }
      return node;
    });
    stage.axes = std::move(axes);
    stage.spatial = spatial;
  }
  for (size_t t = 0; t < graph->tensors.size(); ++t) {
    std::vector<int64_t> shape;
    for (size_t d = 0; d < graph->tensors[t].shape.size(); ++d) {
      int64_t extent = graph->tensors[t].shape[d];
      if (split.dimensions.contains({static_cast<int>(t), d})) {
        shape.push_back(extent / split.factor);
        extent = split.factor;
      }
      shape.push_back(extent);
    }
    graph->tensors[t].shape = std::move(shape);
  }
  SimplifyBodies(graph);
}

}  // namespace

bool SplitDividedAxes(Graph* graph) {
  bool changed = false;
  while (auto split = FindSplit(*graph)) {
    Apply(*split, graph);
    changed = true;
  }
  return changed;
}

}  // namespace tunesmith::te
