// SPDX-License-Identifier: Apache-2.0
#include "measure/statistics.h"

#include <algorithm>
#include <vector>

#include "support/random.h"
#include "tests/measure/law.h"

namespace tunesmith::measure {
namespace {

/// Latencies as machines give them: a floor, skewed noise, now and then an interruption.
std::vector<double> FakeLatencies(double floor_ns, size_t count, uint64_t seed) {
  Random random(seed);
  std::vector<double> samples;
  for (size_t n = 0; n < count; ++n) {
    const double noise = random.Uniform();
    samples.push_back(floor_ns * (1 + 0.02 * noise * noise) * (random.Chance(0.05) ? 3 : 1));
  }
  return samples;
}

TEST(Statistics, QuantilesAreThoseOfTypeSeven) {
  const std::vector<double> samples = {4, 1, 3, 2};
  EXPECT_EQ(Median(samples), 2.5);
  EXPECT_EQ(Quantile(samples, 0), 1);
  EXPECT_EQ(Quantile(samples, 0.25), 1.75);
  EXPECT_EQ(Quantile(samples, 1), 4);
  EXPECT_EQ(InterquartileRange(samples), 1.5);
  EXPECT_EQ(Median(std::vector<double>{7}), 7);
  EXPECT_EQ(Median(std::vector<double>{}), 0);
}

TEST(Statistics, QuantilesDoNotDependOnTheOrder) {
  ExpectLaw([](std::vector<int> values) {
    std::vector<double> samples(values.begin(), values.end());
    const double median = Median(samples);
    std::reverse(samples.begin(), samples.end());
    RC_ASSERT(Median(samples) == median);
    std::sort(samples.begin(), samples.end());
    RC_ASSERT(InterquartileRange(samples) >= 0);
    if (!samples.empty()) RC_ASSERT((samples.front() <= median) && (median <= samples.back()));
  });
}

TEST(Statistics, IntervalOfFewSamplesGoesFromTheFirstToTheLast) {
  const MedianInterval interval = IntervalOfMedian(std::vector<double>{3, 1, 2, 5, 4});
  EXPECT_EQ(interval.low, 1);
  EXPECT_EQ(interval.high, 5);
  EXPECT_NEAR(interval.confidence, 1 - 2.0 / 32, 1e-12);  // all five above, or all five below
}

TEST(Statistics, IntervalHasTheRanksOfTheTables) {
  // Le Boudec's table A.1 for 95 %: n = 10 takes ranks 2 and 9, n = 30 ranks 10 and 21.
  std::vector<double> samples;
  for (int n = 1; n <= 10; ++n) samples.push_back(n);
  EXPECT_EQ(IntervalOfMedian(samples).low, 2);
  EXPECT_EQ(IntervalOfMedian(samples).high, 9);
  EXPECT_NEAR(IntervalOfMedian(samples).confidence, 1 - 2 * 11.0 / 1024, 1e-12);
  for (int n = 11; n <= 30; ++n) samples.push_back(n);
  EXPECT_EQ(IntervalOfMedian(samples).low, 10);
  EXPECT_EQ(IntervalOfMedian(samples).high, 21);
}

TEST(Statistics, IntervalHoldsTheMedianAsOftenAsItSays) {
  int held = 0;
  constexpr int kRuns = 2000;
  for (uint64_t seed = 0; seed < kRuns; ++seed) {
    Random random(seed);
    std::vector<double> samples;
    for (int n = 0; n < 15; ++n) samples.push_back(random.Uniform() * random.Uniform());
    const MedianInterval interval = IntervalOfMedian(samples);
    EXPECT_GE(interval.confidence, 0.95);
    // The median of a product of two uniform numbers solves x(1 - ln x) = 1/2.
    held += interval.low <= 0.186682308 && 0.186682308 <= interval.high;
  }
  EXPECT_GE(held, kRuns * 0.95);
  EXPECT_LT(held, kRuns);  // an interval that always holds it is too wide
}

TEST(Statistics, MoreSamplesNarrowTheInterval) {
  ExpectLaw([](uint64_t seed) {
    const std::vector<double> samples = FakeLatencies(100, 400, seed);
    const auto width = [&](size_t count) {
      const MedianInterval interval = IntervalOfMedian(std::span(samples).first(count));
      RC_ASSERT(interval.low <= interval.high);
      return interval.high - interval.low;
    };
    RC_ASSERT(width(400) < width(8));
  });
}

TEST(Statistics, EqualKernelsTie) {
  int separated = 0;
  for (uint64_t seed = 0; seed < 1000; ++seed) {
    separated += Compare(FakeLatencies(100, 15, 2 * seed), FakeLatencies(100, 15, 2 * seed + 1), 0.005) !=
                 Verdict::kTie;
  }
  EXPECT_LE(separated, 5);
}

TEST(Statistics, DifferentKernelsSeparate) {
  for (uint64_t seed = 0; seed < 200; ++seed) {
    const std::vector<double> fast = FakeLatencies(100, 20, 2 * seed);
    const std::vector<double> slow = FakeLatencies(106, 20, 2 * seed + 1);
    EXPECT_EQ(Compare(fast, slow, 0.005), Verdict::kFirstFaster);
    EXPECT_EQ(Compare(slow, fast, 0.005), Verdict::kSecondFaster);
    EXPECT_EQ(Compare(fast, slow, 0.1), Verdict::kTie);  // the reference moves by more than they differ
  }
}

TEST(Statistics, ReferenceShowsItsNoise) {
  EXPECT_EQ(NoiseOfReference(std::vector<double>{5}), 0);
  EXPECT_EQ(NoiseOfReference(std::vector<double>{100, 100, 100, 100}), 0);
  EXPECT_NEAR(NoiseOfReference(std::vector<double>{100, 110, 100, 110}), 0.1, 1e-12);
}

}  // namespace
}  // namespace tunesmith::measure
