// SPDX-License-Identifier: Apache-2.0
// What a plan moves between the levels of the memory hierarchy.
#pragma once

#include <optional>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "schedule/machine.h"
#include "schedule/plan.h"
#include "schedule/summary.h"

namespace tunesmith::schedule {

using Extents = absl::InlinedVector<int64_t, 6>;

/// A tensor's element that a leaf reads or writes, over its loops.
struct Access {
  int tensor = -1;
  double element_bytes = 0;
  std::vector<std::optional<te::Affine>> index;  // a dimension each; nothing where it is not affine
  Extents shape;  // of what is stored: of the tensor, or of its part in a buffer
  /// The flat address, by the row-major shape; a blocked layout keeps neighbours along the lane axis, which
  /// is all that is asked of it. Nothing if some index is not affine.
  std::optional<te::Affine> flat;
  bool blocked = false;     // the tensor has a layout of its own
  bool prefetched = false;  // by a step
};

/// The access of a leaf to the element of a tensor at `index`, given over loops.
Access AccessOf(const Plan& plan, int tensor_id, std::vector<std::optional<te::Affine>> index);

/// How many of a leaf's loops, outermost first, lie above its tile: the innermost ones as long as they are
/// unrolled or lanes.
size_t LoopsAboveTile(const Plan& plan, const NodeIds& loops);

/// Whether a plan keeps the tensor in registers.
bool InRegisters(const Plan& plan, int tensor);

/// Whether both are known to be the same element in every iteration.
bool SameElement(const Access& a, const Access& b);

/// What a loop's iteration touches of a tensor.
struct Region {
  double bytes = 0;
  double core_share = 1;         // of the bytes that one of the cores touches
  double run = 0;                // bytes that lie together
  double stride = 0;             // bytes between the beginnings of neighbouring runs; 0 if there is one run
  double needed[3] = {0, 0, 0};  // bytes of each cache that one core needs to hold it
};

/// What an iteration of a loop touches of a tensor, in bytes.
struct Touched {
  NodeId loop = kRoot;
  int tensor = -1;
  double bytes = 0;
};

/// Adds up the traffic of the stages of one loop nest.
class Traffic {
 public:
  /// The three live as long as this.
  Traffic(const Plan& plan, const Machine& machine, Summary* summary)
      : plan_(plan), machine_(machine), summary_(*summary) {}

  /// The next stage, in the order of execution, and what it reads. `loops` are those above its leaf,
  /// outermost first.
  void Add(StageId id, const NodeIds& loops, std::vector<Access> reads);

  /// Adds what the stages bring in, read and store. For each cache there is an outermost loop of a stage
  /// whose iteration touches no more than fits, counting all stages inside; each of its iterations brings in
  /// what the stage touches anew, unless the loop does not move the access and all that it touches fits, or
  /// another stage has brought it in the same iteration.
  void Finish();

 private:
  /// A stage and what the iterations of its loops touch.
  struct Moved {
    std::vector<NodeId> levels;  // the root, then the loops above the leaf, outermost first
    size_t tile = 0;             // the level whose iterations are tiles
    std::vector<Access> accesses;
    size_t own = 0;               // the index of what the stage writes; their number if that is elsewhere
    std::vector<Region> regions;  // level by level, of each access
    const Region& At(size_t level, size_t access) const { return regions[level * accesses.size() + access]; }
  };

  double Extent(NodeId loop) const { return static_cast<double>(At(loop).extent); }
  const Node& At(NodeId loop) const { return plan_.nodes[static_cast<size_t>(loop)]; }
  /// What one access touches inside the loop at `level`: 0 is the root, then come the loops above the leaf.
  Region RegionOf(const Access& access, size_t level) const;
  /// The bytes of a cache that a region needs.
  double Needed(const Region& region, int cache) const;
  /// Whether the loop at `level` moves an access by less than a line.
  bool NextSharesLines(const Moved& m, const Access& access, size_t level) const;
  /// Bytes by which the innermost serial loop moves an access.
  double InnermostStep(const Moved& m, const Access& access) const;
  /// The loops are the surroundings of the stage at hand now.
  void Enter(const std::vector<NodeId>& levels);
  void AddPrefetched(StageId id, Moved* m);
  void AddContended(const Access& written);
  void AddStreamed(const Moved& m, const StagePlan& s, const te::Stage& stage, const Access& written);
  /// Whether the next iteration of the loop at `level` touches some of what one has touched, and not all.
  bool Slides(const Moved& m, const Access& access, size_t level) const;
  /// Of each level of a stage, what an iteration needs of a cache, for all stages inside; down to the first
  /// that needs no more than `enough`.
  std::vector<double> Totals(const Moved& m, int cache, double enough) const;
  void Charge(const Moved& m, int cache);
  /// The bytes that an access brings into a cache of which `size` may be used, where what level `fits`
  /// touches fits.
  double Fetched(const Moved& m, const std::vector<double>& total, size_t access, size_t fits,
                 double size) const;
  /// True if another stage has been charged for what this one touches of a tensor in an iteration of a loop
  /// that they share: a row that is read to find its mean is still there when the mean is subtracted.
  bool Brought(NodeId loop, int tensor, double bytes) const;

  const Plan& plan_;
  const Machine& machine_;
  Summary& summary_;
  std::vector<Moved> moved_;  // by the stages so far
  // Of the stage at hand:
  std::vector<int> level_of_;  // of each of its loops; of others -1
  NodeId shared_ = kRoot;      // the outermost parallel loop: threads divide it
  // Of the stages charged before:
  std::vector<Touched> brought_;  // in the loops that they share with others
};

}  // namespace tunesmith::schedule
