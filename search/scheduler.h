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
  double weight = 1;  // how often the workload runs
  bool finished = false;
};

struct Budget {
  int64_t trials = 0;  // over all tasks; 0: what the tasks' own limits allow
  double seconds = 0;  // over all tasks; 0: no limit
};

/// Runs the tasks until the budget is spent, none has anything left to do, or `interrupted` is set. Every
/// task gets one batch first. `step` is called after each batch with the task's number.
Status RunTasks(std::vector<Task>* tasks, const Budget& budget, const std::atomic<bool>& interrupted,
                const std::function<void(size_t)>& step);

}  // namespace tunesmith::search
