// SPDX-License-Identifier: Apache-2.0
#include "schedule/summary.h"

#include <algorithm>
#include <cmath>

#include "schedule/placement.h"
#include "schedule/traffic.h"

namespace tunesmith::schedule {
namespace {

using te::Expr;
using te::ExprKind;

/// Arithmetic instructions that a function costs, roughly (ir/math.h expands it).
double OperationsOf(te::Function f) {
  switch (f) {
    case te::Function::kSqrt:
      return 1;
    case te::Function::kAbs:
    case te::Function::kFloor:
    case te::Function::kCeil:
    case te::Function::kRound:
    case te::Function::kFma:
    case te::Function::kBits:
      return 1;
    case te::Function::kExp:
      return 14;
    case te::Function::kErf:
      return 21;
    case te::Function::kRsqrt:
      return 2;
    default:
      return 25;
  }
}

struct Body {
  double operations = 0, calls = 0, divisions = 0;
  std::vector<const te::ExprNode*> reads;
};

Body Look(const te::Stage& stage) {
  Body body;
  double multiplies = 0, adds = 0;
  te::Visit(stage.body, [&](const Expr& e) {
    switch (e->kind) {
      case ExprKind::kRead:
        body.reads.push_back(e.get());
        break;
      case ExprKind::kInt:
      case ExprKind::kFloat:
      case ExprKind::kVar:
        break;
      case ExprKind::kCall:
        body.calls += OperationsOf(e->function);
        body.divisions += e->function == te::Function::kSqrt;
        break;
      case ExprKind::kMul:
        multiplies += te::IsFloat(e->type);
        break;
      case ExprKind::kAdd:
      case ExprKind::kSub:
        adds += te::IsFloat(e->type);
        break;
      case ExprKind::kDiv:
        body.divisions += te::IsFloat(e->type);
        break;
      default:
        body.operations += te::IsFloat(e->type);
        break;
    }
  });
  adds += stage.reducer != te::Reducer::kNone;
  body.operations += std::max(multiplies, adds) + body.calls + body.divisions;
  return body;
}

class Summariser {
 public:
  Summariser(const Plan& plan, const Machine& machine)
      : plan_(plan), machine_(machine), traffic_(plan, machine, &summary_) {}

  Summary Run(NodeId root) {
    StageIds inside = plan_.StagesIn(root);
    std::sort(inside.begin(), inside.end());
    auto packs = [&](StageId id) { return plan_.stages[static_cast<size_t>(id)].place == Place::kPack; };
    inside.erase(std::remove_if(inside.begin(), inside.end(), packs), inside.end());
    summary_.stages.reserve(inside.size());
    stages_ = inside;
    for (StageId id : inside) {
      bodies_.push_back(Look(plan_.stage(id)));
      loops_.push_back(plan_.LoopsAbove(plan_.stages[static_cast<size_t>(id)].leaf));
    }
    NodeIds entered;  // parallel loops
    for (size_t i = 0; i < inside.size(); ++i) {
      const StageId id = inside[i];
      const StagePlan& s = plan_.stages[static_cast<size_t>(id)];
      const Body& body = bodies_[i];
      const NodeIds& loops = loops_[i];
      std::vector<Access> reads;
      reads.reserve(body.reads.size() + 1);
      for (const te::ExprNode* read : body.reads) {
        std::vector<std::optional<te::Affine>> index;
        index.reserve(te::ReadRank(*read));
        for (size_t d = 0; d < te::ReadRank(*read); ++d)
          index.push_back(IndexOverLoops(plan_, id, read->args[d]));
        Access access = AccessOf(plan_, read->id, std::move(index));
        // What is read twice is loaded once.
        if (std::none_of(reads.begin(), reads.end(), [&](const Access& a) { return SameElement(a, access); }))
          reads.push_back(std::move(access));
      }
      StageSummary stage = Stage(id, body, loops, reads);
      double operations = stage.tiles * stage.tile_operations;
      summary_.operations += operations;
      double regions = 1, parallel = 0, grain = 1;
      for (NodeId loop : loops) {
        if (At(plan_, loop).kind == LoopKind::kParallel) {
          // Stages in one parallel loop share its start.
          if (parallel == 0 && std::find(entered.begin(), entered.end(), loop) != entered.end()) regions = 0;
          if (parallel == 0) entered.push_back(loop);
          parallel = std::max(parallel, 1.0) * static_cast<double>(At(plan_, loop).extent);
          grain = static_cast<double>(At(plan_, loop).grain);
        } else if (parallel == 0) {
          regions *= static_cast<double>(At(plan_, loop).extent);
        }
      }
      if (parallel > 0) {
        summary_.parallel_operations += operations;
        summary_.parallel_regions += regions;
      }
      if (operations > summary_.heaviest) {
        summary_.heaviest = operations;
        summary_.parallel_iterations = std::max(parallel, 1.0);
        summary_.grain = grain;
      }
      if (s.place == Place::kLoop && s.scope == Scope::kThread) {
        double bytes = static_cast<double>(
            te::SizeOf(plan_.graph->tensors[static_cast<size_t>(plan_.stage(id).tensor)].dtype));
        for (const Span& r : s.region) bytes *= static_cast<double>(r.extent);
        summary_.largest_thread_bytes = std::max(summary_.largest_thread_bytes, bytes);
      }
      summary_.stages.push_back(stage);
      traffic_.Add(id, loops, std::move(reads));
    }
    traffic_.Finish();
    return std::move(summary_);
  }

