// SPDX-License-Identifier: Apache-2.0
// Tiles that are read across are loaded by rows, and come out as they should.
#include <gtest/gtest.h>

#include "support/strings.h"
#include "tests/codegen/listing.h"
#include "tests/codegen/running.h"
#include "tests/ir/expressions.h"

namespace tunesmith::codegen::testing {
namespace {

using namespace ir::testing;  // NOLINT: Int, Var, …
using ir::For;
using ir::LoopKind;
using ir::Store;

constexpr char kLane[] = "= insertelement";
constexpr int64_t kStride = 101;

/// O[t*columns*lanes + c*lanes + l] = A[l*stride + t*columns + c] for t < 3: two tiles or more are apart by
/// `columns`.
ir::Function Across(DType type, int64_t lanes, int64_t columns) {
  const int64_t elements = (lanes - 1) * kStride + 3 * columns;
  ir::Function f = FunctionOf({{type, elements}}, {type, 3 * columns * lanes}, 3);
  const Expr column = Var(0) * Int(columns) + Var(1);
  const Expr from = Var(2) * Int(kStride) + column, to = column * Int(lanes) + Var(2);
  f.body = For(LoopKind::kSerial, 0, Int(0), Int(3),
               For(LoopKind::kUnroll, 1, Int(0), Int(columns),
                   For(LoopKind::kVector, 2, Int(0), Int(lanes), Store(1, to, te::Read(type, 0, {from})))));
  return f;
}

TEST(Transposition, TilesOfAnyTypeAndSize) {
  for (DType type : {DType::kI8, DType::kI16, DType::kBF16, DType::kF32, DType::kF64}) {
    // Whole tiles, several of them, and columns that make none.
    for (int64_t lanes : {4, 8, 16, 32}) {
      for (int64_t columns : {7, 16, 32}) {
        const ir::Function f = Across(type, lanes, columns);
        ExpectAsInterpreted(f, ParametersOf(f));
      }
    }
  }
}

TEST(Transposition, LoadsRowsWhole) {
  const Target target = TargetNamed("x86-64-avx2").value();
  for (const auto& [type, lanes] :
       {std::pair<DType, int64_t>{DType::kF32, 8}, {DType::kF64, 4}, {DType::kI16, 16}, {DType::kI8, 32}}) {
    for (int64_t tiles : {1, 2}) {
      const std::string text = ListingOf(Across(type, lanes, tiles * lanes), target).optimised_llvm_ir;
      EXPECT_EQ(Count(text, kLane), 0) << text;
      const std::string row = StrCat("= load <", lanes, " x ");
      EXPECT_EQ(Count(text, row.c_str()), tiles * lanes) << text;
    }
    // Of one column too few nothing is a tile.
    EXPECT_GT(Count(ListingOf(Across(type, lanes, lanes - 1), target).optimised_llvm_ir, kLane), 0);
  }
}

TEST(Transposition, WhatTheFunctionWritesStaysInOrder) {
  // O[l*9 + c + 1] = O[l*9 + c] * 2, after O = A: each column needs the one before.
  const DType type = DType::kF32;
  ir::Function f = FunctionOf({{type, 80}}, {type, 80}, 3);
  const Expr at = Var(2) * Int(9) + Var(1);
  f.body = ir::Seq({For(LoopKind::kSerial, 0, Int(0), Int(80), Store(1, Var(0), te::Read(type, 0, {Var(0)}))),
                    For(LoopKind::kUnroll, 1, Int(0), Int(8),
                        For(LoopKind::kVector, 2, Int(0), Int(8),
                            Store(1, at + Int(1), te::Read(type, 1, {at}) * te::Float(2))))});
  ExpectAsInterpreted(f, ParametersOf(f));
}

}  // namespace
}  // namespace tunesmith::codegen::testing
