// SPDX-License-Identifier: Apache-2.0
#include "search/scheduler.h"

#include <algorithm>
#include <chrono>
#include <limits>

namespace tunesmith::search {
namespace {

using Clock = std::chrono::steady_clock;

constexpr double kForever = 1e9;  // seconds

Budget Pooled(const std::vector<Task>& tasks, Budget budget) {
  int64_t trials = 0;
  double seconds = 0;
  bool timed = true;
  for (const Task& t : tasks) {
    trials += t.tuner->options().trials;
    seconds += t.tuner->options().seconds;
    timed = timed && t.tuner->options().seconds > 0;
  }
  if (budget.trials == 0) budget.trials = trials;
  if (budget.seconds == 0) budget.seconds = timed ? seconds : kForever;
  return budget;
}

/// What the next batch of a task is worth.
double Worth(const Task& task) {
  const double gain = task.tuner->ExpectedGainNs();
  if (!task.tuner->result().found) return gain;
  return task.weight > 0 ? task.weight * gain : gain / task.tuner->result().best_ns;
}

/// The number of the task whose next batch is worth most; that of tasks if all are finished.
size_t Next(const std::vector<Task>& tasks, const std::vector<bool>& begun) {
  size_t next = tasks.size();
  for (size_t i = 0; i < tasks.size(); ++i) {
    if (tasks[i].finished) continue;
    if (!begun[i]) return i;
    if (next == tasks.size() || Worth(tasks[i]) > Worth(tasks[next])) next = i;
  }
  return next;
}

double FinalsSeconds(const std::vector<Task>& tasks) {
  double seconds = 0;
  for (const Task& t : tasks) seconds += t.tuner->FinalsSeconds();
  return seconds;
}

void StopAll(const std::vector<Task>& tasks, std::string_view why) {
  for (const Task& t : tasks) t.tuner->Stop(why);
}

}  // namespace

Status RunTasks(std::vector<Task>* tasks, const Budget& given, const std::atomic<bool>& interrupted,
                const std::function<void(size_t)>& step) {
  const auto start = Clock::now();
  const auto elapsed = [&] { return std::chrono::duration<double>(Clock::now() - start).count(); };
  const Budget budget = Pooled(*tasks, given);
  int64_t spent = 0;
  for (const Task& t : *tasks) spent += t.tuner->charged();

  std::vector<bool> begun(tasks->size());
  std::string_view stopped;
  while (!interrupted) {
    // Finals get the end of the time, but no more than a quarter of it.
    constexpr double kMostForFinals = 0.25;
    const double search_seconds =
        budget.seconds - std::min(FinalsSeconds(*tasks), kMostForFinals * budget.seconds);
    stopped = spent >= budget.trials ? "trials" : elapsed() >= search_seconds ? "seconds" : "";
    if (!stopped.empty()) break;
    const size_t next = Next(*tasks, begun);
    if (next == tasks->size()) break;
    Task& task = (*tasks)[next];
    // A small budget, too, must reach every task: those that have not begun share what is left.
    const int64_t waiting = begun[next] ? 1 : std::count(begun.begin(), begun.end(), false);
    begun[next] = true;
    const int64_t before = task.tuner->trials();
    const StepLimits limits{
        std::max<int64_t>(1, (budget.trials - spent) / waiting),
        start + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(search_seconds))};
    const Result<bool> more = task.tuner->Step(interrupted, limits);
    if (!more.ok()) {
      StopAll(*tasks, "error");
      return more.status();
    }
    spent += task.tuner->trials() - before;
    task.finished = !*more;
    step(next);
  }
  if (interrupted) stopped = "interrupted";
  if (!stopped.empty()) StopAll(*tasks, stopped);
  // What is left is divided by what each would like to have.
  double wanted = FinalsSeconds(*tasks);
  for (const Task& t : *tasks) {
    const double own = t.tuner->FinalsSeconds();
    if (own == 0) continue;
    TS_RETURN_IF_ERROR(t.tuner->TimeFinalists(interrupted, (budget.seconds - elapsed()) * own / wanted));
    wanted -= own;
  }
  return absl::OkStatus();
}

}  // namespace tunesmith::search
