// SPDX-License-Identifier: Apache-2.0
// Steps on loops: split, reorder, kinds, partition.
#include "schedule/steps.h"

#include <algorithm>
#include <utility>

#include "schedule/placement.h"

namespace tunesmith::schedule {
namespace {

/// Replaces a loop by loop * factor + inner wherever the stage's plan names it in an affine form.
void SubstituteLoop(StagePlan* s, NodeId loop, int64_t factor, NodeId inner) {
  auto substitute = [&](te::Affine* a) {
    for (auto& [n, coefficient] : a->terms) {
      if (n != loop) continue;
      const int64_t step = std::exchange(coefficient, coefficient * factor);
      a->terms.emplace_back(inner, step);  // a new node's number is the largest: the terms stay sorted
      return;
    }
  };
  for (te::Affine& a : s->axes) substitute(&a);
  for (Guard& g : s->guards) substitute(&g.value);
  for (Span& r : s->region) substitute(&r.first);
}

constexpr std::string_view kKinds[] = {"serial", "parallel", "vector", "unroll", "bound"};

Status CheckPlain(const Plan& plan, NodeId loop, std::string_view step, std::string_view way_out) {
  const Node& node = plan.nodes[static_cast<size_t>(loop)];
  if (node.kind == LoopKind::kSerial) return absl::OkStatus();
  return Invalid(StrCat(step, " ", plan.LoopName(loop), ": it is a loop of kind ",
                        kKinds[static_cast<size_t>(node.kind)], " already; ", way_out));
}

bool PrefetchesAt(const StagePlan& s, NodeId loop) {
  return std::any_of(s.prefetched.begin(), s.prefetched.end(),
                     [&](const Prefetched& p) { return p.loop == loop; });
}

/// The iterations of a loop at which something is placed, kept or prefetched stay what they are.
Status CheckFree(const Plan& plan, NodeId loop, StepText step, std::string_view way_out) {
  for (StageId id = 0; id < static_cast<StageId>(plan.stages.size()); ++id) {
    const StagePlan& s = Of(plan, id);
    const bool stored = s.keep == loop || s.at == loop;
    if (!stored && !PrefetchesAt(s, loop)) continue;
    return Invalid(StrCat(step(), ": '", plan.NameOf(id), "' ",
                          stored ? "is placed or kept" : "prefetches what it needs", " at ",
                          plan.LoopName(loop), "; ", way_out));
  }
  return absl::OkStatus();
}

/// What is prefetched in the iterations of `loop`, or of a loop inside, is meant for later ones: they have to
/// come one after the other.
Status CheckPrefetches(const Plan& plan, NodeId loop, LoopKind kind) {
  if (kind != LoopKind::kVector && kind != LoopKind::kUnroll) return absl::OkStatus();
  for (StageId id = 0; id < static_cast<StageId>(plan.stages.size()); ++id) {
    for (const Prefetched& p : Of(plan, id).prefetched) {
      const bool inside = kind == LoopKind::kVector && plan.Encloses(loop, p.loop);
      if (p.loop != loop && !inside) continue;
      return Invalid(StrCat(kKinds[static_cast<size_t>(kind)], " ", plan.LoopName(loop), ": '",
                            plan.NameOf(id), "' prefetches what it needs at ", plan.LoopName(p.loop),
                            ", whose iterations must come one after the other; choose another loop"));
    }
  }
  return absl::OkStatus();
}


/// The lanes of the vector that a loop would be part of: vector loops directly in one another are one.
int64_t LanesWith(const Plan& plan, NodeId loop) {
  int64_t lanes = At(plan, loop).extent;
  for (NodeId n = At(plan, loop).parent; n != kRoot && At(plan, n).kind == LoopKind::kVector;
       n = At(plan, n).parent)
    lanes *= At(plan, n).extent;
  for (NodeId n = loop; At(plan, n).children.size() == 1;) {
    n = At(plan, n).children[0];
    if (At(plan, n).is_leaf() || At(plan, n).kind != LoopKind::kVector) break;
    lanes *= At(plan, n).extent;
  }
  return lanes;
}

/// Copies of a body that unrolled loops around it may make in all: beyond any that pays, and still compiled
/// in seconds.
constexpr int64_t kMostCopies = 4096;
constexpr int64_t kMostUnrolled = 256;

Status CheckUnrolled(const Plan& plan, NodeId loop) {
  const Node& node = At(plan, loop);
  auto step = [&] { return StrCat("unroll ", plan.LoopName(loop), ": ", node.extent, " iterations"); };
  if (node.extent > kMostUnrolled)
    return Invalid(StrCat(step(), " are more than ", kMostUnrolled, "; split the loop"));
  for (StageId id : plan.StagesIn(loop)) {
    int64_t copies = node.extent;
    for (NodeId n = At(plan, Of(plan, id).leaf).parent; n != kRoot; n = At(plan, n).parent) {
      if (At(plan, n).kind == LoopKind::kUnroll) copies *= At(plan, n).extent;
    }
    if (copies > kMostCopies) {
      return Invalid(StrCat(step(), ", with the unrolled loops around and inside, make more than ",
                            kMostCopies, " copies; leave one of them serial"));
    }
  }
  return absl::OkStatus();
}

/// Indices are products of factors: they must stay far from the end of 64 bits, whatever a trace asks for.
/// An axis may be split so that it runs to twice its extent, or to 2^31.
Status CheckReach(const Plan& plan, const StageIds& inside, NodeId loop, int64_t factor) {
  const Node& node = plan.nodes[static_cast<size_t>(loop)];
  const __int128 padded = (static_cast<__int128>(node.extent) + factor - 1) / factor * factor;
  for (StageId id : inside) {
    const StagePlan& s = Of(plan, id);
    for (size_t a = 0; a < s.axes.size(); ++a) {
      const te::Axis& axis = plan.stage(id).axes[a];
      int64_t most = std::max(int64_t{1} << 31, 2 * axis.extent);
      if (padded * std::abs(s.axes[a].CoefficientOf(loop)) <= most) continue;
      return Invalid(StrCat("split ", plan.LoopName(loop), ": with the factor ", factor, " the axis ",
                            axis.name, " of '", plan.NameOf(id), "' would run beyond ", most,
                            "; choose a smaller one"));
    }
  }
  return absl::OkStatus();
}

}  // namespace

Result<Plan> Split(Plan plan, NodeId loop, int64_t factor, Tail tail) {
  TS_RETURN_IF_ERROR(CheckPlain(plan, loop, "split", "split it before that"));
  auto name = [&] { return plan.LoopName(loop); };
  const int64_t extent = At(plan, loop).extent;
  if (extent == 0) return Invalid(StrCat("split ", name(), ": the loop has no iterations; leave it whole"));
  if (factor < 1) return Invalid(StrCat("split ", name(), ": the factor ", factor, " is below 1"));
  TS_RETURN_IF_ERROR(CheckFree(
      plan, loop, [&] { return StrCat("split ", name()); }, "split before that"));
  const StageIds inside = plan.StagesIn(loop);  // nothing else depends on the loop
  TS_RETURN_IF_ERROR(CheckReach(plan, inside, loop, factor));
  const bool remainder = extent % factor != 0;

  const NodeId inner_id = static_cast<NodeId>(plan.nodes.size());
  Node& inner = plan.nodes.emplace_back();
  Node& outer = At(plan, loop);
  inner.label = outer.label + ".i";
  inner.owner = outer.owner;
  inner.extent = factor;
  inner.parent = loop;
  inner.children = std::exchange(outer.children, {inner_id});
  for (NodeId child : inner.children) At(plan, child).parent = inner_id;
  outer.label += ".o";
  outer.extent = (extent - 1) / factor + 1;
  if (remainder && tail == Tail::kPeel) outer.partition = true;

  for (StageId id : inside) {
    StagePlan& s = Of(plan, id);
    s.touched = true;
    SubstituteLoop(&s, loop, factor, inner_id);
    // A stage that does not depend on the loop may run once more, and must where it waits for the last
    // iteration.
    bool depends = std::any_of(s.axes.begin(), s.axes.end(),
                               [&](const te::Affine& a) { return a.CoefficientOf(inner_id) != 0; });
    if (remainder && depends) s.guards.push_back({te::Affine{{{loop, factor}, {inner_id, 1}}, 0}, extent});
  }
  return plan;
}

Result<Plan> Reorder(Plan plan, absl::Span<const NodeId> loops) {
  if (loops.size() < 2) return plan;
  auto depth = [&](NodeId n) {
    int above = 0;
    while ((n = At(plan, n).parent) != kRoot) ++above;
    return above;
  };
  NodeIds now(loops.begin(), loops.end());
  std::sort(now.begin(), now.end(), [&](NodeId a, NodeId b) { return depth(a) < depth(b); });
  for (size_t i = 0; i + 1 < now.size(); ++i) {
    if (now[i] == now[i + 1]) {
      return Invalid(StrCat("order: the loop ", plan.LoopName(now[i]), " is named twice"));
    }
    if (!plan.Encloses(now[i], now[i + 1])) {
      return Invalid(StrCat("order: ", plan.LoopName(now[i + 1]), " is not inside ", plan.LoopName(now[i])));
    }
    for (NodeId n = now[i]; n != now[i + 1]; n = At(plan, n).children[0]) {
      if (At(plan, n).children.size() != 1) {
        return Invalid(StrCat("order: ", plan.LoopName(n), " contains more than ", plan.LoopName(now[i + 1]),
                              "; order the loops before placing stages in them"));
      }
    }
  }
  for (NodeId loop : loops) {
    TS_RETURN_IF_ERROR(CheckFree(
        plan, loop, [] { return std::string("order"); }, "order the loops before that"));
  }
  MarkTouched(&plan, now.back());
  // Loops are permuted by exchanging what stands at the positions: the tree's shape stays as it is.
  NodeIds chain;  // every loop from the outermost to the innermost named
  for (NodeId n = now.front();; n = At(plan, n).children[0]) {
    chain.push_back(n);
    if (n == now.back()) break;
  }
  NodeIds wanted = chain;
  size_t next = 0;
  for (NodeId& n : wanted) {
    if (std::find(loops.begin(), loops.end(), n) != loops.end()) n = loops[next++];
  }
  NodeId parent = At(plan, chain.front()).parent;
  Children innermost = At(plan, chain.back()).children;
  Children& siblings = parent == kRoot ? plan.roots : At(plan, parent).children;
  *std::find(siblings.begin(), siblings.end(), chain.front()) = wanted.front();
  for (size_t i = 0; i < wanted.size(); ++i) {
    At(plan, wanted[i]).parent = i == 0 ? parent : wanted[i - 1];
    At(plan, wanted[i]).children = i + 1 < wanted.size() ? Children{wanted[i + 1]} : innermost;
  }
  for (NodeId child : innermost) At(plan, child).parent = wanted.back();
  for (StageId id : plan.StagesIn(wanted.front())) {
    const NodeId keep = Of(plan, id).keep;
    if (keep == kRoot) continue;
    TS_RETURN_IF_ERROR(CheckSumsEnd(plan, id, keep, [] { return std::string("order"); }));
  }
  return plan;
}

Result<Plan> SetKind(Plan plan, NodeId loop, LoopKind kind, int64_t grain) {
  std::string_view step = kKinds[static_cast<size_t>(kind)];
  TS_RETURN_IF_ERROR(CheckPlain(plan, loop, step, "split it first, then choose for each part"));
  Node& node = At(plan, loop);
  if (grain < 1)
    return Invalid(StrCat("parallel ", plan.LoopName(loop), ": the grain ", grain, " is below 1"));
  if (kind == LoopKind::kVector) {
    const int64_t lanes = LanesWith(plan, loop);
    if (lanes > kMostLanes) {
      return Invalid(StrCat("vector ", plan.LoopName(loop), ": ", lanes, " iterations",
                            lanes > node.extent ? " with the vector loops around and inside" : "",
                            "; a vector has at most ", kMostLanes, " lanes; split the loop"));
    }
  }
  if (kind == LoopKind::kUnroll) TS_RETURN_IF_ERROR(CheckUnrolled(plan, loop));
  TS_RETURN_IF_ERROR(CheckPrefetches(plan, loop, kind));
  if (kind == LoopKind::kParallel) {
    for (StageId id : plan.StagesIn(loop)) {
      if (plan.Reduces(id, loop)) {
        return Invalid(StrCat("parallel ", plan.LoopName(loop), ": '", plan.NameOf(id),
                              "' is reduced over this loop; factor the reduction first"));
      }
    }
    for (StageId id = 0; id < static_cast<StageId>(plan.stages.size()); ++id) {
      const StagePlan& s = Of(plan, id);
      for (NodeId stored : {s.place == Place::kLoop ? s.at : kRoot, s.keep}) {
        if (stored == kRoot || !plan.Encloses(stored, loop)) continue;
        return Invalid(StrCat("parallel ", plan.LoopName(loop), ": '", plan.NameOf(id), "' is stored at ",
                              plan.LoopName(stored),
                              " around it, for one thread; parallelise that loop, or one ", "outside of it"));
      }
    }
    for (NodeId above : plan.LoopsAbove(loop)) {
      if (At(plan, above).kind != LoopKind::kParallel) continue;
      NodeId inside = plan.ChildTowards(above, loop);
      if (inside != loop && At(plan, inside).kind != LoopKind::kParallel) {
        return Invalid(StrCat("parallel ", plan.LoopName(loop), ": ", plan.LoopName(above),
                              " is parallel and ", plan.LoopName(inside),
                              ", between them, is not; order the loops first"));
      }
    }
  }
  node.kind = kind;
  node.grain = grain;
  MarkTouched(&plan, loop);
  return plan;
}

Result<Plan> SetPartition(Plan plan, NodeId loop) {
  Node& node = At(plan, loop);
  if (node.kind == LoopKind::kVector || node.kind == LoopKind::kUnroll) {
    return Invalid(
        StrCat("partition ", plan.LoopName(loop), ": only serial and parallel loops can be divided"));
  }
  node.partition = true;
  MarkTouched(&plan, loop);
  return plan;
}

}  // namespace tunesmith::schedule