 private:
  /// The loops whose iterations are the lanes of one vector; kRoot where there is none.
  struct Lanes {
    NodeId outer = kRoot;
    NodeId inner = kRoot;
    bool Has(NodeId loop) const { return loop == inner || (loop == outer && outer != kRoot); }
  };

  double Extent(NodeId loop) const { return static_cast<double>(At(plan_, loop).extent); }
  double LanesOf(const Lanes& lanes) const {
    return (lanes.inner == kRoot ? 1 : Extent(lanes.inner)) *
           (lanes.outer == kRoot ? 1 : Extent(lanes.outer));
  }

  /// The distance of neighbouring lanes; 2 where it is not the same for all.
  int64_t StrideOf(const te::Affine& flat, const Lanes& lanes) const {
    if (lanes.inner == kRoot) return 1;
    const int64_t inner = flat.CoefficientOf(lanes.inner);
    if (lanes.outer == kRoot) return inner;
    const int64_t outer = flat.CoefficientOf(lanes.outer);
    return outer == inner * At(plan_, lanes.inner).extent ? inner : 2;
  }

  /// How many vectors are loaded and shuffled for lanes that are no neighbours; 0 if they lie too far apart
  /// for that.
  double VectorsCovering(const te::Affine& flat, const Lanes& lanes, double registers) const {
    if (lanes.inner == kRoot) return 0;
    const auto distance = [&](NodeId loop) {
      return static_cast<double>(std::abs(flat.CoefficientOf(loop)));
    };
    if (lanes.outer == kRoot && distance(lanes.inner) > kMostShuffled) return 0;
    double reach = (Extent(lanes.inner) - 1) * distance(lanes.inner) + 1;
    if (lanes.outer != kRoot) reach += (Extent(lanes.outer) - 1) * distance(lanes.outer);
    const double vectors = std::ceil(reach / LanesOf(lanes) * registers);
    return vectors <= kMostShuffled * registers ? vectors : 0;
  }

