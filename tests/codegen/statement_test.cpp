// SPDX-License-Identifier: Apache-2.0
// Each kind of statement and loop computes what the interpreter says, on every target that runs here.
#include <gtest/gtest.h>

#include "codegen/llvm/compile.h"
#include "tests/codegen/running.h"
#include "tests/ir/expressions.h"

namespace tunesmith::codegen::testing {
namespace {

using namespace ir::testing;  // NOLINT: Int, Var, Lt, …
using ir::Alloc;
using ir::For;
using ir::If;
using ir::LoopKind;
using ir::Scope;
using ir::Seq;
using ir::Stmt;
using ir::Store;

constexpr DType F32 = DType::kF32;

Expr Read(const ir::Function& f, int buffer, Expr at) {
  return te::Read(f.buffers[static_cast<size_t>(buffer)].dtype, buffer, {std::move(at)});
}

/// O[i] = A[i] * 2 over a loop of this kind.
void ExpectLoopRuns(LoopKind kind, int64_t extent) {
  ir::Function f = FunctionOf({{F32, 70}}, {F32, 70}, 1);
  Expr doubled = Read(f, 0, Var(0)) * te::Float(2);
  // The rest of O is stored too, so that every element is defined.
  f.variables.push_back("rest");
  f.body = Seq({For(kind, 0, Int(0), Int(extent), Store(1, Var(0), doubled)),
                For(LoopKind::kSerial, 1, Int(extent), Int(70 - extent), Store(1, Var(1), te::Float(-1)))});
  ExpectAsInterpreted(f, ParametersOf(f));
}

TEST(Statement, SerialLoops) {
  for (int64_t extent : {0, 1, 2, 70}) ExpectLoopRuns(LoopKind::kSerial, extent);
}
TEST(Statement, UnrolledLoops) {
  for (int64_t extent : {0, 1, 5}) ExpectLoopRuns(LoopKind::kUnroll, extent);
}
TEST(Statement, VectorLoopsOfAnyLength) {
  for (int64_t extent : {0, 1, 2, 3, 7, 8, 15, 16, 17, 31, 48, 63, 64})
    ExpectLoopRuns(LoopKind::kVector, extent);
}
TEST(Statement, ParallelLoops) {
  for (int64_t extent : {0, 1, 70}) ExpectLoopRuns(LoopKind::kParallel, extent);
}

TEST(Statement, LoopsThatDependOnOuterVariables) {
  // for i in 0..9: for j in i..i+(9-i): O[i*9+j] = A[j]; the lower triangle gets -1
  ir::Function f = FunctionOf({{F32, 9}}, {F32, 81}, 3);
  f.body = For(
      LoopKind::kSerial, 0, Int(0), Int(9),
      Seq({For(LoopKind::kSerial, 1, Var(0), Int(9) - Var(0),
               Store(1, Var(0) * Int(9) + Var(1), Read(f, 0, Var(1)))),
           For(LoopKind::kSerial, 2, Int(0), Var(0), Store(1, Var(0) * Int(9) + Var(2), te::Float(-1)))}));
  ExpectAsInterpreted(f, ParametersOf(f));
}

TEST(Statement, VectorLoopsThatBeginElsewhere) {
  ir::Function f = FunctionOf({{F32, 40}}, {F32, 40}, 2);
  f.body = For(LoopKind::kSerial, 0, Int(0), Int(2),
               For(LoopKind::kVector, 1, Var(0) * Int(20), Int(20), Store(1, Var(1), Read(f, 0, Var(1)))));
  ExpectAsInterpreted(f, ParametersOf(f));
}

/// Lanes of two loops in one another, or of one inside the other where they are none of one vector.
class LanesOfTwoLoops : public ::testing::TestWithParam<std::pair<int64_t, int64_t>> {
 protected:
  const int64_t outer = GetParam().first, inner = GetParam().second, lanes = outer * inner;
  static constexpr int64_t kTimes = 3;

