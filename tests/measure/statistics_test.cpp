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

/// Medians of two kernels in processes that differ by up to a half, as seen of a library's softmax; the
/// second takes `slower` times as long.
struct Pairs {
  std::vector<double> first, second;
};
Pairs FakeProcesses(double slower, size_t count, uint64_t seed) {
  Random random(seed);
  Pairs pairs;
  for (size_t n = 0; n < count; ++n) {
    const double process = random.Chance(0.5) ? 112 : 158;
    pairs.first.push_back(process * (1 + 0.01 * random.Normal()));
    pairs.second.push_back(process * slower * (1 + 0.01 * random.Normal()));
  }
  return pairs;
}

TEST(Statistics, EqualKernelsTie) {
  int separated = 0;
  for (uint64_t seed = 0; seed < 1000; ++seed) {
    const Pairs pairs = FakeProcesses(1, 9, seed);
    separated += CompareInPairs(pairs.first, pairs.second, 0.005) != Verdict::kTie;
  }
  EXPECT_LE(separated, 50);  // 5 % may be called apart by chance
}

TEST(Statistics, EquivalentAreThoseThatCannotDifferByMuch) {
  int equivalent = 0;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    const Pairs equal = FakeProcesses(1, 6, seed), different = FakeProcesses(1.08, 12, seed);
    EXPECT_TRUE(AreEquivalent(equal.first, equal.second, 0.1));
    EXPECT_FALSE(AreEquivalent(different.first, different.second, 0.03));
    EXPECT_FALSE(AreEquivalent(different.second, different.first, 0.03));
    equivalent += AreEquivalent(equal.first, equal.second, 0.001);
  }
  EXPECT_LE(equivalent, 2);  // they move by a per cent, so that six pairs do not show a tenth of one
  const std::vector<double> few(5, 1.0);
  EXPECT_FALSE(AreEquivalent(few, few, 0.1));
}

TEST(Statistics, DifferentKernelsSeparateWhateverTheirProcesses) {
  for (uint64_t seed = 0; seed < 100; ++seed) {
    const Pairs pairs = FakeProcesses(1.08, 12, seed);
    EXPECT_EQ(CompareInPairs(pairs.first, pairs.second, 0.005), Verdict::kFirstFaster);
    EXPECT_EQ(CompareInPairs(pairs.second, pairs.first, 0.005), Verdict::kSecondFaster);
    // The reference moves by more than they differ.
    EXPECT_EQ(CompareInPairs(pairs.first, pairs.second, 0.2), Verdict::kTie);
    EXPECT_EQ(CompareInPairs(pairs.second, pairs.first, 0.2), Verdict::kTie);
  }
}

TEST(Statistics, FivePairsProveNothing) {
  const std::vector<double> fast(5, 1.0), slow(5, 2.0);
  EXPECT_EQ(CompareInPairs(fast, slow, 0), Verdict::kTie);
  EXPECT_EQ(CompareInPairs(std::vector<double>(6, 1.0), std::vector<double>(6, 2.0), 0),
            Verdict::kFirstFaster);
  EXPECT_EQ(CompareInPairs({}, {}, 0), Verdict::kTie);
}

TEST(Statistics, RelativeDifferenceIsThatOfTheMedians) {
  EXPECT_NEAR(RelativeDifference(std::vector<double>{110, 1, 900}, std::vector<double>{100}), 0.1, 1e-12);
  EXPECT_EQ(RelativeDifference({}, std::vector<double>{100}), 0);
  EXPECT_EQ(RelativeDifference(std::vector<double>{100}, {}), 0);
}

}  // namespace
}  // namespace tunesmith::measure
