// SPDX-License-Identifier: Apache-2.0
#include "measure/bound.h"

#include <gtest/gtest.h>

#include "tests/measure/round_limits.h"

namespace tunesmith::measure {
namespace {

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

Work Moving(double read, double written) { return {{}, read, written}; }

TEST(Bound, ArithmeticBindsWhatComputesMuch) {
  const auto computing = [](double f32, double f64, double u8s8, double bf16) {
    return Work{{f32, f64, u8s8, bf16}, 1000, 0};
  };
  ExpectBound(computing(1e6, 0, 0, 0), On(1), 10000, "f32 arithmetic");
  ExpectBound(computing(1e6, 0, 0, 0), On(2), 5000, "f32 arithmetic");
  ExpectBound(computing(1e6, 0, 0, 0), On(64), 2500, "f32 arithmetic");
  ExpectBound(computing(0, 1e6, 0, 0), On(1), 20000, "f64 arithmetic");
  ExpectBound(computing(0, 0, 1e6, 0), On(1), 2500, "u8s8 arithmetic");
  // For which there are no instructions.
  ExpectBound(computing(0, 0, 0, 1e6), On(1), 10000, "f32 arithmetic");
}

TEST(Bound, EachKindOfArithmeticTakesItsOwnTime) {
  ExpectBound({{2e5, 0, 1e6, 0}, 0, 0}, On(1), 2000 + 2500, "u8s8 arithmetic");
  ExpectBound({{3e5, 0, 1e6, 0}, 0, 0}, On(1), 3000 + 2500, "f32 arithmetic");
}

TEST(Bound, DataThatFitsALevelIsMovedByIt) {
  ExpectBound(Moving(1000, 0), On(1), 100, "L1 bandwidth");
  // Of what the second level has to move, the first may hold its own size.
  ExpectBound(Moving(10000, 0), On(1), 9000 / 4.0, "L2 bandwidth");
  // Each core has its own.
  ExpectBound(Moving(20000, 0), On(2), 18000 / 8.0, "L2 bandwidth");
  ExpectBound(Moving(100000, 0), On(1), 89000 / 2.0, "L3 bandwidth");
  ExpectBound(Moving(1e9, 0), On(1), 1e9 - 111000, "memory bandwidth");
}

TEST(Bound, DataBetweenTwoLevelsComesFromTheFartherOneOnlyInPart) {
  // Twelve thousand bytes in caches of one and ten: a thousand is all that must come from the third level.
  ExpectBound(Moving(12000, 0), On(1), 11000 / 4.0, "L2 bandwidth");
  ExpectBound(Moving(30000, 0), On(1), 19000 / 2.0, "L3 bandwidth");
  ExpectBound(Moving(150000, 0), On(1), 139000 / 2.0, "L3 bandwidth");  // against 39000 from memory
  ExpectBound(Moving(300000, 0), On(1), 189000, "memory bandwidth");
}

TEST(Bound, WhatIsSlowestToMoveStaysNear) {
  // Writing takes twice the time of reading, copying no more than reading. Of 23000 bytes 12000 go to and
  // from the third level: the longest copy that the rest allows.
  ExpectBound(Moving(15000, 8000), On(1), 12000 / 2.0, "L3 bandwidth");
  // All that is read is less than half: copied with as much that is written; the rest is written.
  ExpectBound(Moving(2000, 98000), On(1), 4000 / 2.0 + 85000 / 1.0, "L3 bandwidth");
}

TEST(Bound, ReadingIsPreferredWhereCopyingIsSlow) {
  Limits limits = RoundLimits();
  for (ThreadLimits& at : limits.by_threads) at.l3.copy = at.l3.write;
  // What is written, and a thousand bytes of what is read, stay in the second level.
  EXPECT_DOUBLE_EQ(BoundOf(limits, Moving(40000, 10000), On(1)).ns, 39000 / 2.0);
  // A piece of what is written does not: copied, it takes a part of the reading with it.
  EXPECT_DOUBLE_EQ(BoundOf(limits, Moving(40000, 12000), On(1)).ns, 2000 / 1.0 + 39000 / 2.0);
}

TEST(Bound, ReadingAndWritingAreMovedTogether) {
  ExpectBound(Moving(300, 100), On(1), 200 / 10.0 + 200 / 10.0, "L1 bandwidth");
  ExpectBound(Moving(100, 300), On(1), 200 / 10.0 + 200 / 5.0, "L1 bandwidth");
}

TEST(Bound, ColdDataIsReadFromMemoryButWrittenToCaches) {
  ExpectBound(Moving(1000, 0), On(1, /*cold=*/true), 1000, "memory bandwidth");
  ExpectBound(Moving(1000, 1000), On(1, /*cold=*/true), 1000, "memory bandwidth");
  // All that is written but 11000 leaves the second level.
  ExpectBound(Moving(1000, 121000), On(1, /*cold=*/true), 2000 / 2.0 + 109000 / 1.0, "L3 bandwidth");
}

TEST(Bound, MoreDataNeverTakesLess) {
  for (int threads : {1, 2, 3, 4}) {
    double before = 0;
    for (double bytes = 100; bytes < 1e6; bytes *= 1.1) {
      const double ns = BoundOf(RoundLimits(), Moving(bytes, bytes / 3), On(threads)).ns;
      EXPECT_GE(ns, before) << bytes << " bytes on " << threads;
      before = ns;
    }
  }
}

TEST(Bound, MachineWithoutAThirdLevelReadsFromMemory) {
  Limits limits = RoundLimits();
  limits.l3_bytes = limits.l2_bytes;
  const Bound bound = BoundOf(limits, Moving(20000, 0), On(1));
  EXPECT_EQ(bound.what, "memory bandwidth");
  EXPECT_DOUBLE_EQ(bound.ns, 9000);
}

}  // namespace
}  // namespace tunesmith::measure
