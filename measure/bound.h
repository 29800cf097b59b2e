// SPDX-License-Identifier: Apache-2.0
// The least time that a kernel can take on a machine whose limits are known.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "measure/limits.h"
#include "measure/scenario.h"

namespace tunesmith::measure {

/// What a kernel does.
struct Work {
  enum class Arithmetic : uint8_t { kF32, kF64, kU8S8, kBF16 };
  /// By arithmetic; really executed. A multiply-add is two.
  std::array<double, 4> operations = {};
  double read_bytes = 0;     // each byte once, of inputs and packed weights
  double written_bytes = 0;  // each byte once, of outputs

  double OperationsOf(Arithmetic arithmetic) const { return operations[static_cast<size_t>(arithmetic)]; }
};

/// The least time that the work can take, and what binds it.
struct Bound {
  double ns = 0;
  std::string what;  // "f32 arithmetic", "L2 bandwidth", "memory bandwidth"
};

/// The largest of the times that arithmetic and each level of the memory hierarchy need at their limits,
/// since all of them can work at once (the roofline: S. Williams, A. Waterman, D. Patterson, "Roofline: an
/// insightful visual performance model for multicore architectures", CACM 52(4), 2009).
///
/// A level has to move what cannot lie in the levels nearer to the cores: all that is read and written, less
/// their sizes added up (no two need hold the same). Which part of it stays near, and whether that is read or
/// written, is whatever takes least time; a kernel that goes over its data in an order of its own, or writes
/// past a cache, is within that. Of cold data all that is read comes from memory, while what is written may
/// stay in the caches. Reading and writing move together at the copying rate, what is left at its own.
///
/// Arithmetic for which the processor has no instructions of its own is taken at the f32 rate.
Bound BoundOf(const Limits& limits, const Work& work, const Scenario& scenario);

}  // namespace tunesmith::measure
