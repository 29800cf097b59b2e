// SPDX-License-Identifier: Apache-2.0
// How much an algorithm has to compute and to move, whatever the schedule.
#pragma once

#include "measure/limits.h"
#include "te/graph.h"

namespace tunesmith::measure {

/// The work of a graph: of an algorithm, so that Winograd counts what Winograd computes.
///  operations   of each stage's body and reducer; those of points at which a guarded read of a reduction
///  leaves
///               its tensor (the padding's taps) are left out, as a kernel may leave them out
///  bytes        each element that some read can reach, once; each output once
///  arithmetic   of the stage with the most operations
/// Functions count as the fewest operations that a kernel of full precision was seen to take.
Work WorkOf(const te::Graph& graph);

/// WorkOf(graph)'s bound divided by `latency_ns`: 1 is the limit; 0 if there is no latency.
double LimitShare(const Limits& limits, const te::Graph& graph, const Scenario& scenario, double latency_ns);

}  // namespace tunesmith::measure
