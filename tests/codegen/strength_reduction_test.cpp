// SPDX-License-Identifier: Apache-2.0
// Addresses advance with loops; what is computed from the loops' variables is a start, not an iteration's
// work.
#include <gtest/gtest.h>

#include <algorithm>

#include "support/strings.h"
#include "tests/codegen/listing.h"
#include "tests/codegen/running.h"
#include "tests/ir/expressions.h"

namespace tunesmith::codegen::testing {
namespace {

using namespace ir::testing;  // NOLINT: Int, Var, …
using ir::For;
using ir::LoopKind;
using ir::Seq;
using ir::Stmt;
using ir::Store;

constexpr DType F32 = DType::kF32;

constexpr char kPointer[] = "= phi ptr";
constexpr char kAdvance[] = "= getelementptr[^\n]*, i64 %";  // by more than a constant
constexpr char kProduct[] = "= (mul|shl) ";

Target Avx2() { return TargetNamed("x86-64-avx2").value(); }

Expr Read(int buffer, Expr at) { return te::Read(F32, buffer, {std::move(at)}); }
Stmt Serial(int variable, int64_t extent, Stmt body) {
  return For(LoopKind::kSerial, variable, Int(0), Int(extent), std::move(body));
}

/// O[l] = the sum over k < extent, n < copies of A[k*stride + n*apart + l]: `copies` loads an iteration.
ir::Function Sum(int64_t extent, int64_t copies, int64_t stride, int64_t apart) {
  ir::Function f = FunctionOf({{F32, (extent - 1) * stride + (copies - 1) * apart + 8}}, {F32, 8}, 4);
  const Expr at = Var(0) * Int(stride) + Var(1) * Int(apart) + Var(2);
  Stmt add = For(LoopKind::kVector, 2, Int(0), Int(8), Store(1, Var(2), Read(1, Var(2)) + Read(0, at)));
  f.body = Seq({For(LoopKind::kVector, 3, Int(0), Int(8), Store(1, Var(3), te::Float(0))),
                Serial(0, extent, For(LoopKind::kUnroll, 1, Int(0), Int(copies), std::move(add)))});
  return f;
}

TEST(StrengthReduction, AddressesThatDifferByConstantsShareAPointer) {
  const ir::Function f = Sum(9, 6, 1000, 36);
  const std::string text = ListingOf(f, Avx2()).optimised_llvm_ir;
  EXPECT_EQ(Count(text, kPointer), 1) << text;
  EXPECT_EQ(Count(text, kAdvance) + Count(text, kProduct), 0) << text;
  EXPECT_EQ(Count(text, "i64 4000"), 1) << text;  // bytes an iteration
  ExpectAsInterpreted(f, ParametersOf(f));
}

TEST(StrengthReduction, InnerPointersStartAtOuterOnes) {
  // O[i*60 + j*5 + k] = A[i*360 + j*30 + k*6]: six pointers, and no product anywhere.
  ir::Function f = FunctionOf({{F32, 7 * 360}}, {F32, 7 * 60}, 3);
  Stmt copy = Store(1, Var(0) * Int(60) + Var(1) * Int(5) + Var(2),
                    Read(0, Var(0) * Int(360) + Var(1) * Int(30) + Var(2) * Int(6)));
  f.body = Serial(0, 7, Serial(1, 12, Serial(2, 5, std::move(copy))));
  const std::string text = ListingOf(f, Avx2()).optimised_llvm_ir;
  EXPECT_EQ(Count(text, kPointer), 6) << text;
  EXPECT_EQ(Count(text, kAdvance) + Count(text, kProduct), 0) << text;
  ExpectAsInterpreted(f, ParametersOf(f));
}

TEST(StrengthReduction, APlaceOutsideTheInnerLoopGoesWithTheOuterOne) {
  // A row's first element is read again after the loop over the row.
  ir::Function f = FunctionOf({{F32, 40}}, {F32, 10}, 2);
  f.body = Serial(0, 10,
                  Seq({Store(1, Var(0), te::Float(1)),
                       Serial(1, 4, Store(1, Var(0), Read(1, Var(0)) * Read(0, Var(0) * Int(4) + Var(1)))),
                       Store(1, Var(0), Read(1, Var(0)) + Read(0, Var(0) * Int(4)))}));
  const std::string text = ListingOf(f, Avx2()).optimised_llvm_ir;
  EXPECT_EQ(Count(text, kAdvance) + Count(text, kProduct), 0) << text;
  ExpectAsInterpreted(f, ParametersOf(f));
}

TEST(StrengthReduction, WhatIsNotLinearIsComputed) {
  // A packed layout whose blocks end within the loop.
  ir::Function f = FunctionOf({{F32, 300}}, {F32, 100}, 1);
  f.body = Serial(0, 100, Store(1, Var(0), Read(0, Div(Var(0), 7) * Int(20) + Mod(Var(0), 7))));
  const std::string text = ListingOf(f, Avx2()).optimised_llvm_ir;
  EXPECT_EQ(Count(text, kPointer), 1) << text;  // the output's
  EXPECT_GT(Count(text, kAdvance), 0) << text;
  ExpectAsInterpreted(f, ParametersOf(f));
}

constexpr int64_t kMostPointers = 8;

/// Inputs of which each has its own step, so that no two share a pointer, then the output O[i*12 + j].
ir::Function Rows(int64_t inputs) {
  std::vector<Parameter> parameters;
  for (int64_t n = 0; n < inputs; ++n) parameters.push_back({F32, 9 * (n + 1) * 12 + 12});
  return FunctionOf(parameters, {F32, 120}, 2);
}
Expr RowOf(int64_t input) { return Read(static_cast<int>(input), Var(0) * Int((input + 1) * 12) + Var(1)); }

TEST(StrengthReduction, TakesNoMorePointersThanThereAreRegistersFor) {
  for (int64_t inputs : {3, 7, 8, 30}) {
    ir::Function f = Rows(inputs);
    Expr sum = te::Float(0);
    for (int64_t n = 0; n < inputs; ++n) sum = sum + RowOf(n);
    f.body = Serial(0, 10, Serial(1, 12, Store(static_cast<int>(inputs), Var(0) * Int(12) + Var(1), sum)));
    const std::string text = ListingOf(f, Avx2()).optimised_llvm_ir;
    EXPECT_EQ(Count(text, kPointer), 2 * std::min(inputs + 1, kMostPointers)) << inputs << text;
    ExpectAsInterpreted(f, ParametersOf(f), 1);
  }
}

TEST(StrengthReduction, PointersStartSomewhereEvenWhereTheLoopAroundThemHasNoneToSpare) {
  constexpr int64_t kInputs = 12;
  ir::Function f = Rows(kInputs);
  const Expr at = Var(0) * Int(12) + Var(1);
  std::vector<Stmt> rows = {Serial(1, 12, Store(kInputs, at, te::Float(0)))};
  for (int64_t n = 0; n < kInputs; ++n)
    rows.push_back(Serial(1, 12, Store(kInputs, at, Read(kInputs, at) + RowOf(n))));
  f.body = Serial(0, 10, Seq(rows));
  const std::string text = ListingOf(f, Avx2()).optimised_llvm_ir;
  EXPECT_EQ(Count(text, kPointer), kMostPointers + 1 + 2 * kInputs) << text;
  EXPECT_GT(Count(text, kAdvance), 0) << text;
  ExpectAsInterpreted(f, ParametersOf(f));
}

TEST(StrengthReduction, ALoopEndsByItsNextValueAlone) {
  const std::string text = ListingOf(Sum(9, 2, 8, 72), Avx2()).assembly;
  EXPECT_EQ(Count(text, "\tinc[lq]\t"), 1) << text;
  EXPECT_EQ(Count(text, "\tcmp[lq]\t\\$9"), 1) << text;
  EXPECT_EQ(Count(text, "\tleaq\t1\\("), 0) << text;
}

TEST(StrengthReduction, ComputesTheSame) {
  for (int64_t extent : {1, 2, 9}) {
    for (int64_t copies : {1, 2, 11}) {
      for (int64_t stride : {0, 1, 8, 1000}) {
        for (int64_t apart : {0, 1, 8, 5000}) {
          const ir::Function f = Sum(extent, copies, stride, apart);
          SCOPED_TRACE(StrCat(extent, " times ", copies, " loads, ", stride, " and ", apart, " apart"));
          ExpectAsInterpreted(f, ParametersOf(f));
        }
      }
    }
  }
}

}  // namespace
}  // namespace tunesmith::codegen::testing
