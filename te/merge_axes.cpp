// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <numeric>

#include "te/affine.h"
#include "te/normalize.h"

namespace tunesmith::te {
namespace {

size_t At(int id) { return static_cast<size_t>(id); }

/// The axes a and a + 1 of a stage, if they can be considered together.
bool IsPair(const Stage& stage, int a) {
  return a >= 0 && At(a) + 1 < stage.axes.size() && a + 1 != stage.spatial;
}

/// The axis a for which dimensions d and d + 1 are indexed by (a + rest, a + 1), where axis a + 1 runs over
/// all of dimension d + 1; -1 if there is none. Then the two indices walk as one: the merged axis, plus rest
/// times the extent; and a guard on the first holds exactly where that on the merged one holds. In a guarded
/// read, rest must be constant: a guard that did not depend on the inner axis could otherwise no longer be
/// decided outside of its loop.
int PairWalked(const Stage& stage, const Tensor& tensor, const ExprNode& read, size_t d) {
  const Expr& inner = read.args[d + 1];
  if (inner->kind != ExprKind::kVar || !IsPair(stage, inner->id - 1)) return -1;
  if (stage.axes[At(inner->id)].extent != tensor.shape[d + 1]) return -1;
  auto outer = ToAffine(read.args[d]);
  if (!outer || outer->CoefficientOf(inner->id - 1) != 1 || outer->CoefficientOf(inner->id) != 0) return -1;
  if (read.guarded && outer->terms.size() > 1) return -1;
  return inner->id - 1;
}

/// Classes of pairs of adjacent axes (of stages) and dimensions (of tensors) that merge together or not.
class Pairs {
 public:
  explicit Pairs(const Graph& graph) {
    size_t count = 0;
    for (const Stage& stage : graph.stages) {
      first_of_stage_.push_back(count);
      count += stage.axes.size();
    }
    for (const Tensor& tensor : graph.tensors) {
      first_of_tensor_.push_back(count);
      count += tensor.shape.size();
    }
    parent_.resize(count);
    std::iota(parent_.begin(), parent_.end(), size_t{0});
    refused_.resize(count);
  }

  size_t OfStage(size_t stage, int axis) const { return first_of_stage_[stage] + At(axis); }
  size_t OfTensor(int tensor, size_t dimension) const { return first_of_tensor_[At(tensor)] + dimension; }
  void Join(size_t a, size_t b) {
    a = Root(a), b = Root(b);
    parent_[a] = b;
    refused_[b] = refused_[b] || refused_[a];
  }
  void Refuse(size_t pair) { refused_[Root(pair)] = true; }
  bool Merges(size_t pair) { return !refused_[Root(pair)]; }

 private:
  size_t Root(size_t pair) {
    while (parent_[pair] != pair) pair = parent_[pair] = parent_[parent_[pair]];
    return pair;
  }

