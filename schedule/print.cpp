// SPDX-License-Identifier: Apache-2.0
// Plans as text, and their hash.
#include <algorithm>
#include <bit>

#include "absl/container/inlined_vector.h"
#include "schedule/plan.h"
#include "support/strings.h"

namespace tunesmith::schedule {
namespace {

class Printer {
 public:
  explicit Printer(const Plan& plan) : plan_(plan) {}

  std::string Print() {
    for (StageId id = 0; id < static_cast<StageId>(plan_.stages.size()); ++id) {
      if (plan_.stages[static_cast<size_t>(id)].place == Place::kInlined)
        Line(0, StrCat("inlined ", plan_.NameOf(id)));
    }
    for (NodeId n : plan_.roots) Walk(n, 0);
    return text_;
  }

 private:
  void Line(int depth, std::string_view line) {
    StrAppend(&text_, std::string(static_cast<size_t>(2 * depth), ' '), line, "\n");
  }

  void Walk(NodeId n, int depth) {
    const Node& node = plan_.nodes[static_cast<size_t>(n)];
    if (node.is_leaf()) {
      Leaf(node.stage, depth);
      return;
    }
    static constexpr std::string_view kWords[] = {"for", "parallel", "vector", "unroll", "bound"};
    std::string line =
        StrCat(kWords[static_cast<size_t>(node.kind)], " ", plan_.LoopName(n), " in ", node.extent);
    if (node.grain > 1) StrAppend(&line, " grain ", node.grain);
    if (node.partition) StrAppend(&line, " partitioned");
    Line(depth, line);
    for (StageId id = 0; id < static_cast<StageId>(plan_.stages.size()); ++id) {
      const StagePlan& s = plan_.stages[static_cast<size_t>(id)];
      if (s.place == Place::kLoop && s.at == n) {
        std::string extents =
            StrJoin(s.region, ", ", [](std::string* out, const Span& r) { StrAppend(out, r.extent); });
        Line(depth + 1, StrCat(s.scope == Scope::kRegister ? "registers " : "buffer ", plan_.NameOf(id), "[",
                               extents, "]"));
      }
      if (s.keep == n) {
        std::vector<int64_t> extents;
        for (int d = 0; d < plan_.stage(id).spatial; ++d)
          extents.push_back(SpanOf(plan_, s.axes[static_cast<size_t>(d)], n).extent);
        Line(depth + 1, StrCat("keep ", plan_.NameOf(id), "[", StrJoin(extents, ", "), "]"));
      }
    }
    for (NodeId child : node.children) Walk(child, depth + 1);
  }

  /// A stage's expression with loops in the place of axes; indices that are affine as one sum.
  te::Expr OverLoops(const te::Expr& body, const StagePlan& s) const {
    return te::Substitute(body, [&](const te::Expr& e) -> te::Expr {
      if (e->kind == te::ExprKind::kVar) return te::ToExpr(s.axes[static_cast<size_t>(e->id)]);
      std::vector<te::Expr> args = e->args;
      for (size_t d = 0; d < te::ReadRank(*e); ++d) {
        if (const std::optional<te::Affine> sum = te::ToAffine(args[d])) args[d] = te::ToExpr(*sum);
      }
      return te::WithArguments(*e, std::move(args));
    });
  }

  std::string Text(const te::Expr& over_loops) const {
    te::ExprNames names;
    names.var = [&](int loop) { return plan_.LoopName(loop); };
    names.tensor = [&](int t) { return plan_.graph->tensors[static_cast<size_t>(t)].name; };
    return te::ToString(over_loops, names);
  }
  std::string Text(const te::Affine& a) const { return Text(te::ToExpr(a)); }

