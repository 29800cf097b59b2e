// SPDX-License-Identifier: Apache-2.0
// What Simplify and Partition make of statements, as printed.
#include <gtest/gtest.h>

#include "ir/interpret.h"
#include "ir/simplify.h"
#include "ir/verify.h"
#include "tests/ir/expressions.h"

namespace tunesmith::ir::testing {
namespace {

const Expr i = Var(0), j = Var(1), k = Var(2);

/// A: f32[1000] read, B: f32[1000] written, loops over i, j, k, l.
Function Of(Stmt body) {
  Function f;
  f.name = "f";
  f.buffers.push_back({"A", DType::kF32, Scope::kParameter, 1000, 4, 0, false});
  f.buffers.push_back({"B", DType::kF32, Scope::kParameter, 1000, 4, 1, true});
  f.buffers.push_back({"T", DType::kF32, Scope::kRegister, 16, 4, -1, false});
  f.variables = {"i", "j", "k", "l"};
  f.events = {"e"};
  f.body = std::move(body);
  return f;
}

std::string Body(const Function& f) {
  std::string text = ToString(f);
  return text.substr(text.find('\n') + 1);
}
std::string Simplified(Stmt body) { return Body(Of(Simplify(body, Ranges()))); }
std::string Partitioned(Stmt body, const std::vector<int>& loops) {
  Function f = Of(std::move(body));
  Partition(&f, loops);
  return Body(f);
}

Stmt Serial(int var, int64_t extent, Stmt body) {
  return For(LoopKind::kSerial, var, Int(0), Int(extent), std::move(body));
}
Expr A(Expr index) { return te::Read(DType::kF32, 0, {std::move(index)}); }
Stmt ToB(Expr index, Expr value) { return Store(1, std::move(index), std::move(value)); }

TEST(SimplifyStatement, StoresOfWhatIsThereDisappear) {
  const Expr there = te::Read(DType::kF32, 1, {i + Int(1)});
  EXPECT_EQ(Simplified(Serial(0, 4, Seq({ToB(i, A(i)), ToB(i + Int(1), there)}))),
            "  for i in 0..4\n    B[i] = A[i]\n");
  EXPECT_EQ(Simplified(Serial(0, 4, ToB(i, there))), "  for i in 0..4\n    B[i] = B[i + 1]\n");
}

TEST(Printer, ShowsEveryStatement) {
  Stmt body = Seq({
      For(LoopKind::kParallel, 0, Int(0), Int(4),
          Alloc(2, For(LoopKind::kVector, 1, Int(0), Int(8), Store(2, j, A(i * Int(8) + j)))), 2),
      If(Lt(i, Int(3)), Prefetch(0, i), Seq({})),
      Copy(1, Int(0), 0, Int(8), Int(16), 0),
      Roles({Signal(0), Seq({Wait(0, Int(2)), Store(1, Int(3), te::Float(1), true)})}),
      BoundFor("thread.x", 2, Int(32), For(LoopKind::kUnroll, 3, k, Int(2), ToB(Var(3), te::Float(0)))),
  });
  EXPECT_EQ(ToString(Of(body)), R"(f(A: f32[1000], out B: f32[1000])
  parallel i in 0..4 grain 2
    register T: f32[16]
      vector j in 0..8
        T[j] = A[i*8 + j]
  if i < 3
    prefetch A[i]
  else
    pass
  copy 16 to B[0] from A[8] then e
  roles
    role
      signal e
    role
      wait e 2
      B[3] =stream 1
  bound k in 0..32 on thread.x
    unroll l in k..k + 2
      B[l] = 0
)");
}

TEST(SimplifyStatement, LoopsOfOneIterationAreTheirBody) {
  EXPECT_EQ(Simplified(Serial(0, 4, For(LoopKind::kSerial, 1, i * Int(2), Int(1), ToB(j, A(j + i))))),
            "  for i in 0..4\n"
            "    B[i*2] = A[i*3]\n");
}

TEST(SimplifyStatement, WhatNeverRunsDisappears) {
  EXPECT_EQ(
      Simplified(Seq({Serial(0, 0, ToB(i, te::Float(1))), If(Lt(Int(3), Int(2)), ToB(Int(0), te::Float(2))),
                      Serial(0, 4, If(Lt(i, Int(0)), ToB(i, te::Float(3)))), ToB(Int(1), te::Float(4))})),
      "  B[1] = 4\n");
}

TEST(SimplifyStatement, EverythingMayDisappear) {
  EXPECT_EQ(Simplified(Serial(0, 0, ToB(i, A(i)))), "  pass\n");
}

TEST(SimplifyStatement, ConditionsHoldInTheirBranches) {
  Stmt inner = If(Lt(i, Int(5)), ToB(i, te::Float(1)), ToB(i, te::Float(2)));
  EXPECT_EQ(Simplified(Serial(0, 10, If(Lt(i + j, Int(3)), inner, If(Lt(i + j, Int(4)), inner)))),
            "  for i in 0..10\n"
            "    if i + j < 3\n"
            "      if i < 5\n"
            "        B[i] = 1\n"
            "      else\n"
            "        B[i] = 2\n"
            "    else\n"
            "      if i + j < 4\n"
            "        if i < 5\n"
            "          B[i] = 1\n"
            "        else\n"
            "          B[i] = 2\n");
  EXPECT_EQ(Simplified(Serial(0, 10, If(Lt(i, Int(3)), inner, If(Lt(Int(6), i), inner)))),
            "  for i in 0..10\n"
            "    if i < 3\n"
            "      B[i] = 1\n"
            "    else\n"
            "      if 6 < i\n"
            "        B[i] = 2\n");
}

TEST(SimplifyStatement, ExtentsBoundTheVariable) {
  Stmt inner = For(LoopKind::kSerial, 1, Int(0), Min(Int(256), Int(259) - i * Int(256)),
                   If(Lt(i * Int(256) + j, Int(259)), ToB(i * Int(256) + j, te::Float(0))));
  EXPECT_EQ(Simplified(Serial(0, 2, inner)),
            "  for i in 0..2\n"
            "    for j in 0..min(259 - i*256, 256)\n"
            "      B[i*256 + j] = 0\n");
}

TEST(SimplifyStatement, ExtentsThatMayBeNegativeBoundTheVariableToo) {
  Expr extent = Max(Min(Int(8), Int(17) - i * Int(8)), Int(0));
  Stmt inner =
      For(LoopKind::kSerial, 1, Int(0), extent, If(Lt(i * Int(8) + j, Int(17)), ToB(j, te::Float(0))));
  EXPECT_EQ(Simplified(Serial(0, 9, inner)),
            "  for i in 0..9\n"
            "    for j in 0..max(min(17 - i*8, 8), 0)\n"
            "      B[j] = 0\n");
}

TEST(SimplifyStatement, LoopsUnderABoundOfTheirVariableAreShortened) {
  EXPECT_EQ(Simplified(Serial(0, 10, If(And(Lt(i, Int(7)), Lt(Int(2), i)), ToB(i, A(i))))),
            "  for i in 3..7\n"
            "    B[i] = A[i]\n");
  EXPECT_EQ(Simplified(For(LoopKind::kUnroll, 0, Int(0), Int(8), If(Lt(i, Int(1)), ToB(i, A(i))))),
            "  B[0] = A[0]\n");
  EXPECT_EQ(Simplified(For(LoopKind::kVector, 0, Int(0), Int(8), If(Lt(i, Int(3)), ToB(i, A(i))))),
            "  vector i in 0..8\n"
            "    if i < 3\n"
            "      B[i] = A[i]\n");
}

TEST(SimplifyStatement, IterationsInWhichNothingHappensAreLeftOut) {
  Stmt lanes =
      For(LoopKind::kVector, 1, Int(0), Int(8), If(Lt(i * Int(8) + j, Int(11)), ToB(i * Int(8) + j, A(j))));
  EXPECT_EQ(Simplified(For(LoopKind::kUnroll, 0, Int(0), Int(4), lanes)),
            "  unroll i in 0..2\n"
            "    vector j in 0..8\n"
            "      if i*8 + j < 11\n"
            "        B[i*8 + j] = A[j]\n");
  Stmt either = Seq({If(Lt(i, Int(3)), ToB(i, A(i))), If(Lt(i, Int(5)), ToB(i + Int(9), A(i)))});
  EXPECT_EQ(Simplified(Serial(0, 8, either)),
            "  for i in 0..5\n"
            "    if i < 3\n"
            "      B[i] = A[i]\n"
            "    B[i + 9] = A[i]\n");
}

TEST(SimplifyStatement, AnEmptyBranchTurnsTheConditionRound) {
  EXPECT_EQ(Simplified(If(Lt(i, Int(3)), Seq({}), ToB(i, te::Float(1)))),
            "  if 2 < i\n"
            "    B[i] = 1\n");
}

/// Each level uses the one below twice: only who visits shared nodes once gets to the end.
TEST(SharedNodes, AreVisitedOnce) {
  Expr value = te::GuardedRead(DType::kF32, 0, {i}, Lt(i, Int(1000)), te::Float(0));
  Expr index = i;
  for (int n = 0; n < 60; ++n) {
    value = value * value;
    index = Max(index, Div(index, 3));
  }
  Function f = Of(Serial(0, 10, ToB(index, value)));
  EXPECT_EQ(Body(f), "  for i in 0..10\n    B[…] = …\n");
  Partition(&f, {0});
  EXPECT_EQ(Body(f), "  for i in 0..10\n    B[i] = …\n");
  EXPECT_TRUE(Verify(f).ok());
  std::vector<te::Value> values(2, te::Value(DType::kF32, {1000}));
  for (int n = 0; n < 10; ++n) values[0].Store(n, 1);
  EXPECT_TRUE(Interpret(f, &values).ok());
  EXPECT_EQ(values[1].Load(9), 1);
}

TEST(Partition, TailOfASplitIsPeeled) {
  Expr at = i * Int(8) + j;
  Stmt body = Serial(0, 3, Serial(1, 8, If(Lt(at, Int(17)), ToB(at, A(at)))));
  EXPECT_EQ(Partitioned(body, {0}),
            "  for i in 0..2\n"
            "    for j in 0..8\n"
            "      B[i*8 + j] = A[i*8 + j]\n"
            "  B[16] = A[16]\n");
}

TEST(Partition, PaddingHasTwoBoundaries) {
  Expr at = i + j - Int(1);
  Expr value = te::GuardedRead(DType::kF32, 0, {at}, And(Le(Int(0), at), Lt(at, Int(10))), te::Float(0));
  Stmt body = Serial(0, 10, Serial(1, 3, ToB(i * Int(3) + j, value)));
  EXPECT_EQ(Partitioned(body, {0}),
            "  for j in 0..3\n"
            "    B[j] = A[j - 1 if 0 < j | 0]\n"
            "  for i in 1..9\n"
            "    for j in 0..3\n"
            "      B[i*3 + j] = A[i + j - 1]\n"
            "  for j in 0..3\n"
            "    B[j + 27] = A[j + 8 if j < 2 | 0]\n");
}

TEST(Partition, AParallelLoopStaysOne) {
  Expr at = i * Int(8) + j;
  Stmt body =
      For(LoopKind::kParallel, 0, Int(0), Int(3), Serial(1, 8, If(Lt(at, Int(20)), ToB(at, A(at)))), 2);
  EXPECT_EQ(Partitioned(body, {0}),
            "  parallel i in 0..3 grain 2\n"
            "    if i < 2\n"
            "      for j in 0..8\n"
            "        B[i*8 + j] = A[i*8 + j]\n"
            "    else\n"
            "      for j in 0..4\n"
            "        B[j + 16] = A[j + 16]\n");
}

TEST(Partition, ParallelLoopsStayDirectlyNested) {
  Expr at = i * Int(8) + k;
  Stmt rows = Serial(2, 8, If(Lt(at, Int(20)), ToB(at, A(at))));
  Stmt body = For(LoopKind::kParallel, 0, Int(0), Int(3), For(LoopKind::kParallel, 1, Int(0), Int(5), rows));
  EXPECT_EQ(Partitioned(body, {0}),
            "  parallel i in 0..3\n"
            "    parallel j in 0..5\n"
            "      if i < 2\n"
            "        for k in 0..8\n"
            "          B[i*8 + k] = A[i*8 + k]\n"
            "      else\n"
            "        for k in 0..4\n"
            "          B[k + 16] = A[k + 16]\n");
}

TEST(Partition, ConditionsThatRarelyHoldAreSingledOut) {
  Stmt body = Serial(0, 9, If(Eq(i, Int(0)), ToB(Int(0), te::Float(0)), ToB(Int(0), A(i))));
  EXPECT_EQ(Partitioned(body, {0}),
            "  B[0] = 0\n"
            "  for i in 1..9\n"
            "    B[0] = A[i]\n");
}

TEST(Partition, NestedLoopsAreDividedInEveryCopy) {
  Expr row = i * Int(4) + k, column = j * Int(4) + Var(3);
  Stmt body = Serial(0, 2,
                     Serial(1, 2,
                            Serial(2, 4,
                                   Serial(3, 4,
                                          If(And(Lt(row, Int(5)), Lt(column, Int(6))),
                                             ToB(row * Int(6) + column, te::Float(0)))))));
  EXPECT_EQ(Partitioned(body, {0, 1}),
            "  for k in 0..4\n"
            "    for l in 0..4\n"
            "      B[k*6 + l] = 0\n"
            "  for k in 0..4\n"
            "    for l in 0..2\n"
            "      B[k*6 + l + 4] = 0\n"
            "  for l in 0..4\n"
            "    B[l + 24] = 0\n"
            "  for l in 0..2\n"
            "    B[l + 28] = 0\n");
}

TEST(Partition, LoopsOutsideTheConditionAreLeftAlone) {
  Expr at = i * Int(8) + j;
  Stmt body = Serial(0, 3, Serial(1, 8, If(Lt(at, Int(17)), ToB(at, A(at)))));
  EXPECT_EQ(Partitioned(body, {1}),
            "  for i in 0..3\n"
            "    for j in 0..8\n"
            "      if i*8 + j < 17\n"
            "        B[i*8 + j] = A[i*8 + j]\n");
}

TEST(Partition, CopiesGetVariablesOfTheirOwn) {
  Expr at = i * Int(8) + j;
  Function f = Of(Serial(0, 3, Serial(1, 8, If(Lt(at, Int(20)), ToB(at, A(at))))));
  Partition(&f, {0});
  ASSERT_EQ(f.variables.size(), 5u);
  EXPECT_EQ(f.variables[4], "j");
  EXPECT_EQ(f.body->body[1]->var, 4);
}

}  // namespace
}  // namespace tunesmith::ir::testing
