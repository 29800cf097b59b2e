// SPDX-License-Identifier: Apache-2.0
#include "schedule/rules.h"

#include <algorithm>
#include <limits>
#include <numeric>

#include "schedule/strides.h"
#include "support/strings.h"

namespace tunesmith::schedule {
namespace {

using te::Expr;
using te::ExprKind;

const te::Stage& At(const te::Graph& graph, StageId id) { return graph.stages[static_cast<size_t>(id)]; }

bool IsOutput(const te::Graph& graph, StageId id) {
  return graph.tensors[static_cast<size_t>(At(graph, id).tensor)].role == te::Role::kOutput;
}

int64_t Iterations(const te::Stage& stage) {
  int64_t n = 1;
  for (const te::Axis& a : stage.axes) n *= std::max<int64_t>(a.extent, 1);
  return n;
}

std::vector<Expr> ReadsOf(const te::Stage& stage, int tensor) {
  std::vector<Expr> reads;
  te::Visit(stage.body, [&](const Expr& e) {
    if (e->kind == ExprKind::kRead && (tensor < 0 || e->id == tensor)) reads.push_back(e);
  });
  return reads;
}

/// Computed again for every use, the stage must not cost more than computed once: a function call is worth
/// keeping.
bool Cheap(const te::Stage& stage) {
  int operations = 0;
  bool calls = false;
  te::Visit(stage.body, [&](const Expr& e) {
    calls = calls || e->kind == ExprKind::kCall || e->kind == ExprKind::kDiv;
    operations += e->kind >= ExprKind::kNeg;
  });
  return !calls && operations <= 4;
}

bool CanInline(const Surroundings& in, StageId id) {
  const te::Stage& stage = At(in.graph, id);
  if (stage.reducer != te::Reducer::kNone || IsOutput(in.graph, id)) return false;
  int uses = 0;
  bool guarded = false, expands = false;
  for (StageId c : in.ReadersOf(At(in.graph, id).tensor)) {
    for (const Expr& read : ReadsOf(At(in.graph, c), stage.tensor)) {
      ++uses;
      guarded = guarded || read->guarded;
    }
    expands = expands || Iterations(At(in.graph, c)) > Iterations(stage);
  }
  return uses > 0 && !guarded && (Cheap(stage) || (uses == 1 && !expands));
}

/// A consumer that can be computed on the accumulators' tile: elementwise, of the same shape, reading it at
/// its own index, and all else that it reads is computed before.
StageId EpilogueOf(const Surroundings& in, StageId id) {
  std::vector<StageId> consumers = in.ReadersOf(At(in.graph, id).tensor);
  if (consumers.size() != 1) return -1;
  const te::Stage& c = At(in.graph, consumers[0]);
  const te::Stage& p = At(in.graph, id);
  if (c.reducer != te::Reducer::kNone || c.spatial != p.spatial) return -1;
  for (int a = 0; a < c.spatial; ++a) {
    if (c.axes[static_cast<size_t>(a)].extent != p.axes[static_cast<size_t>(a)].extent) return -1;
  }
  for (const Expr& read : ReadsOf(c, -1)) {
    if (in.graph.StageOf(read->id) > id) return -1;
  }
  // Through inlined stages the index must stay the same: only a direct read is certain.
  std::vector<Expr> reads = ReadsOf(c, p.tensor);
  if (reads.empty()) return -1;
  for (const Expr& read : reads) {
    if (read->guarded || !te::Same(read, reads[0])) return -1;
    for (size_t d = 0; d < te::ReadRank(*read); ++d) {
      if (read->args[d]->kind != ExprKind::kVar || read->args[d]->id != static_cast<int>(d)) return -1;
    }
  }
  return consumers[0];
}

/// Producers of `id` that depend on its outer axes row by row, in order: each reads or is read with the same
/// row indices, so that one row's worth of it is all that one row of `id` needs. What is `placed` has a place
/// elsewhere.
std::vector<StageId> RowProducers(const Surroundings& in, StageId id, const std::vector<bool>& placed) {
  const te::Stage& last = At(in.graph, id);
  if (last.spatial < 2) return {};
  size_t rows = static_cast<size_t>(last.spatial) - 1;
  std::vector<StageId> group = {id};
  auto by_rows = [&](const te::Stage& reader, const Expr& read) {
    if (read->guarded || te::ReadRank(*read) < rows || static_cast<size_t>(reader.spatial) < rows)
      return false;
    for (size_t d = 0; d < rows; ++d) {
      if (read->args[d]->kind != ExprKind::kVar || read->args[d]->id != static_cast<int>(d)) return false;
    }
    return true;
  };
  for (StageId p = id - 1; p >= 0; --p) {
    if (placed[static_cast<size_t>(p)] || IsOutput(in.graph, p)) continue;
    const te::Stage& producer = At(in.graph, p);
    if (static_cast<size_t>(producer.spatial) < rows) continue;
    if (producer.reducer != te::Reducer::kNone && LanesAlongOutput(in, p))
      continue;  // a contraction has a part of its own
    // So has a reduction with several results a row: they would fill the registers that a chain keeps a row
    // in.
    int64_t a_row = 1;
    for (size_t a = rows; a < static_cast<size_t>(producer.spatial); ++a) a_row *= producer.axes[a].extent;
    if (producer.reducer != te::Reducer::kNone && a_row > 1) continue;
    std::vector<StageId> consumers = in.ReadersOf(producer.tensor);
    bool all = !consumers.empty();
    for (StageId c : consumers) {
      all = all && std::find(group.begin(), group.end(), c) != group.end();
      for (const Expr& read : ReadsOf(At(in.graph, c), producer.tensor))
        all = all && by_rows(At(in.graph, c), read);
    }
    if (all) group.push_back(p);
  }
  std::reverse(group.begin(), group.end());
  group.pop_back();
  return group;
}

/// Whether a window that is shorter than a vector slides along the innermost output axis, a few elements at a
/// time: such lanes are loaded as whole vectors and shuffled, and most of what is loaded is used by some
/// element of the window.
bool SlidesNear(const Surroundings& in, StageId id, const te::ExprNode& read) {
  const te::Stage& stage = At(in.graph, id);
  const int lane = stage.spatial - 1;
  for (size_t d = 0; d < te::ReadRank(read); ++d) {
    const std::optional<te::Affine> index = te::ToAffine(read.args[d]);
    if (!index || std::abs(index->CoefficientOf(lane)) <= 1) continue;
    return d + 1 == te::ReadRank(read) && std::abs(index->CoefficientOf(lane)) <= kMostShuffled &&
           std::any_of(index->terms.begin(), index->terms.end(), [&](const auto& term) {
             return term.first >= stage.spatial &&
                    stage.axes[static_cast<size_t>(term.first)].extent < in.LanesOf(id);
           });
  }
  return false;
}

/// What cannot be scheduled runs as it is.
class Unscheduled : public Part {
 public:
  bool Allows(const Decisions&) const override { return true; }
  void TakeSteps(const Decisions&, Draft*) const override {}
};

}  // namespace

int Surroundings::LanesOf(StageId stage) const {
  const te::Stage& s = At(graph, stage);
  int64_t bytes = te::SizeOf(s.accumulator);
  bytes = std::max<int64_t>(bytes, te::SizeOf(graph.tensors[static_cast<size_t>(s.tensor)].dtype));
  return std::max<int>(1, machine.vector_bytes / static_cast<int>(bytes));
}

std::vector<int64_t> Surroundings::StreamingOf(StageId stage) const {
  const te::Tensor& tensor = graph.tensors[static_cast<size_t>(At(graph, stage).tensor)];
  int64_t bytes = te::SizeOf(tensor.dtype);
  for (int64_t extent : tensor.shape) bytes *= extent;
  bool large = tensor.role == te::Role::kOutput && bytes >= machine.l2_bytes / 4;
  return large ? std::vector<int64_t>{0, 1} : std::vector<int64_t>{0};
}

bool Surroundings::MayStayAlone(StageId stage) const {
  constexpr int64_t kSmall = 1 << 18;
  return machine.threads > 1 && Iterations(At(graph, stage)) <= kSmall;
}

std::vector<int64_t> Surroundings::GrainsOf(StageId stage, std::vector<int64_t> grains) const {
  if (machine.threads == 1) return {1};
  if (MayStayAlone(stage)) grains.push_back(0);
  return grains;
}

std::string Surroundings::NewName(const std::string& name) const {
  std::string free = name;
  for (int n = 2; std::find(names.begin(), names.end(), free) != names.end(); ++n) free = StrCat(name, n);
  names.push_back(free);
  return free;
}

std::vector<StageId> Surroundings::ReadersOf(int tensor) const {
  std::vector<StageId> live = graph.ConsumersOf(tensor);
  live.erase(
      std::remove_if(live.begin(), live.end(), [&](StageId c) { return inlined[static_cast<size_t>(c)]; }),
      live.end());
  return live;
}

bool LanesAlongOutput(const Surroundings& in, StageId id) {
  const te::Stage& stage = At(in.graph, id);
  if (stage.spatial == 0) return false;
  int lane = stage.spatial - 1;
  int64_t reduced = 1;
  for (size_t a = static_cast<size_t>(stage.spatial); a < stage.axes.size(); ++a)
    reduced *= stage.axes[a].extent;
  bool along = true, reused = false, strided = false;
  int64_t uses = std::numeric_limits<int64_t>::max();  // of each element that must be copied
  for (const Expr& read : ReadsOf(stage, -1)) {
    bool weight = in.graph.tensors[static_cast<size_t>(read->id)].role == te::Role::kWeight;
    std::optional<int64_t> stride = StrideOf(in.graph, read, lane);
    along = along && stride;
    reused = reused || (stride && *stride == 0);
    if (!stride || *stride == 0 || *stride == 1 || weight || SlidesNear(in, id, *read)) continue;
    strided = true;
    int64_t of_this = 1;
    for (int a = 0; a < stage.spatial; ++a) {
      if (StrideOf(in.graph, read, a) == 0) of_this *= stage.axes[static_cast<size_t>(a)].extent;
    }
    uses = std::min(uses, of_this);
  }
  // Reduced over less, or used less often, the copy costs as much as what it saves.
  constexpr int64_t kLongEnough = 8, kOftenEnough = 8;
  return along && (!strided || (reused && reduced >= kLongEnough && uses >= kOftenEnough));
}

Space Space::Of(const te::Graph& graph, const Machine& machine, std::string target) {
  Space space;
  space.graph_ = graph;
  space.inlined_ = InitialPlan(std::make_shared<te::Graph>(graph));
  space.target_ = std::move(target);
  size_t stages = graph.stages.size();
  std::vector<std::string> names;
  for (const te::Tensor& t : graph.tensors) names.push_back(t.name);
  Surroundings in{graph,
                  machine,
                  std::vector<bool>(stages),
                  std::vector<StageId>(stages, -1),
                  std::vector<std::vector<StageId>>(stages),
                  names};
  bool empty = false;  // a loop without iterations cannot be split: such a graph runs as it is
  for (const te::Stage& s : graph.stages) {
    for (const te::Axis& a : s.axes) empty = empty || a.extent == 0;
  }
  if (empty) {
    std::vector<StageId> all(stages);
    std::iota(all.begin(), all.end(), 0);
    space.parts_.push_back({std::make_shared<Unscheduled>(), std::move(all), 0, 0});
    return space;
  }
  std::vector<bool> placed(stages);
  for (StageId id = 0; id < static_cast<StageId>(stages); ++id) {
    if (!CanInline(in, id)) continue;
    Result<Plan> next = Inline(space.inlined_, id);
    if (!next.ok()) continue;
    space.inlined_ = *std::move(next);
    in.graph = *space.inlined_.graph;
    in.inlined[static_cast<size_t>(id)] = placed[static_cast<size_t>(id)] = true;
    space.inlining_.push_back({Verb::kInline, {in.NameOf(id)}, {}});
  }
  for (StageId id = static_cast<StageId>(stages) - 1; id >= 0; --id) {
    if (placed[static_cast<size_t>(id)] || At(in.graph, id).reducer == te::Reducer::kNone) continue;
    StageId epilogue = EpilogueOf(in, id);
    if (epilogue < 0 || placed[static_cast<size_t>(epilogue)] || !LanesAlongOutput(in, id)) continue;
    in.epilogue[static_cast<size_t>(id)] = epilogue;
    placed[static_cast<size_t>(epilogue)] = true;
  }
  for (StageId id = static_cast<StageId>(stages) - 1; id >= 0; --id) {
    if (placed[static_cast<size_t>(id)]) continue;
    placed[static_cast<size_t>(id)] = true;
    OwnedPart owned{nullptr, {id}, space.holes_.size(), 0};
    if (At(in.graph, id).reducer != te::Reducer::kNone) {
      owned.part = DotsPart(in, id, &space.holes_);
      if (!owned.part)
        owned.part = LanesAlongOutput(in, id) ? ContractionPart(in, id, &space.holes_)
                                              : RowReductionPart(in, id, &space.holes_);
      if (const StageId epilogue = in.epilogue[static_cast<size_t>(id)]; epilogue >= 0)
        owned.stages.push_back(epilogue);
    } else {
      for (StageId p : RowProducers(in, id, placed)) {
        in.rows[static_cast<size_t>(id)].push_back(p);
        owned.stages.push_back(p);
        placed[static_cast<size_t>(p)] = true;
      }
      owned.part = ElementwisePart(in, id, &space.holes_);
    }
    owned.end_hole = space.holes_.size();
    space.parts_.push_back(std::move(owned));
  }
  return space;
}

int64_t Space::size() const {
  int64_t n = 1;
  for (const Hole& h : holes_) {
    if (__builtin_mul_overflow(n, static_cast<int64_t>(h.domain.size()), &n))
      return std::numeric_limits<int64_t>::max();
  }
  return n;
}

bool Space::Allows(const Choice& choice) const {
  Decisions decisions(holes_, choice);
  return std::all_of(parts_.begin(), parts_.end(),
                     [&](const OwnedPart& owned) { return owned.part->Allows(decisions); });
}

absl::Span<const uint16_t> Space::HolesOf(size_t part, const Choice& choice) const {
  const OwnedPart& owned = parts_[part];
  return absl::MakeConstSpan(choice).subspan(owned.first_hole, owned.end_hole - owned.first_hole);
}

Trace Space::TraceOf(const Choice& choice) const {
  Trace trace = TraceFor(graph_, target_);
  trace.steps = inlining_;
  Make(parts_, choice, &trace.steps).IgnoreError();
  return trace;
}

Result<Plan> Space::PlanOf(const Choice& choice) const {
  Result<Plan> plan = Make(parts_, choice, nullptr);
  return plan.ok() ? std::move(plan) : Refusal(parts_, choice, plan.status());
}

Result<PartPlan> Space::PlanOfPart(size_t part, const Choice& choice) const {
  const OwnedPart& owned = parts_[part];
  Result<Plan> made = Make({&owned, 1}, choice, nullptr);
  if (!made.ok()) return Refusal({&owned, 1}, choice, made.status());
  PartPlan only{*std::move(made), {}};
  const Plan& plan = only.plan;
  StageIds stages(owned.stages.begin(), owned.stages.end());
  for (StageId added = static_cast<StageId>(graph_.stages.size());
       added < static_cast<StageId>(plan.stages.size()); ++added)
    stages.push_back(added);
  for (NodeId root : plan.roots) {
    bool own = std::any_of(stages.begin(), stages.end(), [&](StageId id) {
      const NodeId leaf = plan.stages[static_cast<size_t>(id)].leaf;
      return leaf >= 0 && (leaf == root || plan.Encloses(root, leaf));
    });
    if (own) only.roots.push_back(root);
  }
  return only;
}

Status Space::Refusal(absl::Span<const OwnedPart> parts, const Choice& choice, const Status& refused) const {
  std::vector<Step> steps;
  Make(parts, choice, &steps).IgnoreError();
  return Annotate(refused, StrCat("'", ToString(steps.back()), "'"));
}

Result<Plan> Space::Make(absl::Span<const OwnedPart> parts, const Choice& choice,
                         std::vector<Step>* written) const {
  // Room for what steps add: nodes are moved for every growth otherwise.
  constexpr size_t kMoreStages = 8, kMoreNodes = 96;
  Plan plan;
  plan.graph = inlined_.graph;
  plan.stages.reserve(inlined_.stages.size() + kMoreStages);
  plan.stages = inlined_.stages;
  plan.nodes.reserve(inlined_.nodes.size() + kMoreNodes);
  plan.nodes = inlined_.nodes;
  plan.roots = inlined_.roots;
  const Decisions decisions(holes_, choice);
  Draft draft(std::move(plan), written);
  for (const OwnedPart& owned : parts) owned.part->TakeSteps(decisions, &draft);
  return std::move(draft).Finish();
}

}  // namespace tunesmith::schedule
