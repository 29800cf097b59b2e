// SPDX-License-Identifier: Apache-2.0
// The seam between search and what guesses how fast a candidate is.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "schedule/machine.h"
#include "schedule/plan.h"
#include "support/status.h"

namespace tunesmith::costmodel {

/// A candidate as the models see it: a fixed number of numbers, see features.h.
using Features = std::vector<float>;

/// One measured candidate.
struct Example {
  Features features;
  double latency_ns = 0;
};

class CostModel {
 public:
  virtual ~CostModel() = default;
  /// For each row a number that is smaller the faster the candidate should be. Rows of one call are
  /// comparable; the unit is the model's own.
  virtual std::vector<double> Score(const std::vector<Features>& rows) const = 0;
  /// Learns from all examples of the workload so far. Deterministic: the same examples give the same model.
  virtual Status Update(const std::vector<Example>& examples) = 0;
  virtual std::string name() const = 0;
};

/// Cycles by the processor's throughputs, no learning (analytic.cpp says how).
std::unique_ptr<CostModel> AnalyticModel();

/// The library that Debian's libxgboost0 holds.
inline constexpr std::string_view kXgboostLibrary = "libxgboost.so.0";

/// Gradient-boosted trees (Chen & Guestrin, KDD 2016) on the features and the analytic model's guess. Fails,
/// with what to install, where `library` cannot be loaded. Models end before the process's statics do.
Result<std::unique_ptr<CostModel>> XgboostModel(std::string_view library = kXgboostLibrary);

}  // namespace tunesmith::costmodel
