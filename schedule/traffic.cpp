// SPDX-License-Identifier: Apache-2.0
#include "schedule/traffic.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace tunesmith::schedule {
namespace {

constexpr double kLine = 64;  // bytes of a cache line

bool Moves(NodeId loop, const Access& access) {
  return std::any_of(access.index.begin(), access.index.end(),
                     [&](const auto& index) { return index && index->CoefficientOf(loop) != 0; });
}

}  // namespace

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

Region Traffic::RegionOf(const Access& access, size_t level) const {
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

/// The part of a cache that a region needs. A cache has as many places for a line as it has ways, and a
/// line's address decides which: rows that are a large power of two apart compete for a few of the sets,
/// whatever else is free.
double Traffic::Needed(const Region& region, int cache) const {
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

size_t Traffic::TileLevel() const {
  size_t level = levels_.size() - 1;
  while (level > 0 &&
         (At(levels_[level]).kind == LoopKind::kUnroll || At(levels_[level]).kind == LoopKind::kVector))
    --level;
  return level;
}

bool Traffic::NextSharesLines(const Access& access, size_t level) const {
  if (level == 0 || !access.flat) return true;
  const double step =
      std::abs(static_cast<double>(access.flat->CoefficientOf(levels_[level]))) * access.element_bytes;
  return step > 0 && step < kLine;
}

double Traffic::InnermostStep(const Access& access) const {
  if (!access.flat || access.blocked) return 0;
  for (size_t l = levels_.size(); l-- > 1;) {
    LoopKind kind = At(levels_[l]).kind;
    if (kind == LoopKind::kUnroll || kind == LoopKind::kVector) continue;
    return std::abs(static_cast<double>(access.flat->CoefficientOf(levels_[l]))) * access.element_bytes;
  }
  return 0;
}

/// What is stored past the caches leaves the core a line at a time, if all of it is stored without other
/// work in between: in a tile, or in the iterations of the loop around it. Of a line that is stored in
/// part memory has to be read and merged.
void Traffic::AddStreamed(const StagePlan& s, const te::Stage& stage, const Access& written) {
  constexpr double kMerged = 3 * kLine;
  double bytes = written.element_bytes;
  for (int d = 0; d < stage.spatial; ++d)
    bytes *= static_cast<double>(stage.axes[static_cast<size_t>(d)].extent);
  size_t level = TileLevel();
  if (s.keep != kRoot) {
    level = static_cast<size_t>(level_of_[static_cast<size_t>(s.keep)]);
  } else if (level > 0 && At(levels_[level]).children.size() == 1) {
    --level;
  }
  const double run = RegionOf(written, level).run;
  const double part = std::fmod(run, kLine);
  summary_.streamed_bytes += part == 0 || run >= bytes ? bytes : bytes / run * (run - part + kMerged);
}

void Traffic::AddPrefetched(StageId id, std::vector<Access>* accesses) {
  for (const Prefetched& p : plan_.stages[static_cast<size_t>(id)].prefetched) {
    double lines = LinesOf(plan_, p.tensor, RegionTouched(plan_, p.tensor, {id}, p.loop));
    for (size_t l = 1; l < levels_.size(); ++l) {
      lines *= Extent(levels_[l]);
      if (levels_[l] == p.loop) break;
    }
    summary_.prefetched_lines += lines;
    for (Access& a : *accesses) a.prefetched = a.prefetched || a.tensor == p.tensor;
  }
}

void Traffic::Add(StageId id, const NodeIds& loops, std::vector<Access> accesses) {
  const StagePlan& s = plan_.stages[static_cast<size_t>(id)];
  const te::Stage& stage = plan_.stage(id);
  std::erase_if(accesses, [&](const Access& a) { return InRegisters(a.tensor); });
  size_t own = accesses.size();  // the index of what the stage writes
  std::optional<Access> streamed;
  if (!InRegisters(stage.tensor)) {
    Access written = AccessOf(plan_, stage.tensor, {s.axes.begin(), s.axes.begin() + stage.spatial});
    if (s.streaming) {
      streamed = std::move(written);
    } else {
      accesses.push_back(std::move(written));
    }
  }
  Enter(loops);
  AddPrefetched(id, &accesses);
  if (streamed) AddStreamed(s, stage, *streamed);
  regions_.resize(levels_.size() * accesses.size());
  width_ = accesses.size();
  for (size_t l = levels_.size(); l-- > 0;) {
    for (size_t a = 0; a < accesses.size(); ++a) {
      // A loop that does not move an access adds nothing to what it touches.
      bool same = l + 1 < levels_.size() && !Moves(levels_[l + 1], accesses[a]);
      regions_[l * width_ + a] = same ? At(l + 1, a) : RegionOf(accesses[a], l);
    }
  }
  for (int cache = 0; cache < 3; ++cache) Charge(cache, accesses, own);
  for (size_t l = 1; l < levels_.size(); ++l) {
    if (At(levels_[l]).children.size() < 2) continue;
    for (size_t a = 0; a < accesses.size(); ++a)
      brought_.push_back({levels_[l], accesses[a].tensor, At(l, a).bytes});
  }
}

void Traffic::Enter(const NodeIds& loops) {
  levels_.assign(1, kRoot);
  levels_.insert(levels_.end(), loops.begin(), loops.end());
  level_of_.assign(plan_.nodes.size(), -1);
  shared_ = kRoot;
  for (size_t l = 1; l < levels_.size(); ++l) {
    const NodeId loop = levels_[l];
    level_of_[static_cast<size_t>(loop)] = static_cast<int>(l);
    if (shared_ == kRoot && At(loop).kind == LoopKind::kParallel) shared_ = loop;
  }
}

void Traffic::Charge(int cache, const std::vector<Access>& accesses, size_t own) {
  constexpr double kUsable = 0.75;  // the rest holds what else is touched
  const int64_t sizes[3] = {machine_.l1_bytes, machine_.l2_bytes, machine_.l3_bytes};
  const double size = kUsable * static_cast<double>(sizes[cache]);
  total_.assign(levels_.size(), 0);
  for (size_t l = 0; l < levels_.size(); ++l) {
    for (size_t a = 0; a < accesses.size(); ++a) total_[l] += At(l, a).needed[cache];
  }
  if (total_[0] <= size) return;  // a warm call finds it all there
  // Of what is a little too large it finds a part: caches do not drop exactly what comes next.
  constexpr double kFading = 0.5;
  const double missing = std::min(1.0, (total_[0] - size) / (kFading * size));
  size_t fits = 0;
  while (fits + 1 < levels_.size() && total_[fits] > size) ++fits;
  for (size_t a = 0; a < accesses.size(); ++a) {
    const Region& region = At(fits, a);
    if (Brought(levels_[fits], accesses[a].tensor, region.bytes)) continue;
    double bytes = missing * Fetched(a, fits, size);
    // Where runs are shorter than a line the rest of it comes too, and is gone before it is asked for, unless
    // the next iteration does. (What a tile takes of a line it takes at once.)
    const size_t at = std::min(fits, TileLevel());
    const Region& piece = At(at, a);
    if (piece.run < kLine && piece.run < piece.bytes && !NextSharesLines(accesses[a], at))
      bytes *= kLine / piece.run;
    // A line is read before it is written, and written back later.
    if (a == own) bytes *= 2;
    // Prefetching begins anew with every run, unless the next is near. The first cache's prefetcher follows
    // one instruction from one iteration to the next, the second's what happens within a page. A step that
    // prefetches has lines come from afar in time, but many at once.
    constexpr double kRunStartBytes = 256, kPrefetchedStartBytes = 64, kNear = 2048;
    const double start = cache > 0 && accesses[a].prefetched ? kPrefetchedStartBytes : kRunStartBytes;
    // Stores leave in order, so that those of a tile wait for each of its runs, wherever others go on.
    const Region& walked = a == own ? At(TileLevel(), a) : region;
    const double step = cache == 0 ? InnermostStep(accesses[a]) : walked.stride;
    if (step > kNear) bytes *= 1 + start / std::max(walked.run, kLine);
    summary_.traffic_bytes[cache] += bytes;
    if (cache == 0 && accesses[a].flat && region.run < kLine) summary_.strided_bytes += bytes;
  }
}

double Traffic::Fetched(size_t access, size_t fits, double size) const {
  double bytes = At(fits, access).bytes;
  // Outside of the level that fits, an access is fetched again in each iteration that moves it, and in those
  // that do not but push it out in between.
  bool again = false;
  for (size_t l = fits; l > 0; --l) {
    const double iterations = Extent(levels_[l]), inner = At(l, access).bytes,
                 outer = At(l - 1, access).bytes;
    if (outer > inner * 1.0001) {
      bytes *= std::max(1.0, std::min(iterations, outer / std::max(inner, 1.0)));
      again = again || total_[l - 1] > size;
    } else if (total_[l - 1] > size && (again || l < fits)) {
      bytes *= iterations;
    }
  }
  return bytes;
}

bool Traffic::Brought(NodeId loop, int tensor, double bytes) const {
  return std::any_of(brought_.begin(), brought_.end(), [&](const Touched& t) {
    return t.loop == loop && t.tensor == tensor && t.bytes >= bytes;
  });
}

bool Traffic::InRegisters(int tensor) const {
  StageId id = plan_.graph->StageOf(tensor);
  if (id < 0) return false;
  const StagePlan& s = plan_.stages[static_cast<size_t>(id)];
  return s.scope == Scope::kRegister || (s.keep != kRoot && s.place == Place::kLoop);
}

}  // namespace tunesmith::schedule
