// SPDX-License-Identifier: Apache-2.0
// Threads that run jobs in the order in which they were given. For work of a millisecond and more (building a
// kernel, scoring a batch); kernels have their own pool in codegen/runtime.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <stop_token>
#include <thread>
#include <vector>

namespace tunesmith {

/// A fixed number of threads, asleep while there is nothing to do. All functions may be called from any
/// thread; Wait and ParallelFor not from a job of the same pool, which they would wait for.
class ThreadPool {
 public:
  /// Must not throw: an error is the job's to keep as a value. A long job looks at the token now and then and
  /// returns early once a stop is requested.
  using Job = std::function<void(const std::stop_token&)>;

  /// `threads` below 1 gives 1.
  explicit ThreadPool(int threads);
  /// Cancels, then waits for the jobs that run.
  ~ThreadPool();

  int threads() const { return static_cast<int>(workers_.size()); }

  void Submit(Job job);
  /// Drops the jobs that have not started and asks those that run to stop. Jobs submitted afterwards run.
  void Cancel();
  /// Returns when no job is queued or running.
  void Wait();

 private:
  void Work();

  std::mutex mutex_;
  std::condition_variable job_arrived_, became_idle_;
  std::deque<Job> queue_;
  int running_ = 0;
  bool ending_ = false;
  std::stop_source stop_;
  std::vector<std::thread> workers_;
};

/// How many CPUs this process may run on, as its affinity (taskset, a container's set of CPUs) says; at
/// least 1.
int UsableCpus();

/// Calls body(0) … body(count - 1) on the pool's threads, and waits for these calls alone. Which thread makes
/// which call is unspecified. If the pool is cancelled meanwhile, calls that have not started are left out.
/// Returns true if all were made.
bool ParallelFor(ThreadPool* pool, size_t count, const std::function<void(size_t)>& body);

}  // namespace tunesmith
