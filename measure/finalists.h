// SPDX-License-Identifier: Apache-2.0
// The last word about the best few kernels of a workload. Samples of one process do not show the whole
// spread: where the system puts pages and threads differs from process to process. So the finalists are timed
// again, in turn, in several fresh processes, beside a copy of the first of them that shows what is mere
// noise.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "measure/measurer.h"

namespace tunesmith::measure {

struct FinalistsPlan {
  std::string runner;               // as in LocalMeasurer::Options
  uint64_t memory_limit_bytes = 0;  // as there
  int fewest_processes = 6;         // the first number at which an interval of 95 % exists
  int most_processes = 12;          // after which who is not separated is tied
  /// Who differs from the winner by less than this share is tied with it at once: no process more would show
  /// a difference that matters.
  double negligible = 0.01;
  /// Who takes more than so many times the best one's median, after so many processes or more, gives one
  /// sample in the next: more would hardly make it win, and in turn with the others they tell how far it is
  /// behind.
  double hopeless = 1.3;
  int hopeless_processes = 2;
  int rounds = 5;  // in each process: one sample of each kernel in turn
  /// As in TimingPlan, and shorter than a trial's: what a sample lacks in length, rounds and processes give.
  double sample_ns = 3e5;
  double seconds = 10;  // no process is started after it, but the first `fewest_processes`
  const std::atomic<bool>* interrupted = nullptr;  // once it is set, no sample is begun
};

/// What was seen of one finalist.
struct FinalistTiming {
  Outcome outcome;                         // all samples, in the order taken; or why it was dropped
  std::vector<double> process_medians_ns;  // one for each process in which it was timed
  bool tied = false;                       // not separated from the winner
};

struct FinalistsResult {
  std::vector<FinalistTiming> timings;  // as the jobs were given
  int winner = -1;                      // of the smallest median; -1 if all failed
  bool decided = false;                 // every other that did not fail is slower, or is tied for good
  double noise = 0;                     // relative difference between the first kernel and its copy
  int processes = 0;
};

/// Times the jobs, which are of one workload and scenario, against each other. A kernel that fails in a
/// process is dropped; if the runner was killed from outside, the process is repeated instead (so often that
/// this ends). Errors: there is no job, a job is invalid, no runner can be started, or it was interrupted
/// (absl::IsCancelled).
Result<FinalistsResult> TimeFinalists(const std::vector<Job>& jobs, const FinalistsPlan& plan);

}  // namespace tunesmith::measure
