// SPDX-License-Identifier: Apache-2.0
// The end of a workload's tuning: what the finals say holds.
#include <gtest/gtest.h>

#include <algorithm>

#include "measure/finalists.h"
#include "tests/search/small_problems.h"

namespace tunesmith::search {
namespace {

using measure::FinalistsPlan;
using measure::FinalistsResult;
using measure::Job;

constexpr double kPlenty = 1000;  // seconds

/// 16 trials between 100 and 200 us, of which the first four take 100, 101, 102 and 103 us.
measure::Outcome FourNearTheBest(const Job& job, size_t trial) {
  return measure::OkOutcome(trial < 4 ? 100e3 + 1e3 * static_cast<double>(trial)
                                      : 120e3 + static_cast<double>(job.id % 1000));
}

std::unique_ptr<Tuner> Searched(Bench* bench, TuneOptions options = {}) {
  options.batch = 16;
  std::unique_ptr<Tuner> tuner = bench->Tune(ProductWorkload(48), options);
  EXPECT_TRUE(tuner->Step(bench->interrupted).value());
  EXPECT_EQ(bench->reports.size(), 16u);
  return tuner;
}

/// Finals in which the medians are these, in the order of the trials' medians.
measure::FakeMeasurer::Finals Medians(std::vector<double> medians_ns, int winner) {
  return [=](const std::vector<Job>& jobs, const FinalistsPlan& plan) -> Result<FinalistsResult> {
    EXPECT_EQ(jobs.size(), medians_ns.size());
    FinalistsResult result;
    for (double median : medians_ns) {
      measure::FinalistTiming timing;
      timing.outcome =
          median > 0 ? measure::OkOutcome(median) : measure::FailedOutcome(measure::OutcomeKind::kCrash);
      if (median > 0) timing.process_medians_ns.assign(static_cast<size_t>(plan.fewest_processes), median);
      result.timings.push_back(timing);
    }
    result.winner = winner;
    result.noise = 0.004;
    result.processes = plan.fewest_processes;
    return result;
  };
}

TEST(Finals, TheWinnersMedianInThemIsTheResult) {
  Bench bench(FourNearTheBest);
  std::unique_ptr<Tuner> tuner = Searched(&bench);
  EXPECT_EQ(tuner->result().best_ns, 100e3);
  bench.measurer.DecideFinals(Medians({107e3, 108e3, 104e3, 105e3}, 2));
  ASSERT_TRUE(tuner->TimeFinalists(bench.interrupted, kPlenty).ok());
  const TuneResult& result = tuner->result();
  EXPECT_EQ(result.best_ns, 104e3);
  EXPECT_EQ(schedule::ToString(result.best), schedule::ToString(bench.reports[2].trace));
  EXPECT_EQ(result.finals.finalists, 4);
  EXPECT_EQ(result.finals.processes, 6);
  EXPECT_EQ(result.finals.noise, 0.004);
  EXPECT_EQ(result.trials, 16);  // finals are no trials
  // Each finalist is reported, so that it can be recorded.
  ASSERT_EQ(bench.reports.size(), 20u);
  const size_t order[] = {0, 1, 3, 2};  // the winner last
  for (size_t i = 0; i < 4; ++i) {
    const TrialReport& report = bench.reports[16 + i];
    EXPECT_TRUE(report.finalist);
    EXPECT_EQ(report.processes, 6);
    EXPECT_EQ(report.plan_hash, bench.reports[order[i]].plan_hash);
    EXPECT_EQ(schedule::ToString(report.trace), schedule::ToString(bench.reports[order[i]].trace));
  }
  EXPECT_EQ(bench.reports[19].outcome.median_ns, 104e3);
}

TEST(Finals, OnlyThoseNearTheBestTakePart) {
  Bench bench([](const Job& job, size_t trial) {
    const double slower[] = {100e3, 108e3, 112e3};
    return measure::OkOutcome(trial < 3 ? slower[trial] : 150e3 + static_cast<double>(job.id % 1000));
  });
  std::unique_ptr<Tuner> tuner = Searched(&bench);
  bench.measurer.DecideFinals(Medians({100e3, 99e3}, 1));
  ASSERT_TRUE(tuner->TimeFinalists(bench.interrupted, kPlenty).ok());
  EXPECT_EQ(tuner->result().finals.finalists, 2);
  EXPECT_EQ(tuner->result().best_ns, 99e3);
}

/// Trials in which the default schedule, the first, takes so long; the next five 101 to 105 us.
measure::FakeMeasurer::Device DefaultTakes(double default_ns) {
  return [=](const Job& job, size_t trial) {
    if (trial == 0)
      return default_ns > 0 ? measure::OkOutcome(default_ns)
                            : measure::FailedOutcome(measure::OutcomeKind::kWrongResult);
    return measure::OkOutcome(trial < 6 ? 100e3 + 1e3 * static_cast<double>(trial)
                                        : 150e3 + static_cast<double>(job.id % 1000));
  };
}

/// The first proposal of a search is the default schedule.
TuneOptions WithDefault() {
  Bench bench;
  TuneOptions options;
  options.batch = 1;
  EXPECT_TRUE(bench.Tune(ProductWorkload(48), options)->Step(bench.interrupted).value());
  options.default_schedule = bench.reports[0].trace;
  return options;
}

TEST(Finals, TheDefaultTakesPartHoweverSlowItIs) {
  for (double default_ns : {125e3, 10e6}) {
    Bench bench(DefaultTakes(default_ns));
    std::unique_ptr<Tuner> tuner = Searched(&bench, WithDefault());
    bench.measurer.DecideFinals([&](const std::vector<Job>& jobs, const FinalistsPlan& plan) {
      EXPECT_EQ(jobs[1].id, bench.reports[0].plan_hash);
      FinalistsResult result = Medians({101e3, default_ns + 1, 102e3, 103e3}, 0)(jobs, plan).value();
      result.timings[1].process_medians_ns.resize(2);
      return Result<FinalistsResult>(result);
    });
    ASSERT_TRUE(tuner->TimeFinalists(bench.interrupted, kPlenty).ok());
    ASSERT_EQ(bench.reports.size(), 20u);
    // The winner is reported last, the default first of the others.
    EXPECT_EQ(bench.reports[16].plan_hash, bench.reports[0].plan_hash);
    EXPECT_EQ(bench.reports[16].outcome.median_ns, default_ns + 1);
    EXPECT_EQ(bench.reports[16].processes, 2);
    EXPECT_EQ(bench.reports[19].plan_hash, bench.reports[1].plan_hash);
    EXPECT_EQ(bench.reports[19].processes, 6);
  }
}

TEST(Finals, TheDefaultIsTheLastToBeGivenUp) {
  Bench bench(DefaultTakes(140e3));
  std::unique_ptr<Tuner> tuner = Searched(&bench, WithDefault());
  size_t finalists = 0;
  bench.measurer.DecideFinals([&](const std::vector<Job>& jobs, const FinalistsPlan&) {
    finalists = jobs.size();
    EXPECT_EQ(jobs[1].id, bench.reports[0].plan_hash);
    return Result<FinalistsResult>(absl::CancelledError("it is seen who takes part"));
  });
  for (double seconds = tuner->FinalsSeconds(); finalists != 2 && seconds > 1e-3; seconds *= 0.98)
    ASSERT_TRUE(tuner->TimeFinalists(bench.interrupted, seconds).ok());
  EXPECT_EQ(finalists, 2u);
}

TEST(Finals, OfLongKernelsTakeNoLongerThanASearch) {
  for (const double latency_ns : {1e5, 1e9}) {
    Bench bench([&](const Job&, size_t trial) {
      return measure::OkOutcome(latency_ns * (1 + 0.01 * static_cast<double>(trial)));
    });
    std::unique_ptr<Tuner> tuner = Searched(&bench);
    EXPECT_LE(tuner->FinalsSeconds(), 10);
    bool held = false;
    bench.measurer.DecideFinals([&](const std::vector<Job>&, const FinalistsPlan&) {
      held = true;
      return Result<FinalistsResult>(absl::CancelledError("it is seen whether any are held"));
    });
    ASSERT_TRUE(tuner->TimeFinalists(bench.interrupted, kPlenty).ok());
    EXPECT_EQ(held, latency_ns < 1e9);
  }
}

TEST(Finals, ADefaultThatFailedDoesNotTakePart) {
  Bench bench(DefaultTakes(0));
  std::unique_ptr<Tuner> tuner = Searched(&bench, WithDefault());
  bench.measurer.DecideFinals([&](const std::vector<Job>& jobs, const FinalistsPlan& plan) {
    for (const Job& job : jobs) EXPECT_NE(job.id, bench.reports[0].plan_hash);
    return Medians({101e3, 102e3, 103e3, 104e3}, 0)(jobs, plan);
  });
  ASSERT_TRUE(tuner->TimeFinalists(bench.interrupted, kPlenty).ok());
  EXPECT_EQ(tuner->result().finals.finalists, 4);
}

TEST(Finals, AreRepeatedWhereTheDefaultDidNotTakePart) {
  const TuneOptions with_default = WithDefault();
  Bench bench(DefaultTakes(140e3));
  std::unique_ptr<Tuner> tuner = Searched(&bench);
  bench.measurer.DecideFinals(Medians({101e3, 102e3, 103e3, 104e3}, 0));
  ASSERT_TRUE(tuner->TimeFinalists(bench.interrupted, kPlenty).ok());
  std::vector<EarlierTrial> earlier = bench.Earlier();
  for (bool again : {true, false}) {
    Bench later;
    std::unique_ptr<Tuner> resumed = later.Tune(ProductWorkload(48), with_default);
    ASSERT_TRUE(resumed->Resume(earlier).ok());
    later.measurer.DecideFinals(Medians({101e3, 139e3, 102e3, 103e3}, 0));
    ASSERT_TRUE(resumed->TimeFinalists(later.interrupted, kPlenty).ok());
    EXPECT_EQ(later.reports.size(), again ? 4u : 0u);
    for (const EarlierTrial& e : later.Earlier()) earlier.push_back(e);
  }
}

TEST(Finals, TiesAreCountedAndTheWinnerStays) {
  Bench bench(FourNearTheBest);
  std::unique_ptr<Tuner> tuner = Searched(&bench);
  bench.measurer.DecideFinals([](const std::vector<Job>& jobs, const FinalistsPlan& plan) {
    FinalistsResult result = Medians({100e3, 100e3, 110e3, 100e3}, 0)(jobs, plan).value();
    result.timings[1].tied = result.timings[3].tied = true;
    return result;
  });
  ASSERT_TRUE(tuner->TimeFinalists(bench.interrupted, kPlenty).ok());
  EXPECT_EQ(tuner->result().finals.tied, 2);
  EXPECT_EQ(schedule::ToString(tuner->result().best), schedule::ToString(bench.reports[0].trace));
}

TEST(Finals, AFinalistThatFailsIsNoResult) {
  Bench bench(FourNearTheBest);
  std::unique_ptr<Tuner> tuner = Searched(&bench);
  bench.measurer.DecideFinals(Medians({0, 103e3, 104e3, 105e3}, 1));
  ASSERT_TRUE(tuner->TimeFinalists(bench.interrupted, kPlenty).ok());
  EXPECT_EQ(tuner->result().best_ns, 103e3);
  EXPECT_EQ(bench.reports[16].outcome.kind, measure::OutcomeKind::kCrash);
  EXPECT_EQ(bench.reports[16].processes, 1);

  // A later run does not believe its trial either.
  Bench later;
  std::unique_ptr<Tuner> resumed = later.Tune(ProductWorkload(48), {});
  ASSERT_TRUE(resumed->Resume(bench.Earlier()).ok());
  EXPECT_EQ(resumed->trials(), 16);
  EXPECT_EQ(resumed->result().best_ns, 103e3);
}

TEST(Finals, WhenAllFailTheNextFastestIsLeft) {
  Bench bench(FourNearTheBest);
  std::unique_ptr<Tuner> tuner = Searched(&bench);
  bench.measurer.DecideFinals(Medians({0, 0, 0, 0}, -1));
  ASSERT_TRUE(tuner->TimeFinalists(bench.interrupted, kPlenty).ok());
  EXPECT_TRUE(tuner->result().found);
  EXPECT_GE(tuner->result().best_ns, 120e3);

  Bench later;
  std::unique_ptr<Tuner> resumed = later.Tune(ProductWorkload(48), {});
  ASSERT_TRUE(resumed->Resume(bench.Earlier()).ok());
  EXPECT_EQ(resumed->result().best_ns, tuner->result().best_ns);
}

TEST(Finals, OneWithoutRivalIsTimedAgain) {
  Bench bench([](const Job&, size_t trial) { return measure::OkOutcome(trial == 5 ? 50e3 : 100e3); });
  std::unique_ptr<Tuner> tuner = Searched(&bench);
  bench.measurer.DecideFinals(Medians({52e3}, 0));
  ASSERT_TRUE(tuner->TimeFinalists(bench.interrupted, kPlenty).ok());
  EXPECT_EQ(tuner->result().finals.finalists, 1);
  EXPECT_EQ(tuner->result().best_ns, 52e3);
  EXPECT_EQ(bench.reports.size(), 17u);
}

TEST(Finals, OptionsSayHowManyTakePart) {
  for (size_t most : {0, 2, 3}) {
    Bench bench(FourNearTheBest);
    TuneOptions options;
    options.finalists = most;
    std::unique_ptr<Tuner> tuner = Searched(&bench, options);
    ASSERT_TRUE(tuner->TimeFinalists(bench.interrupted, kPlenty).ok());
    EXPECT_EQ(tuner->result().finals.finalists, static_cast<int>(most));
  }
}

TEST(Finals, TakeLessWhereTimeIsShort) {
  int rounds_seen = 0;
  Bench bench(FourNearTheBest);
  std::unique_ptr<Tuner> tuner = Searched(&bench);
  bench.measurer.DecideFinals([&](const std::vector<Job>& jobs, const FinalistsPlan& plan) {
    rounds_seen = plan.rounds;
    EXPECT_LE(plan.seconds, 0.98 * tuner->FinalsSeconds());
    return Medians(std::vector<double>(jobs.size(), 100e3), 0)(jobs, plan);
  });
  EXPECT_GT(tuner->FinalsSeconds(), 0);
  ASSERT_TRUE(tuner->TimeFinalists(bench.interrupted, 0.97 * tuner->FinalsSeconds()).ok());
  EXPECT_LT(rounds_seen, FinalistsPlan().rounds);
  EXPECT_GT(rounds_seen, 0);
}

TEST(Finals, AreLeftOutWhereThereIsNoTime) {
  Bench bench(FourNearTheBest);
  std::unique_ptr<Tuner> tuner = Searched(&bench);
  ASSERT_TRUE(tuner->TimeFinalists(bench.interrupted, 1e-3).ok());
  EXPECT_EQ(tuner->result().finals.finalists, 0);
  EXPECT_EQ(tuner->result().best_ns, 100e3);
  EXPECT_EQ(bench.reports.size(), 16u);
}

TEST(Finals, InterruptedTheyLeaveTheTrialsResult) {
  Bench bench(FourNearTheBest);
  std::unique_ptr<Tuner> tuner = Searched(&bench);
  bench.measurer.DecideFinals([&](const std::vector<Job>&, const FinalistsPlan& plan) {
    EXPECT_EQ(plan.interrupted, &bench.interrupted);
    return Result<FinalistsResult>(absl::CancelledError("interrupted"));
  });
  ASSERT_TRUE(tuner->TimeFinalists(bench.interrupted, kPlenty).ok());
  EXPECT_EQ(tuner->result().best_ns, 100e3);
  bench.measurer.DecideFinals([](const std::vector<Job>&, const FinalistsPlan&) -> Result<FinalistsResult> {
    ADD_FAILURE() << "they began although it was interrupted";
    return Internal("");
  });
  bench.interrupted = true;
  ASSERT_TRUE(tuner->TimeFinalists(bench.interrupted, kPlenty).ok());
  EXPECT_EQ(tuner->result().finals.finalists, 0);
}

TEST(Finals, AnErrorOfTheMeasurerOrOfAReportIsTheirs) {
  Bench bench(FourNearTheBest);
  std::unique_ptr<Tuner> tuner = Searched(&bench);
  bench.measurer.DecideFinals([](const std::vector<Job>&, const FinalistsPlan&) {
    return Result<FinalistsResult>(Unavailable("no runner starts"));
  });
  EXPECT_EQ(MessageOf(tuner->TimeFinalists(bench.interrupted, kPlenty)), "no runner starts");
  bench.measurer.DecideFinals(Medians({1e5, 1e5, 1e5, 1e5}, 0));
  bench.fail_at = 17;
  EXPECT_EQ(MessageOf(tuner->TimeFinalists(bench.interrupted, kPlenty)), "the disk is full");
  EXPECT_EQ(tuner->result().finals.finalists, 0);
  EXPECT_EQ(bench.reports.size(), 16u);  // of finals all is told or nothing: half of it has another winner
}

TEST(Finals, AreNotRepeatedWhereNothingWasTriedSince) {
  // Nor where the machine became slower, so that trials that were not in them look faster now.
  for (const double best_ns : {101e3, 901e3}) {
    Bench bench(FourNearTheBest);
    std::unique_ptr<Tuner> tuner = Searched(&bench);
    bench.measurer.DecideFinals(Medians({best_ns, best_ns + 1e3, best_ns + 2e3, best_ns + 3e3}, 0));
    ASSERT_TRUE(tuner->TimeFinalists(bench.interrupted, kPlenty).ok());

    Bench later(FourNearTheBest);
    std::unique_ptr<Tuner> resumed = later.Tune(ProductWorkload(48), {});
    ASSERT_TRUE(resumed->Resume(bench.Earlier()).ok());
    EXPECT_EQ(resumed->FinalsSeconds(), 0);
    ASSERT_TRUE(resumed->TimeFinalists(later.interrupted, kPlenty).ok());
    EXPECT_TRUE(later.reports.empty());
    EXPECT_EQ(resumed->result().best_ns, best_ns);
  }
}

}  // namespace
}  // namespace tunesmith::search
