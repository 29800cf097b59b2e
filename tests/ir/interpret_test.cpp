// SPDX-License-Identifier: Apache-2.0
// What the interpreter of loop IR computes, and what it refuses, message by message.
#include "ir/interpret.h"

#include <gtest/gtest.h>

#include "tests/ir/expressions.h"

namespace tunesmith::ir::testing {
namespace {

using te::Value;

const Expr i = Var(0), j = Var(1);

/// Loops over i, j, k, l; buffers A (8 values, read), B (8, written), T (4, `scope`), S (8, shared); events
/// e, f.
Function Of(Stmt body, Scope scope = Scope::kRegister) {
  Function f;
  f.name = "f";
  f.buffers.push_back({"A", DType::kF32, Scope::kParameter, 8, 4, 0, false});
  f.buffers.push_back({"B", DType::kF32, Scope::kParameter, 8, 4, 1, true});
  f.buffers.push_back({"T", DType::kF32, scope, 4, 4, -1, false});
  f.buffers.push_back({"S", DType::kF32, Scope::kShared, 8, 4, -1, false});
  f.variables = {"i", "j", "k", "l"};
  f.events = {"e", "f"};
  f.body = std::move(body);
  return f;
}

constexpr int kA = 0, kB = 1, kT = 2, kS = 3;

Expr Load(int buffer, Expr index) { return te::Read(DType::kF32, buffer, {std::move(index)}); }
Stmt Loop(LoopKind kind, int var, int64_t extent, Stmt body) {
  return For(kind, var, Int(0), Int(extent), std::move(body));
}
Stmt Serial(int var, int64_t extent, Stmt body) {
  return Loop(LoopKind::kSerial, var, extent, std::move(body));
}

/// B after running on A = 1, 2, … 8 and B = -1, or the error.
std::string Ran(const Function& f) {
  std::vector<Value> values = {Value(DType::kF32, {8}), Value(DType::kF32, {8})};
  for (int n = 0; n < 8; ++n) {
    values[0].Store(n, n + 1);
    values[1].Store(n, -1);
  }
  Status status = Interpret(f, &values);
  if (!status.ok()) return std::string(MessageOf(status));
  std::string text;
  for (int n = 0; n < 8; ++n)
    text += (n > 0 ? " " : "") + std::to_string(static_cast<int>(values[1].Load(n)));
  return text;
}
std::string Ran(Stmt body) { return Ran(Of(std::move(body))); }

TEST(Interpret, LoopsConditionsAndGuards) {
  Expr shifted = te::GuardedRead(DType::kF32, kA, {i + Int(2)}, Lt(i, Int(6)), te::Float(9));
  EXPECT_EQ(Ran(Serial(0, 8, Store(kB, i, shifted))), "3 4 5 6 7 8 9 9");
  EXPECT_EQ(Ran(Serial(0, 8, If(Lt(i, Int(2)), Store(kB, i, te::Float(0)), Store(kB, i, Load(kA, i))))),
            "0 0 3 4 5 6 7 8");
  EXPECT_EQ(Ran(For(LoopKind::kSerial, 0, Int(2), Int(3), Store(kB, i, Load(kA, i)))),
            "-1 -1 3 4 5 -1 -1 -1");
  EXPECT_EQ(Ran(Serial(0, 4, For(LoopKind::kSerial, 1, i, Min(i, Int(2)), Store(kB, i + j, Load(kA, j))))),
            "-1 -1 2 -1 3 4 4 5");
}

TEST(Interpret, ReductionsInRegistersByLanes) {
  Expr sum = Load(kT, j) + Load(kA, i * Int(4) + j);
  EXPECT_EQ(Ran(Alloc(kT, Seq({Loop(LoopKind::kVector, 1, 4, Store(kT, j, te::Float(0))),
                               Serial(0, 2, Loop(LoopKind::kVector, 1, 4, Store(kT, j, sum))),
                               Loop(LoopKind::kUnroll, 1, 4, Store(kB, j, Load(kT, j)))}))),
            "6 8 10 12 -1 -1 -1 -1");
  EXPECT_EQ(
      Ran(Alloc(kT, Seq({Store(kT, Int(0), te::Float(0)),
                         Loop(LoopKind::kVector, 1, 8, Store(kT, Int(0), Load(kT, Int(0)) + Load(kA, j))),
                         Store(kB, Int(0), Load(kT, Int(0)))}))),
      "36 -1 -1 -1 -1 -1 -1 -1");
}

TEST(Interpret, StoredValuesAreRoundedToTheirType) {
  Function f = Of(Seq({Store(kB, Int(0),
                             te::Cast(DType::kF32, te::Cast(DType::kF64, Load(kA, Int(0)) / te::Float(3)) *
                                                       te::Float(3, DType::kF64)))}));
  std::vector<Value> values = {Value(DType::kF32, {8}), Value(DType::kF32, {8})};
  values[0].Store(0, 1);
  ASSERT_TRUE(Interpret(f, &values).ok());
  EXPECT_EQ(values[1].Load(0), static_cast<float>(1.0 / 3 * 3));
}

TEST(Interpret, BitsAreThoseOfTheType) {
  Expr bits = te::Bits(DType::kI32, Load(kA, i)) + te::Int(1 << 23, DType::kI32);  // doubles it
  EXPECT_EQ(Ran(Serial(0, 8, Store(kB, i, te::Bits(DType::kF32, bits)))), "2 4 6 8 10 12 14 16");
}

TEST(InterpretErrors, AccessOutsideABuffer) {
  EXPECT_EQ(Ran(Serial(0, 3, Serial(1, 4, Store(kB, i * Int(4) + j, Load(kA, j))))),
            "f: B[i*4 + j] = A[j]: stores to B[8], but 'B' has 8 elements (at i = 2, j = 0)");
  EXPECT_EQ(Ran(Store(kB, Int(0), Load(kA, Int(0) - Int(1)))),
            "f: B[0] = A[-1]: reads A[-1], but 'A' has 8 elements");
}

TEST(InterpretErrors, ReadsOfUndefinedElements) {
  EXPECT_EQ(Ran(Alloc(kT, Store(kB, Int(0), Load(kT, Int(3))))),
            "f: B[0] = T[3]: reads T[3], which is undefined");
  EXPECT_EQ(Ran(Serial(0, 2,
                       Alloc(kT, Seq({If(Lt(i, Int(1)), Store(kT, Int(0), te::Float(1))),
                                      Store(kB, i, Load(kT, Int(0)))})))),
            "f: B[i] = T[0]: reads T[0], which is undefined (at i = 1)");
  EXPECT_EQ(Ran(Store(kB, Int(0), Load(kB, Int(0)))), "f: B[0] = B[0]: reads B[0], which is undefined");
}

TEST(InterpretErrors, UseOutsideALife) {
  EXPECT_EQ(Ran(Seq({Alloc(kT, Store(kT, Int(0), te::Float(1))), Store(kB, Int(0), Load(kT, Int(0)))})),
            "f: B[0] = T[0]: reads 'T' outside its life");
  EXPECT_EQ(Ran(Alloc(kT, Alloc(kT, Store(kT, Int(0), te::Float(1))))),
            "f: register T: f32[4]: the buffer is alive already");
  EXPECT_EQ(Ran(Seq({Serial(0, 2, Seq({})), Store(kB, i, te::Float(1))})),
            "f: B[i] = 1: variable 0 is used outside its loop");
}

TEST(InterpretErrors, StoresToWhatIsOnlyRead) {
  EXPECT_EQ(Ran(Store(kA, Int(0), te::Float(1))), "f: A[0] = 1: stores to 'A', which is only read");
}

TEST(InterpretErrors, RacesBetweenParallelIterations) {
  EXPECT_EQ(Ran(Loop(LoopKind::kParallel, 0, 4, Store(kB, Div(i, 2), te::Float(1)))),
            "f: B[i/2] = 1: race: B[1] is touched by two concurrent iterations or roles, and written by one "
            "(at i = 2)");
  EXPECT_EQ(Ran(Loop(LoopKind::kBound, 0, 2,
                     Seq({Store(kB, i, te::Float(1)), Store(kB, i + Int(4), Load(kB, Int(1) - i))}))),
            "f: B[i + 4] = B[1 - i]: reads B[0], which is undefined (at i = 1)");
}

TEST(InterpretErrors, IterationsSeeWhatOthersWrote) {
  Stmt first = Loop(LoopKind::kParallel, 0, 8, Store(kB, i, Load(kA, i)));
  Stmt neighbours = Loop(LoopKind::kParallel, 0, 7, Store(kB, i, Load(kB, i + Int(1))));
  EXPECT_EQ(
      Ran(Seq({first, neighbours})),
      "f: B[i] = B[i + 1]: race: B[6] is touched by two concurrent iterations or roles, and written by one "
      "(at i = 5)");
  Stmt sums = Loop(LoopKind::kParallel, 0, 4, Store(kB, Int(7), Load(kB, Int(7)) + Load(kA, i)));
  EXPECT_EQ(Ran(Seq({first, sums})).substr(0, 34), "f: B[7] = B[7] + A[i]: race: B[7] ");
}

TEST(Interpret, ParallelLoopsFollowOneAnother) {
  Stmt first = Loop(LoopKind::kParallel, 0, 8, Store(kB, i, Load(kA, i)));
  Stmt reversed =
      Serial(1, 2, Loop(LoopKind::kParallel, 0, 4, Store(kB, i, Load(kB, i) + Load(kB, Int(7) - i))));
  EXPECT_EQ(Ran(Seq({first, reversed})), "17 16 15 14 5 6 7 8");
}

TEST(InterpretErrors, LanesThatMeet) {
  EXPECT_EQ(Ran(Loop(LoopKind::kVector, 0, 4, Store(kB, Div(i, 2), Load(kA, i)))).substr(0, 29),
            "f: B[i/2] = A[i]: race: B[0] ");
  EXPECT_EQ(Ran(Loop(LoopKind::kVector, 0, 4,
                     Seq({Store(kB, i, Load(kA, i)),
                          If(Lt(Int(0), i), Store(kB, i + Int(4), Load(kB, i - Int(1))))})))
                .substr(0, 38),
            "f: B[i + 4] = B[i - 1]: race: B[0] is ");
}

TEST(Interpret, CopiesFireTheirEvent) {
  EXPECT_EQ(Ran(Alloc(kS, Seq({Copy(kS, Int(0), kA, Int(4), Int(4), 0), Wait(0, Int(1)),
                               Serial(0, 4, Store(kB, i, Load(kS, i)))}))),
            "5 6 7 8 -1 -1 -1 -1");
}

TEST(InterpretErrors, CopiesThatAreNotWaitedFor) {
  Stmt copy = Copy(kS, Int(0), kA, Int(4), Int(4), 0);
  EXPECT_EQ(Ran(Alloc(kS, Seq({copy, Store(kB, Int(0), Load(kS, Int(0))), Wait(0, Int(1))}))),
            "f: B[0] = S[0]: touches what an asynchronous copy that has not been waited for writes");
  EXPECT_EQ(Ran(Alloc(kS, copy)),
            "f: copy 4 to S[0] from A[4] then e: is still under way when the life of 'S' ends");
  EXPECT_EQ(Ran(Copy(kB, Int(0), kA, Int(4), Int(4), 0)),
            "f: copy 4 to B[0] from A[4] then e: is never waited for");
  EXPECT_EQ(Ran(Alloc(kS, Seq({copy, Wait(0, Int(2)), Store(kB, Int(0), Load(kS, Int(0)))}))),
            "f: wait e 2: waits forever; nothing is left that fires the event");
}

/// A producer fills S, a consumer takes it, two elements at a time.
Stmt Pipeline(bool waits_for_full, bool waits_for_empty) {
  Stmt full = waits_for_full ? Wait(0, i + Int(1)) : Seq({}), empty = waits_for_empty ? Wait(1, i) : Seq({});
  Stmt produce = Serial(0, 4, Seq({empty, Serial(1, 2, Store(kS, j, Load(kA, i * Int(2) + j))), Signal(0)}));
  Stmt consume = Serial(0, 4, Seq({full, Serial(1, 2, Store(kB, i * Int(2) + j, Load(kS, j))), Signal(1)}));
  return Alloc(kS, Roles({produce, consume}));
}

TEST(Interpret, RolesMeetThroughEvents) { EXPECT_EQ(Ran(Pipeline(true, true)), "1 2 3 4 5 6 7 8"); }

TEST(InterpretErrors, RolesThatDoNotMeet) {
  EXPECT_EQ(Ran(Pipeline(true, false)).substr(0, 40), "f: B[i*2 + j] = S[j]: race: S[0] is touc");
  EXPECT_EQ(Ran(Pipeline(false, true)).substr(0, 40), "f: B[i*2 + j] = S[j]: race: S[0] is touc");
  EXPECT_EQ(Ran(Roles({Wait(0, Int(1)), Seq({Wait(1, Int(1)), Signal(0)})})),
            "f: wait e 1: waits forever; nothing is left that fires the event");
}

TEST(Interpret, TellsWhatIsTouched) {
  Function f = Of(Serial(0, 2, Store(kB, i, Load(kA, i * Int(3)))));
  std::vector<Value> values = {Value(DType::kF32, {8}), Value(DType::kF32, {8})};
  std::string seen;
  ASSERT_TRUE(Interpret(f, &values, [&](int buffer, int64_t index, bool store) {
                seen += (store ? "=" : "?") + std::to_string(buffer) + "[" + std::to_string(index) + "] ";
              }).ok());
  EXPECT_EQ(seen, "?0[0] =1[0] ?0[3] =1[1] ");
}

/// main computes C = 2 * W, where W has been reversed by pack.
Program Packed(bool pack_all) {
  Program p;
  p.pack.name = "pack";
  p.pack.buffers.push_back({"W", DType::kF32, Scope::kParameter, 4, 4, 0, false});
  p.pack.buffers.push_back({"Wp", DType::kF32, Scope::kParameter, 4, 4, 1, true});
  p.pack.variables = {"i"};
  p.pack.body = Serial(0, pack_all ? 4 : 3, Store(1, Int(3) - i, Load(0, i)));
  p.main.name = "main";
  p.main.buffers.push_back({"X", DType::kF32, Scope::kParameter, 4, 4, 0, false});
  p.main.buffers.push_back({"Wp", DType::kF32, Scope::kParameter, 4, 4, 1, false});
  p.main.buffers.push_back({"C", DType::kF32, Scope::kParameter, 4, 4, 2, true});
  p.main.variables = {"i"};
  p.main.body = Serial(0, 4, Store(2, i, Load(0, i) * Load(1, i)));
  p.packed = {1};
  return p;
}

TEST(InterpretProgram, PacksWeightsFirst) {
  std::vector<Value> values = {Value(DType::kF32, {2, 2}), Value(DType::kF32, {4})};
  for (int n = 0; n < 4; ++n) {
    values[0].Store(n, 10);
    values[1].Store(n, n);
  }
  auto outputs = Interpret(Packed(true), values, {1});
  ASSERT_TRUE(outputs.ok()) << outputs.status();
  ASSERT_EQ(outputs->size(), 1u);
  for (int n = 0; n < 4; ++n) EXPECT_EQ((*outputs)[0].Load(n), 10 * (3 - n));
  outputs = Interpret(Packed(false), values, {1});
  ASSERT_TRUE(outputs.ok());
  EXPECT_TRUE((*outputs)[0].Load(0) != (*outputs)[0].Load(0));  // what pack left out is not a number
}

TEST(InterpretProgram, IsPrintedAsItsTwoFunctions) {
  EXPECT_EQ(ToString(Packed(true)),
            "pack(W: f32[4], out Wp: f32[4])\n"
            "  for i in 0..4\n"
            "    Wp[3 - i] = W[i]\n"
            "\n"
            "main(X: f32[4], Wp: f32[4], out C: f32[4])\n"
            "  for i in 0..4\n"
            "    C[i] = X[i] * Wp[i]\n");
}

TEST(InterpretProgram, EveryOutputElementIsStored) {
  Program p = Packed(true);
  p.main.body = Serial(0, 3, Store(2, i, Load(0, i)));
  std::vector<Value> values = {Value(DType::kF32, {4}), Value(DType::kF32, {4})};
  auto outputs = Interpret(p, values, {1});
  ASSERT_FALSE(outputs.ok());
  EXPECT_EQ(MessageOf(outputs.status()), "main: C[3] is never stored to");
}

TEST(InterpretErrors, ValuesThatDoNotFitTheParameters) {
  std::vector<Value> values = {Value(DType::kF32, {7}), Value(DType::kF32, {8})};
  EXPECT_EQ(MessageOf(Interpret(Of(Seq({})), &values)),
            "f: 'A' has 8 elements of type f32, but the value given has 7 of type f32");
  values.resize(1);
  EXPECT_EQ(MessageOf(Interpret(Of(Seq({})), &values)).substr(0, 60),
            "f: 'A' has 8 elements of type f32, but the value given has 7");
}

}  // namespace
}  // namespace tunesmith::ir::testing
