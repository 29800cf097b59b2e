// SPDX-License-Identifier: Apache-2.0
// The tuning of one workload, with kernels that are built and a device that is a function.
#include "search/tuner.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "tests/search/small_problems.h"

namespace tunesmith::search {
namespace {

TuneOptions Quick() {
  TuneOptions options;
  options.batch = 8;
  return options;
}

/// Steps until so many trials were made in all.
void RunTo(int64_t trials, Tuner* tuner, const std::atomic<bool>& interrupted) {
  while (tuner->trials() < trials) {
    const Result<bool> more = tuner->Step(interrupted, {.trials = trials - tuner->trials()});
    ASSERT_TRUE(more.ok()) << MessageOf(more.status());
    if (!*more) break;
  }
}

TEST(Tuner, ProposesTheSameAtAnyNumberOfBuilders) {
  std::vector<std::vector<uint64_t>> hashes;
  for (int threads : {1, 2, 4}) {
    Bench bench(Device, threads);
    std::unique_ptr<Tuner> tuner = bench.Tune(ProductWorkload(48), Quick());
    RunTo(32, tuner.get(), bench.interrupted);
    hashes.push_back(bench.TriedHashes());
  }
  ASSERT_EQ(hashes[0].size(), 32u);
  EXPECT_EQ(hashes[0], hashes[1]);
  EXPECT_EQ(hashes[0], hashes[2]);
}

TEST(Tuner, KeepsTheFastestAndCountsOutcomes) {
  Bench bench([](const measure::Job& job, size_t trial) {
    if (trial == 1) return measure::FailedOutcome(measure::OutcomeKind::kCrash);
    if (trial == 2) return measure::FailedOutcome(measure::OutcomeKind::kWrongResult);
    return Device(job, trial);
  });
  std::unique_ptr<Tuner> tuner = bench.Tune(ProductWorkload(48), Quick());
  RunTo(24, tuner.get(), bench.interrupted);
  const TuneResult& result = tuner->result();
  EXPECT_EQ(result.trials, 24);
  EXPECT_EQ(result.outcomes, (std::map<std::string, int64_t>{{"crash", 1}, {"ok", 22}, {"wrong_result", 1}}));
  const auto fastest =
      std::min_element(bench.reports.begin(), bench.reports.end(), [](const auto& a, const auto& b) {
        return a.outcome.ok() && (!b.outcome.ok() || a.outcome.median_ns < b.outcome.median_ns);
      });
  EXPECT_TRUE(result.found);
  EXPECT_EQ(result.best_ns, fastest->outcome.median_ns);
  EXPECT_EQ(schedule::ToString(result.best), schedule::ToString(fastest->trace));
  EXPECT_GT(result.drops.considered(), 24);
  EXPECT_GT(result.drops.CountOf(kContradiction), 0);
}

TEST(Tuner, ReportsTracesThatReplayToThePlansTried) {
  Bench bench;
  std::unique_ptr<Tuner> tuner = bench.Tune(ProductWorkload(48), Quick());
  RunTo(8, tuner.get(), bench.interrupted);
  ASSERT_EQ(bench.reports.size(), 8u);
  for (const TrialReport& report : bench.reports) {
    const schedule::Trace trace = schedule::ParseTrace(schedule::ToString(report.trace)).value();
    EXPECT_EQ(tuner->problem().FromTrace(trace).value().hash, report.plan_hash);
    EXPECT_EQ(report.outcome.median_ns, LatencyOf(report.plan_hash));
  }
}

TEST(Tuner, ResumesWithoutRepeatingAndCountsWhatWasTried) {
  Bench first, second;
  std::unique_ptr<Tuner> tuner = first.Tune(ProductWorkload(48), Quick());
  RunTo(16, tuner.get(), first.interrupted);
  const double best_before = tuner->result().best_ns;

  std::unique_ptr<Tuner> resumed = second.Tune(ProductWorkload(48), Quick());
  ASSERT_TRUE(resumed->Resume(first.Earlier()).ok());
  EXPECT_EQ(resumed->trials(), 16);
  EXPECT_EQ(resumed->result().trials, 0);
  EXPECT_EQ(resumed->result().best_ns, best_before);
  RunTo(32, resumed.get(), second.interrupted);
  EXPECT_EQ(resumed->trials(), 32);
  EXPECT_EQ(resumed->result().trials, 16);
  EXPECT_LE(resumed->result().best_ns, best_before);
  std::set<uint64_t> all;
  for (const Bench* bench : {&first, &second}) {
    for (uint64_t hash : bench->TriedHashes()) EXPECT_TRUE(all.insert(hash).second);
  }
  EXPECT_EQ(all.size(), 32u);
}

TEST(Tuner, ResumesWithTheWinnerOfTheLastFinalsOrAFasterTrialSince) {
  Bench first;
  std::unique_ptr<Tuner> tuner = first.Tune(ProductWorkload(48), Quick());
  RunTo(8, tuner.get(), first.interrupted);
  std::vector<EarlierTrial> earlier = first.Earlier();
  std::stable_sort(earlier.begin(), earlier.end(),
                   [](const auto& a, const auto& b) { return a.latency_ns < b.latency_ns; });
  auto best_of = [](const std::vector<EarlierTrial>& trials) {
    Bench bench;
    std::unique_ptr<Tuner> resumed = bench.Tune(ProductWorkload(48), Quick());
    EXPECT_TRUE(resumed->Resume(trials).ok());
    EXPECT_EQ(resumed->trials(), 8);
    return std::pair(schedule::ToString(resumed->result().best), resumed->result().best_ns);
  };
  auto said = [](const EarlierTrial& trial) {
    return std::pair(schedule::ToString(trial.trace), trial.latency_ns);
  };
  EXPECT_EQ(best_of(earlier), said(earlier[0]));
  // The finals said that the third is the fastest, though slower than the second's trial.
  const EarlierTrial since = earlier.back();
  earlier.pop_back();
  EarlierTrial loser = earlier[0], winner = earlier[2];
  loser.finalist = winner.finalist = true;
  winner.latency_ns = 1.5 * earlier[3].latency_ns;
  loser.latency_ns = 2 * winner.latency_ns;
  earlier.push_back(loser);
  earlier.push_back(winner);
  earlier.push_back(since);
  earlier.back().latency_ns = 1.01 * winner.latency_ns;
  EXPECT_EQ(best_of(earlier), said(winner));
  earlier.back().latency_ns = 0.99 * winner.latency_ns;
  EXPECT_EQ(best_of(earlier), said(earlier.back()));
}

TEST(Tuner, LeavesOutTracesOfOtherOperators) {
  Bench bench, other;
  std::unique_ptr<Tuner> sum = other.Tune(SumWorkload(4096), Quick());
  RunTo(4, sum.get(), other.interrupted);
  std::unique_ptr<Tuner> tuner = bench.Tune(ProductWorkload(48), Quick());
  ASSERT_TRUE(tuner->Resume(other.Earlier()).ok());
  EXPECT_EQ(tuner->trials(), 0);
  EXPECT_FALSE(tuner->result().found);
}

TEST(Tuner, AFailureToBuildIsAnOutcome) {
  Bench bench;
  bench.target.triple = "no-such-processor";
  std::unique_ptr<Tuner> tuner = bench.Tune(ProductWorkload(48), Quick());
  RunTo(8, tuner.get(), bench.interrupted);
  EXPECT_EQ(tuner->result().outcomes, (std::map<std::string, int64_t>{{"compile_error", 8}}));
  EXPECT_FALSE(tuner->result().found);
  EXPECT_EQ(bench.measurer.submitted(), 0u);
  ASSERT_EQ(bench.reports.size(), 8u);
  for (const TrialReport& report : bench.reports) EXPECT_FALSE(report.outcome.detail.empty());
  EXPECT_EQ(tuner->result().drops.CountOf("refused by the code generator"), 8);
  EXPECT_EQ(tuner->result().drops.reasons().at("refused by the code generator").example,
            bench.reports[0].outcome.detail);
}

TEST(Tuner, AMeasurerThatFailsEndsTheStepWithItsError) {
  Bench bench;
  bench.measurer.BreakAfter(3);
  std::unique_ptr<Tuner> tuner = bench.Tune(ProductWorkload(48), Quick());
  EXPECT_EQ(MessageOf(tuner->Step(bench.interrupted).status()),
            "the fake runner does not start; it was told so");
  EXPECT_EQ(bench.reports.size(), 3u);  // what was finished is kept
  EXPECT_EQ(tuner->result().trials, 3);
}

TEST(Tuner, AReportThatFailsEndsTheStepWithItsError) {
  Bench bench;
  bench.fail_at = 2;
  std::unique_ptr<Tuner> tuner = bench.Tune(ProductWorkload(48), Quick());
  EXPECT_EQ(MessageOf(tuner->Step(bench.interrupted).status()), "the disk is full");
  EXPECT_EQ(bench.measurer.submitted(), 3u);  // nothing is measured that cannot be kept
  EXPECT_EQ(tuner->result().trials, 2);       // nor told as a result
}

TEST(Tuner, InterruptedItLosesNothingAndGoesOnWhereItWas) {
  // An uninterrupted run to compare with.
  Bench whole;
  std::unique_ptr<Tuner> uninterrupted = whole.Tune(ProductWorkload(48), Quick());
  RunTo(8, uninterrupted.get(), whole.interrupted);

  Bench* running = nullptr;
  Bench bench([&](const measure::Job& job, size_t trial) {
    if (trial == 4) running->interrupted = true;
    return Device(job, trial);
  });
  running = &bench;
  std::unique_ptr<Tuner> tuner = bench.Tune(ProductWorkload(48), Quick());
  EXPECT_FALSE(tuner->Step(bench.interrupted).value());
  EXPECT_EQ(tuner->result().stopped, "interrupted");
  EXPECT_EQ(bench.reports.size(), 5u);  // the one that was running is finished and kept
  EXPECT_FALSE(tuner->Step(bench.interrupted).value());
  EXPECT_EQ(bench.reports.size(), 5u);
  const std::vector<uint64_t> expected = whole.TriedHashes();
  EXPECT_EQ(bench.TriedHashes(), std::vector<uint64_t>(expected.begin(), expected.begin() + 5));

  Bench later;
  std::unique_ptr<Tuner> resumed = later.Tune(ProductWorkload(48), Quick());
  ASSERT_TRUE(resumed->Resume(bench.Earlier()).ok());
  RunTo(16, resumed.get(), later.interrupted);
  EXPECT_EQ(later.reports.size(), 11u);
  const std::vector<uint64_t> before = bench.TriedHashes();
  for (uint64_t hash : later.TriedHashes()) EXPECT_EQ(std::count(before.begin(), before.end(), hash), 0);
}

TEST(Tuner, StopsAtTheLimit) {
  Bench bench([](const measure::Job&, size_t trial) {
    return measure::OkOutcome(trial < 10 ? 2000 : 1010);  // from the eleventh on, 99 % of the limit
  });
  TuneOptions options = Quick();
  options.limit_ns = 1000;
  std::unique_ptr<Tuner> tuner = bench.Tune(ProductWorkload(48), options);
  EXPECT_TRUE(tuner->Step(bench.interrupted).value());
  EXPECT_FALSE(tuner->Step(bench.interrupted).value());
  EXPECT_LE(tuner->ExpectedGainNs(), 10);
  EXPECT_FALSE(tuner->Step(bench.interrupted).value());
  EXPECT_EQ(tuner->result().stopped, "nothing left to win");
  EXPECT_EQ(tuner->trials(), 16);
}

TEST(Tuner, ALimitThatAKernelHasBeatenIsNone) {
  Bench bench([](const measure::Job&, size_t trial) {
    return measure::OkOutcome(900 - static_cast<double>(trial));  // a limit of 1000 was wrong
  });
  TuneOptions options = Quick();
  options.limit_ns = 1000;
  std::unique_ptr<Tuner> tuner = bench.Tune(ProductWorkload(48), options);
  EXPECT_TRUE(tuner->Step(bench.interrupted).value());
  EXPECT_GT(tuner->ExpectedGainNs(), 0);
  EXPECT_TRUE(tuner->Step(bench.interrupted).value());
  EXPECT_EQ(tuner->trials(), 16);
}

TEST(Tuner, StopsAfterLongWithoutGain) {
  Bench bench([](const measure::Job&, size_t) { return measure::OkOutcome(1000); });
  TuneOptions options = Quick();
  options.trials = 60;  // a third of it is less than six batches
  std::unique_ptr<Tuner> tuner = bench.Tune(ProductWorkload(48), options);
  RunTo(1000, tuner.get(), bench.interrupted);
  EXPECT_EQ(tuner->result().stopped, "nothing left to win");
  EXPECT_EQ(tuner->trials(), 56);  // the first, and then seven batches' worth less one without gain
}

TEST(Tuner, StopsWhenTheSpaceHoldsNoMore) {
  Bench bench;
  TuneOptions options = Quick();
  options.policy = "exhaustive";
  options.trials = 100000;
  std::unique_ptr<Tuner> tuner = bench.Tune(SumWorkload(24), options);
  RunTo(100000, tuner.get(), bench.interrupted);
  EXPECT_EQ(tuner->result().stopped, "space exhausted");
  EXPECT_GT(tuner->trials(), 1);
}

TEST(Tuner, GoesByTheAnalyticModelWhereTheLearnedOneIsMissing) {
  Bench bench;
  TuneOptions options = Quick();
  options.xgboost = "libnot-there.so.0";
  std::unique_ptr<Tuner> tuner = bench.Tune(ProductWorkload(48), options);
  RunTo(16, tuner.get(), bench.interrupted);
  EXPECT_EQ(tuner->result().model, "analytic");
  EXPECT_EQ(tuner->result().model_notice,
            "XGBoost is not installed (libnot-there.so.0 cannot be loaded), so the search learns nothing and "
            "goes by the analytic model; install the package libxgboost0");
  EXPECT_EQ(tuner->trials(), 16);
}

TEST(Tuner, AnUnknownPolicyIsAnError) {
  Bench bench;
  TuneOptions options;
  options.policy = "annealing";
  const auto tuner = Tuner::Create(ProductWorkload(48), TestTarget(), measure::Scenario(), nullptr, options,
                                   &bench.measurer, &bench.pool, nullptr);
  EXPECT_EQ(MessageOf(tuner.status()),
            "there is no policy 'annealing'; there are: evolution, random, exhaustive");
}

}  // namespace
}  // namespace tunesmith::search
