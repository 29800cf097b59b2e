// SPDX-License-Identifier: Apache-2.0
// The division of one budget over many workloads.
#include "search/scheduler.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "tests/search/small_problems.h"

namespace tunesmith::search {
namespace {

TuneOptions WithTrials(int64_t trials) {
  TuneOptions options;
  options.batch = 8;
  options.trials = trials;
  options.finalists = 0;
  return options;
}

/// A device on which the n-th kernel takes a share of `first_ns` that falls with every trial, towards
/// `last_ns`: half of what is left in each batch of eight.
measure::FakeMeasurer::Device Falling(double first_ns, double last_ns) {
  return [=](const measure::Job&, size_t trial) {
    return measure::OkOutcome(last_ns + (first_ns - last_ns) * std::pow(0.5, static_cast<double>(trial) / 8));
  };
}
measure::FakeMeasurer::Device Flat(double ns) { return Falling(ns, ns); }

struct Tasks {
  std::vector<std::unique_ptr<Bench>> benches;
  std::vector<Task> tasks;
  std::vector<size_t> steps;
  std::atomic<bool> interrupted = false;

  void Add(measure::FakeMeasurer::Device device, const TuneOptions& options, double weight = 0) {
    benches.push_back(std::make_unique<Bench>(std::move(device)));
    tasks.push_back({benches.back()->Tune(ProductWorkload(48), options), weight});
  }
  Status Run(Budget budget = {}) {
    return RunTasks(&tasks, budget, interrupted, [&](size_t task) { steps.push_back(task); });
  }
  std::vector<int64_t> Trials() const {
    std::vector<int64_t> trials;
    for (const Task& t : tasks) trials.push_back(t.tuner->trials());
    return trials;
  }
  int64_t AllTrials() const {
    const std::vector<int64_t> trials = Trials();
    return std::accumulate(trials.begin(), trials.end(), int64_t{0});
  }
  const TuneResult& Of(size_t task) const { return tasks[task].tuner->result(); }
};

TEST(Scheduler, SpendsTheTrialsOfOneWorkloadExactly) {
  Tasks t;
  t.Add(Falling(1e5, 1e4), WithTrials(21));
  ASSERT_TRUE(t.Run().ok());
  EXPECT_EQ(t.Trials(), (std::vector<int64_t>{21}));
  EXPECT_EQ(t.Of(0).stopped, "trials");
}

TEST(Scheduler, GivesEachOneBatchFirst) {
  Tasks t;
  t.Add(Falling(1e9, 1e3), WithTrials(8));
  t.Add(Flat(1e3), WithTrials(8));
  t.Add(Flat(1e3), WithTrials(8));
  ASSERT_TRUE(t.Run().ok());
  EXPECT_EQ(t.steps, (std::vector<size_t>{0, 1, 2}));
  EXPECT_EQ(t.Trials(), (std::vector<int64_t>{8, 8, 8}));
}

TEST(Scheduler, PoolsTrialsWhereTheyGain) {
  Tasks t;
  t.Add(Flat(1e5), WithTrials(64));
  t.Add(Falling(1e5, 1e3), WithTrials(64));
  ASSERT_TRUE(t.Run().ok());
  EXPECT_EQ(t.AllTrials(), 128);
  EXPECT_GT(t.Trials()[1], 64);
  EXPECT_GT(t.Trials()[1], 2 * t.Trials()[0]);
}

TEST(Scheduler, CountsTrialsOfEarlierRuns) {
  Bench earlier;
  std::unique_ptr<Tuner> tuner = earlier.Tune(ProductWorkload(48), WithTrials(16));
  ASSERT_TRUE(tuner->Step(earlier.interrupted).value());
  ASSERT_TRUE(tuner->Step(earlier.interrupted).value());
  Tasks t;
  t.Add(Falling(1e5, 1e4), WithTrials(20));
  ASSERT_TRUE(t.tasks[0].tuner->Resume(earlier.Earlier()).ok());
  ASSERT_TRUE(t.Run().ok());
  EXPECT_EQ(t.Trials(), (std::vector<int64_t>{20}));
  EXPECT_EQ(t.Of(0).trials, 4);
}

TEST(Scheduler, TrialsOfOneWorkloadAreNotTakenFromOthers) {
  Bench earlier;
  std::unique_ptr<Tuner> tuner = earlier.Tune(ProductWorkload(48), WithTrials(64));
  while (tuner->trials() < 48) ASSERT_TRUE(tuner->Step(earlier.interrupted).value());
  Tasks t;
  t.Add(Flat(1e5), WithTrials(6));
  t.Add(Falling(1e5, 1e4), WithTrials(6));
  t.Add(Falling(1e5, 1e4), WithTrials(6));
  ASSERT_TRUE(t.tasks[0].tuner->Resume(earlier.Earlier()).ok());
  ASSERT_TRUE(t.Run().ok());
  EXPECT_GT(t.Of(1).trials, 0);
  EXPECT_GT(t.Of(2).trials, 0);
  EXPECT_EQ(t.Of(0).trials + t.Of(1).trials + t.Of(2).trials, 12);
}

TEST(Scheduler, CountsAllThatTheSamePoolGave) {
  // The first workload was given more than its own trials by the pool, so the second has no more to come.
  Bench earlier[2];
  std::unique_ptr<Tuner> tuners[2];
  for (size_t i : {0, 1}) {
    tuners[i] = earlier[i].Tune(ProductWorkload(48), WithTrials(64));
    const int64_t trials = i == 0 ? 24 : 8;
    while (tuners[i]->trials() < trials) ASSERT_TRUE(tuners[i]->Step(earlier[i].interrupted).value());
  }
  for (const auto& [own, more] : {std::pair<int64_t, int64_t>{16, 0}, {20, 8}}) {
    Tasks t;
    for (size_t i : {0, 1}) {
      t.Add(Falling(1e5, 1e4), WithTrials(own));
      std::vector<EarlierTrial> trials = earlier[i].Earlier();
      for (EarlierTrial& e : trials) e.pooled = true;
      ASSERT_TRUE(t.tasks[i].tuner->Resume(trials).ok());
    }
    EXPECT_EQ(t.tasks[0].tuner->charged(), 24);
    ASSERT_TRUE(t.Run().ok());
    EXPECT_EQ(t.Of(0).trials + t.Of(1).trials, more);
  }
}

TEST(Scheduler, WithoutWeightsAGainCountsAsAShareOfTheLatency) {
  Tasks t;
  // The same share is gained of a long and of a short kernel.
  t.Add(Falling(1e8, 5e7), WithTrials(32));
  t.Add(Falling(1e4, 5e3), WithTrials(32));
  ASSERT_TRUE(t.Run().ok());
  EXPECT_EQ(t.Trials(), (std::vector<int64_t>{32, 32}));
}

TEST(Scheduler, WeightsSayHowOftenAWorkloadRuns) {
  Tasks t;
  t.Add(Falling(1e5, 5e4), WithTrials(32), 1);
  t.Add(Falling(1e5, 5e4), WithTrials(32), 1000);
  ASSERT_TRUE(t.Run().ok());
  EXPECT_GT(t.Trials()[1], t.Trials()[0]);
  Tasks once;  // once each, it is the long one that matters
  once.Add(Falling(1e8, 5e7), WithTrials(32), 1);
  once.Add(Falling(1e4, 5e3), WithTrials(32), 1);
  ASSERT_TRUE(once.Run().ok());
  EXPECT_GT(once.Trials()[0], once.Trials()[1]);
}

TEST(Scheduler, StopsWhereNothingIsLeftToWin) {
  Tasks t;
  TuneOptions at_limit = WithTrials(64);
  at_limit.limit_ns = 995;
  t.Add(Flat(1000), at_limit);
  t.Add(Falling(1e5, 1e3), WithTrials(64));
  ASSERT_TRUE(t.Run().ok());
  EXPECT_EQ(t.Of(0).stopped, "nothing left to win");
  EXPECT_EQ(t.Trials()[0], 8);
  EXPECT_GT(t.Trials()[1], 64);  // what the first one left
}

TEST(Scheduler, EndsWhenAllHaveStopped) {
  Tasks t;
  TuneOptions at_limit = WithTrials(1000);
  at_limit.limit_ns = 1000;
  t.Add(Flat(1000), at_limit);
  t.Add(Flat(1001), at_limit);
  ASSERT_TRUE(t.Run().ok());
  EXPECT_EQ(t.Trials(), (std::vector<int64_t>{8, 8}));
  EXPECT_EQ(t.Of(0).stopped, "nothing left to win");
  EXPECT_EQ(t.Of(1).stopped, "nothing left to win");
}

TEST(Scheduler, StopsInTime) {
  Tasks t;
  t.Add(Falling(1e5, 1e3), WithTrials(1000000));
  Budget budget;
  budget.seconds = 1e-6;
  ASSERT_TRUE(t.Run(budget).ok());
  EXPECT_EQ(t.Of(0).stopped, "seconds");
  EXPECT_LE(t.Trials()[0], 1);
}

TEST(Scheduler, TimesTheFinalistsOfEach) {
  Tasks t;
  TuneOptions options = WithTrials(16);
  options.finalists = 3;
  t.Add(Flat(1e5), options);
  t.Add(Flat(2e5), options);
  ASSERT_TRUE(t.Run().ok());
  for (size_t i : {0, 1}) {
    EXPECT_EQ(t.Of(i).finals.finalists, 3);
    EXPECT_EQ(t.benches[i]->reports.size(), static_cast<size_t>(t.Trials()[i]) + 3);
  }
}

TEST(Scheduler, InterruptedItEndsAtOnceWithoutFinals) {
  Tasks t;
  TuneOptions options = WithTrials(64);
  options.finalists = 3;
  t.Add(
      [&](const measure::Job&, size_t trial) {
        if (trial == 10) t.interrupted = true;
        return measure::OkOutcome(1e5);
      },
      options);
  t.Add(Flat(1e5), options);
  ASSERT_TRUE(t.Run().ok());
  EXPECT_EQ(t.Of(0).stopped, "interrupted");
  EXPECT_EQ(t.Of(1).stopped, "interrupted");
  EXPECT_EQ(t.Of(0).finals.finalists, 0);
  EXPECT_EQ(t.benches[0]->reports.size(), 11u);
}

TEST(Scheduler, AnErrorEndsItAll) {
  Tasks t;
  t.Add(Flat(1e5), WithTrials(64));
  t.benches[0]->measurer.BreakAfter(5);
  EXPECT_EQ(MessageOf(t.Run()), "the fake runner does not start; it was told so");
  EXPECT_EQ(t.benches[0]->reports.size(), 5u);
  EXPECT_EQ(t.Of(0).stopped, "error");
}

}  // namespace
}  // namespace tunesmith::search