  StageSummary Stage(StageId id, const Body& body, const NodeIds& loops, const std::vector<Access>& reads) {
    const StagePlan& s = plan_.stages[static_cast<size_t>(id)];
    const te::Stage& stage = plan_.stage(id);
    StageSummary out;
    out.stage = id;
    out.iterations = out.tiles = out.useful = 1;
    for (NodeId loop : loops) out.iterations *= Extent(loop);
    for (size_t a = 0; a < stage.axes.size(); ++a)
      out.useful *= static_cast<double>(std::max<int64_t>(stage.axes[a].extent, 1));
    const size_t first = LoopsAboveTile(plan_, loops);
    Lanes lanes;
    double tile_iterations = 1;
    for (size_t i = first; i < loops.size(); ++i) {
      tile_iterations *= Extent(loops[i]);
      if (At(plan_, loops[i]).kind != LoopKind::kVector) continue;
      // One directly inside of another is part of the same vector.
      lanes.outer = i > first && loops[i - 1] == lanes.inner ? lanes.inner : kRoot;
      lanes.inner = loops[i];
    }
    const NodeId lane = lanes.inner;
    if (lane != kRoot) out.lanes = static_cast<int>(LanesOf(lanes));
    out.tiles = out.iterations / tile_iterations;
    out.tile_vectors = tile_iterations / out.lanes;
    // A vector longer than a register takes several.
    // Of the group of iterations inside the lanes one instruction makes one.
    const DotProduct* dot = DotOf(machine_.dots, stage);
    double group = 1;
    if (dot && !loops.empty() && lane != kRoot && loops.back() != lane && plan_.Reduces(id, loops.back()) &&
        At(plan_, loops.back()).extent == dot->group)
      group = dot->group;
    out.tile_vectors /= group;
    double registers_per_vector =
        std::max(1.0, out.lanes * static_cast<double>(te::SizeOf(stage.accumulator)) / machine_.vector_bytes);
    out.calls = body.calls;
    out.tile_operations = body.operations * out.tile_vectors * registers_per_vector;
    out.divisions = body.divisions * out.tile_vectors * registers_per_vector;
    auto distinct = [&](const te::Affine& flat) {
      double count = 1;
      for (size_t i = first; i < loops.size(); ++i) {
        if (!lanes.Has(loops[i]) && flat.CoefficientOf(loops[i]) != 0) count *= Extent(loops[i]);
      }
      return count;
    };
    // Reads whose addresses overlap within the tile (windows) load each address once.
    for (const Access& read : reads) {
      if (!read.flat) {
        out.tile_gathers += tile_iterations;
        continue;
      }
      double addresses = distinct(*read.flat);
      double windowed = 1;
      for (const std::optional<te::Affine>& index : read.index) {
        double product = 1, reach = 1;
        for (const auto& [loop, factor] : index->terms) {
          if (lanes.Has(loop) ||
              std::find(loops.begin() + static_cast<int64_t>(first), loops.end(), loop) == loops.end())
            continue;
          product *= Extent(loop);
          reach += (Extent(loop) - 1) * static_cast<double>(std::abs(factor));
        }
        windowed *= std::min(product, reach);
      }
      addresses = std::min(addresses, windowed) / group;
      int64_t stride = StrideOf(*read.flat, lanes);
      if (group > 1 && stride != 0) stride = 1;  // the lanes' groups follow one another
      const bool turned =
          std::any_of(loops.begin() + static_cast<int64_t>(first), loops.end(), [&](NodeId l) {
            return !lanes.Has(l) && plan_.graph->StageOf(read.tensor) < 0 &&
                   read.flat->CoefficientOf(l) == 1 && At(plan_, l).extent % out.lanes == 0;
          });
      if (turned && stride > 1) {
        // Rows of a tile that is read across: loaded whole, then interleaved until lanes are columns.
        out.tile_loads += addresses * registers_per_vector;
        out.tile_operations += addresses * registers_per_vector * std::log2(out.lanes);
      } else if (stride == 0 || stride == 1) {
        out.tile_loads += addresses * (stride == 1 ? registers_per_vector * LoadsOfVector(read, lanes) : 1);
        if (stride == 1 && UsedLater(id, read.tensor, loops, first))
          out.used_again += addresses * registers_per_vector;
      } else if (const double vectors = VectorsCovering(*read.flat, lanes, registers_per_vector);
                 vectors > 0) {
        out.tile_loads += addresses * vectors;
        out.tile_operations += addresses * vectors;  // each is shuffled
        if (const double rounds = RoundsBeforeReuse(read, loops, first, lanes); rounds > 0) {
          out.shuffled += addresses / rounds * registers_per_vector;
          out.shuffled_rounds = rounds;
        }
      } else {
        out.tile_gathers += addresses * out.lanes;
      }
    }
    // What the stage stores, or accumulates.
    double stored = 1;
    bool any = false;
    for (size_t i = first; i < loops.size(); ++i) {
      if (!lanes.Has(loops[i]) && plan_.IsSpatial(id, loops[i])) stored *= Extent(loops[i]);
    }
    stored *= registers_per_vector;
    double serial_reduced = 1, unrolled_reduced = 1;
    out.inner_extent = 1;
    for (size_t i = 0; i < loops.size(); ++i) {
      any = plan_.Reduces(id, loops[i]);
      if (any && i < first) serial_reduced *= Extent(loops[i]);
      if (any && i >= first) unrolled_reduced *= Extent(loops[i]);
    }
    if (first > 0) out.inner_extent = Extent(loops[first - 1]);
    bool in_registers = s.keep != kRoot || s.scope == Scope::kRegister;
    if (stage.reducer == te::Reducer::kNone) {
      out.tile_stores = in_registers ? 0 : stored * StoresOfVector(id, loops, first, lanes);
    } else {
      out.accumulators = stored;
      out.chain = unrolled_reduced / group;
      bool carried = serial_reduced > 1;
      if (!in_registers) {
        out.tile_stores = stored;
        out.tile_loads += stored;
      } else if (s.keep != kRoot) {
        bool partial = false;
        double elements = 1;
        for (int d = 0; d < stage.spatial; ++d)
          elements *= static_cast<double>(SpanOf(plan_, s.axes[static_cast<size_t>(d)], s.keep).extent);
        out.keeps = 1;
        for (NodeId loop : loops) {
          if (loop != s.keep && !plan_.Encloses(loop, s.keep)) continue;
          out.keeps *= Extent(loop);
          partial = partial || (plan_.Reduces(id, loop) && Extent(loop) > 1);
        }
        out.kept_moves = elements / out.lanes * registers_per_vector * (partial ? 2 : 1);
        if (!carried) out.accumulators = std::max(out.accumulators, 1.0);
      }
    }
    for (const Guard& g : s.guards) {
      bool inside = first > 0 && g.value.CoefficientOf(loops[first - 1]) == 0 &&
                    stage.reducer != te::Reducer::kNone && s.keep != kRoot;
      out.guards += inside ? 0 : 1;
    }
    out.code = out.tile_operations + out.tile_loads + out.tile_stores + 2 * out.tile_gathers;
    return out;
  }

