// SPDX-License-Identifier: Apache-2.0
// Whole functions: every expression of every statement is expanded, and what the loop IR's interpreter
// computes, in double, is within the bounds too: the 16-bit types on all of their numbers.
#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "ir/interpret.h"
#include "ir/math.h"
#include "ir/verify.h"
#include "reference.h"

namespace tunesmith::math_test {
namespace {

using te::DType;
using te::Function;

/// for i in 0 .. n: B[i] = function(A[i], 1.5)
ir::Function Apply(Function function, DType type, int64_t n) {
  ir::Function f;
  f.name = "apply";
  f.buffers.push_back({"A", type, ir::Scope::kParameter, n, te::SizeOf(type), 0, false});
  f.buffers.push_back({"B", type, ir::Scope::kParameter, n, te::SizeOf(type), 1, true});
  f.variables = {"i"};
  std::vector<te::Expr> args = {te::Read(type, 0, {te::Var(0)})};
  if (function == Function::kPow) args.push_back(te::Float(1.5, type));
  f.body = ir::For(ir::LoopKind::kSerial, 0, te::Int(0), te::Int(n),
                   ir::Store(1, te::Var(0), te::Call(function, args)));
  return f;
}

double Worst(const ir::MathBound& bound, DType type, ir::MultiplyAdd multiply_add, const te::Value& x) {
  ir::Function f = Apply(bound.function, type, x.elements());
  ir::ExpandMath(&f, multiply_add);
  Status verified = ir::Verify(f);
  EXPECT_TRUE(verified.ok()) << MessageOf(verified);
  std::vector<te::Value> values = {x, te::Value(type, {x.elements()})};
  EXPECT_TRUE(ir::Interpret(f, &values).ok());
  double domain = multiply_add == ir::MultiplyAdd::kFused ? bound.fused_domain : bound.separate_domain,
         worst = 0;
  Ulps<double> ulps(type);
  for (int64_t n = 0; n < x.elements(); ++n) {
    double argument = x.Load(n);
    if (std::isfinite(argument) && std::fabs(argument) > domain) continue;
    double want = Reference<double>(bound.function, argument, 1.5);
    worst = std::max(worst, ulps.Between(values[1].Load(n), want));
  }
  return worst;
}

te::Value AllNumbers(DType type) {
  te::Value x(type, {65536});
  for (int64_t n = 0; n < 65536; ++n) x.as<uint16_t>()[n] = static_cast<uint16_t>(n);
  return x;
}

class Functions : public testing::TestWithParam<ir::MathBound> {};

TEST_P(Functions, OfSixteenBitTypesRoundTheF32Result) {
  for (DType type : {DType::kF16, DType::kBF16}) {
    SCOPED_TRACE(te::NameOf(type));
    te::Value x = AllNumbers(type);
    for (auto multiply_add : {ir::MultiplyAdd::kFused, ir::MultiplyAdd::kSeparate}) {
      EXPECT_LE(Worst(GetParam(), type, multiply_add, x), ir::kSixteenBitMathBound);
    }
  }
}

TEST_P(Functions, StayWithinTheirBoundsWhereFloatsAreKeptInDouble) {
  te::Value x(DType::kF32, {20'000});
  for (int64_t n = 0; n < x.elements(); ++n) {
    x.Store(n, std::exp2(static_cast<double>(n % 500) / 15 - 25) * (n % 2 == 0 ? 1 : -1) * (1 + n * 1e-5));
  }
  EXPECT_LE(Worst(GetParam(), DType::kF32, ir::MultiplyAdd::kFused, x), GetParam().fused);
  EXPECT_LE(Worst(GetParam(), DType::kF32, ir::MultiplyAdd::kSeparate, x), GetParam().separate);
}

std::vector<ir::MathBound> BoundsOfF32() {
  std::vector<ir::MathBound> bounds;
  for (const ir::MathBound& bound : ir::MathBounds()) {
    if (bound.type == DType::kF32) bounds.push_back(bound);
  }
  return bounds;
}

INSTANTIATE_TEST_SUITE_P(Of, Functions, testing::ValuesIn(BoundsOfF32()),
                         [](const testing::TestParamInfo<ir::MathBound>& info) {
                           return std::string(te::NameOf(info.param.function));
                         });

/// Every expression of the statements.
void Collect(const ir::Stmt& statement, std::vector<te::Expr>* all) {
  for (const te::Expr& e :
       {statement->begin, statement->extent, statement->condition, statement->index, statement->value}) {
    if (e) all->push_back(e);
  }
  for (const ir::Stmt& inner : statement->body) Collect(inner, all);
}

TEST(FunctionExpansion, ReachesConditionsAndBothBranches) {
  te::Expr i = te::Var(0), a = te::Read(DType::kF32, 0, {i});
  te::Expr e = te::Call(Function::kExp, {a});
  ir::Function f = Apply(Function::kExp, DType::kF32, 8);
  f.body = ir::For(ir::LoopKind::kSerial, 0, te::Int(0), te::Int(8),
                   ir::If(te::Binary(te::ExprKind::kLess, e, te::Float(2)), ir::Store(1, i, e),
                          ir::Store(1, i, te::Call(Function::kTanh, {e}))));
  ir::ExpandMath(&f);
  std::vector<te::Expr> all;
  Collect(f.body, &all);
  int calls = 0, stores = 0;
  te::Expr in_condition, in_store;
  for (const te::Expr& expression : all) {
    te::Visit(expression, [&](const te::Expr& node) {
      calls += node->kind == te::ExprKind::kCall &&
               (node->function == Function::kExp || node->function == Function::kTanh);
    });
    if (expression->kind == te::ExprKind::kLess) in_condition = expression->args[0];
    if (expression->type == DType::kF32 && stores++ == 0) in_store = expression;
  }
  EXPECT_EQ(calls, 0);
  EXPECT_EQ(stores, 2);
  EXPECT_EQ(in_condition, in_store) << "a node that two statements share is expanded once";
}

TEST(FunctionExpansion, LeavesAnEmptyFunctionAlone) {
  ir::Function f;
  ir::ExpandMath(&f);
  EXPECT_EQ(f.body, nullptr);
}

}  // namespace
}  // namespace tunesmith::math_test
