// SPDX-License-Identifier: Apache-2.0
// The pool of codegen/runtime/threads.h.
#include "codegen/runtime/threads.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cfenv>
#include <chrono>
#include <memory>
#include <thread>
#include <vector>

#include "tests/measure/law.h"

namespace tunesmith {
namespace {

struct PoolDeleter {
  void operator()(tunesmith_pool* pool) const { tunesmith_pool_destroy(pool); }
};
using Pool = std::unique_ptr<tunesmith_pool, PoolDeleter>;

/// What a run did: how often each iteration was run, and whether the promises to bodies were kept.
struct Record {
  Record(int64_t iterations, int64_t grain, int threads)
      : visits(static_cast<size_t>(iterations)), busy(static_cast<size_t>(threads)), grain(grain) {}
  std::vector<std::atomic<int>> visits;
  std::vector<std::atomic<int>> busy;
  int64_t grain;
  std::atomic<int> broken{0};

  static void Body(void* closure, int64_t first, int64_t last, int32_t worker) {
    auto* record = static_cast<Record*>(closure);
    const auto end = static_cast<int64_t>(record->visits.size());
    const bool whole = last - first >= record->grain || last == end;
    if (first >= last || last > end || !whole || worker < 0 ||
        static_cast<size_t>(worker) >= record->busy.size() ||
        record->busy[static_cast<size_t>(worker)].exchange(1) != 0) {
      ++record->broken;
      return;
    }
    for (int64_t i = first; i < last; ++i) ++record->visits[static_cast<size_t>(i)];
    record->busy[static_cast<size_t>(worker)] = 0;
  }
  bool Kept() const {
    for (const std::atomic<int>& visit : visits) {
      if (visit != 1) return false;
    }
    return broken == 0;
  }
};

bool RunsRight(tunesmith_pool* pool, int64_t iterations, int64_t grain) {
  const tunesmith_threads* threads = tunesmith_pool_threads(pool);
  Record record(iterations, grain, threads->threads);
  threads->run(threads->context, Record::Body, &record, iterations, grain);
  return record.Kept();
}

TEST(Pool, RunsEveryIterationOnce) {
  ExpectLaw([] {
    const Pool pool(tunesmith_pool_create(*rc::gen::inRange(1, 7), nullptr));
    for (int n = 0; n < 20; ++n) {
      RC_ASSERT(RunsRight(pool.get(), *rc::gen::inRange(0, 3000), *rc::gen::inRange(1, 100)));
    }
  });
}

TEST(Pool, SleepingWorkersWakeAgain) {
  const Pool pool(tunesmith_pool_create(3, nullptr));
  for (int n = 0; n < 20; ++n) {
    EXPECT_TRUE(RunsRight(pool.get(), 100, 1));
    std::this_thread::sleep_for(std::chrono::milliseconds(n % 2));
  }
}

TEST(Pool, ManyShortRunsFollowEachOther) {
  const Pool pool(tunesmith_pool_create(4, nullptr));
  for (int n = 0; n < 5000; ++n) ASSERT_TRUE(RunsRight(pool.get(), 1 + n % 17, 1));
}

TEST(Pool, HugeIterationCountsDoNotOverflow) {
  const Pool pool(tunesmith_pool_create(3, nullptr));
  const tunesmith_threads* threads = tunesmith_pool_threads(pool.get());
  std::atomic<int64_t> total{0};
  threads->run(
      threads->context,
      [](void* sum, int64_t first, int64_t last, int32_t) {
        *static_cast<std::atomic<int64_t>*>(sum) += last - first;
      },
      &total, INT64_MAX, 1);
  EXPECT_EQ(total, INT64_MAX);
}

TEST(Pool, SeveralCallersShareIt) {
  const Pool pool(tunesmith_pool_create(3, nullptr));
  std::atomic<int> right{0};
  std::vector<std::thread> callers;
  for (int n = 0; n < 4; ++n) {
    callers.emplace_back([&] {
      for (int i = 0; i < 200; ++i) right += RunsRight(pool.get(), 64, 2);
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(right, 800);
}

TEST(Pool, SeveralPoolsLiveSideBySide) {
  const Pool one(tunesmith_pool_create(2, nullptr));
  const Pool two(tunesmith_pool_create(3, nullptr));
  EXPECT_TRUE(RunsRight(one.get(), 100, 1));
  EXPECT_TRUE(RunsRight(two.get(), 100, 1));
}

TEST(Pool, ChildOfForkHasWorkersOfItsOwn) {
  const Pool pool(tunesmith_pool_create(3, nullptr));
  EXPECT_TRUE(RunsRight(pool.get(), 100, 1));
  const pid_t child = fork();
  if (child == 0) {
    // A body that waits for another worker proves that there is one.
    std::atomic<int> arrived{0};
    const tunesmith_threads* threads = tunesmith_pool_threads(pool.get());
    const auto wait_for_another = [](void* closure, int64_t, int64_t, int32_t) {
      auto* count = static_cast<std::atomic<int>*>(closure);
      ++*count;
      for (int n = 0; n < 5000 && *count < 2; ++n) usleep(1000);
    };
    threads->run(threads->context, wait_for_another, &arrived, 2, 1);
    tunesmith_pool* owned = tunesmith_pool_create(2, nullptr);
    const bool right = arrived == 2 && RunsRight(pool.get(), 1000, 3) && RunsRight(owned, 100, 1);
    tunesmith_pool_destroy(owned);
    _exit(right ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
  EXPECT_TRUE(RunsRight(pool.get(), 100, 1));
}

TEST(Pool, ForkedChildMayDestroyIt) {
  tunesmith_pool* pool = tunesmith_pool_create(3, nullptr);
  const pid_t child = fork();
  if (child == 0) {
    tunesmith_pool_destroy(pool);
    _exit(0);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
  tunesmith_pool_destroy(pool);
}

/// Two bodies that meet, so that each has a thread of its own, and see how their arithmetic rounds.
struct Meeting {
  std::atomic<int> there{0};
  std::atomic<int> upward{0};

  static void Body(void* closure, int64_t first, int64_t last, int32_t) {
    auto* meeting = static_cast<Meeting*>(closure);
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    for (int64_t i = first; i < last; ++i) {
      ++meeting->there;
      while (meeting->there < 2 && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
      volatile float one = 1, little = 0x1p-30f;
      meeting->upward += one + little > 1;
    }
  }
};

TEST(Pool, WorkersRoundAsTheirCallerDoes) {
  Pool pool(tunesmith_pool_create(2, nullptr));
  const tunesmith_threads* threads = tunesmith_pool_threads(pool.get());
  for (const bool upward : {false, true, false}) {
    std::fesetround(upward ? FE_UPWARD : FE_TONEAREST);
    Meeting meeting;
    threads->run(threads->context, Meeting::Body, &meeting, 2, 1);
    std::fesetround(FE_TONEAREST);
    EXPECT_EQ(meeting.there, 2);
    EXPECT_EQ(meeting.upward, upward ? 2 : 0);
  }
}

TEST(Pool, ImpossibleThreadsAndPlacesAreHandled) {
  EXPECT_EQ(tunesmith_pool_create(0, nullptr), nullptr);
  EXPECT_EQ(tunesmith_pool_create(-3, nullptr), nullptr);
  tunesmith_pool_destroy(nullptr);
  const int32_t places[] = {0, -1, 1 << 20};
  const Pool pool(tunesmith_pool_create(3, places));
  ASSERT_NE(pool, nullptr);
  EXPECT_TRUE(RunsRight(pool.get(), 100, 1));
}

}  // namespace
}  // namespace tunesmith
