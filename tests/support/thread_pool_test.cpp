// SPDX-License-Identifier: Apache-2.0
#include "support/thread_pool.h"

#include <gtest/gtest.h>
#include <sched.h>

#include <atomic>
#include <latch>
#include <memory>
#include <thread>
#include <vector>

namespace tunesmith {
namespace {

TEST(ThreadPool, RunsEveryJob) {
  ThreadPool pool(3);
  EXPECT_EQ(pool.threads(), 3);
  std::atomic<int> sum = 0;
  for (int i = 1; i <= 100; ++i) pool.Submit([&, i](const std::stop_token&) { sum += i; });
  pool.Wait();
  EXPECT_EQ(sum, 5050);
}

TEST(ThreadPool, RunsJobsAtTheSameTime) {
  ThreadPool pool(2);
  std::latch both(2);  // each job waits for the other: one thread would never finish
  for (int i = 0; i < 2; ++i) pool.Submit([&](const std::stop_token&) { both.arrive_and_wait(); });
  pool.Wait();
  EXPECT_TRUE(both.try_wait());
}

TEST(ThreadPool, OneThreadKeepsTheOrder) {
  ThreadPool pool(0);
  EXPECT_EQ(pool.threads(), 1);
  std::vector<int> order;
  for (int i = 0; i < 10; ++i) pool.Submit([&, i](const std::stop_token&) { order.push_back(i); });
  pool.Wait();
  EXPECT_EQ(order, (std::vector{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}));
}

TEST(ThreadPool, CancelDropsQueuedJobsAndStopsTheRunningOne) {
  ThreadPool pool(1);
  std::latch started(1);
  std::atomic<bool> stopped = false;
  std::atomic<int> others = 0;
  pool.Submit([&](const std::stop_token& stop) {
    started.count_down();
    while (!stop.stop_requested()) std::this_thread::yield();
    stopped = true;
  });
  for (int i = 0; i < 5; ++i) pool.Submit([&](const std::stop_token&) { ++others; });
  started.wait();
  pool.Cancel();
  pool.Wait();
  EXPECT_TRUE(stopped);
  EXPECT_EQ(others, 0);

  pool.Submit([&](const std::stop_token& stop) { others += stop.stop_requested() ? 100 : 1; });
  pool.Wait();
  EXPECT_EQ(others, 1) << "a job submitted after Cancel did not run as usual";
}

TEST(ThreadPool, DestructorStopsWhatRuns) {
  std::latch started(1);
  std::atomic<bool> stopped = false;
  {
    ThreadPool pool(2);
    pool.Submit([&](const std::stop_token& stop) {
      started.count_down();
      while (!stop.stop_requested()) std::this_thread::yield();
      stopped = true;
    });
    started.wait();
  }
  EXPECT_TRUE(stopped);
}

TEST(ThreadPool, CapturesAreGoneAfterWait) {
  ThreadPool pool(1);
  auto value = std::make_shared<int>(1);
  pool.Submit([value](const std::stop_token&) {});
  pool.Wait();
  EXPECT_EQ(value.use_count(), 1);
}

TEST(ParallelFor, CallsEachIndexOnce) {
  ThreadPool pool(4);
  std::vector<std::atomic<int>> calls(1000);
  EXPECT_TRUE(ParallelFor(&pool, calls.size(), [&](size_t i) { ++calls[i]; }));
  for (const auto& count : calls) ASSERT_EQ(count, 1);
  EXPECT_TRUE(ParallelFor(&pool, 0, [](size_t) { FAIL(); }));
}

TEST(ParallelFor, SeveralCallersShareAPool) {
  ThreadPool pool(2);
  std::atomic<int> calls = 0;
  std::vector<std::thread> callers;
  for (int c = 0; c < 4; ++c) {
    callers.emplace_back([&] { EXPECT_TRUE(ParallelFor(&pool, 50, [&](size_t) { ++calls; })); });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(calls, 200);
}

TEST(ParallelFor, SaysThatItWasCancelled) {
  ThreadPool pool(1);
  int calls = 0;
  EXPECT_FALSE(ParallelFor(&pool, 100, [&](size_t i) {
    ++calls;
    if (i == 2) pool.Cancel();
  }));
  EXPECT_EQ(calls, 3);
}

TEST(UsableCpus, AreThoseOfTheAffinity) {
  EXPECT_GE(UsableCpus(), 1);
  int pinned = 0;
  std::thread([&] {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(static_cast<size_t>(sched_getcpu()), &set);
    ASSERT_EQ(sched_setaffinity(0, sizeof set, &set), 0);
    pinned = UsableCpus();
  }).join();
  EXPECT_EQ(pinned, 1);
}

}  // namespace
}  // namespace tunesmith
