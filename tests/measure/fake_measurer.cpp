// SPDX-License-Identifier: Apache-2.0
#include "tests/measure/fake_measurer.h"

#include <utility>

namespace tunesmith::measure {

Status FakeMeasurer::Submit(Job job) {
  pending_.push_back({job.id, device_(job, submitted_++)});
  return absl::OkStatus();
}

Result<Trial> FakeMeasurer::Wait() {
  if (pending_.empty()) return Invalid("no job is pending; submit one first");
  if (left_ == 0) return Unavailable("the fake runner does not start; it was told so");
  --left_;
  const size_t which = in_order_ ? 0 : random_.Below(pending_.size());
  Trial trial = std::move(pending_[which]);
  pending_.erase(pending_.begin() + static_cast<ptrdiff_t>(which));
  return trial;
}

Result<FinalistsResult> FakeMeasurer::TimeAgain(const std::vector<Job>& jobs, FinalistsPlan plan) {
  if (finals_) return finals_(jobs, plan);
  FinalistsResult result;
  result.processes = plan.fewest_processes;
  result.decided = true;
  for (const Job& job : jobs) {
    FinalistTiming timing;
    timing.outcome = device_(job, submitted_++);
    const auto processes = static_cast<size_t>(plan.fewest_processes);
    if (timing.outcome.ok()) timing.process_medians_ns.assign(processes, timing.outcome.median_ns);
    result.timings.push_back(std::move(timing));
    const auto last = static_cast<int>(result.timings.size()) - 1;
    const Outcome& outcome = result.timings.back().outcome;
    const auto best = static_cast<size_t>(result.winner);
    if (outcome.ok() && (result.winner < 0 || outcome.median_ns < result.timings[best].outcome.median_ns))
      result.winner = last;
  }
  return result;
}

Outcome OkOutcome(double median_ns) {
  Outcome outcome;
  outcome.samples_ns = {median_ns * 0.99, median_ns, median_ns * 1.02};
  outcome.median_ns = median_ns;
  outcome.spread_ns = median_ns * 0.015;
  return outcome;
}

Outcome FailedOutcome(OutcomeKind kind) {
  Outcome outcome;
  outcome.kind = kind;
  outcome.detail = std::string("fake ") + std::string(NameOf(kind));
  return outcome;
}

}  // namespace tunesmith::measure
