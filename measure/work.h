// SPDX-License-Identifier: Apache-2.0
// How much an algorithm has to compute and to move, whatever the schedule.
#pragma once

#include "measure/bound.h"
#include "te/graph.h"

namespace tunesmith::measure {

/// The work of a graph: of an algorithm, so that Winograd counts what Winograd computes.
///  operations   of each stage's body and reducer, under the arithmetic that the stage allows; those of
///  points
///               at which a guarded read of a reduction leaves its tensor (the padding's taps) are left out,
///               as a kernel may leave them out
///  bytes        each element that some read can reach, once; each output once
/// Functions count as the fewest operations that a kernel of full precision was seen to take.
Work WorkOf(const te::Graph& graph);

}  // namespace tunesmith::measure
