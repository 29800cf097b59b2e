// SPDX-License-Identifier: Apache-2.0
// The rule of each operation from both sides: no operand within its error gives a result outside of the
// bound, and the bound is no more than a few times what such operands and a few roundings can do. A rule a
// hundred times too wide fails here, whichever operation it is of.
#include "te/error_bounds.h"

#include <gtest/gtest.h>

#include <functional>
#include <vector>

namespace tunesmith::te {
namespace {

const Format& kF32 = Format::Of(DType::kF32);

/// Operand errors: none, of a few roundings, and of a sum of many.
constexpr double kRelativeErrors[] = {0, 0x1p-22, 0x1p-14};

/// `bound` holds for a result that errors of operands move by `moved` at most, and is not much more.
void ExpectTight(double bound, double moved, double v, const std::string& what) {
  constexpr double kMostMoved = 2.5, kMostRoundings = 17, kMostUnderflows = 2.5;
  EXPECT_GE(bound, moved + kF32.unit * std::fabs(v) * 0.999) << what;
  EXPECT_LE(bound,
            kMostMoved * moved + kMostRoundings * kF32.unit * std::fabs(v) + kMostUnderflows * kF32.underflow)
      << what;
}

using Unary = std::function<double(double)>;

void ExpectTightFunction(Function function, const Unary& f, const std::vector<double>& at) {
  for (double a : at) {
    for (double relative : kRelativeErrors) {
      double ea = relative * std::fabs(a);
      double v = f(a);
      double moved = std::max(std::fabs(f(a + ea) - v), std::fabs(f(a - ea) - v));
      ExpectTight(FunctionError(function, kF32, a, ea, 0, 0, 0, v), moved, v,
                  "function " + std::to_string(static_cast<int>(function)) + " of " + std::to_string(a) +
                      " +- " + std::to_string(ea));
    }
  }
}

// Where a rule uses the steepest slope of a function, arguments are from where the slope is about that.
TEST(ErrorBounds, OfFunctionsAreTight) {
  ExpectTightFunction(Function::kExp, [](double x) { return std::exp(x); }, {-80, -3, -0.1, 0.1, 3, 80});
  ExpectTightFunction(Function::kLog, [](double x) { return std::log(x); }, {1e-30, 0.25, 3, 1e30});
  ExpectTightFunction(Function::kSqrt, [](double x) { return std::sqrt(x); }, {1e-30, 0.25, 3, 1e30});
  ExpectTightFunction(Function::kRsqrt, [](double x) { return 1 / std::sqrt(x); }, {1e-30, 0.25, 3, 1e30});
  ExpectTightFunction(Function::kTanh, [](double x) { return std::tanh(x); },
                      {-30, -4, -0.5, -0.01, 0.01, 0.5, 4, 30});
  ExpectTightFunction(Function::kErf, [](double x) { return std::erf(x); },
                      {-10, -3, -0.5, -0.01, 0.01, 0.5, 3, 10});
  ExpectTightFunction(Function::kSin, [](double x) { return std::sin(x); }, {-0.5, 0.01, 0.5, 3, 6});
  ExpectTightFunction(Function::kCos, [](double x) { return std::cos(x); }, {-1.5, 1, 1.5, 2, 5});
  ExpectTightFunction(Function::kSigmoid, [](double x) { return 1 / (1 + std::exp(-x)); },
                      {-80, -8, -0.5, 0.01, 0.5, 8, 80});
}

TEST(ErrorBounds, OfPowersAreTight) {
  for (double a : {0.3, 2.0, 50.0}) {
    for (double b : {-2.5, 0.5, 3.0}) {
      for (double relative : kRelativeErrors) {
        double ea = relative * a, eb = relative * std::fabs(b), v = std::pow(a, b), moved = 0;
        for (double x : {a - ea, a + ea}) {
          for (double y : {b - eb, b + eb}) moved = std::max(moved, std::fabs(std::pow(x, y) - v));
        }
        ExpectTight(FunctionError(Function::kPow, kF32, a, ea, b, eb, 0, v), moved, v,
                    "pow of " + std::to_string(a) + ", " + std::to_string(b));
      }
    }
  }
}

TEST(ErrorBounds, OfArithmeticAreTight) {
  const std::pair<ExprKind, double (*)(double, double)> operations[] = {
      {ExprKind::kAdd, [](double a, double b) { return a + b; }},
      {ExprKind::kSub, [](double a, double b) { return a - b; }},
      {ExprKind::kMul, [](double a, double b) { return a * b; }},
      {ExprKind::kDiv, [](double a, double b) { return a / b; }},
  };
  for (const auto& [kind, apply] : operations) {
    for (double a : {-1e10, -3.0, 0x1p-60, 0.7, 1e5}) {
      for (double b : {-2.5, 0x1p-50, 1.0, 1e9}) {
        for (double relative : kRelativeErrors) {
          double ea = relative * std::fabs(a), eb = relative * std::fabs(b), v = apply(a, b), moved = 0;
          for (double x : {a - ea, a + ea}) {
            for (double y : {b - eb, b + eb}) moved = std::max(moved, std::fabs(apply(x, y) - v));
          }
          ExpectTight(BinaryError(kind, kF32, a, ea, b, eb, v), moved, v,
                      "operation " + std::to_string(static_cast<int>(kind)) + " of " + std::to_string(a) +
                          ", " + std::to_string(b));
        }
      }
    }
  }
  // One rounding each but for a division, which may be a reciprocal and a product.
  EXPECT_EQ(BinaryError(ExprKind::kAdd, kF32, 1, 0, 1, 0, 2), 2 * kF32.unit + kF32.underflow);
  EXPECT_EQ(BinaryError(ExprKind::kMul, kF32, 3, 0, 1, 0, 3), 3 * kF32.unit + kF32.underflow);
  EXPECT_EQ(BinaryError(ExprKind::kDiv, kF32, 3, 0, 1, 0, 3), 9 * kF32.unit + kF32.underflow);
  EXPECT_EQ(FunctionError(Function::kSqrt, kF32, 4, 0, 0, 0, 0, 2), 4 * kF32.unit + kF32.underflow);
}

TEST(ErrorBounds, OfAFusedMultiplyAddAreThoseOfAProductAndASum) {
  // 3 * 5 - 14: the product's rounding outweighs the result's.
  double bound = FunctionError(Function::kFma, kF32, 3, 0, 5, 0, 0, 1);
  EXPECT_EQ(bound, 16 * kF32.unit + kF32.underflow);
  EXPECT_EQ(FunctionError(Function::kFma, kF32, 3, 0.5, 5, 0.25, 0.125, 1),
            3 * 0.25 + 5 * 0.5 + 0.5 * 0.25 + 0.125 + 16 * kF32.unit + kF32.underflow);
}

TEST(ErrorBounds, OfChoicesAreThoseOfWhatMayBeChosen) {
  EXPECT_EQ(BinaryError(ExprKind::kMax, kF32, 5, 0.5, 1, 0.25, 5), 0.5);
  EXPECT_EQ(BinaryError(ExprKind::kMax, kF32, 1, 0.5, 5, 0.25, 5), 0.25);
  EXPECT_EQ(BinaryError(ExprKind::kMin, kF32, 1, 0.5, 5, 0.25, 1), 0.5);
  EXPECT_EQ(BinaryError(ExprKind::kMin, kF32, 5, 0.5, 1, 0.25, 1), 0.25);
  EXPECT_EQ(BinaryError(ExprKind::kMax, kF32, 1, 0.5, 1.25, 0.25, 1.25), 0.5);
  EXPECT_EQ(SelectError(0, 1, 0.5, 9, 0.25), 0.5);
  EXPECT_EQ(SelectError(1, 1, 0.5, 9, 0.25), 8.25);
  EXPECT_EQ(CompareError(1, 0, 1, 0), 0);
  EXPECT_EQ(CompareError(1, 0.25, 2, 0.25), 0);
  EXPECT_EQ(CompareError(1, 0.5, 2, 0.5), 1);
}

TEST(ErrorBounds, RoundAsTheTypesDo) {
  EXPECT_EQ(Format::Of(DType::kF32).unit, 0x1p-24);
  EXPECT_EQ(Format::Of(DType::kF16).unit, 0x1p-11);
  EXPECT_EQ(Format::Of(DType::kBF16).unit, 0x1p-8);
  EXPECT_EQ(Format::Of(DType::kF64).unit, 0x1p-52);  // twice: the interpreter rounds, too
  EXPECT_EQ(Format::Of(DType::kI32).unit, 0x1p-52);
}

TEST(ErrorBounds, OfUnderflowAreTheSmallestNormalNumber) {
  EXPECT_EQ(kF32.Bound(0, 0, 1), 0);  // an exact zero is exact
  EXPECT_EQ(kF32.Bound(kF32.underflow, 0, 1), kF32.unit * kF32.underflow + kF32.underflow);
  double tiny = std::exp(-200.0);  // a kernel in f32 may give anything up to its smallest normal number
  double bound = FunctionError(Function::kExp, kF32, -200, 0, 0, 0, 0, tiny);
  EXPECT_GE(bound, kF32.underflow);
  EXPECT_LE(bound, 2.5 * kF32.underflow);
}

TEST(ErrorBounds, OfIntegersAreExact) {
  EXPECT_EQ(IntegerError(ExprKind::kMul, 7, 0, 9, 0), 0);
  EXPECT_EQ(IntegerError(ExprKind::kAdd, 7, 1, 9, 2), 3);
  EXPECT_EQ(IntegerError(ExprKind::kMul, 7, 1, 9, 2), 7 * 2 + 9 * 1 + 2);
  EXPECT_EQ(IntegerError(ExprKind::kMax, 7, 1, 9, 2), 2);
  EXPECT_EQ(IntegerError(ExprKind::kAnd, 0, 0, 1, 1), 0);
  EXPECT_EQ(IntegerError(ExprKind::kOr, 1, 0, 0, 1), 0);
  EXPECT_EQ(IntegerError(ExprKind::kDiv, 7, 1, 9, 0), kUnbounded);
}

TEST(ErrorBounds, EndWhereTheResultMayBeAnything) {
  EXPECT_EQ(kF32.Bound(3e38, 1e38, 0), kUnbounded);  // may overflow
  EXPECT_EQ(BinaryError(ExprKind::kDiv, kF32, 1, 0, 0.5, 0.5, 2), kUnbounded);
  EXPECT_EQ(FunctionError(Function::kLog, kF32, 1, 1, 0, 0, 0, 0), kUnbounded);
  EXPECT_EQ(FunctionError(Function::kRsqrt, kF32, 1, 2, 0, 0, 0, 1), kUnbounded);
  EXPECT_EQ(FunctionError(Function::kFloor, kF32, 2, 0.5, 0, 0, 0, 2), 1);  // 1.5 is below 2
  EXPECT_EQ(FunctionError(Function::kFloor, kF32, 2.5, 0.25, 0, 0, 0, 2), 0);
}

}  // namespace
}  // namespace tunesmith::te
