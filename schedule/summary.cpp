// SPDX-License-Identifier: Apache-2.0
#include "schedule/summary.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace tunesmith::schedule {
namespace {

using te::Expr;
using te::ExprKind;

const Node& At(const Plan& plan, NodeId n) { return plan.nodes[static_cast<size_t>(n)]; }

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
      return 22;
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

/// A tensor's element that a leaf reads or writes, over its loops.
struct Access {
  int tensor = -1;
  double element_bytes = 0;
  std::vector<std::optional<te::Affine>> index;  // a dimension each; nothing where it is not affine
  /// The flat address, by the row-major shape; a blocked layout keeps neighbours along the lane axis, which
  /// is all that is asked of it. Nothing if some index is not affine.
  std::optional<te::Affine> flat;
  bool blocked = false;  // the tensor has a layout of its own
};

/// What a loop's iteration touches of a tensor.
struct Region {
  double bytes = 0;
  double core_share = 1;         // of the bytes that one of the cores touches
  double run = 0;                // bytes that lie together
  double stride = 0;             // bytes between the beginnings of neighbouring runs; 0 if there is one run
  double needed[3] = {0, 0, 0};  // bytes of each cache that one core needs to hold it
};

Access AccessOf(const Plan& plan, int tensor_id, std::vector<std::optional<te::Affine>> index) {
  const te::Tensor& tensor = plan.graph->tensors[static_cast<size_t>(tensor_id)];
  Access access;
  access.tensor = tensor_id;
  access.element_bytes = static_cast<double>(te::SizeOf(tensor.dtype));
  access.index = std::move(index);
  StageId source = plan.graph->StageOf(tensor_id);
  bool blocked = source >= 0 && !plan.stages[static_cast<size_t>(source)].layout.empty();
  int lane_dim = blocked ? plan.stages[static_cast<size_t>(source)].layout.back().dim : -1;
  access.blocked = blocked;
  te::Affine flat;
  int64_t unit = 1;
  for (size_t d = access.index.size(); d-- > 0;) {
    if (!access.index[d]) return access;
    bool lane = static_cast<int>(d) == lane_dim;
    te::AddScaled(&flat, *access.index[d], blocked ? (lane ? 1 : 4096 * unit) : unit);
    unit *= std::max<int64_t>(tensor.shape[d], 1);
  }
  access.flat = std::move(flat);
  return access;
}

class Summariser {
 public:
  Summariser(const Plan& plan, const Machine& machine) : plan_(plan), machine_(machine) {}

