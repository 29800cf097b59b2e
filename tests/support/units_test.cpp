// SPDX-License-Identifier: Apache-2.0
#include "support/units.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>

namespace tunesmith {
namespace {

TEST(Units, Latency) {
  EXPECT_EQ(FormatLatency(0), "0.00 ns");
  EXPECT_EQ(FormatLatency(7.126), "7.13 ns");
  EXPECT_EQ(FormatLatency(850), "850 ns");
  EXPECT_EQ(FormatLatency(999.4), "999 ns");
  EXPECT_EQ(FormatLatency(999.6), "1.00 us") << "not 1000 ns";
  EXPECT_EQ(FormatLatency(12345), "12.3 us");
  EXPECT_EQ(FormatLatency(99960), "100 us");
  EXPECT_EQ(FormatLatency(1.05e6), "1.05 ms");
  EXPECT_EQ(FormatLatency(2.5e9), "2.50 s");
  EXPECT_EQ(FormatLatency(1234e9), "1234 s");
  EXPECT_EQ(FormatLatency(-1), "?");
  EXPECT_EQ(FormatLatency(std::nan("")), "?");
}

TEST(Units, Wait) {
  EXPECT_EQ(FormatWait(0.4), "0 s");
  EXPECT_EQ(FormatWait(59.4), "59 s");
  EXPECT_EQ(FormatWait(59.6), "1 min 00 s");
  EXPECT_EQ(FormatWait(185), "3 min 05 s");
  EXPECT_EQ(FormatWait(7800), "2 h 10 min");
  EXPECT_EQ(FormatWait(7199), "2 h 00 min");
  EXPECT_EQ(FormatWait(-1), "?");
  EXPECT_EQ(FormatWait(std::numeric_limits<double>::infinity()), "?");
}

TEST(Units, Bytes) {
  EXPECT_EQ(FormatBytes(0), "0 B");
  EXPECT_EQ(FormatBytes(640), "640 B");
  EXPECT_EQ(FormatBytes(1536), "1.50 KiB");
  EXPECT_EQ(FormatBytes(48 << 10), "48 KiB");
  EXPECT_EQ(FormatBytes(1000 << 10), "0.98 MiB");
  EXPECT_EQ(FormatBytes(int64_t{9} << 28), "2.25 GiB");
  EXPECT_EQ(FormatBytes(std::numeric_limits<int64_t>::max()), "8 EiB");
}

TEST(Units, Flops) {
  EXPECT_EQ(FormatFlops(117.4e9), "117 GFLOP/s");
  EXPECT_EQ(FormatFlops(1.5e12), "1.50 TFLOP/s");
  EXPECT_EQ(FormatFlops(0.5), "0.50 FLOP/s");
  EXPECT_EQ(FormatFlops(std::numeric_limits<double>::infinity()), "?");
}

TEST(Units, CountAndShare) {
  EXPECT_EQ(FormatCount(0), "0");
  EXPECT_EQ(FormatCount(999), "999");
  EXPECT_EQ(FormatCount(12345), "12,345");
  EXPECT_EQ(FormatCount(-1234567), "-1,234,567");
  EXPECT_EQ(FormatShare(0.9416), "94.2%");
  EXPECT_EQ(FormatShare(std::nan("")), "?");
}

}  // namespace
}  // namespace tunesmith
