// SPDX-License-Identifier: Apache-2.0
// What tune bench says of a workload, and how peers' standings become part of it.
#include "cli/bench_line.h"

#include <gtest/gtest.h>

#include "nlohmann/json.hpp"

namespace tunesmith::cli {
namespace {

PeerRun RunOf(int threads, const std::string& name, double ns) {
  PeerRun run;
  run.threads = threads;
  run.standing.name = name;
  run.standing.median_ns = ns;
  return run;
}

PeerRun RefusedOn(int threads, const std::string& why) {
  PeerRun run;
  run.threads = threads;
  run.standing.status = Unavailable(why);
  return run;
}

BenchLine LineOfTwoPeers() {
  BenchLine line;
  line.id = "gemm";
  line.threads = 2;
  line.tuned_ns = 2000;
  line.default_ns = 2500;
  line.recorded = true;
  line.bound.ns = 1000;
  line.bound.what = "f32 arithmetic";
  line.checked = true;
  AddPeers({{"a.so", {RunOf(1, "alpha", 3000), RunOf(2, "alpha", 2200)}},
            {"b.so", {RunOf(1, "beta", 2100), RunOf(2, "beta", 9000)}}},
           &line);
  return line;
}

TEST(BenchLine, TakesTheBetterOfAPeersOneAndTwoThreadTimes) {
  BenchLine line = LineOfTwoPeers();
  EXPECT_EQ(line.peers, (std::map<std::string, double>{{"alpha", 2200}, {"beta", 2100}}));
  EXPECT_EQ(line.best_peer, "beta");
  EXPECT_EQ(line.ratio(), 1.05);
}

TEST(BenchLine, TellsPeersOfOneNameApart) {
  BenchLine line;
  AddPeers({{"a.so", {RunOf(1, "same", 3000), RunOf(2, "same", 4000)}},
            {"b.so", {RunOf(1, "same", 2000), RunOf(2, "same", 5000)}},
            {"c.so", {RunOf(1, "other", 6000)}}},
           &line);
  EXPECT_EQ(line.peers,
            (std::map<std::string, double>{{"same (a.so)", 3000}, {"same (b.so)", 2000}, {"other", 6000}}));
  EXPECT_EQ(line.best_peer, "same (b.so)");
}

TEST(BenchLine, SaysOnceWhyAPeerDoesNotCount) {
  BenchLine line;
  AddPeers({{"a.so", {RefusedOn(1, "has no softmax"), RefusedOn(2, "has no softmax")}},
            {"b.so", {RunOf(1, "beta", 2000), RefusedOn(2, "C[0] is 1, but must be 2")}},
            {"c.so", {RefusedOn(1, "is wrong"), RefusedOn(2, "hangs")}}},
           &line);
  EXPECT_EQ(line.refusals, (std::map<std::string, std::string>{
                               {"a.so", "has no softmax"},
                               {"b.so", "on 2 threads: C[0] is 1, but must be 2"},
                               {"c.so", "on 1 thread: is wrong; on 2 threads: hangs"},
                           }));
  EXPECT_EQ(line.peers, (std::map<std::string, double>{{"beta", 2000}}));
}

TEST(BenchLine, HasItsFieldsAsJson) {
  EXPECT_EQ(
      JsonOf(LineOfTwoPeers()).dump(),
      R"({"checked":true,"default_ns":2500.0,"id":"gemm","limit":"f32 arithmetic","limit_provisional":false,"limit_share":0.5,)"
      R"("peers":{"alpha":2200.0,"beta":2100.0},"ratio":1.05,"recorded":true,"threads":2,)"
      R"("tuned_ns":2000.0})");
  BenchLine alone;
  alone.id = "gemm";
  alone.default_ns = 2500;
  alone.refusals["tuned"] = "hangs";
  alone.bound.what = "f32 arithmetic";
  EXPECT_EQ(
      JsonOf(alone).dump(),
      R"({"checked":false,"default_ns":2500.0,"id":"gemm","limit":"f32 arithmetic","limit_provisional":false,"limit_share":null,)"
      R"("peers":{},"ratio":null,"recorded":false,"refusals":{"tuned":"hangs"},"threads":1,)"
      R"("tuned_ns":null})");
}

TEST(BenchLine, HasItsFieldsAsTsvWithADashForWhatIsNotThere) {
  EXPECT_EQ(TsvOf(LineOfTwoPeers()),
            "gemm\t2\t2000.0\t2500.0\t1.0500\t0.5000\tchecked\talpha=2200.0\tbeta=2100.0\n");
  BenchLine alone;
  alone.id = "gemm";
  alone.default_ns = 2500;
  EXPECT_EQ(TsvOf(alone), "gemm\t1\t-\t2500.0\t-\t-\tFAILED\n");
}

TEST(BenchLine, OfAnOperatorThatFailedHasNoNumbers) {
  const BenchLine line = BenchLine::Failed("gemm", 2, "the file is damaged");
  EXPECT_EQ(JsonOf(line).dump(), R"({"error":"the file is damaged","id":"gemm","threads":2})");
  EXPECT_EQ(TsvOf(line), "gemm\t2\t-\t-\t-\t-\tFAILED\n");
  EXPECT_EQ(
      TextOf(line, 8, Style(nullptr)),
      "gemm            2          -          -          -       -  -                            FAILED\n");
}

TEST(BenchLine, StandsInColumnsAsText) {
  Style plain(nullptr);
  EXPECT_EQ(
      BenchHeading(8, plain) + TextOf(LineOfTwoPeers(), 8, plain),
      "workload  threads      tuned    default  best peer   ratio  share of this CPU's limit    checked  the "
      "best peer\n"
      "gemm            2    2.00 us    2.50 us    2.10 us   1.050  50.0% of f32 arithmetic      yes      "
      "beta\n");
  BenchLine line = LineOfTwoPeers();
  line.recorded = false;  // the default stands for the tuned one
  line.checked = false;
  line.refusals["default"] = "C[0] is 1, but must be 2";
  EXPECT_EQ(
      TextOf(line, 8, plain),
      "gemm            2          -    2.50 us    2.10 us   1.050  50.0% of f32 arithmetic      FAILED   "
      "beta\n"
      "  default: C[0] is 1, but must be 2\n");
}

}  // namespace
}  // namespace tunesmith::cli
