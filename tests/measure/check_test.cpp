// SPDX-License-Identifier: Apache-2.0
#include "measure/check.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "measure/projection.h"
#include "support/files.h"
#include "support/units.h"
#include "te/interpret.h"
#include "te/language.h"
#include "tests/measure/law.h"
#include "tests/te/sample_graphs.h"

namespace tunesmith::measure {
namespace {

te::Workload WorkloadOf(te::Graph graph) {
  te::Workload workload;
  workload.op = "sample";
  workload.algorithms.push_back({"direct", std::move(graph), 1});
  return workload;
}

/// What a right kernel computes for a set of inputs: the interpreter's outputs.
std::vector<te::Value> Right(const te::Graph& graph, const InputSet& set) {
  return te::Interpret(graph, set.parameters).value();
}

std::vector<uint8_t> Gathered(const te::Value& value, const std::vector<uint64_t>& indices) {
  const auto size = static_cast<size_t>(te::SizeOf(value.dtype()));
  std::vector<uint8_t> data;
  for (uint64_t index : indices) {
    data.insert(data.end(), value.data() + index * size, value.data() + (index + 1) * size);
  }
  return data;
}

std::vector<uint8_t> All(const te::Value& value) {
  return {value.data(), value.data() + value.size_in_bytes()};
}

std::optional<std::string> Compared(const Expectation& expectation, size_t set, const te::Value& value) {
  const ExpectedOutput& expected = expectation.sets[set].outputs[0];
  return CompareElements(expectation.outputs[0], expected, Gathered(value, expected.indices), 1);
}

TEST(ChooseElements, SmallTensorsAreTakenWhole) {
  EXPECT_EQ(ChooseElements({2, 3}, 6, 1), (std::vector<uint64_t>{0, 1, 2, 3, 4, 5}));
  EXPECT_EQ(ChooseElements({}, 6, 1), (std::vector<uint64_t>{0}));
  EXPECT_TRUE(ChooseElements({4, 0}, 6, 1).empty());
}

TEST(ChooseElements, CornersAndTileBoundariesAreMet) {
  const std::vector<uint64_t> chosen = ChooseElements({100, 3000}, 2000, 7);
  EXPECT_TRUE(std::is_sorted(chosen.begin(), chosen.end()));
  const std::set<uint64_t> met(chosen.begin(), chosen.end());
  EXPECT_EQ(met.size(), chosen.size());
  EXPECT_GT(met.size(), 1500u);
  for (uint64_t corner : {0, 2999, 99 * 3000, 99 * 3000 + 2999}) EXPECT_TRUE(met.contains(corner));
  // Each class of rows meets each class of columns: inside, at the edge, in the partial tile of 64 or 48.
  const auto classes = [&](auto row, auto column) {
    return std::any_of(chosen.begin(), chosen.end(),
                       [&](uint64_t index) { return row(index / 3000) && column(index % 3000); });
  };
  const auto first = [](uint64_t x) { return x == 0; };
  const auto last_row = [](uint64_t x) { return x == 99; };
  const auto partial_row = [](uint64_t x) { return x >= 96; };
  const auto partial_column = [](uint64_t x) { return x >= 2976; };
  const auto inside = [](uint64_t x) { return x > 16 && x < 80; };
  EXPECT_TRUE(classes(partial_row, partial_column));
  EXPECT_TRUE(classes(inside, partial_column));
  EXPECT_TRUE(classes(partial_row, inside));
  EXPECT_TRUE(classes(first, partial_column));
  EXPECT_TRUE(classes(last_row, inside));
}

/// Of a matrix's tiles of `height` x `width`, wherever they begin, those in which nothing was chosen.
double ShareWithoutAny(const std::set<uint64_t>& chosen, int64_t rows, int64_t columns, int64_t height,
                       int64_t width) {
  std::vector<std::vector<int>> above(static_cast<size_t>(rows) + 1,
                                      std::vector<int>(static_cast<size_t>(columns) + 1));
  for (size_t r = 0; r < static_cast<size_t>(rows); ++r) {
    for (size_t c = 0; c < static_cast<size_t>(columns); ++c) {
      above[r + 1][c + 1] = above[r][c + 1] + above[r + 1][c] - above[r][c] +
                            static_cast<int>(chosen.contains(r * static_cast<uint64_t>(columns) + c));
    }
  }
  int64_t tiles = 0, without = 0;
  for (int64_t r = 0; r + height <= rows; ++r) {
    for (int64_t c = 0; c + width <= columns; ++c) {
      const auto top = static_cast<size_t>(r), left = static_cast<size_t>(c);
      const auto bottom = static_cast<size_t>(r + height), right = static_cast<size_t>(c + width);
      ++tiles;
      without += above[bottom][right] - above[top][right] - above[bottom][left] + above[top][left] == 0;
    }
  }
  return static_cast<double>(without) / static_cast<double>(tiles);
}

TEST(ChooseElements, TwoPartsTogetherLeaveNoTileOut) {
  struct Case {
    int64_t rows, columns, count;
  };
  // As many as are affordable of a product by 3072 columns, of one with 3072 terms, and of a convolution.
  for (const auto& [rows, columns, count] : {Case{128, 3072, 5208}, {128, 768, 1302}, {3136, 64, 6944}}) {
    std::set<uint64_t> chosen;
    for (int part : {0, 1}) {
      for (uint64_t index : ChooseElements({rows, columns}, count, 5, part, 2)) chosen.insert(index);
    }
    for (const auto& [height, width] : {std::pair{6, 16}, {2, 48}, {14, 8}, {28, 4}, {1, 128}}) {
      if (width > columns) continue;
      EXPECT_LT(ShareWithoutAny(chosen, rows, columns, height, width), 0.002)
          << rows << " x " << columns << ", tiles of " << height << " x " << width;
    }
  }
}

TEST(ChooseElements, EveryIndexIsInside) {
  ExpectLaw([](uint64_t seed) {
    std::vector<int64_t> shape;
    uint64_t elements = 1;
    for (int d = *rc::gen::inRange(0, 8); d > 0; --d) {
      shape.push_back(*rc::gen::inRange(0, 30));
      elements *= static_cast<uint64_t>(shape.back());
    }
    const std::vector<uint64_t> chosen = ChooseElements(shape, 100, seed);
    for (uint64_t index : chosen) RC_ASSERT(index < elements);
    RC_ASSERT(chosen.size() >= std::min<uint64_t>(elements, 2));
    RC_ASSERT(ChooseElements(shape, 100, seed) == chosen);
  });
}

TEST(Expectation, SmallWorkloadIsExpectedWhole) {
  const te::Graph graph = te::MatmulGraph(5, 7, 3);
  const auto expectation = PrepareExpectation(WorkloadOf(graph)).value();
  ASSERT_EQ(expectation->sets.size(), 2u);
  EXPECT_EQ(expectation->sets[0].name, "uniform");
  EXPECT_EQ(expectation->sets[1].name, "cancelling");
  for (size_t set = 0; set < 2; ++set) {
    EXPECT_EQ(expectation->sets[set].outputs[0].indices.size(), 35u);
    te::Value value = Right(graph, expectation->sets[set])[0];
    EXPECT_EQ(Compared(*expectation, set, value), std::nullopt);
    value.Store(34, value.Load(34) * 1.001 + 1);
    EXPECT_TRUE(Compared(*expectation, set, value).value_or("").starts_with("C[4, 6] is "));
  }
}

te::Workload StandardWorkload(const char* name, const std::vector<std::string>& bindings) {
  return te::Bind(te::StandardOperator(name).value(), bindings).value();
}

// What exponentials make of sums that lost their digits may be anything, and a check on them would accept
// all.
TEST(Expectation, HostileInputsAreSuchThatWrongResultsAreRefused) {
  const std::vector<te::Workload> workloads = {
      StandardWorkload("attention", {"B=1", "H=2", "S=32", "D=64"}),
      StandardWorkload("attention", {"B=1", "H=1", "S=16", "D=128"}),
      StandardWorkload("matmul", {"M=8", "N=16", "K=768", "bias=1", "act=gelu_erf"}),
      StandardWorkload("softmax", {"R=8", "C=100"}),
      StandardWorkload("layer_norm", {"R=8", "C=100"}),
      StandardWorkload("conv2d", {"N=1", "H=8", "W=8", "CI=8", "CO=8", "KH=3", "KW=3", "act=relu"}),
  };
  for (const te::Workload& workload : workloads) {
    const auto expectation = PrepareExpectation(workload).value();
    const InputSet& hostile = expectation->sets[1];
    te::Value right = Right(workload.definition(), hostile)[0];
    EXPECT_EQ(Compared(*expectation, 1, right), std::nullopt) << hostile.name;
    const auto wrong_where = [&](auto change) {
      int64_t wrong = 0;
      for (int64_t i = 0; i < right.elements(); ++i) {
        te::Expected expected = hostile.outputs[0].elements[static_cast<size_t>(i)];
        te::Value one(right.dtype(), {1});
        one.Store(0, change(right.Load(i)));
        wrong += !te::Accepts(expected, right.dtype(), one.data());
      }
      return static_cast<double>(wrong) / static_cast<double>(right.elements());
    };
    const std::string what = workload.op + " on " + hostile.name + " inputs";
    EXPECT_EQ(wrong_where([](double) { return NAN; }), 1) << what;
    EXPECT_GT(wrong_where([](double x) { return x + 12345; }), 0.4) << what;
    // What is 0 stays so.
    EXPECT_GT(wrong_where([](double x) { return x * 1.5; }), 0.2) << what;
  }
}

TEST(Expectation, ToleranceFactorWidensTheBounds) {
  const te::Graph graph = te::MatmulGraph(1, 1, 3);
  const auto expectation = PrepareExpectation(WorkloadOf(graph)).value();
  te::Value value = Right(graph, expectation->sets[0])[0];
  const ExpectedOutput& expected = expectation->sets[0].outputs[0];
  value.Store(0, value.Load(0) + 5 * expected.elements[0].bound);
  EXPECT_TRUE(CompareElements(expectation->outputs[0], expected, All(value), 1).has_value());
  EXPECT_FALSE(CompareElements(expectation->outputs[0], expected, All(value), 8).has_value());
}

TEST(Expectation, LargeWorkloadIsExpectedOnChosenElements) {
  const te::Graph graph = te::SoftmaxGraph(64, 40);
  CheckPlan plan;
  plan.evaluations = 1000;
  const auto expectation = PrepareExpectation(WorkloadOf(graph), plan).value();
  const size_t chosen = expectation->sets[0].outputs[0].indices.size();
  EXPECT_GE(chosen, 60u);
  EXPECT_LT(chosen, 300u);
  te::Value value = Right(graph, expectation->sets[0])[0];
  EXPECT_EQ(Compared(*expectation, 0, value), std::nullopt);
  value.Store(64 * 40 - 1, 0.5);
  EXPECT_TRUE(Compared(*expectation, 0, value).has_value());
}

TEST(Expectation, IntegersAreExact) {
  te::Graph graph = te::MatmulGraph(2, 2, 4);
  for (te::Tensor& tensor : graph.tensors) tensor.dtype = te::DType::kI32;
  te::Stage& stage = graph.stages[0];
  stage.accumulator = te::DType::kI32;
  stage.body = te::Read(te::DType::kI32, 0, {te::Var(0), te::Var(2)}) *
               te::Read(te::DType::kI32, 1, {te::Var(2), te::Var(1)});
  const auto expectation = PrepareExpectation(WorkloadOf(graph)).value();
  EXPECT_EQ(expectation->sets[1].name, "large");
  te::Value value = Right(graph, expectation->sets[0])[0];
  EXPECT_EQ(Compared(*expectation, 0, value), std::nullopt);
  value.StoreInteger(2, value.LoadInteger(2) + 1);
  EXPECT_TRUE(Compared(*expectation, 0, value).value_or("").starts_with("C[1, 0] is "));
}

TEST(Expectation, WorkloadLargerThanMemoryIsRefused) {
  const Result<std::shared_ptr<const Expectation>> expectation =
      PrepareExpectation(WorkloadOf(te::MatmulGraph(1 << 22, 1 << 22, 1)));
  ASSERT_FALSE(expectation.ok());
  EXPECT_EQ(MessageOf(expectation.status()),
            StrCat("its tensors need 64.0 TiB, and checking a kernel five times that; this machine has ",
                   FormatBytes(MemoryBytes()), "; bind smaller extents"));
}

class ProjectionTest : public testing::TestWithParam<int> {
 protected:
  static te::Graph GraphOf(int which) {
    switch (which) {
      case 0:
        return te::MatmulGraph(19, 23, 31);
      case 1: {  // a batched product of bf16, with the second operand transposed
        te::GraphBuilder builder;
        const int a = builder.Add("A", {3, 7, 9}, te::Role::kInput, te::DType::kBF16);
        const int b = builder.Add("B", {3, 11, 9}, te::Role::kInput, te::DType::kBF16);
        const int c = builder.Add("C", {3, 7, 11}, te::Role::kOutput);
        const auto wide = [](te::Expr e) { return te::Cast(te::DType::kF32, std::move(e)); };
        builder.Reduce(c, {"b", "i", "j"}, te::Reducer::kSum, {{"k", 9}},
                       wide(builder.At(a, {te::Var(0), te::Var(1), te::Var(3)})) *
                           wide(builder.At(b, {te::Var(0), te::Var(2), te::Var(3)})));
        return builder.graph;
      }
      case 2: {  // u8 by s8 into i32
        te::GraphBuilder builder;
        const int a = builder.Add("A", {6, 10}, te::Role::kInput, te::DType::kU8);
        const int b = builder.Add("B", {10, 8}, te::Role::kWeight, te::DType::kI8);
        const int c = builder.Add("C", {6, 8}, te::Role::kOutput, te::DType::kI32);
        const auto wide = [](te::Expr e) { return te::Cast(te::DType::kI32, std::move(e)); };
        builder.Reduce(
            c, {"i", "j"}, te::Reducer::kSum, {{"k", 10}},
            wide(builder.At(a, {te::Var(0), te::Var(2)})) * wide(builder.At(b, {te::Var(2), te::Var(1)})));
        return builder.graph;
      }
      default: {  // a padded convolution over lines
        te::GraphBuilder builder;
        const int x = builder.Add("X", {12, 3}, te::Role::kInput);
        const int w = builder.Add("W", {3, 3, 5}, te::Role::kWeight);
        const int y = builder.Add("Y", {12, 5}, te::Role::kOutput);
        builder.Reduce(y, {"x", "o"}, te::Reducer::kSum, {{"d", 3}, {"c", 3}},
                       builder.AtOr(x, {te::Var(0) + te::Var(2) - te::Int(1), te::Var(3)}, te::Float(0)) *
                           builder.At(w, {te::Var(2), te::Var(3), te::Var(1)}));
        return builder.graph;
      }
    }
  }
};

TEST_P(ProjectionTest, AcceptsTheRightOutputAndFindsAnyWrongElement) {
  const te::Graph graph = GraphOf(GetParam());
  CheckPlan plan;
  plan.evaluations = 100;  // so that most elements are not looked at
  plan.least_elements = 4;
  const auto expectation = PrepareExpectation(WorkloadOf(graph), plan).value();
  for (const InputSet& set : expectation->sets) {
    const ExpectedOutput& expected = set.outputs[0];
    const auto expensive = Project(graph, set.parameters, expected, 1 << 20, 5);
    ASSERT_TRUE(expensive.ok() && expensive->has_value());
    const Projection& projection = **expensive;
    te::Value value = Right(graph, set)[0];
    EXPECT_EQ(CompareProjection(expectation->outputs[0], projection, All(value), 1), std::nullopt);
    for (int64_t wrong : {int64_t{1}, value.elements() / 2, value.elements() - 2}) {
      te::Value spoilt = value;
      const double error = 4 * projection.bounds[0] + 1;
      spoilt.Store(wrong, value.Load(wrong) + error);
      const std::string message =
          CompareProjection(expectation->outputs[0], projection, All(spoilt), 1).value_or("accepted");
      const std::vector<int64_t>& shape = expectation->outputs[0].shape;
      const int64_t row = wrong / shape.back() * shape.back();
      EXPECT_TRUE(message.starts_with(
          "the row of " + ElementName(expectation->outputs[0], static_cast<uint64_t>(row)) + " sums to "))
          << message;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Products, ProjectionTest, testing::Range(0, 4));

TEST(Projection, IsThereOnlyForWhatIsLinear) {
  EXPECT_TRUE(ProjectedGraph(te::MatmulGraph(4, 4, 4), 1000).has_value());
  EXPECT_FALSE(ProjectedGraph(te::MatmulGraph(4, 4, 4), 10).has_value());  // too expensive
  EXPECT_FALSE(ProjectedGraph(te::SoftmaxGraph(4, 4), 1000).has_value());
  EXPECT_FALSE(ProjectedGraph(te::ConvGraph({}), 1 << 20).has_value());  // bias and ReLU follow
}

TEST(Projection, RefusesNaN) {
  const Interface tensor{"C", te::DType::kF32, {1, 2}, te::Role::kOutput};
  te::Value value(te::DType::kF32, {1, 2});
  value.Store(1, std::nan(""));
  EXPECT_TRUE(CompareProjection(tensor, {{1, -1}, {0}, {100}}, All(value), 1).has_value());
}

}  // namespace
}  // namespace tunesmith::measure
