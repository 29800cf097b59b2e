// SPDX-License-Identifier: Apache-2.0
// What the rules leave open, and what they do not.
#include "schedule/rules.h"

#include <gtest/gtest.h>

#include <map>

#include "support/random.h"
#include "te/language.h"

namespace tunesmith::schedule {
namespace {

Space SpaceOf(const std::string& name, const std::vector<std::string>& bindings, int threads) {
  Machine machine;
  machine.vector_bytes = 32;
  machine.threads = threads;
  const te::Workload workload = te::Bind(*te::StandardOperator(name), bindings).value();
  return Space::Of(te::Normalize(workload.algorithms[0].graph), machine, "x86-64-avx2");
}

/// Counts through all choices of a space, those that contradict themselves included.
Choice ChoiceNumber(const Space& space, int64_t n) {
  Choice choice;
  for (const Hole& hole : space.holes()) {
    choice.push_back(static_cast<uint16_t>(n % static_cast<int64_t>(hole.domain.size())));
    n /= static_cast<int64_t>(hole.domain.size());
  }
  return choice;
}

TEST(Rules, OnOneThreadThereIsNoGrainToChoose) {
  for (const char* name : {"softmax", "relu", "reduce_sum"}) {
    for (int threads : {1, 2}) {
      int grains = 0;
      const Space space = SpaceOf(name, {"R=64", "C=128"}, threads);
      for (const Hole& hole : space.holes()) {
        if (!hole.name.ends_with(".grain")) continue;
        ++grains;
        EXPECT_EQ(hole.domain.size() == 1, threads == 1) << name << ", " << hole.name;
      }
      EXPECT_EQ(grains, 1) << name;
    }
  }
}

TEST(Rules, ChainsAreForLongSumsOverFewOutputs) {
  const auto chains = [](const std::string& rows, const std::string& columns) {
    const Space space = SpaceOf("reduce_sum", {rows, columns, "axis=0"}, 1);
    for (const Hole& hole : space.holes()) {
      if (hole.name == "Y.chains") return hole.domain.size();
    }
    return size_t{0};
  };
  EXPECT_EQ(chains("R=5000", "C=10"), 4u);
  EXPECT_EQ(chains("R=5000", "C=32"), 4u);    // four vectors
  EXPECT_EQ(chains("R=5000", "C=1000"), 1u);  // their sums keep the adders busy
  EXPECT_EQ(chains("R=20", "C=10"), 1u);
}

TEST(Rules, OnlyTranspositionsInBlocksPrefetch) {
  for (const char* name : {"relu", "transpose"}) {
    const Space space = SpaceOf(name, {"R=256", "C=192"}, 1);
    std::map<std::string, size_t> number;
    for (size_t h = 0; h < space.holes().size(); ++h) number[space.holes()[h].name] = h;
    const bool transposes = std::string(name) == "transpose";
    ASSERT_EQ(number.contains("Y.reads_ahead"), transposes);
    ASSERT_EQ(number.contains("Y.stores_ahead"), transposes);
    if (!transposes) continue;
    int prefetching = 0;
    for (int64_t n = 0; n < space.size(); ++n) {
      const Choice choice = ChoiceNumber(space, n);
      if (!space.Allows(choice)) continue;
      const Result<Plan> plan = space.PlanOf(choice);
      ASSERT_TRUE(plan.ok()) << MessageOf(plan.status());
      const std::vector<Prefetched>& prefetched = plan->stages.back().prefetched;
      const size_t wanted = (choice[number["Y.reads_ahead"]] > 0) + (choice[number["Y.stores_ahead"]] > 0);
      EXPECT_EQ(prefetched.size(), wanted);
      if (choice[number["Y.blocked"]] == 0) {
        EXPECT_EQ(wanted, 0u);
      }
      prefetching += wanted > 0;
    }
    EXPECT_GT(prefetching, 0);
  }
}

TEST(Rules, BlocksOfATranspositionFollowWhatIsStoredOrWhatIsRead) {
  const Space space = SpaceOf("transpose", {"R=256", "C=192"}, 1);
  std::map<bool, int> plans;  // by whether the outermost loop walks along what is stored
  for (int64_t n = 0; n < space.size(); ++n) {
    const Choice choice = ChoiceNumber(space, n);
    if (!space.Allows(choice)) continue;
    const Plan plan = space.PlanOf(choice).value();
    ASSERT_EQ(plan.roots.size(), 1u);
    const NodeId outermost = plan.roots[0];
    EXPECT_TRUE(plan.nodes[static_cast<size_t>(outermost)].kind == LoopKind::kParallel);
    const auto& axes = plan.stages.back().axes;
    ASSERT_EQ(axes.size(), 2u);
    ++plans[axes[1].CoefficientOf(outermost) != 0];
  }
  EXPECT_GT(plans[false], 0);
  EXPECT_GT(plans[true], 0);
}

TEST(Rules, OperandsThatLieAcrossAreCopiedWholeByAllThreadsOrInTiles) {
  const te::Module module =
      te::Parse(
          "op scores(Q: f32[G, D], K: f32[S, D]) -> (C: f32[G, S]) { C[g, s] = sum(d) Q[g, d] * K[s, d] }",
          "scores.te")
          .value();
  const auto space_of = [&](const std::string& rows) {
    Machine machine;
    machine.vector_bytes = 32;
    machine.threads = 2;
    const te::Workload workload = te::Bind(module.operators[0], {rows, "S=40", "D=24"}).value();
    return Space::Of(te::Normalize(workload.algorithms[0].graph), machine, "x86-64-avx2");
  };
  const Space few = space_of("G=4");  // a copy costs more than it saves
  const Space some = space_of("G=8");
  std::map<Place, int> plans;
  Random random(1);
  for (int n = 0; n < 20000; ++n) {
    Choice choice;
    for (const Hole& hole : some.holes())
      choice.push_back(static_cast<uint16_t>(random.Below(hole.domain.size())));
    if (!some.Allows(choice)) continue;
    const Plan plan = some.PlanOf(choice).value();
    ASSERT_EQ(plan.stages.size(), 2u);
    const StagePlan& copy = plan.stages[1];
    ++plans[copy.place];
    int vectors = 0, unrolled = 0, parallel = 0;
    for (NodeId loop = plan.nodes[static_cast<size_t>(copy.leaf)].parent; loop != kRoot;
         loop = plan.nodes[static_cast<size_t>(loop)].parent) {
      const LoopKind kind = plan.nodes[static_cast<size_t>(loop)].kind;
      vectors += kind == LoopKind::kVector;
      unrolled += kind == LoopKind::kUnroll;
      parallel += kind == LoopKind::kParallel;
    }
    EXPECT_EQ(vectors, 1);
    EXPECT_EQ(unrolled, 1);
    if (copy.place == Place::kRoot) {
      EXPECT_EQ(parallel, 1);
    }
  }
  EXPECT_GT(plans[Place::kRoot], 0);
  EXPECT_GT(plans[Place::kLoop], 0);
  for (const Hole& hole : few.holes()) EXPECT_EQ(hole.name.find("pack"), std::string::npos) << hole.name;
}

TEST(Rules, PiecesOfARowMakeNoDifferenceWhereAllOfItIsUnrolled) {
  const Space space = SpaceOf("softmax", {"R=64", "C=128"}, 1);
  std::map<bool, std::map<Choice, std::vector<uint64_t>>> plans;  // by unrolled, then by all but the pieces
  size_t pieces = 0, unrolled = 0;
  for (size_t h = 0; h < space.holes().size(); ++h) {
    if (space.holes()[h].name == "Y.vectors") pieces = h;
    if (space.holes()[h].name == "Y.unrolled") unrolled = h;
  }
  for (int64_t n = 0; n < space.size(); ++n) {
    Choice choice = ChoiceNumber(space, n);
    if (!space.Allows(choice)) continue;
    const uint64_t hash = HashOf(space.PlanOf(choice).value());
    const bool whole = space.holes()[unrolled].domain[choice[unrolled]] != 0;
    choice[pieces] = 0;
    plans[whole][choice].push_back(hash);
  }
  EXPECT_FALSE(plans[true].empty());
  EXPECT_FALSE(plans[false].empty());
  for (const auto& [others, hashes] : plans[true]) {
    for (uint64_t hash : hashes) EXPECT_EQ(hash, hashes.front());
  }
  for (const auto& [others, hashes] : plans[false]) {
    for (size_t i = 1; i < hashes.size(); ++i) EXPECT_NE(hashes[i], hashes.front());
  }
}

}  // namespace
}  // namespace tunesmith::schedule
