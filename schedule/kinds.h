// SPDX-License-Identifier: Apache-2.0
// The words that plans and loop IR share: how a loop runs, and where a buffer lies.
#pragma once

#include <cstdint>

namespace tunesmith::schedule {

/// Lanes of a vector: the iterations of a vector loop, or of several directly in one another.
inline constexpr int64_t kMostLanes = 64;
/// Code generation covers the lanes of one vector with so many loaded ones, and shuffles them.
inline constexpr int kMostShuffled = 4;

enum class LoopKind : uint8_t {
  kSerial,
  kParallel,  // iterations in any order, on several threads; `grain` iterations at least go together.
              // Parallel loops nest only perfectly (the outer one's body is the inner one and nothing else):
              // one iteration space.
  kVector,    // the iterations are lanes; constant extent, at most kMostLanes with those directly around
  kUnroll,    // the body is repeated for each value; constant extent
  kBound,     // one iteration a hardware thread: "thread.x", "block.y", an NPU's core
};

/// Who sees a buffer and how long it lives.
enum class Scope : uint8_t {
  kParameter,  // given by the caller: inputs, weights (packed ones too), outputs
  kWorkspace,  // given by the caller for the duration of a call; holds nothing between calls
  kThread,     // private to one iteration of the innermost enclosing parallel loop (one worker): in memory,
               // cache-sized
  kRegister,   // SSA values: after unrolling, every access has a constant index (vector loops: constant plus
               // the lane)
  kShared,     // visible to the threads bound to one group (GPU shared memory, an NPU's unified buffer)
};

}  // namespace tunesmith::schedule
