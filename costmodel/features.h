// SPDX-License-Identifier: Apache-2.0
// The features of a plan. All are logarithms or shares, so that workloads of any size look alike.
#pragma once

#include <string>
#include <vector>

#include "costmodel/cost_model.h"
#include "schedule/summary.h"

namespace tunesmith::costmodel {

/// Where things stand in a row. The first is the analytic model's estimate in cycles (not its logarithm).
inline constexpr size_t kAnalyticCycles = 0;

/// The row of a plan, by its summary; always as long as FeatureNames().
Features FeaturesOf(schedule::Summary summary, const schedule::Machine& machine);
const std::vector<std::string>& FeatureNames();

/// The analytic estimate, in cycles of one core, of a kernel on machine.threads threads.
double AnalyticCycles(const schedule::Summary& summary, const schedule::Machine& machine);

}  // namespace tunesmith::costmodel
