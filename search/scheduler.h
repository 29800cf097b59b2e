// SPDX-License-Identifier: Apache-2.0
// Divides a budget of trials and time over many workloads: the next batch goes where it may be expected to
// save most (the task scheduler of Zheng et al., "Ansor", OSDI 2020, section 6, with the gain of recent
// batches as estimate).
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <vector>

#include "search/tuner.h"

namespace tunesmith::search {

struct Task {
  std::unique_ptr<Tuner> tuner;
  /// How often the workload runs: then time saved counts, whichever workload saves it. 0: it is not known how
  /// often, each workload is as important as the others, and the gain counts as a share of its latency.
  double weight = 0;
  bool finished = false;
};

/// What all tasks together may spend. 0: what their own options say, added up; where one of them names no
/// limit, there is none.
struct Budget {
  int64_t trials = 0;  // those of earlier runs included, as Tuner::charged counts them
  double seconds = 0;  // finals included
};

/// Runs the tasks until the budget is spent, none has anything left to win, or `interrupted` is set; then
/// times the finalists of each. Every task gets one batch before any gets a second. `step` is called after
/// each batch with the task's number.
///
/// Trials and seconds are pooled: a task that stops early leaves its share to the others. An error of a
/// measurer or of a report ends it all; trials reported until then stand.
Status RunTasks(std::vector<Task>* tasks, const Budget& budget, const std::atomic<bool>& interrupted,
                const std::function<void(size_t)>& step);

}  // namespace tunesmith::search
