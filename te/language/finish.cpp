// SPDX-License-Identifier: Apache-2.0
// From a draft to a graph.
#include <algorithm>

#include "te/language/draft.h"

namespace tunesmith::te::language {
namespace {

class Finisher {
 public:
  explicit Finisher(const Draft& draft) : draft_(draft), stages_(draft.stages) {}

  Graph Run() {
    while (DropCopy()) {
    }
    DropDead();
    return Build();
  }

 private:
  const DraftTensor& TensorOf(int id) const { return draft_.tensors[static_cast<size_t>(id)]; }
  size_t RankOf(int id) const {
    const DraftTensor& tensor = TensorOf(id);
    return tensor.role == Role::kTemp ? tensor.axes.size() : tensor.shape.size();
  }
  std::vector<int64_t> ShapeOf(int id) const {
    std::vector<int64_t> shape;
    for (size_t d = 0; d < RankOf(id); ++d) shape.push_back(*draft_.ExtentOf(id, d));
    return shape;
  }

  /// The tensor of which the stage copies every element to the same place, or -1.
  static int CopiedWhole(const DraftStage& stage, const Expr& read) {
    if (stage.reducer != Reducer::kNone || read->kind != ExprKind::kRead || read->guarded ||
        read->args.size() != stage.spatial.size()) {
      return -1;
    }
    for (size_t d = 0; d < read->args.size(); ++d) {
      if (read->args[d]->kind != ExprKind::kVar || read->args[d]->id != stage.spatial[d]) return -1;
    }
    return read->id;
  }

  static Expr Renamed(const Expr& e, int from, int to) {
    return Substitute(e, [&](const Expr& node) -> Expr {
      if (node->kind != ExprKind::kRead || node->id != from) return nullptr;
      std::vector<Expr> indices(node->args.begin(),
                                node->args.begin() + static_cast<ptrdiff_t>(ReadRank(*node)));
      if (!node->guarded) return Read(node->type, to, std::move(indices));
      return GuardedRead(node->type, to, std::move(indices), nullptr, node->args.back());
    });
  }

  void Rename(int from, int to) {
    for (DraftStage& stage : stages_) stage.body = Renamed(stage.body, from, to);
  }

  bool DropCopy() {
    for (size_t s = 0; s < stages_.size(); ++s) {
      if (DropCopyAt(s)) return true;
    }
    return false;
  }

  bool DropCopyAt(size_t s) {
    DraftStage& stage = stages_[s];
    const Expr& body = stage.body;
    bool cast = body->kind == ExprKind::kCast && body->rounding == Rounding::kTowardsZero;
    int copied = CopiedWhole(stage, cast ? body->args[0] : body);
    if (copied < 0) return false;
    auto producer = std::find_if(stages_.begin(), stages_.end(),
                                 [&](const DraftStage& other) { return other.tensor == copied; });
    bool reduction = producer != stages_.end() && producer->whole_value && producer->spatial == stage.spatial;
    if (reduction) {
      // A reduction that is all of this stage: it stores its result, cast, here.
      DraftStage merged = *producer;
      merged.tensor = stage.tensor;
      merged.whole_value = false;
      *producer = std::move(merged);
      stages_.erase(stages_.begin() + static_cast<ptrdiff_t>(s));
      return true;
    }
    if (cast || ShapeOf(copied) != ShapeOf(stage.tensor)) return false;
    int here = stage.tensor;
    if (TensorOf(copied).role == Role::kTemp) {
      producer->tensor = here;
      producer->whole_value = false;
      stages_.erase(stages_.begin() + static_cast<ptrdiff_t>(s));
      Rename(copied, here);
      return true;
    }
    if (TensorOf(here).role != Role::kTemp) return false;  // an output that is a copy has to be written
    stages_.erase(stages_.begin() + static_cast<ptrdiff_t>(s));
    Rename(here, copied);
    return true;
  }

  void DropDead() {
    std::vector<bool> needed(draft_.tensors.size());
    for (size_t t = 0; t < needed.size(); ++t) needed[t] = draft_.tensors[t].role == Role::kOutput;
    std::vector<DraftStage> kept;
    for (size_t s = stages_.size(); s-- > 0;) {
      if (!needed[static_cast<size_t>(stages_[s].tensor)]) continue;
      Visit(stages_[s].body, [&](const Expr& e) {
        if (e->kind == ExprKind::kRead) needed[static_cast<size_t>(e->id)] = true;
      });
      kept.push_back(std::move(stages_[s]));
    }
    std::reverse(kept.begin(), kept.end());
    stages_ = std::move(kept);
  }

  Graph Build() {
    Graph graph;
    std::vector<int> number(draft_.tensors.size(), -1);
    auto add = [&](int id) {
      const DraftTensor& tensor = TensorOf(id);
      number[static_cast<size_t>(id)] = static_cast<int>(graph.tensors.size());
      graph.tensors.push_back({tensor.name, tensor.dtype, ShapeOf(id), tensor.role});
    };
    // The draft begins with the parameters, then the outputs, as Graph wants them.
    for (size_t t = 0; t < draft_.tensors.size(); ++t) {
      if (draft_.tensors[t].role != Role::kTemp && draft_.tensors[t].exists) add(static_cast<int>(t));
    }
    for (const DraftStage& stage : stages_) {
      if (number[static_cast<size_t>(stage.tensor)] < 0) add(stage.tensor);
    }
    for (const DraftStage& draft : stages_) {
      Stage stage;
      stage.tensor = number[static_cast<size_t>(draft.tensor)];
      stage.spatial = static_cast<int>(draft.spatial.size());
      stage.reducer = draft.reducer;
      stage.accumulator = draft.reducer == Reducer::kNone ? TensorOf(draft.tensor).dtype : draft.accumulator;
      std::vector<int> axes = draft.spatial;
      axes.insert(axes.end(), draft.reduced.begin(), draft.reduced.end());
      for (int axis : axes) {
        const DraftAxis& of = draft_.axes[static_cast<size_t>(axis)];
        stage.axes.push_back({of.name, *of.extent});
      }
      stage.body = Substitute(draft.body, [&](const Expr& node) -> Expr {
        if (node->kind == ExprKind::kVar) {
          return Var(static_cast<int>(std::find(axes.begin(), axes.end(), node->id) - axes.begin()));
        }
        std::vector<Expr> indices(node->args.begin(),
                                  node->args.begin() + static_cast<ptrdiff_t>(ReadRank(*node)));
        int id = number[static_cast<size_t>(node->id)];
        if (!node->guarded) return Read(node->type, id, std::move(indices));
        return GuardedRead(node->type, id, std::move(indices), nullptr, node->args.back());
      });
      graph.stages.push_back(std::move(stage));
    }
    return graph;
  }

  const Draft& draft_;
  std::vector<DraftStage> stages_;
};

}  // namespace

Graph Finish(const Draft& draft) { return Finisher(draft).Run(); }

}  // namespace tunesmith::te::language