  /// Whether a later stage has its tile beside this one's and reads the tensor there too: of an unrolled row,
  /// whose vectors the compiler loads once for all of them.
  bool UsedLater(StageId id, int tensor, const NodeIds& loops, size_t first) const {
    for (size_t i = 0; i < loops_.size(); ++i) {
      if (stages_[i] <= id || LoopsAboveTile(plan_, loops_[i]) != first) continue;
      if (first > 0 && loops_[i][first - 1] != loops[first - 1]) continue;
      if (std::any_of(bodies_[i].reads.begin(), bodies_[i].reads.end(),
                      [&](const te::ExprNode* read) { return read->id == tensor; }))
        return true;
    }
    return false;
  }

  /// A vector that lies across two cache lines is loaded twice. Where rows do not begin at multiples of a
  /// vector that happens to each in proportion to its length.
  double LoadsOfVector(const Access& read, const Lanes& lanes) const {
    if (read.blocked || lanes.inner == kRoot || InRegisters(plan_, read.tensor)) return 1;
    return 1 + LinesCrossed(read, lanes);
  }

  /// The same for stores, but of vectors side by side in a tile only the last one's second line is stored
  /// again later: the others' comes with the next vector.
  double StoresOfVector(StageId id, const NodeIds& loops, size_t first, const Lanes& lanes) const {
    if (lanes.inner == kRoot) return 1;
    const StagePlan& s = plan_.stages[static_cast<size_t>(id)];
    const te::Stage& stage = plan_.stage(id);
    const Access written = AccessOf(plan_, stage.tensor, {s.axes.begin(), s.axes.begin() + stage.spatial});
    if (!written.flat || written.blocked) return 1;
    const double crossed = LinesCrossed(written, lanes);
    if (crossed == 0) return 1;
    double side_by_side = 1;
    for (size_t i = first; i < loops.size(); ++i) {
      if (written.flat->CoefficientOf(loops[i]) == static_cast<int64_t>(LanesOf(lanes) * side_by_side))
        side_by_side *= Extent(loops[i]);
    }
    return 1 + crossed / side_by_side;
  }