  Summary Run() {
    double parallel_operations = 0, all_operations = 0, heaviest = -1;
    for (StageId id = 0; id < static_cast<StageId>(plan_.stages.size()); ++id) {
      const StagePlan& s = plan_.stages[static_cast<size_t>(id)];
      if (s.leaf < 0 || s.place == Place::kPack) continue;
      const Body body = Look(plan_.stage(id));
      const std::vector<NodeId> loops = plan_.LoopsAbove(s.leaf);
      std::vector<Access> reads;
      reads.reserve(body.reads.size() + 1);
      for (const te::ExprNode* read : body.reads) {
        std::vector<std::optional<te::Affine>> index;
        index.reserve(te::ReadRank(*read));
        for (size_t d = 0; d < te::ReadRank(*read); ++d)
          index.push_back(IndexOverLoops(plan_, id, read->args[d]));
        reads.push_back(AccessOf(plan_, read->id, std::move(index)));
      }
      StageSummary stage = Stage(id, body, loops, reads);
      double operations = stage.tiles * stage.tile_operations;
      all_operations += operations;
      double regions = 1, parallel = 0, grain = 1;
      for (NodeId loop : loops) {
        if (At(plan_, loop).kind == LoopKind::kParallel) {
          parallel = std::max(parallel, 1.0) * static_cast<double>(At(plan_, loop).extent);
          grain = static_cast<double>(At(plan_, loop).grain);
        } else if (parallel == 0) {
          regions *= static_cast<double>(At(plan_, loop).extent);
        }
      }
      if (parallel > 0) {
        parallel_operations += operations;
        summary_.parallel_regions += regions;
      }
      if (operations > heaviest) {
        heaviest = operations;
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
      Traffic(id, loops, std::move(reads));
    }
    summary_.serial_share = all_operations > 0 ? 1 - parallel_operations / all_operations : 0;
    return std::move(summary_);
  }

 private:
  double Extent(NodeId loop) const { return static_cast<double>(At(plan_, loop).extent); }

  StageSummary Stage(StageId id, const Body& body, const std::vector<NodeId>& loops,
                     const std::vector<Access>& reads) {
    const StagePlan& s = plan_.stages[static_cast<size_t>(id)];
    const te::Stage& stage = plan_.stage(id);
    StageSummary out;
    out.stage = id;
    out.iterations = out.tiles = out.useful = 1;
    for (NodeId loop : loops) out.iterations *= Extent(loop);
    for (size_t a = 0; a < stage.axes.size(); ++a)
      out.useful *= static_cast<double>(std::max<int64_t>(stage.axes[a].extent, 1));
    // The tile: from the innermost loop outwards as long as loops are unrolled or lanes.
    size_t first = loops.size();
    while (first > 0 && (At(plan_, loops[first - 1]).kind == LoopKind::kUnroll ||
                         At(plan_, loops[first - 1]).kind == LoopKind::kVector))
      --first;
    NodeId lane = kRoot;
    double tile_iterations = 1;
    for (size_t i = first; i < loops.size(); ++i) {
      tile_iterations *= Extent(loops[i]);
      if (At(plan_, loops[i]).kind == LoopKind::kVector) lane = loops[i];
    }
    if (lane != kRoot) out.lanes = static_cast<int>(At(plan_, lane).extent);
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
        if (loops[i] != lane && flat.CoefficientOf(loops[i]) != 0) count *= Extent(loops[i]);
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
          if (loop == lane ||
              std::find(loops.begin() + static_cast<int64_t>(first), loops.end(), loop) == loops.end())
            continue;
          product *= Extent(loop);
          reach += (Extent(loop) - 1) * static_cast<double>(std::abs(factor));
        }
        windowed *= std::min(product, reach);
      }
      addresses = std::min(addresses, windowed) / group;
      int64_t stride = lane == kRoot ? 1 : read.flat->CoefficientOf(lane);
      if (group > 1 && stride != 0) stride = 1;  // the lanes' groups follow one another
      if (stride == 0 || stride == 1) {
        out.tile_loads += addresses * (stride == 1 ? registers_per_vector * LoadsOfVector(read, lane) : 1);
      } else {
        out.tile_gathers += addresses * out.lanes;
      }
    }
    // What the stage stores, or accumulates.
    te::Affine target;
    double stored = 1;
    bool any = false;
    for (size_t i = first; i < loops.size(); ++i) {
      if (loops[i] != lane && plan_.IsSpatial(id, loops[i])) stored *= Extent(loops[i]);
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
      out.tile_stores = in_registers ? 0 : stored;
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

  /// A vector that lies across two cache lines is loaded twice. Where rows do not begin at multiples of a
  /// vector that happens to each in proportion to its length.
  double LoadsOfVector(const Access& read, NodeId lane) const {
    if (read.blocked || lane == kRoot) return 1;
    double vector = std::min(Extent(lane) * read.element_bytes, static_cast<double>(machine_.vector_bytes));
    auto moves_whole = [&](double elements) { return std::fmod(elements * read.element_bytes, vector) == 0; };
    bool aligned = moves_whole(static_cast<double>(read.flat->constant));
    for (const auto& [loop, factor] : read.flat->terms)
      aligned = aligned && (loop == lane || moves_whole(static_cast<double>(factor)));
    constexpr double kLine = 64;
    return aligned ? 1 : 1 + (vector - read.element_bytes) / kLine;
  }

  /// What one access touches inside the loop at `level`: 0 is the root, then come the loops above the leaf.
  Region RegionOf(const Access& access, size_t level) const {
    const te::Tensor& tensor = plan_.graph->tensors[static_cast<size_t>(access.tensor)];
    Region region;
    region.bytes = region.run = access.element_bytes;
    double unit = access.element_bytes;  // bytes between neighbours of the dimension at hand
    bool contiguous = true;
    for (size_t d = access.index.size(); d-- > 0;) {
      double extent = static_cast<double>(tensor.shape[d]);
      double reach = extent;
      if (access.index[d]) {
        double all = 1, core = 1;
        for (const auto& [loop, factor] : access.index[d]->terms) {
          if (level_of_[static_cast<size_t>(loop)] <= static_cast<int>(level)) continue;  // outside
          double step = static_cast<double>(std::abs(factor));
          all += (Extent(loop) - 1) * step;
          double own = loop == shared_ ? std::ceil(Extent(loop) / machine_.threads) : Extent(loop);
          core += (own - 1) * step;
        }
        reach = std::min(extent, all);
        region.core_share *= std::min(extent, core) / reach;
      }
      region.bytes *= reach;
      if (contiguous) {
        region.run *= reach;
      } else if (region.stride == 0 && reach > 1) {
        region.stride = unit;
      }
      contiguous = contiguous && reach >= extent;
      unit *= std::max(extent, 1.0);
    }
    if (access.blocked) {  // a blocked layout is made so that what is read together lies together
      region.run = region.bytes;
      region.stride = 0;
    }
    // The last cache is one for all cores.
    for (int cache = 0; cache < 3; ++cache)
      region.needed[cache] = Needed(region, cache) * (cache < 2 ? region.core_share : 1);
    return region;
  }

  static bool Moves(NodeId loop, const Access& access) {
    return std::any_of(access.index.begin(), access.index.end(),
                       [&](const auto& index) { return index && index->CoefficientOf(loop) != 0; });
  }

  /// The part of a cache that a region needs. A cache has as many places for a line as it has ways, and a
  /// line's address decides which: rows that are a large power of two apart compete for a few of the sets,
  /// whatever else is free.
  double Needed(const Region& region, int cache) const {
    constexpr double kLine = 64;
    double rows = region.bytes / region.run;
    if (region.stride == 0 || cache == 2) return region.bytes;  // the last cache scatters addresses
    // Bytes after which the sets repeat. The first cache's sets are chosen by an address's offset in its
    // page.
    constexpr int64_t kWays = 16;
    int64_t period = cache == 0 ? 4096 : std::max<int64_t>(4096, machine_.l2_bytes / kWays);
    double places = static_cast<double>(period / std::gcd(static_cast<int64_t>(region.stride), period));
    if (rows <= places) return region.bytes;
    double run = std::max(region.run, kLine);
    return rows * run * std::max(1.0, static_cast<double>(period) / (places * run));
  }

  /// Bytes by which the innermost serial loop moves an access.
  double InnermostStep(const Access& access, const std::vector<NodeId>& levels) const {
    if (!access.flat || access.blocked) return 0;
    for (size_t l = levels.size(); l-- > 1;) {
      LoopKind kind = At(plan_, levels[l]).kind;
      if (kind == LoopKind::kUnroll || kind == LoopKind::kVector) continue;
      return std::abs(static_cast<double>(access.flat->CoefficientOf(levels[l]))) * access.element_bytes;
    }
    return 0;
  }

  /// For each cache: the outermost loop of this stage whose iteration touches no more than fits; each of its
  /// iterations brings in what it touches anew, unless the loop does not move the access and all that it
  /// touches fits.
  void Traffic(StageId id, const std::vector<NodeId>& loops, std::vector<Access> accesses) {
    const StagePlan& s = plan_.stages[static_cast<size_t>(id)];
    const te::Stage& stage = plan_.stage(id);
    std::erase_if(accesses, [&](const Access& a) { return InRegisters(a.tensor); });
    size_t own = accesses.size();  // the index of what the stage writes
    if (!InRegisters(stage.tensor)) {
      Access written = AccessOf(plan_, stage.tensor, {s.axes.begin(), s.axes.begin() + stage.spatial});
      if (s.streaming) {
        double bytes = written.element_bytes;
        for (int d = 0; d < stage.spatial; ++d)
          bytes *= static_cast<double>(stage.axes[static_cast<size_t>(d)].extent);
        summary_.streamed_bytes += bytes;
      } else {
        accesses.push_back(std::move(written));
      }
    }
    std::vector<NodeId> levels;
    levels.reserve(loops.size() + 1);
    levels.push_back(kRoot);
    levels.insert(levels.end(), loops.begin(), loops.end());
    level_of_.assign(plan_.nodes.size(), -1);
    shared_ = kRoot;
    for (size_t l = 1; l < levels.size(); ++l) {
      const NodeId loop = levels[l];
      level_of_[static_cast<size_t>(loop)] = static_cast<int>(l);
      if (shared_ == kRoot && At(plan_, loop).kind == LoopKind::kParallel) shared_ = loop;
    }
    const double sizes[3] = {static_cast<double>(machine_.l1_bytes), static_cast<double>(machine_.l2_bytes),
                             static_cast<double>(machine_.l3_bytes)};
    regions_.resize(levels.size() * accesses.size());
    auto region = [&](size_t level, size_t access) -> Region& {
      return regions_[level * accesses.size() + access];
    };
    for (size_t l = levels.size(); l-- > 0;) {
      for (size_t a = 0; a < accesses.size(); ++a) {
        // A loop that does not move an access adds nothing to what it touches.
        bool same = l + 1 < levels.size() && !Moves(levels[l + 1], accesses[a]);
        region(l, a) = same ? region(l + 1, a) : RegionOf(accesses[a], l);
      }
    }
    std::vector<double> total(levels.size());
    for (int cache = 0; cache < 3; ++cache) {
      constexpr double kUsable = 0.75;  // the rest holds what else is touched
      for (size_t l = 0; l < levels.size(); ++l) {
        total[l] = 0;
        for (size_t a = 0; a < accesses.size(); ++a) total[l] += region(l, a).needed[cache];
      }
      size_t fits = 0;
      while (fits + 1 < levels.size() && total[fits] > kUsable * sizes[cache]) ++fits;
      for (size_t a = 0; a < accesses.size(); ++a) {
        if (fits == 0 && total[0] <= kUsable * sizes[cache]) continue;  // a warm call finds it all there
        double bytes = region(fits, a).bytes;
        // Outside of the level that fits, an access is fetched again in each iteration that moves it, and in
        // those that do not but push it out in between.
        bool again = false;
        for (size_t l = fits; l > 0; --l) {
          double iterations = Extent(levels[l]);
          double grown = region(l - 1, a).bytes;
          bool moves = grown > region(l, a).bytes * 1.0001;
          if (moves) {
            bytes *= std::max(1.0, std::min(iterations, grown / std::max(region(l, a).bytes, 1.0)));
            again = again || total[l - 1] > kUsable * sizes[cache];
          } else if (total[l - 1] > kUsable * sizes[cache] && (again || l < fits)) {
            bytes *= iterations;
          }
        }
        // A line is read before it is written, and written back later.
        if (a == own) bytes *= 2;
        // Prefetching begins anew with every run, unless the next is near. The first cache's prefetcher
        // follows one instruction from one iteration to the next, the second's what happens within a page.
        constexpr double kRunStartBytes = 256, kNear = 2048;
        double step = cache == 0 ? InnermostStep(accesses[a], levels) : region(fits, a).stride;
        if (step > kNear) bytes *= 1 + kRunStartBytes / std::max(region(fits, a).run, 64.0);
        summary_.traffic_bytes[cache] += bytes;
        if (cache == 0) {
          if (accesses[a].flat) {
            double run = 1;
            for (const auto& [loop, factor] : accesses[a].flat->terms) {
              if (factor == 1 && level_of_[static_cast<size_t>(loop)] > static_cast<int>(fits))
                run = std::max(run, Extent(loop));
            }
            if (run * accesses[a].element_bytes < 64) summary_.strided_bytes += bytes;
          }
        }
      }
    }
  }

  bool InRegisters(int tensor) const {
    StageId id = plan_.graph->StageOf(tensor);
    if (id < 0) return false;
    const StagePlan& s = plan_.stages[static_cast<size_t>(id)];
    return s.scope == Scope::kRegister || (s.keep != kRoot && s.place == Place::kLoop);
  }

  const Plan& plan_;
  const Machine& machine_;
  std::vector<int> level_of_;    // of each loop above the stage's leaf, from 1; else -1
  NodeId shared_ = kRoot;        // the outermost parallel loop of the stage at hand: threads divide it
  std::vector<Region> regions_;  // of the stage at hand: level by level, of each access
  Summary summary_;
};

}  // namespace

Summary Summarise(const Plan& plan, const Machine& machine) { return Summariser(plan, machine).Run(); }

}  // namespace tunesmith::schedule
