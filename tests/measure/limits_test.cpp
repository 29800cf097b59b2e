// SPDX-License-Identifier: Apache-2.0
#include "measure/limits.h"

#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <thread>

#include "support/files.h"
#include "tests/measure/jobs.h"
#include "tests/measure/round_limits.h"

namespace tunesmith::measure {
namespace {

TEST(Limits, OfNumbersThatWereNotMeasuredLieBetween) {
  const Limits limits = RoundLimits();
  EXPECT_TRUE(limits.For(2) == limits.by_threads[1]);
  const ThreadLimits three = limits.For(3);
  EXPECT_EQ(three.threads, 3);
  EXPECT_DOUBLE_EQ(three.fma_f32, 300e9);               // each thread as fast as one of two
  EXPECT_DOUBLE_EQ(three.memory.read, 1e9);             // four do no more
  EXPECT_TRUE(limits.For(64) == limits.by_threads[2]);  // they take turns
}

TEST(Limits, SurviveAsJson) {
  Limits limits = RoundLimits();
  limits.provisional = true;
  const Result<Limits> read = LimitsFromJson(ToJson(limits));
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_TRUE(*read == limits);
}

TEST(Limits, BadJsonIsRefused) {
  const auto message = [](std::string text, const std::string& from, const std::string& to) {
    const size_t at = text.find(from);
    if (at != std::string::npos) text.replace(at, from.size(), to);
    return std::string(MessageOf(LimitsFromJson(text).status()));
  };
  const std::string good = ToJson(RoundLimits());
  EXPECT_EQ(message("", "", ""), "limits: not JSON; delete the file");
  EXPECT_EQ(message("[]", "", ""), "limits: version is not there; delete the file");
  EXPECT_EQ(message(good, "\"version\": 2", "\"version\": 1"), "limits: version is not 2; delete the file");
  EXPECT_EQ(message(good, "\"provisional\": false", "\"provisional\": 0"),
            "limits: provisional is not true or false; delete the file");
  EXPECT_EQ(message(good, "\"cpus\": 4", "\"cpus\": \"4\""),
            "limits: cpus is not a number of at least 0; delete the file");
  EXPECT_EQ(message(good, "\"cpus\": 4", "\"cpus\": -1"),
            "limits: cpus is not a number of at least 0; delete the file");
  EXPECT_EQ(message(good, "\"threads\": 2", "\"threads\": 1"),
            "limits: threads is not larger than the one before; delete the file");
  EXPECT_EQ(message(good, "\"fma_f64\"", "\"fma\""), "limits: fma_f64 is not there; delete the file");
  EXPECT_EQ(
      message(
          R"({"version":2,"cpu":"","cpus":1,"measured_at":1,"provisional":true,"l1_bytes":1,"l2_bytes":1,"l3_bytes":1,)"
          R"("by_threads":[]})",
          "", ""),
      "limits: by_threads is not a list of at least one number of threads; delete the file");
}

LimitsPlan TinyPlan() {
  LimitsPlan plan;
  plan.runner = RunnerPath();
  plan.seconds = 0;
  plan.l2_bytes = 64 << 10;
  plan.l3_bytes = 256 << 10;
  plan.memory_bytes = 1 << 20;
  return plan;
}

TEST(Limits, AreMeasuredForEveryNumberOfThreads) {
  const Result<Limits> limits = MeasureLimits(TinyPlan());
  ASSERT_TRUE(limits.ok()) << limits.status();
  EXPECT_EQ(limits->cpu, CpuModel());
  EXPECT_EQ(limits->by_threads.front().threads, 1);
  EXPECT_EQ(limits->by_threads.back().threads, limits->cpus);
  for (const ThreadLimits& at : limits->by_threads) {
    for (double rate : {at.fma_f32, at.fma_f64}) EXPECT_GT(rate, 0);
    for (const LevelRates& level : {at.l1, at.l2, at.l3, at.memory}) {
      for (double rate : {level.read, level.write, level.copy}) EXPECT_GT(rate, 0);
    }
  }
}

TEST(Limits, AreQuietWhereThreadsHadTheirCpusAndPassesWereAlike) {
  EXPECT_TRUE(WasQuiet({1e9, 0.99, 0.04}));
  EXPECT_FALSE(WasQuiet({1e9, 0.5, 0.04}));  // another thread had the other half
  EXPECT_FALSE(WasQuiet({1e9, 0.99, 0.5}));  // so had another machine
  EXPECT_TRUE(WasQuiet({}));                 // there is nothing to be disturbed
}

TEST(Limits, MeasuredBesideOtherThreadsAreProvisional) {
  std::atomic<bool> done = false;
  std::vector<std::thread> others;
  for (unsigned n = 0; n < 3 * std::thread::hardware_concurrency(); ++n) {
    others.emplace_back([&] {
      while (!done) {
      }
    });
  }
  LimitsPlan plan = TinyPlan();
  plan.seconds = 0.5;
  const Result<Limits> limits = MeasureLimits(plan);
  done = true;
  for (std::thread& other : others) other.join();
  ASSERT_TRUE(limits.ok()) << limits.status();
  EXPECT_TRUE(limits->provisional);
  for (size_t n = 1; n < limits->by_threads.size(); ++n) {
    const ThreadLimits &fewer = limits->by_threads[n - 1], &more = limits->by_threads[n];
    EXPECT_GE(more.fma_f32, fewer.fma_f32);
    EXPECT_GE(more.l1.read, fewer.l1.read);
    EXPECT_GE(more.memory.copy, fewer.memory.copy);
  }
}

class CachedLimitsTest : public testing::Test {
 protected:
  /// Limits that nobody measured, so that they show where they come from.
  Limits Kept() {
    Limits limits = RoundLimits();
    limits.cpu = CpuModel();
    limits.measured_at = time(nullptr) - 1000;
    return limits;
  }
  bool TakesTheKept(const Limits& kept) {
    EXPECT_TRUE(WriteFile(path_, ToJson(kept)).ok());
    const Result<Limits> limits = CachedLimits(path_, TinyPlan());
    EXPECT_TRUE(limits.ok());
    // Whatever was measured is kept.
    EXPECT_TRUE(*LimitsFromJson(*ReadFile(path_, 1 << 20)) == *limits);
    return *limits == kept;
  }
  TemporaryFolder folder_ = TemporaryFolder::Make().value();
  std::filesystem::path path_ = folder_.path() / "limits.json";
};

TEST_F(CachedLimitsTest, AreKeptForADay) {
  EXPECT_TRUE(TakesTheKept(Kept()));
  Limits old = Kept();
  old.measured_at -= kKeptSeconds;
  EXPECT_FALSE(TakesTheKept(old));
}

TEST_F(CachedLimitsTest, ThatAreProvisionalAreKeptForMinutes) {
  Limits kept = Kept();
  kept.provisional = true;
  EXPECT_FALSE(TakesTheKept(kept));
  kept.measured_at = time(nullptr) - kKeptProvisionalSeconds / 2;
  EXPECT_TRUE(TakesTheKept(kept));
}

TEST_F(CachedLimitsTest, OfAnotherProcessorOrTheFutureAreMeasuredAnew) {
  Limits other = Kept();
  other.cpu = "another";
  EXPECT_FALSE(TakesTheKept(other));
  Limits future = Kept();
  future.measured_at += 5000;
  EXPECT_FALSE(TakesTheKept(future));
}

TEST_F(CachedLimitsTest, KeepWhatWasReachedBeforeWhenTheyAreRenewed) {
  Limits kept = Kept();
  ThreadLimits& one = kept.by_threads[0];
  one.fma_f32 = 1e18;  // more than there is
  one.l2.read = 1;     // and less
  ASSERT_TRUE(WriteFile(path_, ToJson(kept)).ok());
  const Limits limits = RenewLimits(path_, TinyPlan()).value();
  EXPECT_EQ(limits.by_threads[0].fma_f32, 1e18);
  EXPECT_GT(limits.by_threads[0].l2.read, 1);
  EXPECT_GT(limits.measured_at, kept.measured_at);
  EXPECT_TRUE(LimitsFromJson(ReadFile(path_, 1 << 20).value()).value() == limits);
  // But not what is too old to count.
  kept.measured_at -= kKeptSeconds;
  ASSERT_TRUE(WriteFile(path_, ToJson(kept)).ok());
  EXPECT_LT(RenewLimits(path_, TinyPlan()).value().by_threads[0].fma_f32, 1e18);
}

TEST_F(CachedLimitsTest, FileThatIsNoneIsReplaced) {
  ASSERT_TRUE(WriteFile(path_, "not limits").ok());
  EXPECT_TRUE(CachedLimits(path_, TinyPlan()).ok());
  EXPECT_TRUE(LimitsFromJson(*ReadFile(path_, 1 << 20)).ok());
}

TEST_F(CachedLimitsTest, FolderThatCannotBeMadeIsDoneWithout) {
  ASSERT_TRUE(WriteFile(path_, "a file").ok());
  EXPECT_TRUE(CachedLimits(path_ / "below" / "limits.json", TinyPlan()).ok());
}

}  // namespace
}  // namespace tunesmith::measure