  void Leaf(StageId id, int depth) {
    const te::Stage& stage = plan_.stage(id);
    const StagePlan& s = plan_.stages[static_cast<size_t>(id)];
    static constexpr std::string_view kAssign[] = {"=", "+=", "*=", "max=", "min=", "or=", "and="};
    std::vector<std::string> indices;
    for (int d = 0; d < stage.spatial; ++d) indices.push_back(Text(s.axes[static_cast<size_t>(d)]));
    std::string line =
        StrCat(s.place == Place::kPack ? "pack " : "", s.streaming ? "stream " : "", plan_.NameOf(id), "[",
               StrJoin(indices, ", "), "] ", kAssign[static_cast<size_t>(stage.reducer)], " ",
               Text(OverLoops(stage.body, s)));
    for (const Guard& g : s.guards) {
      bool negative = SpanOf(plan_, g.value, kRoot).first.constant < 0;
      StrAppend(&line, &g == s.guards.data() ? "  if " : " && ", negative ? "0 <= " : "", Text(g.value),
                " < ", g.extent);
    }
    if (!s.layout.empty()) {
      StrAppend(&line, "  layout ", StrJoin(s.layout, "", [](std::string* out, const Piece& p) {
        StrAppend(out, "[", p.dim, ":", p.extent, "]");
      }));
    }
    Line(depth, line);
  }

  const Plan& plan_;
  std::string text_;
};

}  // namespace

std::string ToString(const Plan& plan) { return Printer(plan).Print(); }

uint64_t HashOf(const Plan& plan) {
  // Loops are numbered in the order of the tree, so that how a plan was reached does not matter.
  uint64_t hash = 0x9e3779b97f4a7c15u;
  auto mix = [&hash](int64_t value) {
    hash = (hash ^ static_cast<uint64_t>(value)) * 0xff51afd7ed558ccdu;
    hash ^= hash >> 32;
  };
  std::vector<int> number(plan.nodes.size(), -1);
  int next = 0;
  std::vector<NodeId> stack(plan.roots.rbegin(), plan.roots.rend());
  while (!stack.empty()) {
    NodeId n = stack.back();
    stack.pop_back();
    const Node& node = plan.nodes[static_cast<size_t>(n)];
    number[static_cast<size_t>(n)] = next++;
    mix(node.stage), mix(node.extent), mix(static_cast<int>(node.kind)), mix(node.grain), mix(node.partition);
    mix(static_cast<int64_t>(node.children.size()));
    stack.insert(stack.end(), node.children.rbegin(), node.children.rend());
  }
  auto mix_loop = [&](NodeId loop) { mix(loop == kRoot ? -1 : number[static_cast<size_t>(loop)]); };
  auto mix_affine = [&](const te::Affine& a) {
    absl::InlinedVector<std::pair<int, int64_t>, 8> terms;
    for (const auto& [loop, factor] : a.terms) terms.emplace_back(number[static_cast<size_t>(loop)], factor);
    std::sort(terms.begin(), terms.end());
    for (const auto& [loop, factor] : terms) mix(loop), mix(factor);
    mix(a.constant), mix(static_cast<int64_t>(terms.size()));
  };
  // Steps change what stages compute, and so from what others are made.
  for (const te::Stage& stage : plan.graph->stages) {
    te::Visit(stage.body, [&](const te::Expr& e) {
      const auto args = static_cast<int64_t>(e->args.size());
      mix(static_cast<int64_t>(e->kind) | static_cast<int64_t>(e->function) << 8 | args << 16 |
          static_cast<int64_t>(e->id) << 32);
      if (e->integer != 0) mix(e->integer);
      if (e->number != 0) mix(std::bit_cast<int64_t>(e->number));
    });
  }
  for (const StagePlan& s : plan.stages) {
    mix(static_cast<int>(s.place)), mix(static_cast<int>(s.scope)), mix(s.streaming);
    mix_loop(s.at), mix_loop(s.keep);
    for (const te::Affine& a : s.axes) mix_affine(a);
    for (const Guard& g : s.guards) mix_affine(g.value), mix(g.extent);
    for (const Span& r : s.region) mix_affine(r.first), mix(r.extent);
    for (const Piece& p : s.layout) mix(p.dim), mix(p.extent);
    mix(static_cast<int64_t>(s.axes.size())), mix(static_cast<int64_t>(s.guards.size()));
  }
  return hash;
}

}  // namespace tunesmith::schedule
