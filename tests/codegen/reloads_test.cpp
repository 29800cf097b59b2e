// SPDX-License-Identifier: Apache-2.0
// Where loaded vectors fill the registers, they are loaded again instead of spilled; nothing else changes.
#include <gtest/gtest.h>

#include "tests/codegen/listing.h"
#include "tests/codegen/running.h"
#include "tests/ir/expressions.h"

namespace tunesmith::codegen::testing {
namespace {

using namespace ir::testing;  // NOLINT: Int, Var, …
using ir::Alloc;
using ir::For;
using ir::LoopKind;
using ir::Scope;
using ir::Seq;
using ir::Stmt;
using ir::Store;

constexpr DType F32 = DType::kF32;

Expr Read(int buffer, Expr at) { return te::Read(F32, buffer, {std::move(at)}); }

Target Named(const char* name) { return *TargetNamed(name); }

std::vector<Target> AllLevels() {
  return {Named("x86-64-sse4.2"), Named("x86-64-avx2"), Named("x86-64-avx512")};
}

/// A buffer's elements, a row of `lanes` for each x.
Expr At(int x, int64_t lanes, int o) { return Var(x) * Int(lanes) + Var(o); }

/// Unrolled over x and a vector over o.
Stmt All(int x, int64_t extent, int o, int64_t lanes, Stmt body) {
  return For(LoopKind::kUnroll, x, Int(0), Int(extent),
             For(LoopKind::kVector, o, Int(0), Int(lanes), std::move(body)));
}

enum class Input { kChannels, kScalars };

/// A window over `positions` places, all of it unrolled, a vector of outputs wide, tap by tap:
/// acc[x][o] += A[x + dx][o] * B[dx][o], as a depthwise convolution does, or += A[x + dx] * B[dx][o], as a
/// direct one. Then O = acc.
ir::Function Window(int64_t positions, int64_t taps, int64_t lanes, Input input = Input::kChannels) {
  int64_t places = positions + taps;
  ir::Function f =
      FunctionOf({{F32, input == Input::kChannels ? places * lanes : places, 64}, {F32, taps * lanes, 64}},
                 {F32, positions * lanes, 64}, 7);
  int acc = AddBuffer(&f, "acc", F32, Scope::kRegister, positions * lanes);
  Expr place = Var(2) + Var(3);
  Expr x = Read(0, input == Input::kChannels ? place * Int(lanes) + Var(4) : place);
  Stmt multiply_add = Store(acc, At(2, lanes, 4), Read(acc, At(2, lanes, 4)) + x * Read(1, At(3, lanes, 4)));
  f.body =
      Alloc(acc, Seq({All(0, positions, 1, lanes, Store(acc, At(0, lanes, 1), te::Float(0))),
                      For(LoopKind::kUnroll, 3, Int(0), Int(taps), All(2, positions, 4, lanes, multiply_add)),
                      All(5, positions, 6, lanes, Store(2, At(5, lanes, 6), Read(acc, At(5, lanes, 6))))}));
  return f;
}

constexpr char kVectorOnStack[] = "[0-9]*\\(%rsp\\).*%[xyz]mm|%[xyz]mm[0-9]+, *-?[0-9]*\\(%rsp\\)";
constexpr char kRepeated[] = "load volatile";

TEST(Reloads, AWindowWiderThanTheRegistersSpillsNothing) {
  for (const Target& target : AllLevels()) {
    SCOPED_TRACE(target.name);
    // The accumulators fit, the elements that three taps share do not.
    ir::Function f = Window(target.vector_registers - 7, 3, target.lanes(F32));
    Listing listing = ListingOf(f, target);
    EXPECT_GT(Count(listing.optimised_llvm_ir, kRepeated), 0);
    EXPECT_EQ(Count(listing.assembly, kVectorOnStack), 0) << listing.assembly;
    if (!target.fma) continue;
    // What is loaded again costs no instruction of its own.
    EXPECT_GE(Count(listing.assembly, "vfn?m(add|sub)[0-9]+ps\t-?[0-9]*\\("),
              Count(listing.optimised_llvm_ir, kRepeated) * 9 / 10)
        << listing.assembly;
  }
}

TEST(Reloads, AWindowThatFitsLoadsOnce) {
  for (const Target& target : AllLevels()) {
    SCOPED_TRACE(target.name);
    Listing listing = ListingOf(Window(4, 3, target.lanes(F32)), target);
    EXPECT_EQ(Count(listing.optimised_llvm_ir, kRepeated), 0);
    EXPECT_EQ(Count(listing.optimised_llvm_ir, "= load <"), 6 + 3);
  }
}

TEST(Reloads, AccumulatorsThatDoNotFitThemselvesAreLeftToLlvm) {
  for (const Target& target : AllLevels()) {
    SCOPED_TRACE(target.name);
    Listing listing = ListingOf(Window(target.vector_registers + 4, 3, target.lanes(F32)), target);
    EXPECT_EQ(Count(listing.optimised_llvm_ir, kRepeated), 0);
  }
}

TEST(Reloads, ComputeTheSame) {
  for (int64_t lanes : {4, 8, 16}) {
    for (int64_t positions : {4, 9, 25, 36}) {
      for (int64_t taps : {1, 3, 5}) {
        ir::Function f = Window(positions, taps, lanes);
        ExpectAsInterpreted(f, ParametersOf(f));
      }
    }
  }
}

TEST(Reloads, BroadcastScalarsAreRepeatedAsOperands) {
  Target target = Named("x86-64-avx512");
  ir::Function f = Window(25, 3, 16, Input::kScalars);
  Listing listing = ListingOf(f, target);
  EXPECT_GT(Count(listing.optimised_llvm_ir, "load volatile float"), 0);
  EXPECT_GT(Count(listing.assembly, "vfmadd[0-9]+ps\t.*\\{1to16\\}"), 25);
  EXPECT_EQ(Count(listing.assembly, kVectorOnStack), 0) << listing.assembly;
  ExpectAsInterpreted(f, ParametersOf(f));
}

TEST(Reloads, NothingIsLoadedAgainAfterItWasOverwritten) {
  // More vectors of O than there are registers are read, then O is written, then they are used.
  for (int64_t lanes : {4, 8, 16}) {
    constexpr int64_t kVectors = 40;
    ir::Function f = FunctionOf({{F32, lanes}}, {F32, kVectors * lanes}, 8);
    int before = AddBuffer(&f, "before", F32, Scope::kRegister, kVectors * lanes);
    auto all = [&](int x, int o, Stmt body) { return All(x, kVectors, o, lanes, std::move(body)); };
    auto at = [&](int x, int o) { return At(x, lanes, o); };
    Expr reversed = (Int(kVectors - 1) - Var(4)) * Int(lanes) + Var(5);
    // Not unrolled, so that O is really read.
    Stmt fill = For(LoopKind::kSerial, 6, Int(0), Int(kVectors),
                    For(LoopKind::kVector, 7, Int(0), Int(lanes),
                        Store(1, at(6, 7), te::Cast(F32, Var(6)) * Read(0, Var(7)))));
    f.body = Alloc(before, Seq({fill, all(0, 1, Store(before, at(0, 1), Read(1, at(0, 1)))),
                                all(2, 3, Store(1, at(2, 3), Read(before, at(2, 3)) + te::Float(1))),
                                all(4, 5, Store(1, at(4, 5), Read(1, at(4, 5)) * Read(before, reversed)))}));
    ExpectAsInterpreted(f, ParametersOf(f));
  }
}

}  // namespace
}  // namespace tunesmith::codegen::testing
