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
  access.shape.assign(tensor.shape.begin(), tensor.shape.end());
  StageId source = plan.graph->StageOf(tensor_id);
  if (source >= 0 && plan.stages[static_cast<size_t>(source)].place == Place::kLoop) {
    // Each iteration of the loops that it lies in has its part in the same place.
    const StagePlan& made = plan.stages[static_cast<size_t>(source)];
    for (size_t d = 0; d < access.index.size(); ++d) {
      access.shape[d] = made.region[d].extent;
      if (!access.index[d]) continue;
      auto& terms = access.index[d]->terms;
      const auto outside = [&](const auto& term) {
        return term.first == made.at || plan.Encloses(term.first, made.at);
      };
      terms.erase(std::remove_if(terms.begin(), terms.end(), outside), terms.end());
    }
  }
  bool blocked = source >= 0 && !plan.stages[static_cast<size_t>(source)].layout.empty();
  int lane_dim = blocked ? plan.stages[static_cast<size_t>(source)].layout.back().dim : -1;
  access.blocked = blocked;
  te::Affine flat;
  int64_t unit = 1;
  for (size_t d = access.index.size(); d-- > 0;) {
    if (!access.index[d]) return access;
    bool lane = static_cast<int>(d) == lane_dim;
    te::AddScaled(&flat, *access.index[d], blocked ? (lane ? 1 : 4096 * unit) : unit);
    unit *= std::max<int64_t>(access.shape[d], 1);
  }
  access.flat = std::move(flat);
  return access;
}

size_t LoopsAboveTile(const Plan& plan, const NodeIds& loops) {
  size_t above = loops.size();
  while (above > 0) {
    const LoopKind kind = plan.nodes[static_cast<size_t>(loops[above - 1])].kind;
    if (kind != LoopKind::kUnroll && kind != LoopKind::kVector) break;
    --above;
  }
  return above;
}

bool InRegisters(const Plan& plan, int tensor) {
  StageId id = plan.graph->StageOf(tensor);
  if (id < 0) return false;
  const StagePlan& s = plan.stages[static_cast<size_t>(id)];
  return s.scope == Scope::kRegister || (s.keep != kRoot && s.place == Place::kLoop);
}

bool SameElement(const Access& a, const Access& b) {
  return a.tensor == b.tensor && a.flat && a.flat == b.flat;
}

