// SPDX-License-Identifier: Apache-2.0
// The shape of expanded code: how many operations, that nodes stay shared, and that a compiler which fuses
// products with sums changes nothing that matters.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <sstream>
#include <string>
#include <unordered_set>

#include "evaluator.h"
#include "ir/math.h"

namespace tunesmith::math_test {
namespace {

using te::DType;
using te::ExprKind;
using te::Function;

te::Expr CallOf(Function function, DType type) {
  te::Expr x = te::Read(type, 0, {te::Int(0)});
  if (function != Function::kPow) return te::Call(function, {x});
  return te::Call(function, {x, te::Read(type, 1, {te::Int(0)})});
}

void CollectNodes(const te::Expr& e, std::unordered_set<const te::ExprNode*>* nodes) {
  if (!nodes->insert(e.get()).second) return;
  for (const te::Expr& arg : e->args) CollectNodes(arg, nodes);
}

int Operations(Function function, DType type) {
  te::Expr e = ir::ExpandMath(CallOf(function, type));
  if (type == DType::kF32) return Evaluator<float, int32_t>(e).operations();
  return Evaluator<double, int64_t>(e).operations();
}

std::string Number(double value) {
  std::ostringstream text;
  text << value;
  return text.str();
}

std::string Domain(double bound) {
  if (bound > 0x1p60) return "all";
  return "abs(x) <= 2^" + std::to_string(std::ilogb(bound));
}

TEST(Structure, TheDocumentStatesEveryBoundAndTheNumberOfOperations) {
  std::ifstream file(TUNESMITH_SOURCE_DIR "/docs/vector_math.md");
  std::string document((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  for (const ir::MathBound& bound : ir::MathBounds()) {
    std::string row = "| " + std::string(te::NameOf(bound.function)) + " | " +
                      std::string(te::NameOf(bound.type)) + " | " + Number(bound.fused) + " | " +
                      Domain(bound.fused_domain) + " | " + Number(bound.separate) + " | " +
                      Domain(bound.separate_domain) + " | " +
                      std::to_string(Operations(bound.function, bound.type)) + " |\n";
    EXPECT_NE(document.find(row), std::string::npos) << "docs/vector_math.md should have the row\n" << row;
  }
}

TEST(Structure, TheHotFunctionsAreCheap) {
  EXPECT_LE(Operations(Function::kExp, DType::kF32), 16);
  EXPECT_LE(Operations(Function::kErf, DType::kF32), 21);
  EXPECT_LE(Operations(Function::kTanh, DType::kF32), 20);
  EXPECT_LE(Operations(Function::kSigmoid, DType::kF32), 22);
}

TEST(Structure, ErfOfAProductWithANumberCostsNoSecondMultiplication) {
  te::Expr x = te::Read(DType::kF32, 0, {te::Int(0)});
  te::Expr half = te::Float(0.5, DType::kF32);
  for (const te::Expr& product : {x * half, half * x}) {
    te::Expr e = ir::ExpandMath(te::Call(Function::kErf, {product}));
    EXPECT_EQ((Evaluator<float, int32_t>(e).operations()), Operations(Function::kErf, DType::kF32));
  }
  // A third of this number has no longer all of its digits.
  te::Expr e = ir::ExpandMath(te::Call(Function::kErf, {x * te::Float(0x1p-126, DType::kF32)}));
  EXPECT_EQ((Evaluator<float, int32_t>(e).operations()), Operations(Function::kErf, DType::kF32) + 1);
}

// The code generator lets LLVM fuse a product with the sum it goes into. Where the product must be rounded
// first, that would be wrong; so a product goes into a sum in two places only, where it does no harm: 1 +
// s*s*p of the sigmoid, and sums of integers.
TEST(Structure, NoProductIsAnOperandOfASum) {
  for (const ir::MathBound& bound : ir::MathBounds()) {
    std::unordered_set<const te::ExprNode*> nodes;
    te::Expr expanded = ir::ExpandMath(CallOf(bound.function, bound.type));
    CollectNodes(expanded, &nodes);
    int products = 0;
    for (const te::ExprNode* node : nodes) {
      if ((node->kind != ExprKind::kAdd && node->kind != ExprKind::kSub) || !te::IsFloat(node->type))
        continue;
      for (const te::Expr& arg : node->args) {
        te::Expr term = arg->kind == ExprKind::kNeg ? arg->args[0] : arg;
        products += term->kind == ExprKind::kMul;
      }
    }
    EXPECT_EQ(products, bound.function == Function::kSigmoid ? 1 : 0) << te::NameOf(bound.function);
  }
}

TEST(Structure, WithoutFusedMultiplyAddNoneIsLeft) {
  for (const ir::MathBound& bound : ir::MathBounds()) {
    std::unordered_set<const te::ExprNode*> nodes;
    te::Expr expanded = ir::ExpandMath(CallOf(bound.function, bound.type), ir::MultiplyAdd::kSeparate);
    CollectNodes(expanded, &nodes);
    for (const te::ExprNode* node : nodes) {
      EXPECT_FALSE(node->kind == ExprKind::kCall && node->function == Function::kFma)
          << te::NameOf(bound.function);
    }
  }
  te::Expr x = te::Read(DType::kF32, 0, {te::Int(0)}), y = te::Read(DType::kF32, 1, {te::Int(0)});
  te::Expr fma = te::Call(Function::kFma, {x, y, x});
  EXPECT_TRUE(te::Same(ir::ExpandMath(fma, ir::MultiplyAdd::kSeparate), x * y + x));
  EXPECT_EQ(ir::ExpandMath(fma), fma);
}

TEST(Structure, NestedCallsGrowLinearly) {
  std::vector<size_t> sizes;
  te::Expr e = te::Read(DType::kF32, 0, {te::Int(0)});
  for (int depth = 0; depth < 40; ++depth) {
    e = te::Call(depth % 2 == 0 ? Function::kTanh : Function::kSin, {e + e});
    std::unordered_set<const te::ExprNode*> nodes;
    CollectNodes(ir::ExpandMath(e), &nodes);
    sizes.push_back(nodes.size());
  }
  EXPECT_EQ(sizes[39] - sizes[37], sizes[3] - sizes[1]);
  EXPECT_LT(sizes[39], 40u * 100);
}

TEST(Structure, WhatHasNoCallsStaysTheSameNode) {
  te::Expr x = te::Read(DType::kF32, 0, {te::Var(0)});
  te::Expr e =
      te::Select(te::Binary(ExprKind::kLess, x, te::Float(0)), te::Call(Function::kSqrt, {x}), x * x);
  EXPECT_EQ(ir::ExpandMath(e), e);
}

TEST(Structure, ArgumentsInsideReadsAndGuardsAreExpanded) {
  te::Expr x = te::Read(DType::kF32, 0, {te::Var(0)});
  te::Expr guard = te::Binary(ExprKind::kLess, te::Call(Function::kExp, {x}), te::Float(2));
  te::Expr read = te::GuardedRead(DType::kF32, 1, {te::Var(0)}, guard, te::Call(Function::kErf, {x}));
  te::Expr expanded = ir::ExpandMath(read);
  std::unordered_set<const te::ExprNode*> nodes;
  CollectNodes(expanded, &nodes);
  EXPECT_TRUE(expanded->guarded);
  EXPECT_TRUE(std::none_of(nodes.begin(), nodes.end(), [](const te::ExprNode* node) {
    return node->kind == ExprKind::kCall &&
           (node->function == Function::kExp || node->function == Function::kErf);
  }));
}

}  // namespace
}  // namespace tunesmith::math_test
