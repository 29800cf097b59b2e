// SPDX-License-Identifier: Apache-2.0
// log and pow.
#include <cmath>
#include <limits>
#include <numbers>

#include "ir/math_functions.h"
#include "ir/math_tables.h"

namespace tunesmith::ir {

using te::Binary;
using te::ExprKind;
using te::Select;

Decomposed Decompose(const Arithmetic& a, const Expr& x) {
  int fraction = a.fraction_bits();
  double smallest_normal = std::ldexp(1, 1 - a.exponent_bias());
  int lift = fraction + 2;
  Expr small = a.Less(x, a.Number(smallest_normal));
  Expr normal = Select(small, x * a.Number(std::ldexp(1, lift)), x);
  // Relative to the bits of sqrt(1/2), the upper bits are the exponent and the lower ones the place in the
  // range.
  Expr base = a.ToBits(a.Number(std::numbers::sqrt2 / 2));
  Expr offset = a.ToBits(normal) - base;
  Expr exponent =
      te::Cast(a.type(), a.ShiftRight(offset, fraction)) - Select(small, a.Number(lift), a.Number(0));
  return {exponent, a.FromBits(a.LowBits(offset, fraction) + base)};
}

namespace {

/// What C says of logarithms outside (0, infinity).
Expr WithSpecialCases(const Arithmetic& a, const Expr& x, const Expr& log) {
  Expr outside = Select(a.Equal(x, a.Number(0)), te::Unary(ExprKind::kNeg, a.Infinity()), a.NotANumber());
  return Select(a.Less(a.Number(0), x), Select(a.Less(x, a.Infinity()), log, x), outside);
}

/// log(x) for finite positive x, to about twice the precision up to a relative 2^-34 (f32) or 2^-64 (f64):
/// log(2^e * m) = e * ln 2 + 2s + s^3 * (2/3 + s^2 * polynomial), s = (m - 1)/(m + 1), |s| < 0.172. The first
/// two terms of the series are summed in pairs; the third is less than 2^-10 of the sum.
Pair LogPair(const Arithmetic& a, const Expr& x) {
  auto [exponent, m] = Decompose(a, x);
  Expr f = m - a.Number(1);
  Pair denominator = a.ExactSum(a.Number(1), m);
  Expr reciprocal = a.Number(1) / denominator.high;
  Expr s = a.Product(f, reciprocal);
  // The quotient's error, from the remainder f - s * denominator.
  Pair back = a.ExactProduct(s, denominator.high);
  Expr remainder = a.Fma(te::Unary(ExprKind::kNeg, s), denominator.low, (f - back.high) - back.low);
  Pair quotient = {s, a.Product(remainder, reciprocal)};

  Pair square = a.Multiply(quotient, quotient);
  Expr tail = a.Product(a.Polynomial(square.high, a.For(kLogTailF32, kLogTailF64)), square.high);
  auto thirds = a.For(kTwoThirdsF32, kTwoThirdsF64);
  Pair factor = a.Add({a.Number(thirds[0]), a.Number(thirds[1])}, {tail, a.Number(0)});
  Pair cube = a.Multiply(a.Multiply(square, quotient), factor);

  auto log2 = a.For(kLogOfTwoF32, kLogOfTwoF64);
  Pair scaled = {a.Product(exponent, a.Number(log2[0])), a.Product(exponent, a.Number(log2[1]))};
  Pair twice = {quotient.high + quotient.high, quotient.low + quotient.low};
  return a.Add(a.Add(scaled, twice), cube);
}

}  // namespace

// log(2^e * m) = e * ln 2 + log(1 + f), f = m - 1; log(1 + f) = 2s + s*R(s^2), s = f/(2 + f), rewritten
// around f, which is exact: log(1 + f) = f - (f^2/2 - s * (f^2/2 + R)); see K. C. Ng's log in FreeBSD's msun
// for the identity.
Expr ExpandLog(const Arithmetic& a, const Expr& x) {
  auto [exponent, m] = Decompose(a, x);
  Expr f = m - a.Number(1);
  Expr s = f / (f + a.Number(2));
  Expr z = s * s;
  Expr half_square = a.Product(f * a.Number(0.5), f);
  Expr inner = a.Fma(a.Polynomial(z, a.For(kLogF32, kLogF64)), z, half_square);
  auto log2 = a.For(kLogOfTwoF32, kLogOfTwoF64);
  Expr correction = a.Fma(s, inner, exponent * a.Number(log2[1]));
  Expr log = a.Fma(exponent, a.Number(log2[0]), f - (half_square - correction));
  return WithSpecialCases(a, x, log);
}

// exp(y * log|x|), the logarithm and the product in pairs, then the cases of C's pow (C17, annex F.10.4.4).
Expr ExpandPow(const Arithmetic& a, const Expr& x, const Expr& y) {
  Expr zero = a.Number(0), one = a.Number(1), infinity = a.Infinity();
  Expr magnitude = a.Abs(x);
  Pair log = LogPair(a, magnitude);
  // A finite bound on y, beyond which only log = 0 gives a finite result other than 0, keeps infinities out.
  double limit = a.For(1e30, 1e300);
  Expr bounded = a.Clamp(y, -limit, limit);
  Pair product = a.ExactProduct(bounded, log.high);
  Expr power = ExpandExp(a, Pair{product.high, a.Fma(bounded, log.low, product.low)});

  Expr falling = a.Less(y, zero);
  Expr of_zero = Select(falling, infinity, zero);
  Expr of_infinity = Select(falling, zero, infinity);
  power = Select(a.Less(magnitude, infinity), power, of_infinity);
  power = Select(a.Equal(magnitude, zero), of_zero, power);

  Expr half = y * a.Number(0.5);
  Expr integer = a.Equal(te::Call(te::Function::kFloor, {y}), y);
  Expr odd = Binary(ExprKind::kAnd, integer,
                    Binary(ExprKind::kNotEqual, te::Call(te::Function::kFloor, {half}), half));
  Expr negative = Binary(ExprKind::kLess, a.ToBits(x), a.Integer(0));
  power = Select(Binary(ExprKind::kAnd, negative, odd), te::Unary(ExprKind::kNeg, power), power);
  Expr root_of_negative =
      Binary(ExprKind::kAnd, Binary(ExprKind::kAnd, a.Less(x, zero), a.Less(magnitude, infinity)),
             te::Unary(ExprKind::kNot, integer));
  Expr unordered =
      Binary(ExprKind::kOr, Binary(ExprKind::kNotEqual, x, x), Binary(ExprKind::kNotEqual, y, y));
  power = Select(Binary(ExprKind::kOr, root_of_negative, unordered), a.NotANumber(), power);
  return Select(Binary(ExprKind::kOr, a.Equal(x, one), a.Equal(y, zero)), one, power);
}

}  // namespace tunesmith::ir
