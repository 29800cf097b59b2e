// SPDX-License-Identifier: Apache-2.0
// A plan: a tree of loops over stage bodies. It is what a schedule is before it is code: small enough to be
// built, hashed and judged by the ten thousand, and exact enough that lowering it (ir/lower.h) takes no
// further decision.
//
// Each stage that is not inlined has one leaf. What differs between iterations of that leaf is said by affine
// forms over the loops above it: the value of each of the stage's axes, and the guards outside of which
// nothing happens.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/types/span.h"
#include "schedule/kinds.h"
#include "support/status.h"
#include "te/affine.h"
#include "te/graph.h"

namespace tunesmith::schedule {

using NodeId = int;   // index into Plan::nodes; a loop or a leaf
using StageId = int;  // index into Plan::stages and Plan::graph->stages

inline constexpr NodeId kRoot = -1;

/// Lists that are made for every step of every candidate: as a rule short enough to need no memory of their
/// own.
using NodeIds = absl::InlinedVector<NodeId, 12>;
using StageIds = absl::InlinedVector<StageId, 8>;

/// Nothing happens where value < 0 or value >= extent. Variables of `value` are loops.
struct Guard {
  te::Affine value;
  int64_t extent = 0;
  bool operator==(const Guard&) const = default;
};

/// The values first, first+1, … first+extent-1 of one dimension. Variables of `first` are loops.
struct Span {
  te::Affine first;
  int64_t extent = 0;
};

/// A layout lists, outermost first, the pieces into which the dimensions of a stored region are cut: the
/// pieces of one dimension are its digits, most significant first. [k][j] of 768 x 3072 in panels of 48
/// columns is {j, 64} {k, 768} {j, 48}. Empty: row-major.
struct Piece {
  int dim = 0;
  int64_t extent = 0;
  bool operator==(const Piece&) const = default;
};
using Layout = std::vector<Piece>;

/// In the order of execution. Most loops have one child.
using Children = absl::InlinedVector<NodeId, 2>;

struct Node {
  std::string label;  // of a loop: its name within its owner's, "i.o"; see Plan::LoopName
  NodeId parent = kRoot;
  Children children;
  StageId stage = -1;  // of a leaf; -1 for a loop
  StageId owner = -1;  // of a loop: the stage whose axis it was made for
  int64_t extent = 1;  // of a loop
  LoopKind kind = LoopKind::kSerial;
  int64_t grain = 1;
  bool partition = false;  // lowering divides it into boundary and steady iterations, see ir::Partition
  bool removed = false;    // no longer part of the tree

  bool is_leaf() const { return stage >= 0; }
};

enum class Place : uint8_t {
  kRoot,     // computed as a whole
  kLoop,     // computed inside loop `at`: each iteration of it computes (and stores) only the region it needs
  kInlined,  // has no leaf: consumers contain its expression
  kPack,     // depends on weights alone and is computed ahead of time
};

/// In each iteration of `loop`, the cache lines of `tensor` that the stage will touch in the iteration that
/// is `ahead` later are asked for.
struct Prefetched {
  int tensor = -1;
  NodeId loop = kRoot;
  int64_t ahead = 1;
};

/// Where and how one stage is computed.
struct StagePlan {
  Place place = Place::kRoot;
  NodeId leaf = -1;
  NodeId at = kRoot;             // kLoop
  std::vector<te::Affine> axes;  // the value of each of the stage's axes at the leaf
  std::vector<Guard> guards;     // over loops
  std::vector<Guard> where;      // over axes: what the stage itself leaves out (a factored reduction's tail)
  std::vector<Span> region;      // kLoop: what is stored, a span a dimension; else empty: everything
  Scope scope = Scope::kWorkspace;  // kLoop: kThread or kRegister
  Layout layout;
  NodeId keep = kRoot;  // a reduction whose accumulators live in registers during an iteration of this loop
  bool streaming = false;  // stores bypass the caches
  bool touched = false;    // its nest is no longer the one that the stage started with
  std::vector<Prefetched> prefetched;
  StageId serves = -1;  // of a stage that a step added: the workload's stage for whose sake it did
};

struct Plan {
  std::shared_ptr<const te::Graph> graph;  // the workload's, plus the stages that steps added (at the end)
  std::vector<StagePlan> stages;
  std::vector<Node> nodes;
  Children roots;  // outermost loops and leaves

