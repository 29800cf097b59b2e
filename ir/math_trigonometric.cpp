// SPDX-License-Identifier: Apache-2.0
// sin and cos.
#include <numbers>

#include "ir/math_functions.h"
#include "ir/math_tables.h"

namespace tunesmith::ir {
namespace {

// sin(x + quarter * pi/2). With q the integer nearest to x * 2/pi and r = x - q * pi/2, it is the sine or the
// cosine of r, or its negative, by the last two bits of q + quarter. pi/2 is a sum of numbers that are cut so
// that the partial differences are exact (Cody and Waite); with a fused multiply-add that holds for
// full-width numbers. Where q is so large that r is wrong, r is kept in [-1, 1], and so is the result. Of
// infinity, r is NaN.
Expr ExpandQuadrants(const Arithmetic& a, const Expr& x, int quarter) {
  auto q = a.RoundToMultiple(x, 2 / std::numbers::pi, 0);
  auto half_pi = a.fused() ? a.For(kHalfPiF32, kHalfPiF64) : a.For(kHalfPiShortF32, kHalfPiShortF64);
  Expr r = x;
  for (double piece : half_pi) r = a.Fma(q.value, a.Number(-piece), r);
  r = a.Clamp(r, -1, 1);
  Expr z = r * r;
  // The product comes last to keep the sign of a zero.
  Expr sine = r * a.Polynomial(z, a.For(kSineF32, kSineF64));
  Expr cosine = a.Polynomial(z, a.For(kCosineF32, kCosineF64));
  Expr turns = quarter == 0 ? q.integer : q.integer + a.Integer(quarter);
  Expr value = te::Select(te::Binary(te::ExprKind::kEqual, a.LowBits(turns, 1), a.Integer(0)), sine, cosine);
  // The second bit, moved to the sign's place: adding it changes the sign.
  int sign_bit = a.fraction_bits() == 23 ? 31 : 63;
  return a.FromBits(a.ToBits(value) + a.ShiftLeft(a.ShiftRight(turns, 1), sign_bit));
}

}  // namespace

Expr ExpandSin(const Arithmetic& a, const Expr& x) { return ExpandQuadrants(a, x, 0); }
Expr ExpandCos(const Arithmetic& a, const Expr& x) { return ExpandQuadrants(a, x, 1); }

}  // namespace tunesmith::ir
