// SPDX-License-Identifier: Apache-2.0
// What plans move through the caches: whole and broken lines, rows that several stages read.
#include "schedule/traffic.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "schedule/summary.h"
#include "schedule/trace.h"
#include "support/strings.h"
#include "te/language.h"

namespace tunesmith::schedule {
namespace {

/// A core with vectors of 8 f32, a first cache of 32 KiB and a second of 512 KiB.
Machine Avx2(int threads = 1) {
  Machine machine;
  machine.threads = threads;
  machine.vector_bytes = 32;
  machine.l2_bytes = 512 << 10;
  return machine;
}

Summary SummaryOf(const std::string& operator_name, const std::vector<std::string>& bindings,
                  const std::string& trace, int threads = 1) {
  Result<te::Operator> op = te::StandardOperator(operator_name);
  EXPECT_TRUE(op.ok()) << MessageOf(op.status());
  Result<te::Workload> workload = te::Bind(*op, bindings);
  EXPECT_TRUE(workload.ok()) << MessageOf(workload.status());
  Result<Trace> parsed = ParseTrace("trace 1\n" + trace);
  EXPECT_TRUE(parsed.ok()) << MessageOf(parsed.status());
  Result<Plan> plan = Replay(*parsed, te::Normalize(workload->algorithms[0].graph));
  EXPECT_TRUE(plan.ok()) << MessageOf(plan.status());
  return plan.ok() ? Summarise(*plan, Avx2(threads)) : Summary{};
}

// 64 x 4096 f32 are 1 MiB.
constexpr double kMatrix = 64 * 4096 * 4;

Summary Relu(const std::string& steps, const std::string& columns = "C=4096") {
  return SummaryOf("relu", {"R=64", columns}, "names X | Y(rc)\ntarget x86-64-avx2\n" + steps);
}

TEST(Traffic, OfWholeLinesIsWhatIsReadAndTwiceWhatIsWritten) {
  const Summary s = Relu("split Y.rc 16 mask\nsplit Y.rc.i 8 mask\nunroll Y.rc.i.o\nvector Y.rc.i.i\n");
  for (int cache : {0, 1}) EXPECT_DOUBLE_EQ(s.traffic_bytes[cache], 3 * kMatrix) << cache;
  EXPECT_DOUBLE_EQ(s.traffic_bytes[2], 0);
  EXPECT_DOUBLE_EQ(s.streamed_bytes, 0);
  EXPECT_DOUBLE_EQ(s.strided_bytes, 0);
}

TEST(Traffic, StreamsEachByteOnceWhereLinesAreFilled) {
  const Summary tiles =
      Relu("split Y.rc 16 mask\nsplit Y.rc.i 8 mask\nunroll Y.rc.i.o\nvector Y.rc.i.i\nstream Y\n");
  EXPECT_DOUBLE_EQ(tiles.streamed_bytes, kMatrix);
  // Half a line in a tile, but the next iteration stores the other half.
  EXPECT_DOUBLE_EQ(Relu("split Y.rc 8 mask\nvector Y.rc.i\nstream Y\n").streamed_bytes, kMatrix);
}

TEST(Traffic, FadesInWhereACacheIsALittleTooSmall) {
  // Three quarters of the second cache can be used: by 64 x 768 f32 that are read and as many written.
  auto beyond_second = [](const std::string& columns) {
    return Relu("split Y.rc 8 mask\nvector Y.rc.i\n", columns).traffic_bytes[1];
  };
  constexpr double kColumn = 64 * 4;
  EXPECT_DOUBLE_EQ(beyond_second("C=768"), 0);
  EXPECT_DOUBLE_EQ(beyond_second("C=1056"), 0.5 * 3 * kColumn * 1056);
  EXPECT_DOUBLE_EQ(beyond_second("C=1344"), 3 * kColumn * 1344);
}

constexpr char kConvolution[] =
    "names X W bias | acc(y x o dy dx c) Y(y x o)\ntarget x86-64-avx2\n"
    "split acc.o %0 mask\nsplit acc.o.i 8 mask\n"
    "order acc.y acc.x acc.o.o acc.dy acc.dx acc.c acc.o.i.o acc.o.i.i\nkeep acc from acc.o.o\n"
    "unroll acc.o.i.o\nvector acc.o.i.i\nfuse Y with acc at acc.o.o\nstream Y\n";

/// A convolution of 48 channels whose tile of output channels is so long.
double StreamedByTilesOf(int channels) {
  std::string trace = kConvolution;
  trace.replace(trace.find("%0"), 2, std::to_string(channels));
  return SummaryOf("conv2d", {"H=16", "W=16", "CI=8", "CO=48", "KH=3", "KW=3", "P=1", "act=relu", "N=1"},
                   trace)
      .streamed_bytes;
}

TEST(Traffic, ChargesThreeLinesForOneThatIsStoredInPart) {
  constexpr double kOutput = 16 * 16 * 48 * 4;
  EXPECT_DOUBLE_EQ(StreamedByTilesOf(48), kOutput);
  constexpr double kAlone = 1.05;  // less than a pair of lines
  EXPECT_DOUBLE_EQ(StreamedByTilesOf(16), kAlone * kOutput);
  EXPECT_DOUBLE_EQ(StreamedByTilesOf(8), kAlone * kOutput / 32 * 192);          // halves of lines
  EXPECT_DOUBLE_EQ(StreamedByTilesOf(24), kAlone * kOutput / 96 * (64 + 192));  // a line and a half
}

Summary Transposed(const std::string& steps) {
  return SummaryOf("transpose", {"R=1040", "C=1040"}, "names X | Y(c r)\ntarget x86-64-avx2\n" + steps);
}

TEST(Traffic, CallsStridedOnlyRunsShorterThanALineOfWhatTheFirstCacheHolds) {
  // Along X's columns a line brings 16 elements of which one is used before it is gone.
  EXPECT_GT(Transposed("split Y.r 8 mask\nvector Y.r.i\n").strided_bytes, 0);
  // In blocks of 16 x 16 all of them are used.
  EXPECT_DOUBLE_EQ(
      Transposed("split Y.c 16 mask\nsplit Y.r 16 mask\norder Y.c.o Y.r.o Y.c.i Y.r.i\n").strided_bytes, 0);
}

TEST(Traffic, BringsARowOnceForAllStagesThatReadItInTheSameIteration) {
  const std::string names =
      "names X scale shift | mean_sum(r c) mean(r) factor_sum(r c) factor(r) Y(r c)\n"
      "target x86-64-avx2\n";
  const std::vector<std::string> rows = {"R=256", "C=1024"};  // 1 MiB, in rows of 4 KiB
  const double matrix = 256 * 1024 * 4;
  const Summary apart = SummaryOf("layer_norm", rows, names);
  const Summary by_row = SummaryOf("layer_norm", rows,
                                   names +
                                       "at factor Y.r in registers\nat factor_sum Y.r in registers\n"
                                       "at mean Y.r in registers\nat mean_sum Y.r in registers\n");
  // X three times and Y, which is read and written back, from beyond the second cache.
  EXPECT_GT(apart.traffic_bytes[1], 4.9 * matrix);
  EXPECT_GT(by_row.traffic_bytes[1], 2.9 * matrix);
  EXPECT_LT(by_row.traffic_bytes[1], 3.1 * matrix);
  // All of them are in one parallel loop, which is started once.
  const Summary parallel = SummaryOf("layer_norm", rows,
                                     names +
                                         "at factor Y.r in registers\nat factor_sum Y.r in registers\n"
                                         "at mean Y.r in registers\nat mean_sum Y.r in registers\n"
                                         "parallel Y.r\n");
  EXPECT_DOUBLE_EQ(parallel.parallel_regions, 1);
}

/// A depthwise convolution of 3 x 3 and 64 channels, a row of results and then the next.
Summary Depthwise(const std::string& height, const std::string& width) {
  return SummaryOf("conv2d",
                   {"N=1", height, width, "CI=64", "CO=64", "G=64", "KH=3", "KW=3", "P=1", "act=relu"},
                   "names X W bias | acc(y x o dy dx) Y(y x o)\ntarget x86-64-avx2\n"
                   "split acc.o 8 mask\norder acc.y acc.x acc.o.o acc.dy acc.dx acc.o.i\n"
                   "keep acc from acc.o.o\nunroll acc.dy\nunroll acc.dx\nvector acc.o.i\n"
                   "fuse Y with acc at acc.o.o\n");
}

TEST(Traffic, GoesBackAndForthWhereThreadsStoreNearOneAnother) {
  // Rows of results a thread, or 32 bytes of each kilobyte.
  const auto beyond_second = [](const std::string& parallel, const std::string& order, int threads) {
    return SummaryOf("conv2d",
                     {"N=1", "H=8", "W=8", "CI=256", "CO=256", "G=256", "KH=3", "KW=3", "P=1", "act=relu"},
                     "names X W bias | acc(y x o dy dx) Y(y x o)\ntarget x86-64-avx2\n"
                     "split acc.o 8 mask\norder " +
                         order + " acc.dy acc.dx acc.o.i\nkeep acc from acc.x\n" +
                         "unroll acc.dy\nunroll acc.dx\nvector acc.o.i\nfuse Y with acc at acc.x\n" +
                         "parallel " + parallel + "\n",
                     threads)
        .traffic_bytes[1];
  };
  // All of it is in the second cache otherwise.
  constexpr double kImage = 8 * 8 * 256 * 4;
  EXPECT_DOUBLE_EQ(beyond_second("acc.y", "acc.y acc.o.o acc.x", 2), 0);
  EXPECT_DOUBLE_EQ(beyond_second("acc.o.o", "acc.o.o acc.y acc.x", 2), 2 * kImage);
  EXPECT_DOUBLE_EQ(beyond_second("acc.o.o", "acc.o.o acc.y acc.x", 1), 0);
}

TEST(Traffic, CountsWhatAllStagesOfANestTouch) {
  // 324 KiB of X and as many of Y: either fits into what can be used of the second cache, but not both.
  constexpr double kImage = 36 * 36 * 64 * 4;
  const Summary s = Depthwise("H=36", "W=36");
  EXPECT_GT(s.traffic_bytes[1], 2.5 * kImage);
  EXPECT_LT(s.traffic_bytes[1], 3.1 * kImage);
}

TEST(Traffic, WindowsBringAgainWhatHasLeftSinceTheLastIteration) {
  // Three rows of X, of 4 KiB each, one of Y, and the weights and biases stay in the first cache until the
  // next row of results; with rows of 8 KiB nothing does.
  constexpr double kPixel = 64 * 4, kWeights = (3 * 3 + 1) * kPixel;
  EXPECT_DOUBLE_EQ(Depthwise("H=64", "W=16").traffic_bytes[0], 3 * 64 * 16 * kPixel + kWeights);
  EXPECT_DOUBLE_EQ(Depthwise("H=64", "W=32").traffic_bytes[0], 64 * (5 * 32 * kPixel + kWeights));
}

TEST(Traffic, PrefetchedRunsFarApartBeginSooner) {
  // Blocks of 8 x 8, whose rows are 4 and 8 KiB apart.
  const std::string blocks =
      "names X | Y(c r)\ntarget x86-64-avx2\n"
      "split Y.c 8 mask\nsplit Y.r 8 mask\norder Y.c.o Y.r.o Y.c.i Y.r.i\n"
      "unroll Y.c.i\nvector Y.r.i\n";
  const std::vector<std::string> shape = {"R=2048", "C=1024"};
  const Summary plain = SummaryOf("transpose", shape, blocks);
  const Summary read = SummaryOf("transpose", shape, blocks + "prefetch X for Y at Y.r.o ahead 1\n");
  const Summary both = SummaryOf("transpose", shape,
                                 blocks +
                                     "prefetch X for Y at Y.r.o ahead 2\n"
                                     "prefetch Y for Y at Y.r.o ahead 1\n");
  EXPECT_LT(read.traffic_bytes[1], plain.traffic_bytes[1]);
  EXPECT_LT(both.traffic_bytes[1], read.traffic_bytes[1]);
  EXPECT_EQ(both.traffic_bytes[0], plain.traffic_bytes[0]);
  // Each block's rows have half a line each.
  const double blocks_in_all = 2048 / 8 * 1024 / 8;
  EXPECT_EQ(plain.prefetched_lines, 0);
  EXPECT_EQ(read.prefetched_lines, 8 * blocks_in_all);
  EXPECT_EQ(both.prefetched_lines, 16 * blocks_in_all);
}

// Rows of 777 f32 begin anywhere in a line, and 3 KiB apart.
TEST(Traffic, ABufferIsTheSameMemoryInEveryIteration) {
  // 64 rows of 8,320 f32 are 2 MiB, more than the second cache has: as a whole the copy is written and read
  // there, a tile of 320 columns and 80 KiB of it at a time it stays.
  const auto beyond_second = [](const std::string& placed) {
    const Summary s = SummaryOf("matmul", {"M=64", "N=8320", "K=64"},
                                "names A B | C(i j k)\ntarget x86-64-avx2\ncache B for C as B_copy\n"
                                "split C.j 320 mask\nsplit C.j.i 8 mask\nsplit C.i 4 peel\n"
                                "order C.j.o C.i.o C.j.i.o C.k C.i.i C.j.i.i\nkeep C from C.j.i.o\n"
                                "unroll C.i.i\nvector C.j.i.i\n" +
                                    placed);
    return s.traffic_bytes[1];
  };
  constexpr double kMatrix = 64 * 8320 * 4;
  const double whole = beyond_second("layout B_copy order 0 1\n");
  const double in_tiles = beyond_second("at B_copy C.j.o\nlayout B_copy order 0 1\n");
  EXPECT_GE(whole - in_tiles, 2 * kMatrix) << whole;
}

TEST(Traffic, LinesThatPushOneAnotherOutComeAgain) {
  // A column of 256 elements an iteration: their lines, 16 KiB, serve the next fifteen columns, unless rows
  // are a power of two apart and all lines belong into a few places of the cache.
  const auto first_cache = [](int64_t columns) {
    const Summary s = SummaryOf(
        "transpose", {"R=512", StrCat("C=", columns)},
        "names X | Y(c r)\ntarget x86-64-avx2\nsplit Y.r 256 mask\nsplit Y.r.i 8 mask\nvector Y.r.i.i\n"
        "unroll Y.r.i.o\norder Y.r.o Y.c Y.r.i.o\n");
    return s.traffic_bytes[0] / static_cast<double>(512 * 4 * columns);
  };
  const double apart = first_cache(4112);
  EXPECT_LT(apart, 20);
  EXPECT_GT(first_cache(4096), 2 * apart);
}

TEST(Traffic, StoresOfATileWaitForEachOfItsRuns) {
  const auto transposed = [](const std::string& columns) {
    return SummaryOf(
        "transpose", {"R=777", "C=1234"},
        StrCat("names X | Y(c r)\ntarget x86-64-avx2\nsplit Y.c 16 mask\nunroll Y.c.i\nsplit Y.r ", columns,
               " mask\nsplit Y.r.i 8 mask\nvector Y.r.i.i\nunroll Y.r.i.o\n",
               "order Y.c.o Y.r.o Y.c.i Y.r.i.o\n"));
  };
  const Summary one = transposed("16"), two = transposed("32"), four = transposed("64");
  constexpr double kBytes = 777.0 * 1234 * 4;
  // Of what is stored, twice: with the start of a run of 64, 128 and 256 bytes. What is read is the same.
  EXPECT_NEAR(one.traffic_bytes[1] - two.traffic_bytes[1], 2 * kBytes * (256.0 / 64 - 256.0 / 128),
              kBytes / 100);
  EXPECT_NEAR(two.traffic_bytes[1] - four.traffic_bytes[1], 2 * kBytes * (256.0 / 128 - 256.0 / 256),
              kBytes / 100);
  // A store that lies across two lines is two, but for neighbours in a tile.
  const auto of_a_vector = [](const Summary& s) {
    return s.stages[0].tile_stores / s.stages[0].tile_vectors;
  };
  const double crossed = (32 - 4) / 64.0;
  EXPECT_DOUBLE_EQ(of_a_vector(one), 1 + crossed / 2);
  EXPECT_DOUBLE_EQ(of_a_vector(four), 1 + crossed / 8);
}

}  // namespace
}  // namespace tunesmith::schedule
