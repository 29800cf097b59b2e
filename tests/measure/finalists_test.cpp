// SPDX-License-Identifier: Apache-2.0
#include "measure/finalists.h"

#include <gtest/gtest.h>

#include "measure/local_measurer.h"
#include "tests/measure/jobs.h"

namespace tunesmith::measure {
namespace {

FinalistsPlan QuickPlan() {
  FinalistsPlan plan;
  plan.runner = RunnerPath();
  plan.most_processes = 7;
  plan.rounds = 3;
  return plan;
}

TEST(Finalists, AreTimedInSeveralProcesses) {
  FinalistsPlan plan = QuickPlan();
  plan.hopeless = 1e9;
  const FinalistsResult result = TimeFinalists({JobFor(AddSlowly), JobFor(Add)}, plan).value();
  EXPECT_GE(result.processes, 6);
  EXPECT_EQ(result.winner, 1);
  EXPECT_TRUE(result.decided);
  EXPECT_TRUE(result.timings[0].outcome.ok());
  EXPECT_FALSE(result.timings[0].tied);
  EXPECT_FALSE(result.timings[1].tied);
  for (const FinalistTiming& timing : result.timings) {
    EXPECT_EQ(timing.process_medians_ns.size(), static_cast<size_t>(result.processes));
    EXPECT_EQ(timing.outcome.samples_ns.size(), 3 * static_cast<size_t>(result.processes));
    EXPECT_GT(timing.outcome.median_ns, 0);
  }
}

TEST(Finalists, WhoIsFarBehindIsSoonTimedLess) {
  const FinalistsResult result =
      TimeFinalists({JobFor(Add), JobFor(AddSlowly), JobFor(Add)}, QuickPlan()).value();
  EXPECT_NE(result.winner, 1);
  const auto processes = static_cast<size_t>(result.processes);
  EXPECT_EQ(result.timings[1].process_medians_ns.size(), processes);
  EXPECT_EQ(result.timings[1].outcome.samples_ns.size(), 3 * 2 + (processes - 2));
  EXPECT_TRUE(result.timings[1].outcome.ok());
  EXPECT_GT(result.timings[1].outcome.median_ns, 0);
  EXPECT_FALSE(result.timings[1].tied);
  // (Of the two that are equal, one may seem far behind while other programs run.)
  EXPECT_EQ(result.timings[static_cast<size_t>(result.winner)].process_medians_ns.size(), processes);
}

TEST(Finalists, OneAloneWins) {
  const FinalistsResult result = TimeFinalists({JobFor(Add)}, QuickPlan()).value();
  EXPECT_EQ(result.winner, 0);
  EXPECT_TRUE(result.decided);
  EXPECT_EQ(result.processes, 6);
  EXPECT_GE(result.noise, 0);
}

TEST(Finalists, WhoCannotDifferByMuchIsNotTimedToTheEnd) {
  FinalistsPlan plan = QuickPlan();
  plan.hopeless = 1e9;
  plan.negligible = 1e9;
  const FinalistsResult equal = TimeFinalists({JobFor(Add), JobFor(Add)}, plan).value();
  EXPECT_TRUE(equal.decided);
  EXPECT_EQ(equal.processes, plan.fewest_processes);
}

TEST(Finalists, ThoseThatFailAreDroppedWithTheReason) {
  const FinalistsResult result =
      TimeFinalists({JobFor(WrongElement), JobFor(Add), JobFor(IllegalInstruction)}, QuickPlan()).value();
  EXPECT_EQ(result.winner, 1);
  EXPECT_EQ(result.timings[0].outcome.kind, OutcomeKind::kWrongResult);
  EXPECT_TRUE(result.timings[0].process_medians_ns.empty());
  EXPECT_TRUE(result.timings[1].outcome.ok());
  EXPECT_EQ(result.timings[2].outcome.kind, OutcomeKind::kCrash);
  EXPECT_EQ(result.timings[2].outcome.detail, "SIGILL (inputs uniform, threads 1)");
}

TEST(Finalists, NoneMayBeLeft) {
  const FinalistsResult result =
      TimeFinalists({JobFor(WrongElement), JobFor(NullPointer)}, QuickPlan()).value();
  EXPECT_EQ(result.winner, -1);
  EXPECT_FALSE(result.decided);
  EXPECT_EQ(result.processes, 0);
}

TEST(Finalists, EndWithoutResultWhenInterrupted) {
  const std::atomic<bool> interrupted = true;
  FinalistsPlan plan = QuickPlan();
  plan.interrupted = &interrupted;
  const Status status = TimeFinalists({JobFor(AddSlowly), JobFor(Add)}, plan).status();
  EXPECT_TRUE(absl::IsCancelled(status));
  EXPECT_EQ(MessageOf(status), "the finalists were not timed to the end: interrupted");
}

TEST(Finalists, AreTimedByAMeasurerThatHasNothingElseToDo) {
  LocalMeasurer measurer = LocalMeasurer::Create({.runner = RunnerPath()}).value();
  EXPECT_TRUE(measurer.Measure(JobFor(Add)).value().ok());
  EXPECT_GT(measurer.runner_pid(), 0);
  const FinalistsResult result = measurer.TimeAgain({JobFor(AddSlowly), JobFor(Add)}, QuickPlan()).value();
  EXPECT_EQ(result.winner, 1);
  EXPECT_EQ(measurer.runner_pid(), 0);  // it was not beside them
  EXPECT_TRUE(measurer.Submit(JobFor(Add)).ok());
  EXPECT_EQ(MessageOf(measurer.TimeAgain({JobFor(Add)}, QuickPlan()).status()),
            "other jobs are pending; wait for them first");
  EXPECT_TRUE(measurer.Wait().value().outcome.ok());
}

TEST(Finalists, OfDifferentWorkloadsAreRefused) {
  Job other = JobFor(Add);
  other.id = 7;
  other.scenario.cold = true;
  EXPECT_EQ(TimeFinalists({JobFor(Add), other}, QuickPlan()).status().message(),
            "finalist 7 is of another workload or scenario than finalist 0");
  EXPECT_EQ(TimeFinalists({}, QuickPlan()).status().message(), "there are no finalists to time");
}

}  // namespace
}  // namespace tunesmith::measure
