// SPDX-License-Identifier: Apache-2.0
#include "support/random.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <numeric>
#include <vector>

namespace tunesmith {
namespace {

using Block = std::array<uint32_t, 4>;

// The known answers that the authors publish (Random123, kat_vectors, philox4x32 10).
TEST(Philox, GivesThePublishedAnswers) {
  EXPECT_EQ(Philox({0, 0, 0, 0}, {0, 0}), (Block{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  uint32_t ones = 0xffffffff;
  EXPECT_EQ(Philox({ones, ones, ones, ones}, {ones, ones}),
            (Block{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(Philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (Block{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Random, IsAFunctionOfItsKey) {
  auto draw = [](Random random) { return std::array{random.Next(), random.Next(), random.Next()}; };
  auto first = draw(Random(7, 3, 11));
  EXPECT_EQ(first, draw(Random(7, 3, 11)));
  EXPECT_NE(first, draw(Random(8, 3, 11)));
  EXPECT_NE(first, draw(Random(7, 4, 11)));
  EXPECT_NE(first, draw(Random(7, 3, 12)));
  EXPECT_NE(first, draw(Random(7, 3, 11 + (uint64_t{1} << 32))));
}

TEST(Random, NumbersOfAStreamDiffer) {
  Random random(1);
  std::vector<uint64_t> seen(1000);
  for (uint64_t& value : seen) value = random.Next();
  std::sort(seen.begin(), seen.end());
  EXPECT_EQ(std::adjacent_find(seen.begin(), seen.end()), seen.end());
}

TEST(Random, BelowIsUniformAndInRange) {
  Random random(2);
  std::array<int, 6> counts{};
  for (int i = 0; i < 60000; ++i) {
    uint64_t value = random.Below(6);
    ASSERT_LT(value, 6u);
    ++counts[value];
  }
  for (int count : counts) EXPECT_NEAR(count, 10000, 500);  // more than five standard deviations
}

TEST(Random, BelowDoesNotFavourTheLowHalfOfALargeRange) {
  Random random(3);
  uint64_t n = uint64_t{3} << 62;  // a plain modulo would give the first third twice as often
  int low = 0;
  for (int i = 0; i < 30000; ++i) low += random.Below(n) < n / 3;
  EXPECT_NEAR(low, 10000, 500);
}

TEST(Random, EmptyRangesGiveTheirLowestValue) {
  Random random(4);
  EXPECT_EQ(random.Below(0), 0u);
  EXPECT_EQ(random.Below(1), 0u);
  EXPECT_EQ(random.Between(5, 5), 5);
  EXPECT_EQ(random.Between(5, 4), 5);
}

TEST(Random, BetweenReachesBothEndsAndTheWholeRange) {
  Random random(5);
  std::array<bool, 3> seen{};
  for (int i = 0; i < 200; ++i) seen.at(random.Between(-1, 1) + 1) = true;
  EXPECT_EQ(seen, (std::array{true, true, true}));
  bool negative = false, positive = false;
  for (int i = 0; i < 200; ++i) {
    int64_t value = random.Between(std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max());
    negative |= value < 0;
    positive |= value > 0;
  }
  EXPECT_TRUE(negative && positive);
}

TEST(Random, UniformAndNormalHaveTheirMoments) {
  Random random(6);
  double uniform = 0, normal = 0, square = 0;
  constexpr int kDraws = 20000;
  for (int i = 0; i < kDraws; ++i) {
    double u = random.Uniform();
    ASSERT_GE(u, 0);
    ASSERT_LT(u, 1);
    uniform += u;
    double z = random.Normal();
    normal += z;
    square += z * z;
  }
  EXPECT_NEAR(uniform / kDraws, 0.5, 0.01);
  EXPECT_NEAR(normal / kDraws, 0, 0.04);
  EXPECT_NEAR(square / kDraws, 1, 0.06);
}

TEST(Random, PickFollowsTheWeights) {
  Random random(7);
  std::vector<double> weights = {1, 0, 3, -2, std::numeric_limits<double>::quiet_NaN()};
  std::array<int, 5> counts{};
  for (int i = 0; i < 40000; ++i) ++counts.at(random.Pick(weights));
  EXPECT_NEAR(counts[0], 10000, 500);
  EXPECT_NEAR(counts[2], 30000, 500);
  EXPECT_EQ(counts[1] + counts[3] + counts[4], 0);
}

TEST(Random, PickWithoutAPositiveWeightIsUniform) {
  Random random(8);
  std::array<int, 2> counts{};
  for (int i = 0; i < 10000; ++i) ++counts.at(random.Pick(std::array{0.0, 0.0}));
  EXPECT_NEAR(counts[0], 5000, 300);
  EXPECT_EQ(random.Pick({}), 0u);
}

TEST(Random, ShuffleIsAPermutationAndReachesEveryOrder) {
  std::array<int, 6> orders{};
  for (int i = 0; i < 6000; ++i) {
    Random random(9, 0, i);
    std::vector<int> items = {0, 1, 2};
    random.Shuffle(&items);
    ++orders.at(items[0] * 2 + (items[1] > items[2]));
    EXPECT_EQ(std::accumulate(items.begin(), items.end(), 0), 3);
  }
  for (int count : orders) EXPECT_NEAR(count, 1000, 200);
}

}  // namespace
}  // namespace tunesmith