  /// O[t * lanes + lane] = value(t, o, i) for t in 0..kTimes.
  void Expect(const ir::Function& given, const Expr& value) const {
    ir::Function f = given;
    const int output = static_cast<int>(f.buffers.size()) - 1;
    Stmt store = Store(output, Var(0) * Int(lanes) + Var(1) * Int(inner) + Var(2), value);
    f.body = For(LoopKind::kSerial, 0, Int(0), Int(kTimes),
                 For(LoopKind::kVector, 1, Int(0), Int(outer),
                     For(LoopKind::kVector, 2, Int(0), Int(inner), std::move(store))));
    ExpectAsInterpreted(f, ParametersOf(f));
  }
};

TEST_P(LanesOfTwoLoops, SideBySide) {
  ir::Function f = FunctionOf({{F32, kTimes * lanes}}, {F32, kTimes * lanes}, 3);
  Expect(f, Read(f, 0, Var(0) * Int(lanes) + Var(1) * Int(inner) + Var(2)) + te::Float(1));
}

// Those of the outer loop lie apart, those of the inner one together or the same: vectors that cover them
// must not reach beyond the buffer's ends.
TEST_P(LanesOfTwoLoops, NearEachOther) {
  for (int64_t apart : {1, 2, 3, 4, 8}) {
    for (int64_t step : {0, 1, 2}) {
      const int64_t reach = (outer - 1) * apart + (inner - 1) * step + 1;
      ir::Function f = FunctionOf({{F32, (kTimes - 1) * 5 + reach}}, {F32, kTimes * lanes}, 3);
      Expect(f, Read(f, 0, Var(0) * Int(5) + Var(1) * Int(apart) + Var(2) * Int(step)));
      // Vectors that begin at multiples of their length.
      const int64_t whole = (reach + 15) / 16 * 16;
      ir::Function aligned = FunctionOf({{F32, kTimes * whole}}, {F32, kTimes * lanes}, 3);
      Expect(aligned, Read(aligned, 0, Var(0) * Int(whole) + Var(1) * Int(apart) + Var(2) * Int(step)));
    }
  }
}

TEST_P(LanesOfTwoLoops, FarApartOrBackwards) {
  ir::Function f = FunctionOf({{F32, kTimes * outer * 100}}, {F32, kTimes * lanes}, 3);
  Expect(f, Read(f, 0, Var(0) * Int(outer * 100) + Var(1) * Int(100) + Var(2)));
  Expect(f, Read(f, 0, (Int(kTimes) - Var(0)) * Int(lanes) - Int(1) - (Var(1) * Int(inner) + Var(2))));
}

TEST_P(LanesOfTwoLoops, GuardedAsAWholeAndByLane) {
  ir::Function f = FunctionOf({{F32, outer * 4}}, {F32, kTimes * lanes}, 3);
  const Expr at = Var(0) * Int(outer * 4) + Var(1) * Int(4) + Int(3);
  Expect(f, te::GuardedRead(F32, 0, {at}, Lt(Var(0), Int(1)), te::Float(7)));
  Expect(f, te::GuardedRead(F32, 0, {at}, Lt(at, Int(outer * 4 - 6)), te::Float(7)));
  // What is stored, too.
  f.body = nullptr;
  Stmt store = If(Lt(Var(1) * Int(inner) + Var(2), Int(lanes - 1)),
                  Store(1, Var(0) * Int(lanes) + Var(1) * Int(inner) + Var(2), Read(f, 0, Var(1) * Int(4))));
  f.variables.push_back("rest");
  Stmt rest = For(LoopKind::kSerial, 3, Int(0), Int(kTimes * lanes), Store(1, Var(3), te::Float(-1)));
  f.body = Seq({rest, For(LoopKind::kSerial, 0, Int(0), Int(kTimes),
                          For(LoopKind::kVector, 1, Int(0), Int(outer),
                              For(LoopKind::kVector, 2, Int(0), Int(inner), store)))});
  ExpectAsInterpreted(f, ParametersOf(f));
}

// A sum over one of the loops alone has a result for each lane of the other; over both it has one.
TEST_P(LanesOfTwoLoops, Sums) {
  for (const bool all : {false, true}) {
    ir::Function f = FunctionOf({{F32, lanes}}, {F32, outer}, 3);
    const Expr at = all ? Int(0) : Var(1);
    Stmt add = Store(1, at, Read(f, 1, at) + Read(f, 0, Var(1) * Int(inner) + Var(2)));
    f.body = Seq(
        {For(LoopKind::kSerial, 0, Int(0), Int(outer), Store(1, Var(0), te::Float(0))),
         For(LoopKind::kVector, 1, Int(0), Int(outer), For(LoopKind::kVector, 2, Int(0), Int(inner), add))});
    const std::vector<Value> parameters = ParametersOf(f);
    for (const Target& target : RunnableTargets())
      EXPECT_EQ(DifferenceFromInterpreter(f, target, parameters, 16), "") << target.name;
  }
}

// A buffer inside of both has a copy for each lane.
TEST_P(LanesOfTwoLoops, WithMemoryOfTheirOwn) {
  ir::Function f = FunctionOf({{F32, lanes}}, {F32, lanes}, 3);
  const int own = AddBuffer(&f, "own", F32, Scope::kThread, 2);
  const Expr lane = Var(1) * Int(inner) + Var(2);
  f.body = For(LoopKind::kVector, 1, Int(0), Int(outer),
               For(LoopKind::kVector, 2, Int(0), Int(inner),
                   Alloc(own, Seq({Store(own, Int(0), Read(f, 0, lane)),
                                   Store(own, Int(1), Read(f, 0, Int(lanes - 1) - lane)),
                                   Store(1, lane, Read(f, own, Int(0)) - Read(f, own, Int(1)))}))));
  ExpectAsInterpreted(f, ParametersOf(f));
}

INSTANTIATE_TEST_SUITE_P(Extents, LanesOfTwoLoops,
                         ::testing::Values(std::pair(4, 4), std::pair(2, 8), std::pair(8, 2),
                                           std::pair(16, 3), std::pair(8, 6), std::pair(2, 2),
                                           std::pair(3, 5), std::pair(1, 4), std::pair(4, 1),
                                           std::pair(16, 4)));

TEST(Statement, SerialLoopInsideVectorLoop) {
  ir::Function f = FunctionOf({{F32, 16 * 5}}, {F32, 16}, 2);
  Stmt sum = Store(1, Var(0), Read(f, 1, Var(0)) + Read(f, 0, Var(1) * Int(16) + Var(0)));
  f.body = For(LoopKind::kVector, 0, Int(0), Int(16),
               Seq({Store(1, Var(0), te::Float(0)), For(LoopKind::kSerial, 1, Int(0), Int(5), sum)}));
  ExpectAsInterpreted(f, ParametersOf(f));
}

TEST(Statement, ConditionsBranchOutsideOfVectors) {
  ir::Function f = FunctionOf({{F32, 30}}, {F32, 30}, 1);
  f.body = For(LoopKind::kSerial, 0, Int(0), Int(30),
               If(Lt(Read(f, 0, Var(0)), te::Float(0)), Store(1, Var(0), te::Float(1)),
                  Store(1, Var(0), Read(f, 0, Var(0)))));
  ExpectAsInterpreted(f, ParametersOf(f));
}

TEST(Statement, ConditionsMaskLanesInsideVectors) {
  ir::Function f = FunctionOf({{F32, 30}}, {F32, 30}, 1);
  Stmt inner = If(Lt(Var(0), Int(9)), Store(1, Var(0), te::Float(7)), Store(1, Var(0), te::Float(8)));
  f.body = For(LoopKind::kVector, 0, Int(0), Int(30),
               If(Lt(Read(f, 0, Var(0)), te::Float(0)), inner, Store(1, Var(0), Read(f, 0, Var(0)))));
  ExpectAsInterpreted(f, ParametersOf(f));
}

TEST(Statement, MasksFromComparisonsOfLanesWithAnyNumber) {
  // O[n, lane] says whether `lane` compares with n - 2, which is below the first lane at first and beyond the
  // last one in the end.
  for (int64_t lanes : {5, 16, 33, 64}) {
    for (Expr (*compare)(Expr, Expr) : {Lt, Le, Eq, Ne}) {
      for (bool rises : {true, false}) {
        ir::Function f = FunctionOf({}, {F32, (lanes + 4) * lanes}, 2);
        Expr number = Var(0) - Int(2), at = Var(0) * Int(lanes) + Var(1);
        Expr condition = rises ? compare(Var(1), number) : compare(number, Var(1));
        f.body = For(LoopKind::kSerial, 0, Int(0), Int(lanes + 4),
                     For(LoopKind::kVector, 1, Int(0), Int(lanes),
                         If(condition, Store(0, at, te::Float(1)), Store(0, at, te::Float(0)))));
        ExpectAsInterpreted(f, ParametersOf(f));
      }
    }
  }
}

TEST(Statement, TailsOfAnyTypeAndStride) {
  // O[n*16 + lane] = A[(n*16 + lane) * stride] as far as A goes; whole, partial and empty vectors.
  for (DType type : {DType::kI8, DType::kU8, DType::kI16, DType::kBF16, DType::kI32, F32, DType::kF64}) {
    for (int64_t stride : {1, 2, 7, -1, -5}) {
      const int64_t extent = 37, step = std::abs(stride);
      ir::Function f = FunctionOf({{type, (extent - 1) * step + 1}}, {type, 64}, 2);
      Expr at = Var(0) * Int(16) + Var(1), inside = Lt(at, Int(extent));
      Expr from = stride > 0 ? at * Int(step) : (Int(extent - 1) - at) * Int(step);
      Expr other = te::Cast(type, Int(5));
      // The read has a guard of its own; then the store alone has one.
      Stmt read = Store(1, at, te::GuardedRead(type, 0, {from}, inside, other));
      Stmt store = If(inside, Store(1, at, te::Read(type, 0, {from})), Store(1, at, other));
      for (const Stmt& body : {read, store}) {
        f.body = For(LoopKind::kSerial, 0, Int(0), Int(4), For(LoopKind::kVector, 1, Int(0), Int(16), body));
        ExpectAsInterpreted(f, ParametersOf(f));
      }
    }
  }
}

TEST(Statement, LanesThatAreMaskedDoNotReduce) {
  // Every lane adds to (multiplies) the same element, those up to a bound alone.
  for (bool product : {false, true}) {
    ir::Function f = FunctionOf({{F32, 16}}, {F32, 17}, 2);
    Expr sofar = Read(f, 1, Var(0)), term = Read(f, 0, Var(1));
    Stmt reduce = Store(1, Var(0), product ? sofar * term : sofar + term);
    f.body = For(LoopKind::kSerial, 0, Int(0), Int(17),
                 Seq({Store(1, Var(0), te::Float(product)),
                      For(LoopKind::kVector, 1, Int(0), Int(16), If(Lt(Var(1), Var(0)), reduce))}));
    ExpectAsInterpreted(f, ParametersOf(f), 4);
  }
}

TEST(Statement, UniformConditionsBranchInsideVectors) {
  ir::Function f = FunctionOf({{F32, 64}}, {F32, 64}, 2);
  f.body = For(LoopKind::kSerial, 0, Int(0), Int(4),
               For(LoopKind::kVector, 1, Int(0), Int(16),
                   If(Lt(Var(0), Int(2)), Store(1, Var(0) * Int(16) + Var(1), te::Float(5)),
                      Store(1, Var(0) * Int(16) + Var(1), Read(f, 0, Var(0) * Int(16) + Var(1))))));
  ExpectAsInterpreted(f, ParametersOf(f));
}

TEST(Statement, RegistersAsVectorsAndElements) {
  // acc is written as vectors, reversed by elements, and read as vectors again.
  ir::Function f = FunctionOf({{F32, 24}}, {F32, 24}, 4);
  int acc = AddBuffer(&f, "acc", F32, Scope::kRegister, 24);
  f.variables.push_back("m");
  Stmt swap = For(LoopKind::kUnroll, 1, Int(0), Int(12),
                  Store(acc, Int(23) - Var(1), Read(f, acc, Var(1)) + Read(f, acc, Int(23) - Var(1))));
  f.body = Alloc(
      acc, Seq({For(LoopKind::kVector, 0, Int(0), Int(24), Store(acc, Var(0), Read(f, 0, Var(0)))), swap,
                For(LoopKind::kVector, 2, Int(0), Int(24), Store(1, Var(2), Read(f, acc, Var(2))))}));
  ExpectAsInterpreted(f, ParametersOf(f));
}

TEST(Statement, BuffersInsideVectorLoopsBelongToTheirLane) {
  ir::Function f = FunctionOf({{F32, 20}}, {F32, 20}, 2);
  int own = AddBuffer(&f, "own", F32, Scope::kRegister, 3);
  Stmt fill = For(LoopKind::kUnroll, 1, Int(0), Int(3),
                  Store(own, Var(1), Read(f, 0, Var(0)) * te::Cast(F32, Var(1) + Int(1))));
  Stmt sum = Store(1, Var(0), Read(f, own, Int(0)) + Read(f, own, Int(1)) * Read(f, own, Int(2)));
  f.body = For(LoopKind::kVector, 0, Int(0), Int(20), Alloc(own, Seq({fill, sum})));
  ExpectAsInterpreted(f, ParametersOf(f));
}

TEST(Statement, BuffersOfAThreadOnTheStackAndInTheWorkspace) {
  for (int64_t elements : {int64_t{50}, int64_t{40000}}) {  // 160000 bytes are too many for a stack
    ir::Function f = FunctionOf({{F32, 64}}, {F32, 64}, 3);
    int own = AddBuffer(&f, "own", F32, Scope::kThread, elements);
    Stmt fill = For(LoopKind::kSerial, 1, Int(0), Int(50),
                    Store(own, Var(1), Read(f, 0, Var(0)) + te::Cast(F32, Var(1))));
    f.body =
        For(LoopKind::kParallel, 0, Int(0), Int(64),
            Alloc(own, Seq({fill, Store(1, Var(0), Read(f, own, Int(49)) + Read(f, own, Var(0) / Int(2)))})));
    ExpectAsInterpreted(f, ParametersOf(f));
    ir::Program program;
    program.main = f;
    auto kernel = Compile(program, *TargetNamed("x86-64-sse4.2"));
    ASSERT_TRUE(kernel.ok()) << kernel.status();
    EXPECT_EQ(kernel->main_workspace.bytes_per_worker, elements == 50 ? 0 : 160000);
    EXPECT_EQ(kernel->main_workspace.shared_bytes, 0);
  }
}

TEST(Statement, WorkspaceIsSharedByThreads) {
  ir::Function f = FunctionOf({{F32, 100}}, {F32, 100}, 2);
  int half = AddBuffer(&f, "half", F32, Scope::kWorkspace, 100);
  f.body =
      Seq({For(LoopKind::kParallel, 0, Int(0), Int(100),
               Store(half, Var(0), Read(f, 0, Var(0)) * te::Float(0.5))),
           For(LoopKind::kParallel, 1, Int(0), Int(100), Store(1, Var(1), Read(f, half, Int(99) - Var(1))))});
  ExpectAsInterpreted(f, ParametersOf(f));
  ir::Program program;
  program.main = f;
  auto kernel = Compile(program, *TargetNamed("x86-64-sse4.2"));
  ASSERT_TRUE(kernel.ok());
  EXPECT_EQ(kernel->main_workspace.shared_bytes, 448);
  EXPECT_EQ(kernel->main_workspace.BytesFor(3), 448);
}

TEST(Statement, ParallelLoopsNestAsOneSpace) {
  ir::Function f = FunctionOf({{F32, 60}}, {F32, 60}, 3);
  Expr at = (Var(0) * Int(4) + Var(1)) * Int(5) + Var(2);
  f.body = For(LoopKind::kParallel, 0, Int(0), Int(3),
               For(LoopKind::kParallel, 1, Int(0), Int(4),
                   For(LoopKind::kVector, 2, Int(0), Int(5), Store(1, at, Read(f, 0, at))), 2));
  ExpectAsInterpreted(f, ParametersOf(f));
}

TEST(Statement, ParallelLoopInsideSerialLoopUsesItsVariable) {
  ir::Function f = FunctionOf({{F32, 60}}, {F32, 60}, 2);
  int acc = AddBuffer(&f, "acc", F32, Scope::kThread, 6);
  Expr at = Var(0) * Int(10) + Var(1);
  f.body = Alloc(acc, For(LoopKind::kSerial, 0, Int(0), Int(6),
                          Seq({Store(acc, Var(0), te::Cast(F32, Var(0))),
                               For(LoopKind::kParallel, 1, Int(0), Int(10),
                                   Store(1, at, Read(f, 0, at) + Read(f, acc, Var(0))))})));
  ExpectAsInterpreted(f, ParametersOf(f));
}

TEST(Statement, ParallelExtentsOfRunTime) {
  ir::Function f = FunctionOf({{F32, 45}}, {F32, 45}, 3);
  // for i in 0..9: parallel j in 0..i+1 at the triangle's row
  Expr row = Var(0) * (Var(0) + Int(1)) / Int(2);
  f.body = For(
      LoopKind::kSerial, 0, Int(0), Int(9),
      For(LoopKind::kParallel, 1, Int(0), Var(0) + Int(1), Store(1, row + Var(1), Read(f, 0, row + Var(1)))));
  ExpectAsInterpreted(f, ParametersOf(f));
}

TEST(Statement, CopiesHappenAtOnce) {
  for (int64_t elements : {0, 3, 16, 37}) {
    ir::Function f = FunctionOf({{F32, 40}}, {F32, 40}, 1);
    int own = AddBuffer(&f, "own", F32, Scope::kThread, 40);
    f.events = {"copied"};
    f.body =
        Alloc(own, Seq({For(LoopKind::kSerial, 0, Int(0), Int(40), Store(own, Var(0), te::Float(1))),
                        ir::Copy(own, Int(2), 0, Int(1), Int(elements), 0), ir::Wait(0, Int(1)),
                        For(LoopKind::kVector, 0, Int(0), Int(40), Store(1, Var(0), Read(f, own, Var(0))))}));
    ExpectAsInterpreted(f, ParametersOf(f));
  }
}

TEST(Statement, PrefetchesMayLeaveTheBuffer) {
  ir::Function f = FunctionOf({{F32, 64}}, {F32, 64}, 1);
  f.body = For(LoopKind::kVector, 0, Int(0), Int(64),
               Seq({ir::Prefetch(0, Var(0) + Int(100000)), Store(1, Var(0), Read(f, 0, Var(0)))}));
  ExpectAsInterpreted(f, ParametersOf(f));
}

TEST(Statement, StreamingStoresOfAnyAlignment) {
  for (int64_t offset : {0, 1, 4}) {
    ir::Function f = FunctionOf({{F32, 80}}, {F32, 80}, 3);
    Stmt rest =
        Seq({For(LoopKind::kSerial, 1, Int(0), Int(offset), Store(1, Var(1), te::Float(0))),
             For(LoopKind::kSerial, 2, Int(offset + 64), Int(16 - offset), Store(1, Var(2), te::Float(0)))});
    f.body = Seq({rest, For(LoopKind::kVector, 0, Int(0), Int(64),
                            Store(1, Var(0) + Int(offset), Read(f, 0, Var(0)), true))});
    ExpectAsInterpreted(f, ParametersOf(f));
  }
}

TEST(Statement, PackRunsOnWeights) {
  // pack: P[i] = W[15-i]; main: O[i] = P[i] + A[i]
  ir::Program program;
  program.pack = FunctionOf({{F32, 16}}, {F32, 16}, 1);
  program.pack.name = "pack";
  program.pack.body =
      For(LoopKind::kSerial, 0, Int(0), Int(16), Store(1, Var(0), Read(program.pack, 0, Int(15) - Var(0))));
  program.main = FunctionOf({{F32, 16}, {F32, 16}}, {F32, 16}, 1);
  program.main.body = For(LoopKind::kVector, 0, Int(0), Int(16),
                          Store(2, Var(0), Read(program.main, 0, Var(0)) + Read(program.main, 1, Var(0))));
  for (const Target& target : RunnableTargets()) {
    auto kernel = Compile(program, target);
    ASSERT_TRUE(kernel.ok()) << kernel.status();
    std::vector<Value> pack = ParametersOf(program.pack), main = ParametersOf(program.main);
    ASSERT_TRUE(
        RunImage(kernel->image, kernel->image.pack_offset, kernel->pack_workspace, program.pack, &pack, 1)
            .ok());
    main[0] = pack[1];
    ASSERT_TRUE(
        RunImage(kernel->image, kernel->image.main_offset, kernel->main_workspace, program.main, &main, 1)
            .ok());
    for (int64_t i = 0; i < 16; ++i) EXPECT_EQ(main[2].Load(i), pack[0].Load(15 - i) + main[1].Load(i));
  }
}

}  // namespace
}  // namespace tunesmith::codegen::testing
