// SPDX-License-Identifier: Apache-2.0
// erf and rsqrt.
#include "ir/math_functions.h"
#include "ir/math_tables.h"

namespace tunesmith::ir {

// erf(x) = x * P(x^2), cut at -1 and 1. P is fitted where |erf(x)| is not yet 1 in the type; beyond, it grows
// so that the product stays above 1, up to infinity. No division and no exponential: 19 operations in f32.
Expr ExpandErf(const Arithmetic& a, const Expr& x) {
  auto variable = a.For(kErfVariableF32, kErfVariableF64);
  Expr s = a.Fma(x * a.Number(variable[0]), x, a.Number(variable[1]));
  return a.Clamp(x * a.Polynomial(s, a.For(kErfF32, kErfF64)), -1, 1);
}

Expr ExpandRsqrt(const Arithmetic& a, const Expr& x) {
  return a.Number(1) / te::Call(te::Function::kSqrt, {x});
}

}  // namespace tunesmith::ir
