// SPDX-License-Identifier: Apache-2.0
// The rules of valid loop IR, each in both directions: what it lets pass, and the message where it does not.
#include "ir/verify.h"

#include <gtest/gtest.h>

#include "tests/ir/expressions.h"

namespace tunesmith::ir::testing {
namespace {

const Expr i = Var(0), j = Var(1), k = Var(2), l = Var(3);
constexpr int kA = 0, kB = 1, kT = 2, kR = 3, kS = 4;

/// Loops over i, j, k, l; buffers A (100, read), B (100, written), T (16, thread), R (16, registers),
/// S (64, shared); event e.
Function Of(Stmt body) {
  Function f;
  f.name = "f";
  f.buffers.push_back({"A", DType::kF32, Scope::kParameter, 100, 4, 0, false});
  f.buffers.push_back({"B", DType::kF32, Scope::kParameter, 100, 4, 1, true});
  f.buffers.push_back({"T", DType::kF32, Scope::kThread, 16, 64, -1, false});
  f.buffers.push_back({"R", DType::kF32, Scope::kRegister, 16, 4, -1, false});
  f.buffers.push_back({"S", DType::kF32, Scope::kShared, 64, 4, -1, false});
  f.variables = {"i", "j", "k", "l"};
  f.events = {"e"};
  f.body = std::move(body);
  return f;
}

/// "ok", or the message.
std::string Result(const Function& f) {
  Status status = Verify(f);
  return status.ok() ? "ok" : std::string(MessageOf(status));
}
std::string Result(Stmt body) { return Result(Of(std::move(body))); }

Expr Load(int buffer, Expr index) { return te::Read(DType::kF32, buffer, {std::move(index)}); }
Stmt Loop(LoopKind kind, int var, int64_t extent, Stmt body) {
  return For(kind, var, Int(0), Int(extent), std::move(body));
}
Stmt Serial(int var, int64_t extent, Stmt body) {
  return Loop(LoopKind::kSerial, var, extent, std::move(body));
}
Stmt Parallel(int var, int64_t extent, Stmt body) {
  return Loop(LoopKind::kParallel, var, extent, std::move(body));
}
Stmt Vector(int var, int64_t extent, Stmt body) {
  return Loop(LoopKind::kVector, var, extent, std::move(body));
}
Stmt Unroll(int var, int64_t extent, Stmt body) {
  return Loop(LoopKind::kUnroll, var, extent, std::move(body));
}
Stmt Zero(int buffer, Expr index) { return Store(buffer, std::move(index), te::Float(0)); }

TEST(VerifyTypes, OperandsAgree) {
  EXPECT_EQ(Result(Store(kB, Int(0), te::Cast(DType::kF32, Int(3)))), "ok");
  auto mixed = std::make_shared<te::ExprNode>(*(te::Float(1) + Load(kA, Int(0))));
  mixed->args[0] = Int(1);
  EXPECT_EQ(Result(Store(kB, Int(0), mixed)),
            "f: types: B[0] = 1 + A[0]: an operator that gives f32 is applied to (i64, f32)");
  EXPECT_EQ(Result(Store(kB, Int(0), Int(3))), "f: types: B[0] = 3: a value of type i64 where f32 is needed");
  EXPECT_EQ(Result(Store(kB, te::Int(0, DType::kI32), te::Float(1))),
            "f: types: B[0] = 1: a value of type i32 where i64 is needed");
  EXPECT_EQ(Result(If(Int(1), Zero(kB, Int(0)))), "f: types: if 1: a value of type i64 where bool is needed");
  EXPECT_EQ(Result(Store(kB, Int(0), te::Read(DType::kF64, kA, {Int(0)}))),
            "f: types: B[0] = A[0]: a value of type f64 where f32 is needed");
  EXPECT_EQ(Result(Store(kB, Int(0), te::Cast(DType::kF32, te::Read(DType::kF64, kA, {Int(0)})))),
            "f: types: B[0] = f32(A[0]): reads f64 from 'A' of f32");
  EXPECT_EQ(Result(Store(kB, Int(0), nullptr)), "f: types: B[0] = ?: an expression is missing");
}

TEST(VerifyScopes, VariablesBelongToTheirLoop) {
  EXPECT_EQ(Result(Serial(0, 4, Zero(kB, i))), "ok");
  EXPECT_EQ(Result(Seq({Serial(0, 4, Zero(kB, i)), Zero(kB, i)})),
            "f: scopes: B[i] = 0: variable 'i' is used outside its loop");
  EXPECT_EQ(Result(Seq({Serial(0, 4, Zero(kB, i)), Serial(0, 4, Zero(kB, i))})),
            "f: scopes: for i in 0..4: its variable is bound by another loop too");
  EXPECT_EQ(Result(Zero(kB, Var(17))), "f: scopes: B[v?17] = 0: variable '17' is used outside its loop");
}

TEST(VerifyScopes, BuffersLiveInTheirAlloc) {
  EXPECT_EQ(Result(Alloc(kT, Zero(kT, Int(0)))), "ok");
  EXPECT_EQ(Result(Seq({Alloc(kT, Zero(kT, Int(0))), Alloc(kT, Zero(kT, Int(1)))})), "ok");
  EXPECT_EQ(Result(Zero(kT, Int(0))), "f: scopes: T[0] = 0: 'T' is used outside its Alloc");
  EXPECT_EQ(Result(Alloc(kT, Alloc(kT, Zero(kT, Int(0))))),
            "f: scopes: thread T: f32[16] align 64: 'T' is allocated already");
  EXPECT_EQ(Result(Alloc(kB, Zero(kB, Int(0)))),
            "f: scopes: parameter B: f32[100]: 'B' is given by the caller and cannot be allocated");
  EXPECT_EQ(Result(Zero(9, Int(0))),
            "f: scopes: buffer?9[0] = 0: names a buffer, variable, event or body that does not exist");
  EXPECT_EQ(Result(Alloc(kT, Parallel(0, 4, Zero(kT, i)))),
            "f: scopes: T[i] = 0: 'T' belongs to one thread, but is allocated outside of parallel i in 0..4");
  EXPECT_EQ(Result(Parallel(0, 4, Alloc(kT, Zero(kT, i)))), "ok");
}

TEST(VerifyScopes, ParametersHavePositions) {
  Function f = Of(Seq({}));
  f.buffers[kB].parameter = 0;
  EXPECT_EQ(Result(f), "f: scopes: parameter 'B' has position 0, which is not there or taken");
  f.buffers[kB].parameter = 2;
  EXPECT_EQ(Result(f), "f: scopes: the positions of the parameters have gaps");
}

TEST(VerifyBounds, ByRanges) {
  EXPECT_EQ(Result(Serial(0, 10, Serial(1, 10, Zero(kB, i * Int(10) + j)))), "ok");
  EXPECT_EQ(
      Result(Serial(0, 10, Serial(1, 11, Zero(kB, i * Int(10) + j)))),
      "f: bounds: B[i*10 + j] = 0: index i*10 + j of 'B' may lie in 0 … 100, not within its 100 elements; "
      "guard the access");
  EXPECT_EQ(
      Result(Store(kB, Int(0), Load(kA, Int(-1)))),
      "f: bounds: B[0] = A[-1]: index -1 of 'A' may lie in -1 … -1, not within its 100 elements; guard the "
      "access");
  EXPECT_EQ(Result(Store(kB, te::Cast(DType::kI64, Load(kA, Int(0))), te::Float(0))).substr(0, 20),
            "f: bounds: B[i64(A[0");
}

TEST(VerifyBounds, ByConditionsGuardsAndExtents) {
  Expr at = i * Int(16) + j;
  EXPECT_EQ(Result(Serial(0, 7, Serial(1, 16, If(Lt(at, Int(100)), Zero(kB, at))))), "ok");
  EXPECT_EQ(
      Result(Serial(0, 7, Serial(1, 16, If(Lt(at, Int(101)), Zero(kB, at))))),
      "f: bounds: B[i*16 + j] = 0: index i*16 + j of 'B' may lie in 0 … 111, not within its 100 elements; "
      "guard the access");
  Expr guarded = te::GuardedRead(DType::kF32, kA, {at}, Lt(at, Int(100)), te::Float(0));
  EXPECT_EQ(Result(Serial(0, 7, Serial(1, 16, Store(kB, Int(0), guarded)))), "ok");
  Expr wrong = te::GuardedRead(DType::kF32, kA, {at + Int(1)}, Lt(at, Int(100)), te::Float(0));
  EXPECT_NE(Result(Serial(0, 7, Serial(1, 16, Store(kB, Int(0), wrong)))), "ok");
  EXPECT_EQ(Result(Serial(
                0, 7, For(LoopKind::kSerial, 1, Int(0), Min(Int(16), Int(100) - i * Int(16)), Zero(kB, at)))),
            "ok");
  EXPECT_NE(Result(Serial(
                0, 7, For(LoopKind::kSerial, 1, Int(0), Min(Int(16), Int(101) - i * Int(16)), Zero(kB, at)))),
            "ok");
}

TEST(VerifyBounds, OfWhatNeverHappensDoNotMatter) {
  EXPECT_EQ(Result(Serial(0, 4, If(Lt(i, Int(0)), Zero(kB, Int(100))))), "ok");
  EXPECT_EQ(Result(Serial(0, 0, Zero(kB, Int(100)))), "ok");
  Expr guarded = te::GuardedRead(DType::kF32, kA, {i + Int(100)}, Lt(i, Int(0)), te::Float(0));
  EXPECT_EQ(Result(Serial(0, 4, Store(kB, i, guarded))), "ok");
  EXPECT_NE(Result(Serial(0, 4, If(Lt(i, Int(1)), Zero(kB, Int(100))))), "ok");
}

TEST(VerifyBounds, OfFlatIndicesFromGuardsByDimension) {
  // A is 5 x 4 x 5: y and x with a halo of one, guarded one by one.
  Expr y = i + k - Int(1), x = j + l - Int(1);
  Expr inside = And(And(Le(Int(0), y), Lt(y, Int(5))), And(Le(Int(0), x), Lt(x, Int(4))));
  auto body = [&](Expr guard) {
    Expr read = te::GuardedRead(DType::kF32, kA, {y * Int(20) + x * Int(5) + Int(4)}, guard, te::Float(0));
    return Serial(0, 5, Serial(1, 4, Serial(2, 3, Serial(3, 3, Store(kB, Int(0), read)))));
  };
  EXPECT_EQ(Result(body(inside)), "ok");
  EXPECT_NE(Result(body(And(And(Le(Int(0), y), Lt(y, Int(5))), Le(Int(0), x)))), "ok");
  EXPECT_NE(Result(body(And(Lt(y, Int(5)), And(Le(Int(0), x), Lt(x, Int(4)))))), "ok");
}

TEST(VerifyBounds, OfCopies) {
  auto copy = [](int64_t elements) {
    return Alloc(kS, Seq({Copy(kS, Int(0), kA, Int(90), Int(elements), 0), Wait(0, Int(1))}));
  };
  EXPECT_EQ(Result(copy(10)), "ok");
  EXPECT_EQ(
      Result(copy(11)),
      "f: bounds: copy 11 to S[0] from A[90] then e: index 90 of 'A' may lie in 90 … 100, not within its 100 "
      "elements; guard the access");
  EXPECT_EQ(Result(copy(-1)),
            "f: bounds: copy -1 to S[0] from A[90] then e: may copy a negative number of elements");
}

std::string RaceOn(const std::string& statement, const std::string& loop, const std::string& buffer = "B") {
  return "f: races: " + statement + ": iterations of '" + loop + "' may touch the same element of '" +
         buffer + "'; run the loop serially, or keep its iterations apart";
}

TEST(VerifyRaces, TiledIterationsAreDisjoint) {
  EXPECT_EQ(Result(Parallel(0, 10, Serial(1, 10, Zero(kB, i * Int(10) + j)))), "ok");
  EXPECT_EQ(Result(Parallel(0, 10, Serial(1, 10, Zero(kB, j * Int(10) + i)))), "ok");
  EXPECT_EQ(Result(Parallel(0, 9, Serial(1, 11, Zero(kB, i * Int(10) + j)))), RaceOn("B[i*10 + j] = 0", "i"));
  EXPECT_EQ(Result(Parallel(0, 4, Zero(kB, Int(3)))), RaceOn("B[3] = 0", "i"));
  EXPECT_EQ(Result(Parallel(0, 10, Serial(1, 3, Zero(kB, i + j)))), RaceOn("B[i + j] = 0", "i"));
}

TEST(VerifyRaces, InnerTilesBetweenRows) {
  // Rows k of 25 columns, tiles i of 8 columns with a masked tail, columns j.
  Expr column = i * Int(8) + j, at = k * Int(25) + column;
  EXPECT_EQ(Result(Parallel(0, 4, Serial(2, 4, Serial(1, 8, If(Lt(column, Int(25)), Zero(kB, at)))))), "ok");
  EXPECT_EQ(Result(Parallel(0, 4, Serial(2, 4, Serial(1, 8, If(Lt(at, Int(100)), Zero(kB, at)))))),
            RaceOn("B[k*25 + i*8 + j] = 0", "i"));
  EXPECT_EQ(
      Result(Parallel(
          0, 4,
          Serial(2, 3, For(LoopKind::kSerial, 1, Int(0), Min(Int(8), Int(25) - i * Int(8)), Zero(kB, at))))),
      "ok");
}

TEST(VerifyRaces, SeveralParallelLoopsAndStatements) {
  Expr at = i * Int(50) + k * Int(10) + j * Int(5) + l;
  EXPECT_EQ(Result(Parallel(0, 2, Parallel(1, 2, Serial(2, 5, Serial(3, 5, Zero(kB, at)))))), "ok");
  Stmt start = Serial(2, 5, Zero(kB, i * Int(50) + k)),
       add = Serial(3, 5, Store(kB, i * Int(50) + l * Int(2), Load(kB, i * Int(50) + l) + Load(kA, i)));
  EXPECT_EQ(Result(Parallel(0, 2, Seq({start, add}))), "ok");
  Stmt reads_other = Serial(3, 5, Store(kB, i * Int(50) + l, Load(kB, Int(50) - i * Int(50) + l)));
  EXPECT_EQ(Result(Parallel(0, 2, reads_other)), RaceOn("B[i*50 + l] = B[50 - i*50 + l]", "i"));
}

TEST(VerifyRaces, NeighboursAreNotOneself) {
  Expr at = i * Int(4) + j;
  EXPECT_EQ(Result(Parallel(0, 9, Serial(1, 4, Store(kB, at, Load(kB, at) + Load(kA, at))))), "ok");
  EXPECT_EQ(Result(Parallel(0, 9, Serial(1, 4, Store(kB, at, Load(kB, at + Int(4)))))),
            RaceOn("B[i*4 + j] = B[i*4 + j + 4]", "i"));
}

TEST(VerifyRaces, WhatIsFixedAroundTheLoopMustBeTheSameEverywhere) {
  auto around = [](Expr read) {
    return Serial(2, 4, Parallel(0, 4, Store(kB, k * Int(5) + i, Load(kB, std::move(read)))));
  };
  EXPECT_EQ(Result(around(k * Int(5) + i)), "ok");
  EXPECT_EQ(Result(around(k * Int(6) + i)), RaceOn("B[k*5 + i] = B[k*6 + i]", "i"));
}

TEST(VerifyRaces, ABranchForOneIterationIsCompared) {
  Expr at = i * Int(8) + j;
  Stmt tail = Serial(2, 4, Zero(kB, k + Int(16))), steady = Serial(1, 8, Zero(kB, at));
  EXPECT_EQ(Result(Parallel(0, 3, If(Lt(i, Int(2)), steady, tail))), "ok");
  Stmt overlapping = Serial(2, 4, Zero(kB, k + Int(14)));
  EXPECT_EQ(Result(Parallel(0, 3, If(Lt(i, Int(2)), steady, overlapping))), RaceOn("B[i*8 + j] = 0", "i"));
}

TEST(VerifyRaces, FusedLoopsByQuotientAndRemainder) {
  Expr at = Div(i, 5) * Int(20) + j * Int(5) + Mod(i, 5);
  EXPECT_EQ(Result(Parallel(0, 25, Serial(1, 4, Zero(kB, at)))), "ok");
  EXPECT_EQ(Result(Parallel(0, 25, Serial(1, 4, Zero(kB, Div(i, 5) * Int(4) + j)))).substr(0, 10),
            "f: races: ");
}

TEST(VerifyRaces, WhatIsPrivateCannotRace) {
  EXPECT_EQ(Result(Parallel(0, 4, Alloc(kT, Seq({Zero(kT, Int(0)), Store(kB, i, Load(kT, Int(0)))})))), "ok");
  EXPECT_EQ(Result(BoundFor("thread.x", 0, Int(8), Zero(kB, i * Int(4)))), "ok");
  EXPECT_EQ(Result(Alloc(kS, BoundFor("thread.x", 0, Int(8), Zero(kS, Div(i, 2))))),
            RaceOn("S[i/2] = 0", "i", "S"));
}

TEST(VerifyRaces, LanesStoreApartOrReduce) {
  EXPECT_EQ(Result(Vector(0, 8, Store(kB, i, Load(kA, i)))), "ok");
  EXPECT_EQ(Result(Vector(0, 8, Store(kB, Int(63) - i * Int(3), Load(kA, i)))), "ok");
  EXPECT_EQ(Result(Vector(0, 8, Store(kB, Div(i, 2), Load(kA, i)))), RaceOn("B[i/2] = A[i]", "i"));
  EXPECT_EQ(Result(Vector(0, 8, Store(kB, Int(0), Load(kB, Int(0)) + Load(kA, i)))), "ok");
  EXPECT_EQ(Result(Vector(0, 8, Store(kB, Int(0), Load(kB, Int(0)) / Load(kA, i)))),
            RaceOn("B[0] = B[0] / A[i]", "i"));
  EXPECT_EQ(Result(Vector(0, 8, Store(kB, i + Int(1), Load(kB, i)))), RaceOn("B[i + 1] = B[i]", "i"));
}

TEST(VerifyRegisters, IndicesAreConstantAfterUnrolling) {
  EXPECT_EQ(Result(Alloc(kR, Unroll(0, 2, Vector(1, 8, Zero(kR, i * Int(8) + j))))), "ok");
  EXPECT_EQ(Result(Alloc(kR, Vector(0, 4, Vector(1, 3, Zero(kR, i * Int(3) + j))))), "ok");
  EXPECT_EQ(Result(Alloc(kR, Vector(0, 3, Vector(1, 3, Zero(kR, i * Int(4) + j))))),
            "f: registers: R[i*4 + j] = 0: the index of register buffer 'R' contains i*4, which is neither "
            "unrolled nor the lane");
  EXPECT_EQ(Result(Alloc(kR, Unroll(0, 16, Zero(kR, Div(i, 2) * Int(2) + Mod(i, 2))))), "ok");
  EXPECT_EQ(Result(Alloc(kR, Serial(0, 2, Vector(1, 8, Zero(kR, i * Int(8) + j))))),
            "f: registers: R[i*8 + j] = 0: the index of register buffer 'R' contains i*8, which is neither "
            "unrolled "
            "nor the lane");
  EXPECT_EQ(Result(Alloc(kR, Vector(1, 8, Zero(kR, j * Int(2))))),
            "f: registers: R[j*2] = 0: the index of register buffer 'R' contains j*2, which is neither "
            "unrolled nor "
            "the lane");
}

TEST(VerifyConstants, ExtentsOfLanesAndUnrolledLoops) {
  EXPECT_EQ(Result(Serial(0, 4, For(LoopKind::kUnroll, 1, Int(0), i, Zero(kB, j)))),
            "f: constants: unroll j in 0..i: its extent is not constant");
  EXPECT_EQ(Result(Vector(0, 65, Zero(kB, i))),
            "f: constants: vector i in 0..65: a vector has at most 64 lanes");
  // Loops directly in one another are one vector; with something between them they are not.
  EXPECT_EQ(Result(Vector(0, 11, Vector(1, 6, Zero(kB, i * Int(6) + j)))),
            "f: constants: vector j in 0..6: a vector has at most 64 lanes");
  EXPECT_EQ(Result(Vector(0, 11, If(Lt(i, Int(5)), Vector(1, 6, Zero(kB, i * Int(6) + j))))), "ok");
}

TEST(VerifyConstants, ParallelLoopsNestDirectlyOnly) {
  EXPECT_EQ(Result(Parallel(0, 2, Parallel(1, 2, Parallel(2, 2, Zero(kB, i * Int(4) + j * Int(2) + k))))),
            "ok");
  EXPECT_EQ(Result(Parallel(0, 2, Seq({Zero(kB, i), Parallel(1, 2, Zero(kB, i * Int(2) + j + Int(10)))}))),
            "f: constants: parallel j in 0..2: it is inside parallel i in 0..2, but parallel loops nest only "
            "directly "
            "in one another");
  EXPECT_EQ(Result(Vector(0, 2, Parallel(1, 2, Zero(kB, i * Int(2) + j)))).substr(0, 14), "f: constants: ");
  EXPECT_EQ(Result(For(LoopKind::kParallel, 0, Int(0), Int(4), Zero(kB, i), 0)),
            "f: constants: parallel i in 0..4 grain 0: its grain is below 1");
}

TEST(VerifyReadOnly, ParametersThatAreOnlyRead) {
  EXPECT_EQ(Result(Zero(kA, Int(0))), "f: read-only: A[0] = 0: stores to parameter 'A', which is only read");
  EXPECT_EQ(Result(Seq({Copy(kA, Int(0), kB, Int(8), Int(2), 0), Wait(0, Int(1))})),
            "f: read-only: copy 2 to A[0] from B[8] then e: stores to parameter 'A', which is only read");
}

TEST(VerifyEvents, WaitsAreMet) {
  Stmt copy = Copy(kS, Int(0), kA, Int(0), Int(4), 0);
  std::string broken = "f: events: wait e 2: 'e' may have fired less often; fire it on every path before";
  EXPECT_EQ(Result(Alloc(kS, Seq({copy, Wait(0, Int(1))}))), "ok");
  EXPECT_EQ(Result(Alloc(kS, Seq({copy, Wait(0, Int(2))}))), broken);
  EXPECT_EQ(Result(Alloc(kS, Seq({copy, Serial(0, 3, Seq({copy, Wait(0, i + Int(2))})), Wait(0, Int(4))}))),
            "ok");
  EXPECT_EQ(Result(Alloc(kS, Serial(0, 3, Seq({copy, Wait(0, i + Int(2))})))),
            "f: events: wait e i + 2: 'e' may have fired less often; fire it on every path before");
  EXPECT_EQ(Result(Seq({Signal(0), Serial(0, 2, If(Lt(i, Int(1)), Signal(0))), Wait(0, Int(2))})), broken);
  EXPECT_EQ(Result(Seq({Signal(0), Serial(0, 2, If(Lt(i, Int(1)), Signal(0), Signal(0))), Wait(0, Int(3))})),
            "ok");
  EXPECT_EQ(Result(Roles({Serial(0, 4, Wait(0, i + Int(1))), Serial(1, 4, Signal(0))})), "ok");
  EXPECT_EQ(Result(Roles({Serial(0, 4, Wait(0, i + Int(1))), Serial(1, 3, Signal(0))})),
            "f: events: wait e i + 1: 'e' may have fired less often; fire it on every path before");
  EXPECT_EQ(Result(Roles({Wait(0, Int(1)), Parallel(0, 4, Signal(0))})),
            "f: events: wait e 1: 'e' may have fired less often; fire it on every path before");
  EXPECT_EQ(Result(Seq({Parallel(0, 4, Signal(0)), Wait(0, Int(1))})),
            "f: events: wait e 1: 'e' may have fired less often; fire it on every path before");
}

TEST(VerifyLifetimes, StoresComeBeforeReads) {
  Stmt add = Store(kR, Int(0), Load(kR, Int(0)) + Load(kA, Int(0)));
  EXPECT_EQ(Result(Alloc(kR, Seq({Zero(kR, Int(0)), add}))), "ok");
  EXPECT_EQ(Result(Alloc(kR, add)),
            "f: lifetimes: R[0] = R[0] + A[0]: reads 'R' before anything is stored to it");
  EXPECT_EQ(Result(Serial(
                0, 2, If(Lt(i, Int(1)), Alloc(kT, Zero(kT, Int(0))), Alloc(kT, Store(kB, i, Load(kT, i)))))),
            "f: lifetimes: B[i] = T[i]: reads 'T' before anything is stored to it");
  EXPECT_EQ(Result(Alloc(kT, Serial(0, 2, If(Lt(i, Int(1)), Zero(kT, Int(0)), Store(kB, i, Load(kT, i)))))),
            "f: lifetimes: B[i] = T[i]: reads 'T' before anything is stored to it");
}

TEST(VerifyProgram, PackWritesWhatMainReads) {
  Program p;
  p.main = Of(Zero(kB, Int(0)));
  EXPECT_TRUE(Verify(p).ok());
  p.pack.name = "pack";
  p.pack.buffers.push_back({"A", DType::kF32, Scope::kParameter, 100, 4, 0, false});
  p.pack.buffers.push_back({"Ap", DType::kF32, Scope::kParameter, 100, 4, 1, true});
  p.pack.variables = {"i"};
  p.pack.body = Serial(0, 100, Store(1, i, Load(0, i)));
  EXPECT_EQ(MessageOf(Verify(p)),
            "f: types: the packed weights that pack writes are not those that are read");
  p.packed = {0};
  // Of the same size, but another one.
  EXPECT_EQ(MessageOf(Verify(p)),
            "f: types: the packed weights that pack writes are not those that are read");
  p.main.buffers[0].name = "Ap";
  EXPECT_TRUE(Verify(p).ok());
  p.packed = {1};
  EXPECT_EQ(MessageOf(Verify(p)),
            "f: types: the packed weights that pack writes are not those that are read");
}

}  // namespace
}  // namespace tunesmith::ir::testing
