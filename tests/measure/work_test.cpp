// SPDX-License-Identifier: Apache-2.0
#include "measure/work.h"

#include <gtest/gtest.h>

#include "te/language.h"
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

Work WorkOfText(const std::string& text, const std::vector<std::string>& bindings) {
  const te::Module module = te::Parse(text, "test.te").value();
  return WorkOf(te::Bind(module.operators[0], bindings).value().definition());
}

TEST(Work, WhatDependsOnThePointAloneCostsNothing) {
  // Of nine terms six are not 0; four of those times 1 or -1.
  const Work sobel = WorkOfText(
      "op sobel(X: f32[H, W]) -> (Y: f32[H, W]) {\n"
      "  Y[y, x] = sum(a < 3, b < 3) X[y + a - 1, x + b - 1 | 0] * table(a, b; -1, 0, 1, -2, 0, 2, -1, 0, "
      "1)\n}\n",
      {"H=10", "W=10"});
  EXPECT_EQ(sobel.operations[0], 600);
  // Where one factor is not 0 the other one is.
  const Work nothing = WorkOfText(
      "op nothing(X: f32[N]) -> (Y: f32[N]) {\n"
      "  Y[i] = sum(a < 2) table(a; 1, 0) * table(a; 0, 1) * X[i]\n}\n",
      {"N=10"});
  EXPECT_EQ(nothing.operations[0], 0);
  // A half of each neighbour: two products that may be with 1, and a sum.
  const Work between = WorkOfText(
      "op between(X: f32[N]) -> (Y: f32[2*N - 1]) {\n"
      "  Y[i] = X[i/2] * (1 - f32(i % 2)*0.5) + X[(i + 1)/2] * (f32(i % 2)*0.5)\n}\n",
      {"N=50"});
  EXPECT_EQ(between.operations[0], 99);
}

TEST(Work, ADiagonalIsNotAMatrix) {
  const Work work = WorkOfText("op diag(X: f32[N, N]) -> (Y: f32[N]) { Y[i] = X[i, i] }\n", {"N=100"});
  EXPECT_EQ(work.read_bytes, 400);
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
