// SPDX-License-Identifier: Apache-2.0
// exp, sigmoid and tanh.
#include <cmath>
#include <numbers>

#include "ir/math_functions.h"
#include "ir/math_tables.h"

namespace tunesmith::ir {
namespace {

/// x.high + x.low - n * ln 2 for an integer n of at most 9 (f32) or 12 (f64) bits: Cody and Waite, "Software
/// Manual for the Elementary Functions", 1980. x.low may be null. ln 2 is divided by `divisor`, a power of
/// two.
Expr SubtractLogs(const Arithmetic& a, const Expr& n, const Pair& x, double divisor = 1) {
  auto log2 = a.For(kLogOfTwoF32, kLogOfTwoF64);
  Expr high = a.Fma(n, a.Number(-log2[0] / divisor), x.high);
  Expr rest = a.Number(-log2[1] / divisor);
  return x.low ? high + a.Fma(n, rest, x.low) : a.Fma(n, rest, high);
}

}  // namespace

// exp(x) = exp(r) * s * s, where x = 2m * ln 2 + r, s = 2^m, |r| <= ln 2. An even multiple costs two more
// terms of the polynomial than any multiple would, but then s is a normal number for all results: with two
// products they overflow to infinity, and become subnormal, by themselves. Below `low`, m + bias would be 0
// or less. It is 0 at `low`, the bits of s are those of 0, and the result is 0 without underflow, which some
// processors handle slowly; it matters for masks of -infinity before a softmax.
Expr ExpandExp(const Arithmetic& a, const Pair& x) {
  double low = a.For(-176.5, -1418.5), high = a.For(89.0, 710.0);
  Expr clamped = a.Clamp(x.high, low, high);
  auto n = a.RoundToMultiple(clamped, std::numbers::log2e, 1, a.exponent_bias());
  Expr rest;
  if (x.low) rest = te::Select(a.Less(a.Abs(x.high), a.Number(-low)), x.low, a.Number(0));
  Expr r = SubtractLogs(a, n.value, {clamped, rest});
  Expr s = a.FromBits(a.ShiftLeft(n.integer, a.fraction_bits()));
  return a.Polynomial(r, a.For(kExpF32, kExpF64)) * s * s;
}

Expr ExpandExp(const Arithmetic& a, const Expr& x) { return ExpandExp(a, Pair{x, nullptr}); }

// 1/(1 + exp(-x)), or exp(x)/(1 + exp(x)): the exponential that does not overflow.
Expr ExpandSigmoid(const Arithmetic& a, const Expr& x) {
  Expr e = ExpandExp(a, te::Unary(te::ExprKind::kNeg, a.Abs(x)));
  return te::Select(a.Less(x, a.Number(0)), e, a.Number(1)) / (e + a.Number(1));
}

// tanh(x) = e/(e + 2) for e = exp(2x) - 1 = s*q - (1 - s), where 2x = n * ln 2 + 2r, s = 2^n, q = exp(2r) - 1
// = r * polynomial. For small x, s is 1 and e = q keeps all of its digits, and the sign of a zero.
Expr ExpandTanh(const Arithmetic& a, const Expr& x) {
  double limit = a.For(10.0, 20.0);  // tanh is 1 from 9.02 and 19.07
  Expr clamped = a.Clamp(x, -limit, limit);
  auto n = a.RoundToMultiple(clamped, 2 * std::numbers::log2e, 0, a.exponent_bias());
  Expr r = SubtractLogs(a, n.value, {clamped, nullptr}, 2);
  Expr s = a.FromBits(a.ShiftLeft(n.integer, a.fraction_bits()));
  Expr q = a.Polynomial(r, a.For(kExpm1TwiceF32, kExpm1TwiceF64)) * r;
  Expr e = a.Fma(q, s, te::Unary(te::ExprKind::kNeg, a.Number(1) - s));
  return e / (e + a.Number(2));
}

}  // namespace tunesmith::ir