Region Traffic::RegionOf(const Access& access, size_t level) const {
  Region region;
  region.bytes = region.run = access.element_bytes;
  double unit = access.element_bytes;  // bytes between neighbours of the dimension at hand
  bool contiguous = true;
  for (size_t d = access.index.size(); d-- > 0;) {
    const auto extent = static_cast<double>(access.shape[d]);
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

bool Traffic::NextSharesLines(const Moved& m, const Access& access, size_t level) const {
  if (level == 0 || !access.flat) return true;
  const double step =
      std::abs(static_cast<double>(access.flat->CoefficientOf(m.levels[level]))) * access.element_bytes;
  return step > 0 && step < kLine;
}

double Traffic::InnermostStep(const Moved& m, const Access& access) const {
  if (!access.flat || access.blocked || m.tile == 0) return 0;
  return std::abs(static_cast<double>(access.flat->CoefficientOf(m.levels[m.tile]))) * access.element_bytes;
}

/// What is stored past the caches leaves the core a line at a time, if all of it is stored without other
/// work in between: in a tile, or in the iterations of the loop around it. Of a line that is stored in
/// part memory has to be read and merged.
void Traffic::AddStreamed(const Moved& m, const StagePlan& s, const te::Stage& stage, const Access& written) {
  constexpr double kMerged = 3 * kLine;
  double bytes = written.element_bytes;
  for (int d = 0; d < stage.spatial; ++d)
    bytes *= static_cast<double>(stage.axes[static_cast<size_t>(d)].extent);
  size_t level = m.tile;
  if (s.keep != kRoot) {
    level = static_cast<size_t>(level_of_[static_cast<size_t>(s.keep)]);
  } else if (level > 0 && At(m.levels[level]).children.size() == 1) {
    --level;
  }
  const double run = RegionOf(written, level).run;
  const double part = std::fmod(run, kLine);
  // Lines go to memory in pairs, which are rather stored together.
  constexpr double kAlone = 1.05;
  const double alone = run < 2 * kLine && run < bytes ? kAlone : 1;
  summary_.streamed_bytes +=
      alone * (part == 0 || run >= bytes ? bytes : bytes / run * (run - part + kMerged));
}

/// Where several threads store near one another, a core's prefetcher takes lines that another one is about to
/// store to: they go back and forth between the cores.
void Traffic::AddContended(const Access& written) {
  constexpr double kPage = 4096;  // a prefetcher stays within one
  if (machine_.threads == 1 || shared_ == kRoot || !written.flat) return;
  const Region piece = RegionOf(written, static_cast<size_t>(level_of_[static_cast<size_t>(shared_)]));
  if (piece.run >= piece.bytes) return;  // what a thread stores lies together
  const double step =
      std::abs(static_cast<double>(written.flat->CoefficientOf(shared_))) * written.element_bytes;
  const double iterations = step == piece.run ? std::ceil(Extent(shared_) / machine_.threads) : 1;
  if (piece.run * iterations < kPage) summary_.traffic_bytes[1] += 2 * RegionOf(written, 0).bytes;
}

void Traffic::AddPrefetched(StageId id, Moved* m) {
  for (const Prefetched& p : plan_.stages[static_cast<size_t>(id)].prefetched) {
    double lines = LinesOf(plan_, p.tensor, RegionTouched(plan_, p.tensor, {id}, p.loop));
    for (size_t l = 1; l < m->levels.size(); ++l) {
      lines *= Extent(m->levels[l]);
      if (m->levels[l] == p.loop) break;
    }
    summary_.prefetched_lines += lines;
    for (Access& a : m->accesses) a.prefetched = a.prefetched || a.tensor == p.tensor;
  }
}

void Traffic::Add(StageId id, const NodeIds& loops, std::vector<Access> reads) {
  const StagePlan& s = plan_.stages[static_cast<size_t>(id)];
  const te::Stage& stage = plan_.stage(id);
  Moved m;
  m.levels.assign(1, kRoot);
  m.levels.insert(m.levels.end(), loops.begin(), loops.end());
  m.tile = LoopsAboveTile(plan_, loops);
  m.accesses = std::move(reads);
  std::erase_if(m.accesses, [&](const Access& a) { return InRegisters(plan_, a.tensor); });
  m.own = m.accesses.size();
  Enter(m.levels);
  if (!InRegisters(plan_, stage.tensor)) {
    Access written = AccessOf(plan_, stage.tensor, {s.axes.begin(), s.axes.begin() + stage.spatial});
    AddContended(written);
    if (s.streaming) {
      AddStreamed(m, s, stage, written);
    } else {
      m.accesses.push_back(std::move(written));
    }
  }
  AddPrefetched(id, &m);
  m.regions.resize(m.levels.size() * m.accesses.size());
  for (size_t l = m.levels.size(); l-- > 0;) {
    for (size_t a = 0; a < m.accesses.size(); ++a) {
      // A loop that does not move an access adds nothing to what it touches.
      bool same = l + 1 < m.levels.size() && !Moves(m.levels[l + 1], m.accesses[a]);
      m.regions[l * m.accesses.size() + a] = same ? m.At(l + 1, a) : RegionOf(m.accesses[a], l);
    }
  }
  moved_.push_back(std::move(m));
}

void Traffic::Enter(const std::vector<NodeId>& levels) {
  level_of_.assign(plan_.nodes.size(), -1);
  shared_ = kRoot;
  for (size_t l = 1; l < levels.size(); ++l) {
    const NodeId loop = levels[l];
    level_of_[static_cast<size_t>(loop)] = static_cast<int>(l);
    if (shared_ == kRoot && At(loop).kind == LoopKind::kParallel) shared_ = loop;
  }
}

void Traffic::Finish() {
  for (const Moved& m : moved_) {
    for (int cache = 0; cache < 3; ++cache) Charge(m, cache);
    for (size_t l = 1; l < m.levels.size(); ++l) {
      if (At(m.levels[l]).children.size() < 2) continue;
      for (size_t a = 0; a < m.accesses.size(); ++a)
        brought_.push_back({m.levels[l], m.accesses[a].tensor, m.At(l, a).bytes});
    }
  }
}

std::vector<double> Traffic::Totals(const Moved& m, int cache, double enough) const {
  const auto shares = [&](const Moved& other, size_t level) {
    return level < m.levels.size() && level < other.levels.size() && other.levels[level] == m.levels[level];
  };
  const auto others_share = [&](size_t level) {
    return std::any_of(moved_.begin(), moved_.end(),
                       [&](const Moved& other) { return &other != &m && shares(other, level); });
  };
  std::vector<double> totals(m.levels.size(), 0);
  // Stages that share a loop touch the same part of a tensor, more or less, in an iteration of it.
  std::vector<std::pair<int, double>> most;  // a tensor and the most that a stage needs of it
  for (size_t l = 0; l < m.levels.size(); ++l) {
    most.clear();
    // In the innermost iteration that several share they follow one another: what one has brought the next
    // one finds, whatever the third will touch.
    const bool alone = l > 0 && !others_share(l + 1);
    for (const Moved& other : moved_) {
      if (!shares(other, l) || (alone && &other != &m)) continue;
      for (size_t a = 0; a < other.accesses.size(); ++a) {
        const int tensor = other.accesses[a].tensor;
        double needed = 0;
        for (size_t b = 0; b < other.accesses.size(); ++b) {
          if (other.accesses[b].tensor == tensor) needed += other.At(l, b).needed[cache];
        }
        auto known = std::find_if(most.begin(), most.end(), [&](const auto& t) { return t.first == tensor; });
        if (known == most.end()) {
          most.emplace_back(tensor, needed);
        } else {
          known->second = std::max(known->second, needed);
        }
      }
    }
    for (const auto& [tensor, needed] : most) totals[l] += needed;
    if (totals[l] <= enough) break;
  }
  return totals;
}

void Traffic::Charge(const Moved& m, int cache) {
  constexpr double kUsable = 0.75;  // the rest holds what else is touched
  const int64_t sizes[3] = {machine_.l1_bytes, machine_.l2_bytes, machine_.l3_bytes};
  const double size = kUsable * static_cast<double>(sizes[cache]);
  const std::vector<double> total = Totals(m, cache, size);
  if (total[0] <= size) return;  // a warm call finds it all there
  // Of what is a little too large it finds a part: caches do not drop exactly what comes next.
  constexpr double kFading = 0.75;
  const double missing = std::min(1.0, (total[0] - size) / (kFading * size));
  size_t fits = 0;
  while (fits + 1 < m.levels.size() && total[fits] > size) ++fits;
  for (size_t a = 0; a < m.accesses.size(); ++a) {
    const Region& region = m.At(fits, a);
    if (Brought(m.levels[fits], m.accesses[a].tensor, region.bytes)) continue;
    double bytes = missing * Fetched(m, total, a, fits, size);
    // Where runs are shorter than a line the rest of it comes too, and is gone before it is asked for, unless
    // the next iteration does and the lines do not push one another out. (What a tile takes of a line it
    // takes at once.)
    const size_t at = std::min(fits, m.tile);
    const Region& piece = m.At(at, a);
    const bool crowded = m.accesses[a].flat && kUsable * piece.needed[cache] > size;
    const bool stays = !crowded && NextSharesLines(m, m.accesses[a], at);
    if (piece.run < kLine && piece.run < piece.bytes && !stays) bytes *= kLine / piece.run;
    // A line is read before it is written, and written back later.
    if (a == m.own) bytes *= 2;
    // Prefetching begins anew with every run, unless the next is near. The first cache's prefetcher follows
    // one instruction from one iteration to the next, the second's what happens within a page. A step that
    // prefetches has lines come from afar in time, but many at once.
    constexpr double kRunStartBytes = 256, kPrefetchedStartBytes = 64, kNear = 2048;
    const double start = cache > 0 && m.accesses[a].prefetched ? kPrefetchedStartBytes : kRunStartBytes;
    // Stores leave in order, so that those of a tile wait for each of its runs, wherever others go on.
    const Region& walked = a == m.own ? m.At(m.tile, a) : region;
    const double step = cache == 0 ? InnermostStep(m, m.accesses[a]) : walked.stride;
    if (step > kNear) bytes *= 1 + start / std::max(walked.run, kLine);
    summary_.traffic_bytes[cache] += bytes;
    if (cache == 0 && m.accesses[a].flat && region.run < kLine) summary_.strided_bytes += bytes;
  }
}

double Traffic::Fetched(const Moved& m, const std::vector<double>& total, size_t access, size_t fits,
                        double size) const {
  double bytes = m.At(fits, access).bytes;
  // Outside of the level that fits, an access is fetched again in each iteration that moves it, and in those
  // that do not but push it out in between. Where a window slides, an iteration finds what it shares with the
  // one before only if that touches no more than fits.
  bool again = false;
  for (size_t l = fits; l > 0; --l) {
    const double iterations = Extent(m.levels[l]), inner = m.At(l, access).bytes,
                 outer = m.At(l - 1, access).bytes;
    if (outer > inner * 1.0001) {
      const bool lost = l < fits && Slides(m, m.accesses[access], l);
      bytes *= lost ? iterations : std::max(1.0, std::min(iterations, outer / std::max(inner, 1.0)));
      again = again || total[l - 1] > size;
    } else if (total[l - 1] > size && (again || l < fits)) {
      bytes *= iterations;
    }
  }
  return bytes;
}

bool Traffic::Slides(const Moved& m, const Access& access, size_t level) const {
  for (const std::optional<te::Affine>& index : access.index) {
    const int64_t step = index ? std::abs(index->CoefficientOf(m.levels[level])) : 0;
    if (step == 0) continue;
    int64_t reach = 1;
    for (size_t l = level + 1; l < m.levels.size(); ++l)
      reach += (At(m.levels[l]).extent - 1) * std::abs(index->CoefficientOf(m.levels[l]));
    if (step < reach) return true;
  }
  return false;
}

bool Traffic::Brought(NodeId loop, int tensor, double bytes) const {
  return std::any_of(brought_.begin(), brought_.end(), [&](const Touched& t) {
    return t.loop == loop && t.tensor == tensor && t.bytes >= bytes;
  });
}

}  // namespace tunesmith::schedule
