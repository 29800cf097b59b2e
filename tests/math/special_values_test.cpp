// SPDX-License-Identifier: Apache-2.0
// Zeros, infinities, NaN, subnormal numbers and exact cases: C's math.h, bit for bit.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "evaluator.h"
#include "ir/math.h"

namespace tunesmith::math_test {
namespace {

using te::DType;
using te::Function;

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

template <typename Float>
Float Apply(Function function, double x, double y, ir::MultiplyAdd multiply_add) {
  using Bits = std::conditional_t<sizeof(Float) == 4, int32_t, int64_t>;
  DType type = sizeof(Float) == 4 ? DType::kF32 : DType::kF64;
  std::vector<te::Expr> args = {te::Read(type, 0, {te::Int(0)})};
  if (function == Function::kPow) args.push_back(te::Read(type, 1, {te::Int(0)}));
  Evaluator<Float, Bits> evaluator(ir::ExpandMath(te::Call(function, args), multiply_add));
  Float xs[] = {static_cast<Float>(x)}, ys[] = {static_cast<Float>(y)}, results[1];
  evaluator.Run(xs, ys, results);
  return results[0];
}

template <typename Float>
void Expect(Function function, double x, double want, double y = 0) {
  for (auto multiply_add : {ir::MultiplyAdd::kFused, ir::MultiplyAdd::kSeparate}) {
    Float got = Apply<Float>(function, x, y, multiply_add);
    SCOPED_TRACE(std::string(te::NameOf(function)) + " of " + std::to_string(x) + ", " + std::to_string(y) +
                 (sizeof(Float) == 4 ? " in f32" : " in f64"));
    if (std::isnan(want)) {
      EXPECT_TRUE(std::isnan(got)) << got;
    } else {
      EXPECT_EQ(got, static_cast<Float>(want));
      EXPECT_EQ(std::signbit(got), std::signbit(want));
    }
  }
}

void Expect(Function function, double x, double want) {
  Expect<float>(function, x, want);
  Expect<double>(function, x, want);
}

void ExpectPow(double x, double y, double want) {
  Expect<float>(Function::kPow, x, want, y);
  Expect<double>(Function::kPow, x, want, y);
}

TEST(SpecialValues, NaNPropagates) {
  for (Function f : {Function::kExp, Function::kLog, Function::kTanh, Function::kErf, Function::kSin,
                     Function::kCos, Function::kSigmoid, Function::kRsqrt}) {
    Expect(f, kNaN, kNaN);
    Expect(f, -kNaN, kNaN);
  }
}

TEST(SpecialValues, OddFunctionsKeepTheSignOfZero) {
  for (Function f : {Function::kTanh, Function::kErf, Function::kSin}) {
    Expect(f, -0.0, -0.0);
    Expect(f, 0.0, 0.0);
  }
}

TEST(SpecialValues, OfInfinity) {
  Expect(Function::kExp, kInf, kInf);
  Expect(Function::kExp, -kInf, 0.0);
  Expect(Function::kLog, kInf, kInf);
  Expect(Function::kTanh, kInf, 1);
  Expect(Function::kTanh, -kInf, -1);
  Expect(Function::kErf, kInf, 1);
  Expect(Function::kErf, -kInf, -1);
  Expect(Function::kSigmoid, kInf, 1);
  Expect(Function::kSigmoid, -kInf, 0.0);
  Expect(Function::kSin, kInf, kNaN);
  Expect(Function::kCos, -kInf, kNaN);
  Expect(Function::kRsqrt, kInf, 0.0);
}

TEST(SpecialValues, OfZero) {
  Expect(Function::kExp, 0.0, 1);
  Expect(Function::kExp, -0.0, 1);
  Expect(Function::kLog, 0.0, -kInf);
  Expect(Function::kLog, -0.0, -kInf);
  Expect(Function::kSigmoid, 0.0, 0.5);
  Expect(Function::kCos, 0.0, 1);
  Expect(Function::kRsqrt, 0.0, kInf);
  Expect(Function::kRsqrt, -0.0, -kInf);
}

TEST(SpecialValues, OutsideTheDomainIsNaN) {
  Expect(Function::kLog, -1, kNaN);
  Expect(Function::kLog, -kInf, kNaN);
  Expect(Function::kRsqrt, -1, kNaN);
}

TEST(SpecialValues, LogOfOneIsZero) { Expect(Function::kLog, 1, 0.0); }

TEST(SpecialValues, ExpOverflowsWhereTheResultNoLongerFits) {
  Expect<float>(Function::kExp, 0x1.62e430p6, kInf);
  EXPECT_LT(Apply<float>(Function::kExp, 0x1.62e42ep6, 0, ir::MultiplyAdd::kFused), kInf);
  Expect<double>(Function::kExp, 0x1.62e42fefa39f0p9, kInf);
  EXPECT_LT(Apply<double>(Function::kExp, 0x1.62e42fefa39efp9, 0, ir::MultiplyAdd::kFused), kInf);
}

TEST(SpecialValues, ExpUnderflowsGradually) {
  Expect<float>(Function::kExp, -103, 0x1p-149);  // 1.32 of the smallest number
  Expect<float>(Function::kExp, -104, 0.0);
  Expect<float>(Function::kExp, -1e9, 0.0);
  Expect<double>(Function::kExp, -744.5, 0x1p-1074);
  Expect<double>(Function::kExp, -746, 0.0);
  Expect<double>(Function::kExp, -1e30, 0.0);
}

TEST(SpecialValues, SaturatedResultsAreExact) {
  for (double x : {9.1, 12.0, 100.0, 1e30}) {
    Expect<float>(Function::kTanh, x, 1);
    Expect<float>(Function::kTanh, -x, -1);
    Expect<float>(Function::kErf, x, 1);
    Expect<float>(Function::kErf, -x, -1);
  }
  for (double x : {19.5, 25.0, 1000.0, 1e300}) {
    Expect<double>(Function::kTanh, x, 1);
    Expect<double>(Function::kErf, -x, -1);
  }
}

TEST(SpecialValues, SmallestNumbers) {
  Expect<float>(Function::kTanh, 0x1p-149, 0x1p-149);
  Expect<float>(Function::kSin, -0x1p-149, -0x1p-149);
  Expect<float>(Function::kErf, 0x1p-149, 0);  // x / sqrt(8) is rounded to zero: an error of 1.1 ulp
  Expect<float>(Function::kErf, -0x4p-149, -0x3p-149);  // 1.5 ulp
  Expect<double>(Function::kTanh, -0x1p-1074, -0x1p-1074);
  Expect<double>(Function::kSin, 0x1p-1074, 0x1p-1074);
}

TEST(SpecialValues, PowOfExactCases) {
  ExpectPow(2, 10, 1024);
  ExpectPow(-2, 3, -8);
  ExpectPow(-2, 2, 4);
  ExpectPow(4, 0.5, 2);
  ExpectPow(2, -3, 0.125);
  ExpectPow(-1, 1e30, 1);
}

TEST(SpecialValues, PowWithZeroExponentOrUnitBaseIsOne) {
  for (double v : {0.0, -0.0, 1.0, -3.0, kInf, -kInf, kNaN}) {
    ExpectPow(v, 0, 1);
    ExpectPow(v, -0.0, 1);
    ExpectPow(1, v, 1);
  }
  ExpectPow(-1, kInf, 1);
  ExpectPow(-1, -kInf, 1);
}

TEST(SpecialValues, PowOfZero) {
  ExpectPow(0.0, 3, 0.0);
  ExpectPow(-0.0, 3, -0.0);
  ExpectPow(-0.0, 2, 0.0);
  ExpectPow(0.0, 0.5, 0.0);
  ExpectPow(0.0, 1e-30, 0.0);
  ExpectPow(0.0, -1, kInf);
  ExpectPow(-0.0, -1, -kInf);
  ExpectPow(-0.0, -2, kInf);
  ExpectPow(0.0, -kInf, kInf);
}

TEST(SpecialValues, PowOfInfinity) {
  ExpectPow(kInf, 2, kInf);
  ExpectPow(kInf, -2, 0.0);
  ExpectPow(-kInf, 3, -kInf);
  ExpectPow(-kInf, 2, kInf);
  ExpectPow(-kInf, -3, -0.0);
  ExpectPow(-kInf, 0.5, kInf);
  ExpectPow(2, kInf, kInf);
  ExpectPow(2, -kInf, 0.0);
  ExpectPow(0.5, kInf, 0.0);
  ExpectPow(0.5, -kInf, kInf);
  ExpectPow(-3, kInf, kInf);
}

TEST(SpecialValues, PowWithoutAResultIsNaN) {
  ExpectPow(-2, 0.5, kNaN);
  ExpectPow(-0.5, -1.5, kNaN);
  ExpectPow(kNaN, 2, kNaN);
  ExpectPow(2, kNaN, kNaN);
  ExpectPow(-1, kNaN, kNaN);
  ExpectPow(0.0, kNaN, kNaN);
  ExpectPow(kNaN, -kInf, kNaN);
}

}  // namespace
}  // namespace tunesmith::math_test
