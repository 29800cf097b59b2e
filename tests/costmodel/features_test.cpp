// SPDX-License-Identifier: Apache-2.0
// Features of real plans: of every standard operator, for every target, and what the analytic model makes of
// them.
#include "costmodel/features.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "codegen/target.h"
#include "search/candidate.h"
#include "search/tuner.h"
#include "support/strings.h"
#include "te/language.h"
#include "tests/te/sample_graphs.h"

namespace tunesmith::costmodel {
namespace {

/// The operator bound to small extents: what has no default is 8, windows are 3 wide with a border of 1.
Result<te::Workload> SmallWorkload(const te::Operator& op) {
  std::vector<std::string> bindings;
  const bool windowed =
      op.name().find("conv") != std::string::npos || op.name().find("pool2d") != std::string::npos;
  for (const te::Bindable& b : op.bindables()) {
    if (!b.standard.empty()) continue;
    std::string value = "8";
    if (b.kind == te::Bindable::Kind::kChoice) value = b.choices[0];
    if (b.name == "axis") value = "1";
    if (windowed && (b.name == "K" || b.name == "KH" || b.name == "KW")) value = "3";
    if (windowed && (b.name == "S" || b.name == "P")) value = "1";
    bindings.push_back(b.name + "=" + value);
  }
  return te::Bind(op, bindings);
}

void ExpectFinite(const Features& row, const std::string& what) {
  ASSERT_EQ(row.size(), FeatureNames().size()) << what;
  for (size_t i = 0; i < row.size(); ++i)
    EXPECT_TRUE(std::isfinite(row[i])) << what << ": " << FeatureNames()[i] << " is " << row[i];
  EXPECT_GT(row[kAnalyticCycles], 0) << what;
}

TEST(Features, AreFiniteForEveryOperatorOnEveryTarget) {
  int looked_at = 0;
  for (const std::string& name : te::StandardOperators()) {
    const te::Operator op = te::StandardOperator(name).value();
    Result<te::Workload> workload = SmallWorkload(op);
    ASSERT_TRUE(workload.ok()) << name << ": " << MessageOf(workload.status());
    for (const std::string& target_name : codegen::KnownTargets()) {
      const codegen::Target target = codegen::TargetNamed(target_name).value();
      for (int threads : {1, 2}) {
        const auto problem = search::Problem::Of(*workload, search::MachineOf(target, threads), target.name);
        const std::string what = name + " on " + target_name;
        search::Drops drops;
        int whole = 0;
        for (uint64_t index = 0; index < 64; ++index) {
          Random random(1, 0, index);
          const int algorithm = static_cast<int>(random.Below(problem.algorithms().size()));
          const auto candidate = problem.Make(algorithm, problem.Draw(algorithm, &random), &drops);
          if (!candidate) continue;
          ++whole;
          ExpectFinite(candidate->features, what);
        }
        EXPECT_GT(whole, 0) << what;
        looked_at += whole;
      }
    }
  }
  EXPECT_GT(looked_at, 1000);
}

TEST(Features, OfExtentsOfZeroAndOneAreFinite) {
  for (int64_t extent : {0, 1}) {
    const te::Graph graph = te::MatmulGraph(extent, extent, extent);
    const schedule::Plan plan = schedule::InitialPlan(std::make_shared<te::Graph>(graph));
    const Features row = FeaturesOf(Summarise(plan, schedule::Machine()), schedule::Machine());
    ASSERT_EQ(row.size(), FeatureNames().size());
    for (float value : row) EXPECT_TRUE(std::isfinite(value)) << extent;
  }
}

TEST(Features, HaveDifferentNames) {
  std::set<std::string> names(FeatureNames().begin(), FeatureNames().end());
  EXPECT_EQ(names.size(), FeatureNames().size());
}

/// A processor with 32 registers of 16 lanes.
schedule::Machine Avx512(int threads = 1) {
  schedule::Machine machine;
  machine.vector_bytes = 64;
  machine.vector_registers = 32;
  machine.masks = true;
  machine.threads = threads;
  return machine;
}

/// The analytic cycles of a product of 256 x 256 x 256 after these steps.
double CyclesAfter(const std::string& steps, int threads = 1) {
  const schedule::Machine machine = Avx512(threads);
  const std::string head = "trace 1\nnames A B | C(i j k)\ntarget x86-64-avx512\n";
  const te::Graph graph = te::MatmulGraph(256, 256, 256);
  Result<schedule::Plan> plan = schedule::Replay(schedule::ParseTrace(head + steps).value(), graph);
  EXPECT_TRUE(plan.ok()) << MessageOf(plan.status());
  return plan.ok() ? FeaturesOf(Summarise(*plan, machine), machine)[kAnalyticCycles] : 0;
}

constexpr char kTile[] =
    "split C.i 8 mask\nsplit C.j 48 mask\nsplit C.j.i 16 mask\n"
    "order C.i.o C.j.o C.k C.i.i C.j.i.o C.j.i.i\n"
    "unroll C.i.i\nunroll C.j.i.o\nvector C.j.i.i\nkeep C from C.j.o\n";

TEST(AnalyticModel, PutsScalarCodeBehindVectorsAndVectorsBehindARegisterTile) {
  const double scalar = CyclesAfter("");
  const double vector = CyclesAfter("split C.j 16 mask\norder C.i C.j.o C.k C.j.i\nvector C.j.i\n");
  const double tile = CyclesAfter(kTile);
  EXPECT_GT(scalar, 4 * vector);
  EXPECT_GT(vector, 2 * tile);
  // 256^3 multiply-adds, 16 lanes, two a cycle: what cannot be had for less.
  EXPECT_GT(tile, 256.0 * 256 * 256 / 32);
}

TEST(AnalyticModel, PutsAccumulatorsThatSpillBehindThoseThatFit) {
  const std::string large =
      "split C.i 16 mask\nsplit C.j 64 mask\nsplit C.j.i 16 mask\n"
      "order C.i.o C.j.o C.k C.i.i C.j.i.o C.j.i.i\n"
      "unroll C.i.i\nunroll C.j.i.o\nvector C.j.i.i\nkeep C from C.j.o\n";
  EXPECT_GT(CyclesAfter(large), 1.2 * CyclesAfter(kTile));
}

// With 16 registers 12 accumulators leave room for two vectors and a broadcast element; 14 do not, unless
// broadcasts come from memory.
TEST(AnalyticModel, KnowsThatAMultiplyAddTakesRegistersForItsOperands) {
  const auto cycles = [](int rows, int vectors) {
    schedule::Machine machine;
    machine.vector_bytes = 32;
    const std::string trace =
        StrCat("trace 1\nnames A B | C(i j k)\ntarget x86-64-avx2\nsplit C.i ", rows, " mask\nsplit C.j ",
               8 * vectors, " mask\nsplit C.j.i 8 mask\norder C.i.o C.j.o C.k C.i.i C.j.i.o C.j.i.i\n",
               "unroll C.i.i\nunroll C.j.i.o\nvector C.j.i.i\nkeep C from C.j.o\n");
    Result<schedule::Plan> plan =
        schedule::Replay(schedule::ParseTrace(trace).value(), te::MatmulGraph(336, 336, 336));
    EXPECT_TRUE(plan.ok()) << MessageOf(plan.status());
    return plan.ok() ? FeaturesOf(Summarise(*plan, machine), machine)[kAnalyticCycles] : 0;
  };
  EXPECT_GT(cycles(14, 1), 1.1 * cycles(6, 2));
  EXPECT_LT(cycles(12, 1), 1.1 * cycles(6, 2));
}

/// The analytic cycles of a layer norm of 64 rows, each of three passes over its columns.
double LayerNormCycles(int columns, bool unrolled) {
  const schedule::Machine machine = Avx512();
  std::string trace =
      "trace 1\nnames X scale shift | mean_sum(r c) mean(r) factor_sum(r c) factor(r) Y(r c)\n"
      "target x86-64-avx512\n"
      "split mean_sum.c 16 mask\nfactor mean_sum mean_sum.c.i as mean_sum_lanes\n"
      "split factor_sum.c 16 mask\nfactor factor_sum factor_sum.c.i as factor_sum_lanes\n"
      "split Y.c 16 mask\nvector Y.c.i\nat factor Y.r in registers\n"
      "at factor_sum Y.r in registers\nvector factor_sum.c_i\n"
      "at factor_sum_lanes Y.r in registers\norder factor_sum_lanes.c_o factor_sum_lanes.c_i\n"
      "vector factor_sum_lanes.c_i\nat mean Y.r in registers\n"
      "at mean_sum Y.r in registers\nvector mean_sum.c_i\n"
      "at mean_sum_lanes Y.r in registers\norder mean_sum_lanes.c_o mean_sum_lanes.c_i\n"
      "vector mean_sum_lanes.c_i\n";
  if (unrolled) trace += "unroll Y.c.o\nunroll factor_sum_lanes.c_o\nunroll mean_sum_lanes.c_o\n";
  const te::Operator op = te::StandardOperator("layer_norm").value();
  const te::Workload workload = te::Bind(op, {"R=64", StrCat("C=", columns)}).value();
  Result<schedule::Plan> plan =
      schedule::Replay(schedule::ParseTrace(trace).value(), te::Normalize(workload.algorithms[0].graph));
  EXPECT_TRUE(plan.ok()) << MessageOf(plan.status());
  return plan.ok() ? FeaturesOf(Summarise(*plan, machine), machine)[kAnalyticCycles] : 0;
}

TEST(AnalyticModel, KnowsThatAnUnrolledRowWaitsInRegistersOrOnTheStack) {
  // 8 vectors stay in registers from one pass to the next. Of 64 most are stored on the stack and loaded
  // again, which undoes a part of what a row without loops saves.
  const double saved = LayerNormCycles(128, false) - LayerNormCycles(128, true);
  EXPECT_GT(saved, 0);
  EXPECT_LT(LayerNormCycles(1024, false) - LayerNormCycles(1024, true), 8 * saved);
}

TEST(AnalyticModel, CountsThreadsOnlyWhereLoopsAreParallel) {
  EXPECT_GT(CyclesAfter(kTile, 2), 1.5 * CyclesAfter(std::string(kTile) + "parallel C.i.o\n", 2));
  EXPECT_DOUBLE_EQ(CyclesAfter(kTile, 2), CyclesAfter(kTile, 1));
}

TEST(AnalyticModel, KnowsWhatPiecesCostAndThatTheLastMayBeSmall) {
  const auto with_grain = [](int grain) {
    return CyclesAfter(StrCat(kTile, "parallel C.i.o grain ", grain, "\n"), 2);
  };
  // 32 iterations: halves; 24 and 8, of which one thread has three quarters; 32 pieces, taken one by one.
  EXPECT_GT(with_grain(24), 1.4 * with_grain(16));
  EXPECT_GT(with_grain(1), with_grain(16));
  EXPECT_LT(with_grain(1), 1.1 * with_grain(16));
}

}  // namespace
}  // namespace tunesmith::costmodel
