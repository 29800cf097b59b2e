// SPDX-License-Identifier: Apache-2.0
// The tuning of operators with further algorithms: the search chooses among them, and what it records says
// which.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "measure/finalists.h"
#include "tests/search/small_problems.h"

namespace tunesmith::search {
namespace {

constexpr double kPlenty = 1000;  // seconds

/// The first trial of each algorithm takes 100 and 101 us, in the order in which they come; the others more.
/// An algorithm is known by its tolerance.
measure::FakeMeasurer::Device OneOfEachIsFast() {
  return [seen = std::set<double>()](const measure::Job& job, size_t) mutable {
    if (seen.insert(job.tolerance_factor).second) return measure::OkOutcome(99e3 + 1e3 * double(seen.size()));
    return measure::OkOutcome(150e3 + static_cast<double>(job.id % 1000));
  };
}

/// The algorithm whose trials take 50 to 100 us has this tolerance; those of the others 100 to 200.
measure::FakeMeasurer::Device FastWithTolerance(double factor) {
  return [factor](const measure::Job& job, size_t) {
    return measure::OkOutcome(LatencyOf(job.id) * (job.tolerance_factor == factor ? 0.5 : 1));
  };
}

void RunTo(int64_t trials, Tuner* tuner, const Bench& bench) {
  while (tuner->trials() < trials) {
    const Result<bool> more = tuner->Step(bench.interrupted, {.trials = trials - tuner->trials()});
    ASSERT_TRUE(more.ok()) << MessageOf(more.status());
    if (!*more) break;
  }
}

int AlgorithmOf(const Tuner& tuner, const schedule::Trace& trace) {
  return tuner.problem().FromTrace(schedule::ParseTrace(schedule::ToString(trace)).value()).value().algorithm;
}

const te::Workload& Workload(bool same_structure) {
  static const auto* const kSums = new te::Workload(RowSumWorkload(24, 64));
  static const auto* const kDoubling = new te::Workload(DoublingWorkload(4096));
  return same_structure ? *kDoubling : *kSums;
}

class Algorithms : public ::testing::TestWithParam<bool> {};
INSTANTIATE_TEST_SUITE_P(Structures, Algorithms, ::testing::Values(false, true),
                         [](const auto& info) { return info.param ? "Same" : "Different"; });

TEST_P(Algorithms, EveryPolicyProposesCandidatesOfEach) {
  const Problem problem = TestProblem(Workload(GetParam()));
  ASSERT_EQ(problem.algorithms().size(), 2u);
  const std::unique_ptr<costmodel::CostModel> model = costmodel::AnalyticModel();
  for (std::string_view name : {"evolution", "random", "exhaustive"}) {
    std::set<int> seen;
    for (const Candidate& c : PolicyNamed(name, &problem, model.get(), 1).value()->Propose(100000)) {
      seen.insert(c.algorithm);
      const schedule::Trace trace = problem.TraceOf(c);
      EXPECT_EQ(trace.algorithm, c.algorithm == 0 ? "" : problem.algorithms()[1].name);
      const Candidate again = problem.FromTrace(trace).value();
      EXPECT_EQ(again.algorithm, c.algorithm);
      EXPECT_EQ(again.hash, c.hash);
    }
    EXPECT_EQ(seen, (std::set<int>{0, 1})) << name;
  }
}

TEST_P(Algorithms, EvolutionTriesEachSoon) {
  const Problem problem = TestProblem(Workload(GetParam()));
  const std::unique_ptr<costmodel::CostModel> model = costmodel::AnalyticModel();
  const std::unique_ptr<SearchPolicy> whole = Evolution(&problem, model.get(), 1);
  const std::vector<Candidate> two = whole->Propose(2);
  ASSERT_EQ(two.size(), 2u);
  EXPECT_NE(two[0].algorithm, two[1].algorithm);
  // What an earlier run has tried is known.
  const std::unique_ptr<SearchPolicy> resumed = Evolution(&problem, model.get(), 1);
  ASSERT_TRUE(resumed->Learn({{two[0], true, 1e5}}).ok());
  EXPECT_EQ(resumed->Propose(8).at(1).algorithm, two[1].algorithm);
}

TEST_P(Algorithms, EachIsCheckedWithItsOwnTolerance) {
  std::map<uint64_t, double> factors;
  Bench bench([&](const measure::Job& job, size_t trial) {
    factors[job.id] = job.tolerance_factor;
    return Device(job, trial);
  });
  std::unique_ptr<Tuner> tuner = bench.Tune(Workload(GetParam()), {});
  RunTo(16, tuner.get(), bench);
  std::set<int> seen;
  for (const TrialReport& report : bench.reports) {
    const int algorithm = AlgorithmOf(*tuner, report.trace);
    seen.insert(algorithm);
    EXPECT_EQ(factors.at(report.plan_hash), algorithm == 0 ? 1 : 2);
  }
  EXPECT_EQ(seen, (std::set<int>{0, 1}));
}

TEST_P(Algorithms, TheFasterOneIsTheResultAndResumes) {
  for (double fast : {1.0, 2.0}) {
    Bench first(FastWithTolerance(fast)), later(FastWithTolerance(fast));
    std::unique_ptr<Tuner> tuner = first.Tune(Workload(GetParam()), {});
    RunTo(12, tuner.get(), first);
    const TuneResult result = tuner->result();
    ASSERT_TRUE(result.found);
    EXPECT_EQ(AlgorithmOf(*tuner, result.best), fast == 1 ? 0 : 1);

    std::unique_ptr<Tuner> resumed = later.Tune(Workload(GetParam()), {});
    ASSERT_TRUE(resumed->Resume(first.Earlier()).ok());
    EXPECT_EQ(resumed->trials(), 12);
    EXPECT_EQ(schedule::ToString(resumed->result().best), schedule::ToString(result.best));
    EXPECT_EQ(resumed->result().best_ns, result.best_ns);
    RunTo(20, resumed.get(), later);
    const std::vector<uint64_t> before = first.TriedHashes();
    for (uint64_t hash : later.TriedHashes()) EXPECT_EQ(std::count(before.begin(), before.end(), hash), 0);
  }
}

TEST_P(Algorithms, MeetInTheFinals) {
  for (int winner : {0, 1}) {
    Bench bench(OneOfEachIsFast());
    std::unique_ptr<Tuner> tuner = bench.Tune(Workload(GetParam()), {});
    RunTo(16, tuner.get(), bench);
    const size_t trials = bench.reports.size();
    std::vector<double> factors;
    bench.measurer.DecideFinals([&](const std::vector<measure::Job>& jobs, const measure::FinalistsPlan&) {
      measure::FinalistsResult result;
      for (const measure::Job& job : jobs) {
        factors.push_back(job.tolerance_factor);
        result.timings.emplace_back().outcome =
            measure::OkOutcome(static_cast<int>(factors.size()) - 1 == winner ? 90e3 : 95e3);
      }
      result.winner = winner;
      result.processes = 6;
      return Result<measure::FinalistsResult>(result);
    });
    ASSERT_TRUE(tuner->TimeFinalists(bench.interrupted, kPlenty).ok());
    ASSERT_EQ(factors.size(), 2u);
    EXPECT_NE(factors[0], factors[1]);
    const auto won = static_cast<size_t>(winner);
    EXPECT_EQ(AlgorithmOf(*tuner, tuner->result().best), factors[won] == 1 ? 0 : 1);
    EXPECT_EQ(tuner->result().best_ns, 90e3);
    ASSERT_EQ(bench.reports.size(), trials + 2);
    EXPECT_NE(bench.reports[trials].trace.algorithm, bench.reports[trials + 1].trace.algorithm);

    Bench later;
    std::unique_ptr<Tuner> resumed = later.Tune(Workload(GetParam()), {});
    ASSERT_TRUE(resumed->Resume(bench.Earlier()).ok());
    EXPECT_EQ(AlgorithmOf(*resumed, resumed->result().best), factors[won] == 1 ? 0 : 1);
    EXPECT_EQ(resumed->result().best_ns, 90e3);
  }
}

TEST(Problem, ATraceWithoutItsAlgorithmsNameIsOfTheFirstThatItFits) {
  const Problem problem = TestProblem(RowSumWorkload(24, 64));
  Random random(1);
  Drops drops;
  std::optional<Candidate> split;
  while (!split) split = problem.Make(1, problem.Draw(1, &random), &drops);
  schedule::Trace trace = problem.TraceOf(*split);
  for (const char* name : {"", "renamed"}) {
    trace.algorithm = name;
    EXPECT_EQ(problem.FromTrace(trace).value().hash, split->hash);
  }
}

}  // namespace
}  // namespace tunesmith::search
