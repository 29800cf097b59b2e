// SPDX-License-Identifier: Apache-2.0
// What a plan does, in numbers: for each stage how often its body runs, what its register tile loads and
// computes, and how many bytes move between the levels of the memory hierarchy. Features and the analytic
// model are made of these.
#pragma once

#include <vector>

#include "schedule/machine.h"
#include "schedule/plan.h"

namespace tunesmith::schedule {

/// The innermost unrolled and vector loops around a leaf are its tile: code without branches.
struct StageSummary {
  StageId stage = -1;
  double iterations = 0;       // of the body, masked ones included
  double useful = 0;           // the product of the stage's axis extents
  double tiles = 0;            // how often the tile runs
  int lanes = 1;               // 1 if there is no vector loop
  double tile_vectors = 1;     // vectors (or scalars) that the tile computes
  double tile_operations = 0;  // vector arithmetic instructions of the tile; a multiply-add counts once
  double tile_loads = 0;       // vector loads and broadcasts, each address once
  double used_again = 0;       // of the vectors loaded, those that a later stage's tile beside it uses too
  double tile_gathers = 0;     // elements loaded one by one
  double tile_stores = 0;
  double shuffled = 0;         // vectors made of loaded ones that wait to be used again
  double shuffled_rounds = 1;  // how often the tile makes so many
  double accumulators = 0;     // vectors that live across iterations of the innermost serial reduction loop
  double keeps = 0;            // how often kept accumulators begin anew
  double kept_moves = 0;       // vectors loaded and stored each time
  double chain = 0;            // dependent operations on one accumulator in a tile
  double calls = 0;  // functions of the body, in operations, per vector; they are part of tile_operations
  double inner_extent = 1;  // iterations of the innermost serial loop around the tile
  double code = 0;          // instructions of the tile
  double guards = 0;        // conditions that remain inside the innermost serial loop
  double divisions = 0;     // vector divisions and square roots of the tile
};

struct Summary {
  std::vector<StageSummary> stages;  // those that run in the kernel, not ahead of time
  /// Bytes that come from (or go to) beyond a cache of each level: 0: first, 1: second, 2: last.
  double traffic_bytes[3] = {0, 0, 0};
  double streamed_bytes = 0;       // stored past the caches; a line stored in part counts as three
  double strided_bytes = 0;        // of those beyond the first cache, in runs shorter than a line
  double prefetched_lines = 0;     // that are asked for
  double operations = 0;           // vector arithmetic instructions of all stages
  double parallel_operations = 0;  // of those, inside of parallel loops
  double heaviest = -1;            // operations of the stage that has most
  double parallel_iterations = 1;  // of the parallel loop around that stage
  double grain = 1;
  double parallel_regions = 0;      // how often threads are started
  double largest_thread_bytes = 0;  // of memory private to a worker

  /// The share of the operations that one thread does alone.
  double serial_share() const { return operations > 0 ? 1 - parallel_operations / operations : 0; }
  /// Adds what runs after this.
  void Add(const Summary& next);
};

/// The sum of its nests' summaries in the order of execution. That of a nest, given by its root, depends on
/// nothing outside of it.
Summary Summarise(const Plan& plan, const Machine& machine);
Summary Summarise(const Plan& plan, NodeId root, const Machine& machine);

}  // namespace tunesmith::schedule
