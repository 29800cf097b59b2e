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
