// SPDX-License-Identifier: Apache-2.0
#include "measure/work.h"

#include <gtest/gtest.h>

#include "tests/te/sample_graphs.h"

namespace tunesmith::measure {
namespace {

TEST(Work, OfAMatrixProduct) {
  const Work work = WorkOf(te::MatmulGraph(3, 5, 7));
  EXPECT_EQ(work.OperationsOf(Work::Arithmetic::kF32), 2 * 3 * 5 * 7);
  EXPECT_EQ(work.read_bytes, 4 * (3 * 7 + 7 * 5));
  EXPECT_EQ(work.written_bytes, 4 * 3 * 5);
}

/// Y[x, o] = sum(d, c) X[x*stride + d - pad, c | 0] * W[d, c, o]
te::Graph Lines(int64_t width, int64_t taps, int64_t stride, int64_t pad) {
  te::GraphBuilder builder;
  const int64_t out = (width + 2 * pad - taps) / stride + 1;
  const int x = builder.Add("X", {width, 3}, te::Role::kInput);
  const int w = builder.Add("W", {taps, 3, 5}, te::Role::kWeight);
  const int y = builder.Add("Y", {out, 5}, te::Role::kOutput);
  builder.Reduce(
      y, {"x", "o"}, te::Reducer::kSum, {{"d", taps}, {"c", 3}},
      builder.AtOr(x, {te::Var(0) * te::Int(stride) + te::Var(2) - te::Int(pad), te::Var(3)}, te::Float(0)) *
          builder.At(w, {te::Var(2), te::Var(3), te::Var(1)}));
  return builder.graph;
}

TEST(Work, TapsInThePaddingDoNotCount) {
  // Ten positions of three taps, of which the first and the last position each miss one.
  EXPECT_EQ(WorkOf(Lines(10, 3, 1, 1)).OperationsOf(Work::Arithmetic::kF32), 2.0 * (10 * 3 - 2) * 3 * 5);
  EXPECT_EQ(WorkOf(Lines(10, 3, 1, 0)).OperationsOf(Work::Arithmetic::kF32), 2.0 * (8 * 3) * 3 * 5);
}

TEST(Work, ElementsThatStridesSkipAreNotRead) {
  EXPECT_EQ(WorkOf(Lines(10, 1, 2, 0)).read_bytes, 4.0 * (5 * 3 + 1 * 3 * 5));
  EXPECT_EQ(WorkOf(Lines(10, 3, 2, 0)).read_bytes, 4.0 * (9 * 3 + 3 * 3 * 5));
}

TEST(Work, TemporariesCostNoTraffic) {
  const Work work = WorkOf(te::SoftmaxGraph(6, 8));
  EXPECT_EQ(work.read_bytes, 4 * 6 * 8);
  EXPECT_EQ(work.written_bytes, 4 * 6 * 8);
  // Of each element a maximum, a difference and its exponential, a sum, a quotient.
  EXPECT_EQ(work.OperationsOf(Work::Arithmetic::kF32), 6 * 8 * (1 + 1 + 8 + 1 + 1));
}

TEST(Work, NarrowProductsAreNamed) {
  for (const auto& [type, accumulator, arithmetic] :
       {std::tuple{te::DType::kU8, te::DType::kI32, Work::Arithmetic::kU8S8},
        std::tuple{te::DType::kBF16, te::DType::kF32, Work::Arithmetic::kBF16},
        std::tuple{te::DType::kF64, te::DType::kF64, Work::Arithmetic::kF64}}) {
    te::GraphBuilder builder;
    const int a = builder.Add("A", {4, 6}, te::Role::kInput, type);
    const int b = builder.Add("B", {6, 8}, te::Role::kInput, type);
    const int c = builder.Add("C", {4, 8}, te::Role::kOutput, accumulator);
    builder.Reduce(c, {"i", "j"}, te::Reducer::kSum, {{"k", 6}},
                   te::Cast(accumulator, builder.At(a, {te::Var(0), te::Var(2)})) *
                       te::Cast(accumulator, builder.At(b, {te::Var(2), te::Var(1)})));
    const Work work = WorkOf(builder.graph);
    EXPECT_EQ(work.OperationsOf(arithmetic), 2 * 4 * 6 * 8);
    EXPECT_EQ(work.OperationsOf(Work::Arithmetic::kF32), 0);
    EXPECT_EQ(work.written_bytes, 4 * 8 * te::SizeOf(accumulator));
  }
}

TEST(Work, OfNothingIsNothing) {
  const Work work = WorkOf(te::MatmulGraph(3, 0, 7));
  EXPECT_EQ(work.OperationsOf(Work::Arithmetic::kF32), 0);
  EXPECT_EQ(work.written_bytes, 0);
}

}  // namespace
}  // namespace tunesmith::measure