  /// The name of the tensor that a stage computes.
  const std::string& NameOf(StageId stage) const;
  /// The name of a loop: "acc.i.o".
  std::string LoopName(NodeId loop) const;
  const te::Stage& stage(StageId id) const { return graph->stages[static_cast<size_t>(id)]; }
  /// True if `loop` is an ancestor of `node` (not the node itself); the root is an ancestor of all.
  bool Encloses(NodeId loop, NodeId node) const {
    while (node != kRoot) {
      node = nodes[static_cast<size_t>(node)].parent;
      if (node == loop) return true;
    }
    return false;
  }
  /// The loops above a node, outermost first.
  NodeIds LoopsAbove(NodeId node) const;
  /// The stages that are computed inside `loop` (or the root, or as this leaf), in the order of execution.
  StageIds StagesIn(NodeId loop) const;
  /// The child of `loop` (or the root) that is `node` or contains it.
  NodeId ChildTowards(NodeId loop, NodeId node) const;
  const Children& ChildrenOf(NodeId loop) const;

  /// True if some reduction (spatial) axis of the stage depends on the loop.
  bool Reduces(StageId stage, NodeId loop) const;
  bool IsSpatial(StageId stage, NodeId loop) const;
};

/// The plan's graph, to be changed: a copy of the plan's own, unless it has one already.
te::Graph* OwnGraph(Plan* plan);

/// Every stage as a whole, one after the other, its axes as serial loops in order.
Plan InitialPlan(std::shared_ptr<const te::Graph> graph);

/// Adds a node to the tree as the child number `position` of `parent`.
NodeId AddNode(Plan* plan, NodeId parent, int position);
/// Inserts a stage's nest: its axes in order (over the region, if it has one) as the child number `position`
/// of `parent`.
void BuildNest(Plan* plan, StageId stage, NodeId parent, int position);
/// Takes a stage's leaf out of the tree, and the loops that contain nothing else.
void RemoveNest(Plan* plan, StageId stage);

/// The loop or stage of this name. A loop may be named without its stage ("i.o") where only one loop ends so.
Result<NodeId> LoopNamed(const Plan& plan, std::string_view name);
Result<StageId> StageNamed(const Plan& plan, std::string_view name);

/// The values that `value` takes while the loops inside `within` run and those around it stand still.
/// This, and nothing else, decides what is stored, packed, checked and counted.
Span SpanOf(const Plan& plan, const te::Affine& value, NodeId within);
/// The same for an index of a read of a stage, given as expression over the stage's axes: nothing if it is
/// not affine. `extent` is that of the dimension read: a span never exceeds it unless it is guarded.
std::optional<te::Affine> IndexOverLoops(const Plan& plan, StageId stage, const te::Expr& index);

/// What these stages, which have leaves inside `loop`, touch of a tensor, by reading it or computing it,
/// while one iteration of `loop` runs: a span a dimension.
std::vector<Span> RegionTouched(const Plan& plan, int tensor, const StageIds& stages, NodeId loop);

/// The cache lines of a region of a tensor, if each row of its last dimension begins one.
double LinesOf(const Plan& plan, int tensor, const std::vector<Span>& region);
/// The same of a region of these extents.
double LinesOf(absl::Span<const int64_t> extents, int64_t element_bytes);

/// The loop tree as text.
std::string ToString(const Plan& plan);
/// Names the plan up to the names of its loops and the order of nests that do not read each other: equal
/// plans lower to equal programs. It is the sum of its nests' hashes, and that of a nest, given by its root,
/// depends on nothing outside of it.
uint64_t HashOf(const Plan& plan);
uint64_t HashOf(const Plan& plan, NodeId root);

}  // namespace tunesmith::schedule