  std::vector<size_t> first_of_stage_, first_of_tensor_, parent_;
  std::vector<bool> refused_;
};

/// True if the expression uses axes a and a + 1 only as a * extent(a + 1) + (a + 1), or, in a read, as a pair
/// of indices that PairWalked accepts.
bool WalksAsOne(const Graph& graph, const Stage& stage, int a, const Expr& e) {
  if (auto affine = ToAffine(e)) {
    return affine->CoefficientOf(a) == affine->CoefficientOf(a + 1) * stage.axes[At(a + 1)].extent;
  }
  size_t rank = e->kind == ExprKind::kRead ? ReadRank(*e) : 0;
  for (size_t i = 0; i < e->args.size(); ++i) {
    if (i + 1 < rank && PairWalked(stage, graph.tensors[At(e->id)], *e, i) == a) {
      ++i;
      continue;
    }
    if (e->args[i] && !WalksAsOne(graph, stage, a, e->args[i])) return false;
  }
  return true;
}

Pairs FindPairs(const Graph& graph) {
  Pairs pairs(graph);
  for (size_t s = 0; s < graph.stages.size(); ++s) {
    const Stage& stage = graph.stages[s];
    for (int a = 0; At(a) < stage.axes.size(); ++a) {
      if (!IsPair(stage, a) || !WalksAsOne(graph, stage, a, stage.body)) pairs.Refuse(pairs.OfStage(s, a));
    }
    for (int d = 0; d < stage.spatial; ++d)
      pairs.Join(pairs.OfStage(s, d), pairs.OfTensor(stage.tensor, At(d)));
    Visit(stage.body, [&](const Expr& e) {
      if (e->kind != ExprKind::kRead) return;
      for (size_t d = 0; d + 1 < ReadRank(*e); ++d) {
        int a = PairWalked(stage, graph.tensors[At(e->id)], *e, d);
        size_t pair = pairs.OfTensor(e->id, d);
        if (a < 0) {
          pairs.Refuse(pair);
        } else {
          pairs.Join(pair, pairs.OfStage(s, a));
        }
      }
    });
  }
  for (size_t t = 0; t < graph.tensors.size(); ++t) {
    if (size_t rank = graph.tensors[t].shape.size()) {
      pairs.Refuse(pairs.OfTensor(static_cast<int>(t), rank - 1));  // no dimension follows the last
    }
  }
  return pairs;
}

Expr MergeIndices(const Graph& graph, Pairs* pairs, const Expr& read) {
  const Tensor& tensor = graph.tensors[At(read->id)];
  auto node = std::make_shared<ExprNode>(*read);
  node->args.clear();
  size_t rank = ReadRank(*read);
  Expr index;
  for (size_t d = 0; d < rank; ++d) {
    index = index ? index * Int(tensor.shape[d]) + read->args[d] : read->args[d];
    if (pairs->Merges(pairs->OfTensor(read->id, d))) continue;
    node->args.push_back(std::move(index));
    index = nullptr;
  }
  node->args.insert(node->args.end(), read->args.begin() + static_cast<ptrdiff_t>(rank), read->args.end());
  return node;
}

}  // namespace

bool MergeAxes(Graph* graph) {
  Pairs pairs = FindPairs(*graph);
  bool changed = false;
  for (size_t s = 0; s < graph->stages.size(); ++s) {
    Stage& stage = graph->stages[s];
    std::vector<Axis> axes;
    std::vector<Expr> value;  // of each old axis: of merged ones, the last stands for all
    int spatial = 0;
    bool open = false;  // the axis before merges with this one
    for (int a = 0; At(a) < stage.axes.size(); ++a) {
      const Axis& axis = stage.axes[At(a)];
      if (open) {
        axes.back().name += axis.name;
        axes.back().extent *= axis.extent;
      } else {
        axes.push_back(axis);
      }
      open = pairs.Merges(pairs.OfStage(s, a));
      value.push_back(open ? Int(0) : Var(static_cast<int>(axes.size()) - 1));
      if (a + 1 == stage.spatial) spatial = static_cast<int>(axes.size());
    }
    stage.body = Substitute(stage.body, [&](const Expr& e) -> Expr {
      return e->kind == ExprKind::kVar ? value[At(e->id)] : MergeIndices(*graph, &pairs, e);
    });
    changed = changed || axes.size() != stage.axes.size();
    stage.axes = std::move(axes);
    stage.spatial = spatial;
  }
  for (size_t t = 0; t < graph->tensors.size(); ++t) {
    std::vector<int64_t> shape;
    bool open = false;
    for (size_t d = 0; d < graph->tensors[t].shape.size(); ++d) {
      int64_t extent = graph->tensors[t].shape[d];
      if (open) {
        shape.back() *= extent;
      } else {
        shape.push_back(extent);
      }
      open = pairs.Merges(pairs.OfTensor(static_cast<int>(t), d));
    }
    changed = changed || shape.size() != graph->tensors[t].shape.size();
    graph->tensors[t].shape = std::move(shape);
  }
  return changed;
}

}  // namespace tunesmith::te
