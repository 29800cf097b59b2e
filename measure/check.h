// SPDX-License-Identifier: Apache-2.0
// Prepares what a kernel's outputs are compared with: from the definition, once for each workload.
#pragma once

#include <cstdint>
#include <memory>

#include "measure/expectation.h"
#include "support/status.h"
#include "support/thread_pool.h"
#include "te/inputs.h"

namespace tunesmith::measure {

struct CheckPlan {
  uint64_t seed = 0;
  /// About how many times an element's expression is evaluated for each set of inputs. A workload that needs
  /// no more is expected completely, a larger one on chosen elements: 4 million are a tenth of a second.
  int64_t evaluations = 4'000'000;
  int64_t most_elements = 8192;  // chosen of one output
  int64_t least_elements = 64;   // … even if they cost more than `evaluations`
};

/// The expectation of a workload on uniform inputs and on hostile ones: extreme values for workloads with
/// integer inputs (where products saturate), cancelling ones for others, or milder ones where the result of
/// those is not known well enough to refuse a wrong one. With a pool, on its threads.
/// Errors: the graph is not valid; its tensors do not fit into memory.
Result<std::shared_ptr<const Expectation>> PrepareExpectation(const te::Workload& workload,
                                                              const CheckPlan& plan = {},
                                                              ThreadPool* pool = nullptr);

/// Whether this machine has the memory to check a kernel of the workload: five sets of its tensors, of inputs
/// two here, and in the runner two for checks and one for timing.
Status CheckMemory(const te::Workload& workload);

/// The flat indices of about `count` elements of a tensor, ascending and without repetition; all of them if
/// there are no more. Every corner is among them. In a quarter each coordinate is, in turn, the first or the
/// last, beside a multiple of a usual tile size (4 … 1024), or anywhere; so every class of tile that a
/// schedule may treat on its own is met: full and partial ones, in every combination of dimensions. The
/// others are spread evenly over the matrix whose columns are the last dimension: no tile of it with some
/// three times as many elements as come on a chosen one is without one. With several `parts`, those of all
/// together are.
std::vector<uint64_t> ChooseElements(const std::vector<int64_t>& shape, int64_t count, uint64_t seed,
                                     int part = 0, int parts = 1);

}  // namespace tunesmith::measure
