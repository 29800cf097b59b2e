// SPDX-License-Identifier: Apache-2.0
#include "support/thread_pool.h"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <latch>
#include <memory>
#include <utility>

namespace tunesmith {

ThreadPool::ThreadPool(int threads) {
  for (int i = 0; i < std::max(threads, 1); ++i) workers_.emplace_back([this] { Work(); });
}

ThreadPool::~ThreadPool() {
  Cancel();
  {
    std::lock_guard lock(mutex_);
    ending_ = true;
  }
  job_arrived_.notify_all();
  for (std::thread& worker : workers_) worker.join();
}

void ThreadPool::Submit(Job job) {
  {
    std::lock_guard lock(mutex_);
    queue_.push_back(std::move(job));
  }
  job_arrived_.notify_one();
}

void ThreadPool::Cancel() {
  std::deque<Job> dropped;  // destroyed without the lock: a job's captures may call back into the pool
  std::lock_guard lock(mutex_);
  dropped.swap(queue_);
  stop_.request_stop();
  stop_ = std::stop_source();
  if (running_ == 0) became_idle_.notify_all();
}

void ThreadPool::Wait() {
  std::unique_lock lock(mutex_);
  became_idle_.wait(lock, [this] { return queue_.empty() && running_ == 0; });
}

void ThreadPool::Work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    job_arrived_.wait(lock, [this] { return ending_ || !queue_.empty(); });
    if (queue_.empty()) return;
    Job job = std::move(queue_.front());
    queue_.pop_front();
    std::stop_token token = stop_.get_token();
    ++running_;
    lock.unlock();
    job(token);
    job = nullptr;  // its captures go before the pool may be called idle
    lock.lock();
    if (--running_ == 0 && queue_.empty()) became_idle_.notify_all();
  }
}

bool ParallelFor(ThreadPool* pool, size_t count, const std::function<void(size_t)>& body) {
  // Shared with the jobs: one that is dropped counts down as it is destroyed.
  struct Progress {
    explicit Progress(std::ptrdiff_t jobs) : open_jobs(jobs) {}
    std::atomic<size_t> next = 0;
    std::atomic<size_t> done = 0;
    std::latch open_jobs;
  };
  size_t jobs = std::min(count, static_cast<size_t>(pool->threads()));
  auto progress = std::make_shared<Progress>(static_cast<std::ptrdiff_t>(jobs));
  for (size_t j = 0; j < jobs; ++j) {
    std::shared_ptr<void> at_end(nullptr, [progress](void*) { progress->open_jobs.count_down(); });
    pool->Submit([progress, at_end = std::move(at_end), count, &body](const std::stop_token& stop) {
      while (!stop.stop_requested()) {
        size_t i = progress->next.fetch_add(1);
        if (i >= count) return;
        body(i);
        progress->done.fetch_add(1);
      }
    });
  }
  progress->open_jobs.wait();
  return progress->done.load() == count;
}

int UsableCpus() {
  constexpr size_t kMostCpus = 8192;  // that Linux supports on x86-64
  cpu_set_t set[kMostCpus / CPU_SETSIZE] = {};
  if (sched_getaffinity(0, sizeof set, set) != 0)
    return static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  return std::max(1, CPU_COUNT_S(sizeof set, set));
}

}  // namespace tunesmith
