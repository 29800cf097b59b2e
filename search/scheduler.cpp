// SPDX-License-Identifier: Apache-2.0
#include "search/scheduler.h"

#include <chrono>

namespace tunesmith::search {

Status RunTasks(std::vector<Task>* tasks, const Budget& budget, const std::atomic<bool>& interrupted,
                const std::function<void(size_t)>& step) {
  auto start = std::chrono::steady_clock::now();
  int64_t spent = 0;
  while (!interrupted) {
    double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    if ((budget.seconds > 0 && seconds >= budget.seconds) || (budget.trials > 0 && spent >= budget.trials))
      break;
    size_t next = tasks->size();
    double most = -1;
    for (size_t i = 0; i < tasks->size(); ++i) {
      const Task& t = (*tasks)[i];
      if (t.finished) continue;
      double gain = t.weight * t.tuner->ExpectedGainNs();
      if (gain > most) {
        most = gain;
        next = i;
      }
    }
    if (next == tasks->size()) break;
    Task& task = (*tasks)[next];
    int64_t before = task.tuner->result().trials;
    TS_ASSIGN_OR_RETURN(bool more, task.tuner->Step(interrupted));
    spent += task.tuner->result().trials - before;
    task.finished = !more;
    step(next);
  }
  return absl::OkStatus();
}

}  // namespace tunesmith::search
