// SPDX-License-Identifier: Apache-2.0
// The line that shows, on a terminal, what a long command is doing.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace tunesmith::cli {

/// Where a run stands after a trial.
struct Standpoint {
  int64_t trials = 0;         // done, over all workloads, those of earlier runs included
  int64_t of_trials = 0;      // at most, over all workloads
  double budget_seconds = 0;  // of the whole run; 0: no limit
  std::string workload;       // the one that the trial belongs to; empty if there is only one
  std::string best;           // "best 245 us, 83.1% of f32 arithmetic"
};

/// Writes to standard error, and nothing at all unless `live`.
class Progress {
 public:
  using Clock = std::chrono::steady_clock;
  explicit Progress(bool live) : live_(live) {}
  ~Progress() { Clear(); }

  /// A line of its own, replaced by the next; cut to the width of the terminal.
  void Say(std::string_view line);
  /// The first trial is about to begin; rates count from here.
  void Start(int64_t trials);
  /// One more trial ended. Shown at most ten times a second.
  void Trial(const Standpoint& at);
  void Clear();

 private:
  bool live_;
  bool shown_ = false;
  Clock::time_point start_{};
  Clock::time_point last_{};
  int64_t first_trials_ = 0;
};

/// "57/96 trials, 18.2/s, 2 s left | resnet_conv: best 245 us, …" after `seconds`, in which `new_trials` were
/// made. What is left is the lesser of what trials at this rate and what the budget allow.
std::string ProgressText(const Standpoint& at, int64_t new_trials, double seconds);

}  // namespace tunesmith::cli
