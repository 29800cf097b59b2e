// SPDX-License-Identifier: Apache-2.0
// The line that shows, on a terminal, what a long command is doing.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <string_view>

#include "measure/outcome.h"

namespace tunesmith::cli {

/// Writes to standard error, and nothing at all unless `live`.
class Progress {
 public:
  explicit Progress(bool live) : live_(live), start_(std::chrono::steady_clock::now()) {}
  ~Progress() { Clear(); }

  void Say(std::string_view line);
  /// One more trial of the workload ended.
  void Trial(const std::string& workload, const measure::Outcome& outcome);
  void Clear();

 private:
  bool live_;
  bool shown_ = false;
  std::chrono::steady_clock::time_point start_;
  std::chrono::steady_clock::time_point last_;
  long long trials_ = 0;
  std::map<std::string, double> best_ns_;
};

}  // namespace tunesmith::cli
