// SPDX-License-Identifier: Apache-2.0
#include "tests/measure/fake_measurer.h"

#include <gtest/gtest.h>

#include <set>

namespace tunesmith::measure {
namespace {

Job JobOf(uint64_t id) {
  Job job;
  job.id = id;
  return job;
}

TEST(FakeMeasurer, GivesEveryOutcomeOnDemand) {
  FakeMeasurer measurer([](const Job&, size_t trial) {
    return trial == 0 ? OkOutcome(100) : FailedOutcome(static_cast<OutcomeKind>(trial));
  });
  for (size_t kind = 0; kind < kOutcomeNames.size(); ++kind) {
    ASSERT_TRUE(measurer.Submit(JobOf(kind)).ok());
    const Trial trial = measurer.Wait().value();
    EXPECT_EQ(trial.id, kind);
    EXPECT_EQ(static_cast<size_t>(trial.outcome.kind), kind);
    EXPECT_EQ(trial.outcome.ok(), trial.outcome.median_ns > 0);
  }
}

TEST(FakeMeasurer, GivesThemOutOfOrder) {
  FakeMeasurer measurer([](const Job&, size_t) { return OkOutcome(1); });
  measurer.GiveOutOfOrder(3);
  for (uint64_t id = 0; id < 20; ++id) ASSERT_TRUE(measurer.Submit(JobOf(id)).ok());
  std::vector<uint64_t> order;
  while (measurer.pending() > 0) order.push_back(measurer.Wait().value().id);
  EXPECT_EQ(std::set<uint64_t>(order.begin(), order.end()).size(), 20u);
  EXPECT_FALSE(std::is_sorted(order.begin(), order.end()));
}

TEST(FakeMeasurer, LetsTheDeviceDecideFinals) {
  FakeMeasurer measurer([](const Job& job, size_t) {
    return job.id == 1 ? FailedOutcome(OutcomeKind::kCrash) : OkOutcome(100 - static_cast<double>(job.id));
  });
  const FinalistsResult result = measurer.TimeAgain({JobOf(0), JobOf(1), JobOf(2)}, {}).value();
  EXPECT_EQ(result.winner, 2);
  EXPECT_EQ(result.timings[1].outcome.kind, OutcomeKind::kCrash);
  EXPECT_EQ(result.timings[0].outcome.median_ns, 100);
  measurer.DecideFinals([](const std::vector<Job>&, const FinalistsPlan&) {
    return Result<FinalistsResult>(Unavailable("no finals today"));
  });
  EXPECT_EQ(MessageOf(measurer.TimeAgain({JobOf(0)}, {}).status()), "no finals today");
}

TEST(FakeMeasurer, BreaksWhenTold) {
  FakeMeasurer measurer([](const Job&, size_t) { return OkOutcome(1); });
  measurer.BreakAfter(1);
  for (uint64_t id = 0; id < 2; ++id) ASSERT_TRUE(measurer.Submit(JobOf(id)).ok());
  EXPECT_TRUE(measurer.Wait().ok());
  EXPECT_EQ(MessageOf(measurer.Wait().status()), "the fake runner does not start; it was told so");
}

}  // namespace
}  // namespace tunesmith::measure
