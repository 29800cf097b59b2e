// SPDX-License-Identifier: Apache-2.0
#include "measure/limits.h"

#include <gtest/gtest.h>

#include <fstream>

#include "support/files.h"
#include "tests/measure/jobs.h"

namespace tunesmith::measure {
namespace {

/// Round numbers: one core computes 100 operations and moves 10, 4, 2 or 1 bytes a nanosecond.
Limits RoundLimits() {
  Limits limits;
  limits.cpu = "abacus";
  limits.cpus = 4;
  limits.measured_at = 1700000000;
  limits.l1_bytes = 1000;
  limits.l2_bytes = 10000;
  limits.l3_bytes = 100000;
  for (int threads : {1, 2, 4}) {
    const double n = threads;
    ThreadLimits at;
    at.threads = threads;
    at.fma_f32 = n * 100e9;
    at.fma_f64 = n * 50e9;
    at.dot_u8s8 = n * 400e9;
    at.l1 = {n * 10e9, n * 5e9, n * 10e9};
    at.l2 = {n * 4e9, n * 2e9, n * 4e9};
    at.l3 = {n * 2e9, n * 1e9, n * 2e9};
    at.memory = {1e9, 0.5e9, 1e9};
    limits.by_threads.push_back(at);
  }
  return limits;
}

Scenario On(int threads, bool cold = false) {
  Scenario scenario;
  scenario.threads = threads;
  scenario.cold = cold;
  return scenario;
}

void ExpectBound(const Work& work, const Scenario& scenario, double ns, const std::string& what) {
  const Bound bound = BoundOf(RoundLimits(), work, scenario);
  EXPECT_DOUBLE_EQ(bound.ns, ns);
  EXPECT_EQ(bound.what, what);
}

TEST(Limits, ArithmeticBindsWhatComputesMuch) {
  Work work{Work::Arithmetic::kF32, 1e6, 1000, 0, 1000};
  ExpectBound(work, On(1), 10000, "f32 arithmetic");
  ExpectBound(work, On(2), 5000, "f32 arithmetic");
  ExpectBound(work, On(3), 5000, "f32 arithmetic");
  ExpectBound(work, On(64), 2500, "f32 arithmetic");
  work.arithmetic = Work::Arithmetic::kF64;
  ExpectBound(work, On(1), 20000, "f64 arithmetic");
  work.arithmetic = Work::Arithmetic::kU8S8;
  ExpectBound(work, On(1), 2500, "u8s8 arithmetic");
  work.arithmetic = Work::Arithmetic::kBF16;  // for which there are no instructions
  ExpectBound(work, On(1), 10000, "f32 arithmetic");
}

TEST(Limits, BandwidthOfTheLevelBindsWhatMovesMuch) {
  const auto reading = [](double bytes) { return Work{Work::Arithmetic::kF32, 1, bytes, 0, bytes}; };
  ExpectBound(reading(1000), On(1), 100, "L1 bandwidth");
  ExpectBound(reading(10000), On(1), 2500, "L2 bandwidth");
  ExpectBound(reading(20000), On(1), 10000, "L3 bandwidth");
  ExpectBound(reading(20000), On(2), 2500, "L2 bandwidth");  // each core has its own
  ExpectBound(reading(100001), On(1), 100001, "memory bandwidth");
  ExpectBound(reading(1000), On(1, /*cold=*/true), 1000, "memory bandwidth");
}

TEST(Limits, ReadingAndWritingAreMovedTogether) {
  ExpectBound({Work::Arithmetic::kF32, 0, 300, 100, 400}, On(1), 200 / 10.0 + 200 / 10.0, "L1 bandwidth");
  ExpectBound({Work::Arithmetic::kF32, 0, 100, 300, 400}, On(1), 200 / 10.0 + 200 / 5.0, "L1 bandwidth");
}

TEST(Limits, MachineWithoutAThirdLevelReadsFromMemory) {
  Limits limits = RoundLimits();
  limits.l3_bytes = limits.l2_bytes;
  EXPECT_EQ(BoundOf(limits, {Work::Arithmetic::kF32, 0, 20000, 0, 20000}, On(1)).what, "memory bandwidth");
}

TEST(Limits, SurviveAsJson) {
  const Limits limits = RoundLimits();
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
  EXPECT_EQ(message(good, "\"version\": 1", "\"version\": 2"), "limits: version is not 1; delete the file");
  EXPECT_EQ(message(good, "\"cpus\": 4", "\"cpus\": \"4\""),
            "limits: cpus is not a number of at least 0; delete the file");
  EXPECT_EQ(message(good, "\"cpus\": 4", "\"cpus\": -1"),
            "limits: cpus is not a number of at least 0; delete the file");
  EXPECT_EQ(message(good, "\"threads\": 2", "\"threads\": 1"),
            "limits: threads is not larger than the one before; delete the file");
  EXPECT_EQ(message(good, "\"fma_f64\"", "\"fma\""), "limits: fma_f64 is not there; delete the file");
  EXPECT_EQ(
      message(R"({"version":1,"cpu":"","cpus":1,"measured_at":1,"l1_bytes":1,"l2_bytes":1,"l3_bytes":1,)"
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

class CachedLimitsTest : public testing::Test {
 protected:
  /// Limits that nobody measured, so that they show where they come from.
  Limits Kept() {
    Limits limits = RoundLimits();
    limits.cpu = CpuModel();
    limits.measured_at = time(nullptr) - 1000;
    return limits;
  }
  bool TakesTheKept(const Limits& kept, int64_t valid_seconds) {
    EXPECT_TRUE(WriteFile(path_, ToJson(kept)).ok());
    const Result<Limits> limits = CachedLimits(path_, TinyPlan(), valid_seconds);
    EXPECT_TRUE(limits.ok());
    // Whatever was measured is kept.
    EXPECT_TRUE(*LimitsFromJson(*ReadFile(path_, 1 << 20)) == *limits);
    return *limits == kept;
  }
  TemporaryFolder folder_ = TemporaryFolder::Make().value();
  std::filesystem::path path_ = folder_.path() / "limits.json";
};

TEST_F(CachedLimitsTest, AreKeptAsLongAsTheyAreValid) {
  EXPECT_TRUE(TakesTheKept(Kept(), 2000));
  EXPECT_FALSE(TakesTheKept(Kept(), 500));
}

TEST_F(CachedLimitsTest, OfAnotherProcessorOrTheFutureAreMeasuredAnew) {
  Limits other = Kept();
  other.cpu = "another";
  EXPECT_FALSE(TakesTheKept(other, 2000));
  Limits future = Kept();
  future.measured_at += 5000;
  EXPECT_FALSE(TakesTheKept(future, 2000));
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