  /// How often a vector of an access lies across two lines.
  double LinesCrossed(const Access& read, const Lanes& lanes) const {
    double vector = std::min(LanesOf(lanes) * read.element_bytes, static_cast<double>(machine_.vector_bytes));
    auto moves_whole = [&](double elements) { return std::fmod(elements * read.element_bytes, vector) == 0; };
    bool aligned = moves_whole(static_cast<double>(read.flat->constant));
    for (const auto& [loop, factor] : read.flat->terms)
      aligned = aligned && (lanes.Has(loop) || moves_whole(static_cast<double>(factor)));
    constexpr double kLine = 64;
    return aligned ? 0 : (vector - read.element_bytes) / kLine;
  }

  /// How often a tile makes vectors of a read that it uses again before it makes others: the iterations of
  /// its loops outside of the first one that comes back to the same addresses; 0 if none does.
  double RoundsBeforeReuse(const Access& read, const NodeIds& loops, size_t first, const Lanes& lanes) const {
    double rounds = 1;
    for (size_t i = first; i < loops.size(); ++i) {
      if (lanes.Has(loops[i]) || Extent(loops[i]) <= 1) continue;
      if (read.flat->CoefficientOf(loops[i]) == 0) return rounds;
      for (const std::optional<te::Affine>& index : read.index) {
        // Windows that slide: several loops of the tile along one dimension.
        if (index->CoefficientOf(loops[i]) == 0) continue;
        for (size_t other = i + 1; other < loops.size(); ++other) {
          const bool slides =
              !lanes.Has(loops[other]) && Extent(loops[other]) > 1 &&
              std::abs(index->CoefficientOf(loops[other])) == std::abs(index->CoefficientOf(loops[i]));
          if (slides) return rounds;
        }
      }
      rounds *= Extent(loops[i]);
    }
    return 0;
  }

  const Plan& plan_;
  const Machine& machine_;
  Summary summary_;
  Traffic traffic_;
  // Of the stages that run, in their order:
  StageIds stages_;
  std::vector<Body> bodies_;
  std::vector<NodeIds> loops_;
};

}  // namespace

void Summary::Add(const Summary& next) {
  stages.insert(stages.end(), next.stages.begin(), next.stages.end());
  for (int level = 0; level < 3; ++level) traffic_bytes[level] += next.traffic_bytes[level];
  streamed_bytes += next.streamed_bytes;
  strided_bytes += next.strided_bytes;
  prefetched_lines += next.prefetched_lines;
  operations += next.operations;
  parallel_operations += next.parallel_operations;
  if (next.heaviest > heaviest) {
    heaviest = next.heaviest;
    parallel_iterations = next.parallel_iterations;
    grain = next.grain;
  }
  parallel_regions += next.parallel_regions;
  largest_thread_bytes = std::max(largest_thread_bytes, next.largest_thread_bytes);
}

Summary Summarise(const Plan& plan, NodeId root, const Machine& machine) {
  return Summariser(plan, machine).Run(root);
}

Summary Summarise(const Plan& plan, const Machine& machine) {
  Summary sum;
  for (NodeId root : plan.roots) sum.Add(Summarise(plan, root, machine));
  return sum;
}

}  // namespace tunesmith::schedule
