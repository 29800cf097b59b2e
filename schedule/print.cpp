// SPDX-License-Identifier: Apache-2.0
// Plans as text.
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
    for (StageId id = 0; id < static_cast<StageId>(plan_.stages.size()); ++id) {
      for (const Prefetched& p : plan_.stages[static_cast<size_t>(id)].prefetched) {
        if (p.loop != n) continue;
        std::string extents = StrJoin(RegionTouched(plan_, p.tensor, {id}, n), ", ",
                                      [](std::string* out, const Span& r) { StrAppend(out, r.extent); });
        Line(depth + 1, StrCat("prefetch ", plan_.graph->tensors[static_cast<size_t>(p.tensor)].name, "[",
                               extents, "] for ", plan_.NameOf(id), ", ", p.ahead, " ahead"));
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

}  // namespace tunesmith::schedule
