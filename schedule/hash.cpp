// SPDX-License-Identifier: Apache-2.0
// The hash of a plan, nest by nest.
#include <algorithm>
#include <bit>

#include "schedule/placement.h"

namespace tunesmith::schedule {
namespace {

class NestHasher {
 public:
  explicit NestHasher(const Plan& plan) : plan_(plan) {
    for (StageId id = 0; id < static_cast<StageId>(plan.stages.size()); ++id) {
      const StageId serves = Of(plan, id).serves;
      if (serves < 0) continue;
      const int64_t before = std::count_if(added_.begin(), added_.end(),
                                           [&](const Added& other) { return other.serves == serves; });
      added_.push_back({id, plan.stage(id).tensor, serves, (int64_t{serves} + 1) << 32 | before});
    }
  }

  uint64_t Hash(NodeId root) {
    hash_ = 0x9e3779b97f4a7c15u;
    number_.assign(plan_.nodes.size(), -1);
    // Loops are numbered in the order of the tree, so that how a plan was reached does not matter.
    StageIds inside;
    int next = 0;
    NodeIds stack = {root};
    while (!stack.empty()) {
      const NodeId n = stack.back();
      stack.pop_back();
      const Node& node = At(plan_, n);
      number_[static_cast<size_t>(n)] = next++;
      if (node.is_leaf()) inside.push_back(node.stage);
      Mix(node.is_leaf() ? NumberOf(node.stage) : -1), Mix(node.extent), Mix(static_cast<int>(node.kind));
      Mix(node.grain), Mix(node.partition), Mix(static_cast<int64_t>(node.children.size()));
      stack.insert(stack.end(), node.children.rbegin(), node.children.rend());
    }
    for (StageId id : inside) MixStage(id);
    return hash_;
  }

 private:
  /// A stage that a step added is named by the one that it serves: its own number depends on what was done
  /// elsewhere before.
  struct Added {
    StageId id;
    int tensor;
    StageId serves;
    int64_t number;
  };

  int64_t NumberOf(StageId id) const {
    for (const Added& a : added_) {
      if (a.id == id) return a.number;
    }
    return id;
  }

  int64_t NumberOfTensor(int tensor) const {
    for (const Added& a : added_) {
      if (a.tensor == tensor) return a.number;
    }
    return tensor;
  }

  void Mix(int64_t value) {
    hash_ = (hash_ ^ static_cast<uint64_t>(value)) * 0xff51afd7ed558ccdu;
    hash_ ^= hash_ >> 32;
  }

  void MixLoop(NodeId loop) { Mix(loop == kRoot ? -1 : number_[static_cast<size_t>(loop)]); }

  void MixAffine(const te::Affine& a) {
    absl::InlinedVector<std::pair<int, int64_t>, 8> terms;
    for (const auto& [loop, factor] : a.terms) terms.emplace_back(number_[static_cast<size_t>(loop)], factor);
    std::sort(terms.begin(), terms.end());
    for (const auto& [loop, factor] : terms) Mix(loop), Mix(factor);
    Mix(a.constant), Mix(static_cast<int64_t>(terms.size()));
  }

  void MixStage(StageId id) {
    // Steps change what stages compute, and so from what others are made.
    te::Visit(plan_.stage(id).body, [&](const te::Expr& e) {
      const auto args = static_cast<int64_t>(e->args.size());
      Mix(static_cast<int64_t>(e->kind) | static_cast<int64_t>(e->function) << 8 | args << 16);
      Mix(e->kind == te::ExprKind::kRead ? NumberOfTensor(e->id) : e->id);
      if (e->integer != 0) Mix(e->integer);
      if (e->number != 0) Mix(std::bit_cast<int64_t>(e->number));
    });
    const StagePlan& s = Of(plan_, id);
    Mix(static_cast<int>(s.place)), Mix(static_cast<int>(s.scope)), Mix(s.streaming);
    MixLoop(s.at), MixLoop(s.keep);
    for (const te::Affine& a : s.axes) MixAffine(a);
    for (const Guard& g : s.guards) MixAffine(g.value), Mix(g.extent);
    for (const Span& r : s.region) MixAffine(r.first), Mix(r.extent);
    for (const Piece& p : s.layout) Mix(p.dim), Mix(p.extent);
    for (const Prefetched& p : s.prefetched) Mix(NumberOfTensor(p.tensor)), MixLoop(p.loop), Mix(p.ahead);
    for (size_t length :
         {s.axes.size(), s.guards.size(), s.region.size(), s.layout.size(), s.prefetched.size()})
      Mix(static_cast<int64_t>(length));
  }

  const Plan& plan_;
  absl::InlinedVector<Added, 8> added_;
  uint64_t hash_ = 0;
  absl::InlinedVector<int, 64> number_;  // of a loop of the nest at hand
};

}  // namespace

uint64_t HashOf(const Plan& plan, NodeId root) { return NestHasher(plan).Hash(root); }

uint64_t HashOf(const Plan& plan) {
  NestHasher hasher(plan);
  uint64_t sum = 0;
  for (NodeId root : plan.roots) sum += hasher.Hash(root);
  return sum;
}

}  // namespace tunesmith::schedule
