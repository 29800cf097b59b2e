// SPDX-License-Identifier: Apache-2.0
// What plans say of memory (schedule/plan.h: SpanOf; schedule/summary.h) is held against the addresses that
// the IR's interpreter counts.
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "ir/interpret.h"
#include "ir/lower.h"
#include "schedule/summary.h"
#include "schedule/trace.h"
#include "support/strings.h"
#include "te/inputs.h"
#include "te/language.h"
#include "tests/ir/property.h"
#include "tests/schedule/random_schedules.h"

namespace tunesmith::schedule::testing {
namespace {

te::Graph GraphOf(const std::string& source, const std::vector<std::string>& bindings) {
  auto module = te::Parse(source, "test.te");
  EXPECT_TRUE(module.ok()) << MessageOf(module.status());
  return te::Bind(module->operators.back(), bindings)->definition();
}

Plan PlanOf(const te::Graph& graph, const std::string& steps) {
  auto trace = ParseTrace(ToString(TraceFor(graph, "test")) + steps);
  EXPECT_TRUE(trace.ok()) << MessageOf(trace.status());
  auto plan = Replay(*trace, graph);
  EXPECT_TRUE(plan.ok()) << MessageOf(plan.status());
  return *plan;
}

struct Touched {
  std::map<std::string, std::set<int64_t>> addresses;  // distinct, by buffer
  std::map<std::string, int64_t> loads, stores;        // all
};

/// Runs a plan without packed weights.
Touched Interpreted(const Plan& plan) {
  Touched touched;
  auto program = ir::Lower(plan);
  EXPECT_TRUE(program.ok()) << MessageOf(program.status());
  const ir::Function& f = program->main;
  std::vector<te::Value> values = te::GenerateInputs(te::InputKind::kUniform, 1, *plan.graph);
  for (int t : plan.graph->Outputs()) {
    const te::Tensor& tensor = plan.graph->tensors[static_cast<size_t>(t)];
    values.emplace_back(tensor.dtype, std::vector<int64_t>{tensor.elements()});
  }
  Status status = ir::Interpret(f, &values, [&](int buffer, int64_t index, bool store) {
    const std::string& name = f.buffers[static_cast<size_t>(buffer)].name;
    touched.addresses[name].insert(index);
    ++(store ? touched.stores : touched.loads)[name];
  });
  EXPECT_TRUE(status.ok()) << MessageOf(status);
  return touched;
}

const std::string kMatmul =
    "op f(A: f32[M, K], B: f32[K, N]) -> (C: f32[M, N]) { C[i, j] = sum(k) A[i, k] * B[k, j] }";

TEST(Summary, CountsWhatATileLoadsAndStores) {
  te::Graph graph = GraphOf(kMatmul, {"M=4", "N=16", "K=5"});
  Plan plan = PlanOf(graph,
                     "split i 2 mask\nsplit j 8 mask\nsplit j.i 4 mask\norder i.o j.o k i.i j.i.o j.i.i\n"
                     "keep C from j.o\nvector j.i.i\nunroll j.i.o\nunroll i.i\n");
  Summary summary = Summarise(plan, Machine());
  ASSERT_EQ(summary.stages.size(), 1u);
  const StageSummary& s = summary.stages[0];
  Touched touched = Interpreted(plan);
  EXPECT_EQ(s.iterations, 4 * 16 * 5);
  EXPECT_EQ(s.useful, s.iterations);
  EXPECT_EQ(s.lanes, 4);
  EXPECT_EQ(s.tile_vectors, 4);
  EXPECT_EQ(s.accumulators, 4);
  EXPECT_EQ(s.tiles * s.tile_vectors * s.lanes, s.iterations);
  // Each tile loads two elements of A once and broadcasts them, and two vectors of B: the interpreter, which
  // is scalar, loads A for each lane and vector, and B for each row.
  EXPECT_EQ(s.tile_loads, 2 + 2);
  EXPECT_EQ(touched.loads["A"], s.tiles * 2 * (s.tile_vectors / 2) * s.lanes);
  EXPECT_EQ(touched.loads["B"], s.tiles * 2 * s.lanes * 2);
  // The accumulators go to memory once each time they are kept.
  EXPECT_EQ(s.keeps * s.kept_moves * s.lanes, touched.stores["C"]);
}

TEST(Summary, BytesBeyondACacheThatHoldsNothingTwice) {
  // Nothing is used again: from beyond each cache comes every address once, and what is stored goes back,
  // too.
  te::Graph graph =
      GraphOf("op f(X: f32[M, N]) -> (Y: f32[M, N]) { Y[i, j] = X[i, j] * 2 }", {"M=64", "N=64"});
  Plan plan = PlanOf(graph, "");
  Machine machine;
  machine.l1_bytes = 1024, machine.l2_bytes = 4096, machine.l3_bytes = 8192;
  Summary summary = Summarise(plan, machine);
  Touched touched = Interpreted(plan);
  double bytes = 4.0 * static_cast<double>(touched.addresses["X"].size() + 2 * touched.addresses["Y"].size());
  for (double level : summary.traffic_bytes) EXPECT_EQ(level, bytes);
}

TEST(Summary, NothingComesFromBeyondACacheThatHoldsAll) {
  Summary summary = Summarise(PlanOf(GraphOf(kMatmul, {"M=4", "N=4", "K=4"}), ""), Machine());
  for (double level : summary.traffic_bytes) EXPECT_EQ(level, 0);
}

/// Every element of a buffer at a loop lies in the region that SpanOf gave, and all of the region is touched:
/// the footprint is exact.
TEST(Spans, HoldTheAddressesThatAreTouched) {
  te::Graph graph = GraphOf(
      "op f(X: f32[L, N]) -> (Y: f32[L, N]) {\n  t[i, j] = X[i, j] * 2\n"
      "  Y[i, j] = t[i - 1, j | 0] + t[i, j] + t[i + 1, j | 0]\n}",
      {"L=12", "N=6"});
  struct {
    const char* steps;
    int64_t elements;
  } const kCases[] = {
      {"at t Y.i\n", 3 * 6},
      {"at t Y.j\n", 3 * 1},
      {"split Y.i 4 mask\nat t Y.i.o\n", 6 * 6},
      {"split Y.i 4 mask\nsplit Y.j 2 mask\norder Y.i.o Y.j.o Y.i.i Y.j.i\nat t Y.j.o\n", 6 * 2},
      {"order Y.j Y.i\nat t Y.j\n", 12 * 1}};
  for (const auto& c : kCases) {
    Plan plan = PlanOf(graph, c.steps);
    int64_t region = 1;
    for (const Span& s : plan.stages[0].region) region *= s.extent;
    EXPECT_EQ(region, c.elements) << c.steps;
    Touched touched = Interpreted(plan);
    const std::set<int64_t>& addresses = touched.addresses["t"];
    ASSERT_FALSE(addresses.empty()) << c.steps;
    EXPECT_GE(*addresses.begin(), 0) << c.steps;
    EXPECT_LT(*addresses.rbegin(), region) << c.steps;
    EXPECT_EQ(std::ssize(addresses), region) << c.steps;
    EXPECT_EQ(Summarise(plan, Machine()).largest_thread_bytes, static_cast<double>(4 * region)) << c.steps;
  }
}

/// The region of every stage that is computed at a loop contains every address that random schedules touch.
TEST(Spans, HoldTheAddressesOfRandomSchedules) {
  int regions = 0;
  ir::testing::ExpectForAll(1500, [&](ir::testing::Choices choices) -> std::string {
    RandomWorkload workload = MakeWorkload(&choices);
    RandomSchedule schedule = MakeSchedule(workload.graph, 8, &choices);
    auto program = ir::Lower(schedule.plan);
    if (!program.ok() || program->pack.body != nullptr) return "";
    Touched touched = Interpreted(schedule.plan);
    for (StageId id = 0; id < static_cast<StageId>(schedule.plan.stages.size()); ++id) {
      const StagePlan& s = schedule.plan.stages[static_cast<size_t>(id)];
      if (s.place != Place::kLoop || !s.layout.empty()) continue;
      int64_t region = 1;
      for (const Span& span : s.region) region *= span.extent;
      ++regions;
      for (int64_t address : touched.addresses[schedule.plan.NameOf(id)]) {
        if (address < 0 || address >= region)
          return StrCat("address ", address, " of a region of ", region, "\n", ToString(schedule.plan));
      }
    }
    return "";
  });
  EXPECT_GT(regions, 10);
}

}  // namespace
}  // namespace tunesmith::schedule::testing
