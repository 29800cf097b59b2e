// SPDX-License-Identifier: Apache-2.0
#include "support/hash.h"

#include <gtest/gtest.h>

#include <set>

namespace tunesmith {
namespace {

// The values are XXH3's own, so a record's key means the same on every machine and in every version.
TEST(Hash, IsTheFrozenXxh3) {
  EXPECT_EQ(HashBytes(""), 0x2d06800538d394c2u);
  EXPECT_EQ(HashBytes128("").ToHex(), "99aa06d3014798d86001c324468d497f");
}

TEST(Hash, HexKeepsLeadingZeros) {
  EXPECT_EQ((Hash128{0x1, 0xff}).ToHex(), "000000000000000100000000000000ff");
}

TEST(Hash, SeedChangesTheHash) { EXPECT_NE(HashBytes("kernel", 1), HashBytes("kernel", 2)); }

TEST(Hasher, WritesPartsAsLittleEndianWords) {
  std::string bytes("\x01\0\0\0\0\0\0\0\x02\0\0\0\0\0\0\0ab", 18);
  EXPECT_EQ(Hasher().Add(1).Add("ab").Hash(), HashBytes128(bytes));
  EXPECT_EQ(Hasher().Add(1).Add("ab").Hash64(), HashBytes(bytes));
}

TEST(Hasher, TellsPartsApart) {
  std::set<Hash128> seen;
  seen.insert(Hasher().Add("ab").Add("c").Hash());
  seen.insert(Hasher().Add("a").Add("bc").Hash());
  seen.insert(Hasher().Add("abc").Hash());
  seen.insert(Hasher().Add(0.0).Hash());
  seen.insert(Hasher().Add(-0.0).Hash());
  seen.insert(Hasher().Add(1).Add(2).Hash());
  seen.insert(Hasher().Add(2).Add(1).Hash());
  EXPECT_EQ(seen.size(), 7u);
}

TEST(Hasher, WidthOfAnIntegerDoesNotMatter) {
  EXPECT_EQ(Hasher().Add(int8_t{-1}).Hash(), Hasher().Add(int64_t{-1}).Hash());
}

}  // namespace
}  // namespace tunesmith
