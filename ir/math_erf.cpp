// SPDX-License-Identifier: Apache-2.0
// erf and rsqrt.
#include <cmath>

#include "ir/math_functions.h"
#include "ir/math_tables.h"

namespace tunesmith::ir {

namespace {

/// x * factor; where x is itself a product with a number, as in a GELU, with one multiplication. Numbers so
/// small that the factor would cost them digits are left alone.
Expr Scaled(const Arithmetic& a, const Expr& x, double factor) {
  const double smallest_normal = std::ldexp(1, 1 - a.exponent_bias());
  if (x->kind == te::ExprKind::kMul) {
    for (size_t side : {0, 1}) {
      const te::ExprNode& number = *x->args[side];
      if (number.kind == te::ExprKind::kFloat && std::abs(number.number * factor) >= smallest_normal)
        return x->args[1 - side] * a.Number(number.number * factor);
    }
  }
  return x * a.Number(factor);
}

}  // namespace

// erf(x) = y * P(y^2), y = x / sqrt(8) (or x / 4), cut at -1 and 1. P is fitted where |erf(x)| is not yet 1
// in the type; beyond, its argument stays what it is there, so that the product is above 1, up to infinity.
// No division and no exponential: 21 operations in f32.
Expr ExpandErf(const Arithmetic& a, const Expr& x) {
  auto variable = a.For(kErfVariableF32, kErfVariableF64);
  Expr y = Scaled(a, x, variable[0]);
  Expr s = a.AtMost(a.Fma(y, y, a.Number(variable[1])), variable[2]);
  // Its halves cancel in part, which f64's longer polynomial would pay with three more ulps.
  Expr p = a.type() == DType::kF32 ? a.EvenOddPolynomial(s, kErfF32) : a.Polynomial(s, kErfF64);
  return a.Clamp(y * p, -1, 1);
}

Expr ExpandRsqrt(const Arithmetic& a, const Expr& x) {
  return a.Number(1) / te::Call(te::Function::kSqrt, {x});
}

}  // namespace tunesmith::ir
