// SPDX-License-Identifier: Apache-2.0
#include "cli/limit.h"

#include <algorithm>

#include "measure/work.h"
#include "support/strings.h"
#include "support/units.h"

namespace tunesmith::cli {

namespace {

using Reading = Result<measure::Limits> (*)(const std::filesystem::path&, const measure::LimitsPlan&);

Result<measure::Limits> ReadLimits(Reading read) {
  // Of the machine, whatever the kernels are compiled for: a narrower target shows as a smaller share.
  TS_ASSIGN_OR_RETURN(codegen::Target native, codegen::TargetNamed("native"));
  const measure::LimitsPlan plan = measure::PlanFor(native);
  Result<std::filesystem::path> file = measure::LimitsFile();
  // Without a home there is no cache; then they are measured each time.
  return file.ok() ? read(*file, plan) : measure::MeasureLimits(plan);
}

}  // namespace

Result<measure::Limits> MachineLimits() { return ReadLimits(measure::CachedLimits); }

Result<measure::Limits> RenewedMachineLimits() { return ReadLimits(measure::RenewLimits); }

std::string ProvisionalNotice(const measure::Limits& limits) {
  if (!limits.provisional) return "";
  return StrCat(
      "This CPU's limits are provisional: something else ran while they were measured, so they may be "
      "too low and the shares too large. Cure: end what else runs, then: tune doctor\n");
}

bool Refutes(double latency_ns, const measure::Bound& bound) {
  // Medians of trials and of limits were seen to repeat within this much.
  constexpr double kNoise = 0.03;
  return ShareOf(bound, latency_ns) > 1 + kNoise;
}

WorkloadBounds::WorkloadBounds(const measure::Limits& limits, const te::Workload& workload,
                               const measure::Scenario& scenario) {
  for (const te::Algorithm& algorithm : workload.algorithms) {
    bounds_.push_back(measure::BoundOf(limits, measure::WorkOf(algorithm.graph), scenario));
    if (workload.algorithms.size() > 1)
      algorithms_.push_back({algorithm.name, te::Normalize(algorithm.graph), algorithm.tolerance_factor});
  }
}

const measure::Bound& WorkloadBounds::Least() const {
  return *std::min_element(bounds_.begin(), bounds_.end(),
                           [](const auto& a, const auto& b) { return a.ns < b.ns; });
}

const measure::Bound& WorkloadBounds::Of(const schedule::Trace& trace) const {
  for (size_t i : schedule::AlgorithmsFor(trace, algorithms_)) {
    if (schedule::Replay(trace, algorithms_[i].graph).ok()) return bounds_[i];
  }
  return Least();
}

double ShareOf(const measure::Bound& bound, double latency_ns) {
  return latency_ns > 0 ? bound.ns / latency_ns : 0;
}

std::string ShareText(const measure::Bound& bound, double latency_ns) {
  double share = ShareOf(bound, latency_ns);
  return share > 0 ? StrCat(FormatShare(share), " of ", bound.what) : "-";
}

}  // namespace tunesmith::cli
