// SPDX-License-Identifier: Apache-2.0
// A measurer without a machine: outcomes on demand, in any order, for the tests of those who use measurers.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "measure/finalists.h"
#include "measure/measurer.h"
#include "support/random.h"

namespace tunesmith::measure {

class FakeMeasurer : public Measurer {
 public:
  /// What becomes of a job. `trial` counts the jobs from 0.
  using Device = std::function<Outcome(const Job& job, size_t trial)>;

  explicit FakeMeasurer(Device device) : device_(std::move(device)) {}

  /// From now on outcomes are given in an order drawn with this seed, not in that of the jobs.
  void GiveOutOfOrder(uint64_t seed) {
    random_ = Random(seed);
    in_order_ = false;
  }
  /// After so many outcomes, Wait fails as if no runner could be started.
  void BreakAfter(size_t outcomes) { left_ = outcomes; }

  Status Submit(Job job) override;
  Result<Trial> Wait() override;
  size_t pending() const override { return pending_.size(); }

  /// Asks `finals` where it was given; else the device, as for further trials, and the smallest median wins.
  Result<FinalistsResult> TimeAgain(const std::vector<Job>& jobs, FinalistsPlan plan) override;
  using Finals = std::function<Result<FinalistsResult>(const std::vector<Job>& jobs, const FinalistsPlan&)>;
  void DecideFinals(Finals finals) { finals_ = std::move(finals); }

  size_t submitted() const { return submitted_; }

 private:
  Device device_;
  Finals finals_;
  std::vector<Trial> pending_;
  Random random_{0};
  bool in_order_ = true;
  size_t submitted_ = 0;
  size_t left_ = SIZE_MAX;
};

/// An outcome of this kind, as a measurer gives it: with samples around `median_ns`, or with a detail.
Outcome OkOutcome(double median_ns);
Outcome FailedOutcome(OutcomeKind kind);

}  // namespace tunesmith::measure
