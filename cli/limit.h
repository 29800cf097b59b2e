// SPDX-License-Identifier: Apache-2.0
// How near a kernel comes to what this CPU can do at most.
#pragma once

#include <string>
#include <vector>

#include "codegen/target.h"
#include "measure/bound.h"
#include "measure/limits.h"
#include "schedule/trace.h"
#include "te/graph.h"

namespace tunesmith::cli {

/// This machine's limits from the user's cache folder, or measured now, which takes about four seconds.
/// Errors: the runner cannot be started.
Result<measure::Limits> MachineLimits();
/// Measured now in any case.
Result<measure::Limits> RenewedMachineLimits();

/// That the limits are provisional, and the cure: a line. Empty if they are not.
std::string ProvisionalNotice(const measure::Limits& limits);

/// Whether a kernel was faster than its bound by more than what noise does: the limits are wrong then.
bool Refutes(double latency_ns, const measure::Bound& bound);

/// The bounds of a workload's algorithms under one scenario: each counts the operations that it executes.
class WorkloadBounds {
 public:
  WorkloadBounds(const measure::Limits& limits, const te::Workload& workload,
                 const measure::Scenario& scenario);

  /// Of the algorithm that needs least: no kernel of the workload is faster.
  const measure::Bound& Least() const;
  /// Of the algorithm that the trace schedules; the least if it replays on none.
  const measure::Bound& Of(const schedule::Trace& trace) const;

 private:
  std::vector<te::Algorithm> algorithms_;  // normalised, as traces replay on them; empty if there is but one
  std::vector<measure::Bound> bounds_;
};

/// The bound as a share of a latency: 1 is the limit, 0 means not known.
double ShareOf(const measure::Bound& bound, double latency_ns);
/// "83.1% of f32 arithmetic"; "-" if not known.
std::string ShareText(const measure::Bound& bound, double latency_ns);

}  // namespace tunesmith::cli
