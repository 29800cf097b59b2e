// SPDX-License-Identifier: Apache-2.0
// Sums of neighbouring products in the lanes of a vector loop: one instruction where the target has it and
// the program fits, the same numbers everywhere.
#include <gtest/gtest.h>

#include <cstring>

#include "codegen/llvm/compile.h"
#include "tests/codegen/listing.h"
#include "tests/codegen/running.h"
#include "tests/ir/expressions.h"

namespace tunesmith::codegen::testing {
namespace {

using namespace ir::testing;  // NOLINT: Int, Var, Lt, …
using ir::For;
using ir::LoopKind;
using ir::Seq;
using ir::Stmt;
using ir::Store;

/// O[j] = 0; for k: O[j] += sum(A[a_step*j + k]) * sum(B[b_step*j + k]) over a vector loop of j.
struct Product {
  DType a = DType::kU8, b = DType::kI8, sum = DType::kI32;
  int64_t lanes = 16, group = 4;
  int64_t a_step = 0, b_step = 4;
  LoopKind inner = LoopKind::kUnroll;
  bool swapped = false;

  ir::Function Make() const {
    ir::Function f = FunctionOf({{a, a_step * lanes + group}, {b, b_step * lanes + group}}, {sum, lanes}, 2);
    Expr left = te::Cast(sum, te::Read(a, 0, {Var(0) * Int(a_step) + Var(1)}));
    Expr right = te::Cast(sum, te::Read(b, 1, {Var(0) * Int(b_step) + Var(1)}));
    Expr zero = te::IsFloat(sum) ? te::Float(0, sum) : te::Int(0, sum);
    Expr product = swapped ? right * left : left * right;
    f.body = For(LoopKind::kVector, 0, Int(0), Int(lanes),
                 Seq({Store(2, Var(0), zero), For(inner, 1, Int(0), Int(group),
                                                  Store(2, Var(0), te::Read(sum, 2, {Var(0)}) + product))}));
    return f;
  }
};

Target Best() { return TargetNamed("x86-64-avx512-vnni-bf16").value(); }

/// How often an instruction stands in the function's assembly for the best target.
int64_t InstructionsOf(const ir::Function& f, const char* instruction) {
  return Count(ListingOf(f, Best()).assembly, instruction);
}

TEST(DotProduct, OfBytesIsOneInstructionAVector) {
  for (int64_t lanes : {4, 8, 16, 32, 20}) {
    Product p;
    p.lanes = lanes;
    ir::Function f = p.Make();
    EXPECT_EQ(InstructionsOf(f, "vpdpbusd"), lanes == 32 || lanes == 20 ? 2 : 1) << lanes;
    ExpectAsInterpreted(f, ParametersOf(f));
  }
}

TEST(DotProduct, OperandsMayStandEitherWay) {
  for (bool swapped : {false, true}) {
    Product p;
    p.swapped = swapped;
    EXPECT_EQ(InstructionsOf(p.Make(), "vpdpbusd"), 1);
    ExpectAsInterpreted(p.Make(), ParametersOf(p.Make()));
    std::swap(p.a, p.b);  // the shared operand is the signed one
    EXPECT_EQ(InstructionsOf(p.Make(), "vpdpbusd"), 1);
    ExpectAsInterpreted(p.Make(), ParametersOf(p.Make()));
    p.a_step = 4;  // both move with the lanes
    EXPECT_EQ(InstructionsOf(p.Make(), "vpdpbusd"), 1);
    ExpectAsInterpreted(p.Make(), ParametersOf(p.Make()));
  }
}

TEST(DotProduct, SumsOfTheLargestBytesDoNotSaturate) {
  ir::Function f = Product().Make();
  std::vector<Value> parameters = ParametersOf(f);
  for (int8_t b : {int8_t{-128}, int8_t{127}}) {
    std::memset(parameters[0].data(), 255, 4);
    std::memset(parameters[1].data(), b, 68);
    ExpectAsInterpreted(f, parameters);
  }
}

TEST(DotProduct, OfBf16IsOneInstructionAVector) {
  Product p{DType::kBF16, DType::kBF16, DType::kF32, 16, 2, 0, 2};
  EXPECT_EQ(InstructionsOf(p.Make(), "vdpbf16ps"), 1);
  ExpectAsInterpreted(p.Make(), ParametersOf(p.Make()));
}

TEST(DotProduct, WhatDoesNotFitIsComputedAllTheSame) {
  std::vector<Product> others(7);
  others[0].b = DType::kU8;  // no instruction has two unsigned operands
  others[1].group = 3;
  others[2].b_step = 5;  // groups apart
  others[3].b_step = 1;  // groups that overlap
  others[4].inner = LoopKind::kSerial;
  others[5].a = DType::kI8;
  others[6] = {DType::kF16, DType::kF16, DType::kF32, 16, 2, 0, 2};
  for (const Product& p : others) {
    ir::Function f = p.Make();
    EXPECT_EQ(InstructionsOf(f, "vpdpbusd") + InstructionsOf(f, "vdpbf16ps"), 0);
    ExpectAsInterpreted(f, ParametersOf(f));
  }
}

TEST(DotProduct, NeedsTheExtension) {
  for (const char* target : {"x86-64-avx512", "x86-64-avx2", "x86-64-sse4.2"}) {
    const Listing listing = ListingOf(Product().Make(), TargetNamed(target).value());
    EXPECT_EQ(Count(listing.assembly, "vpdpbusd"), 0) << target;
  }
}

}  // namespace
}  // namespace tunesmith::codegen::testing
