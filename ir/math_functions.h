// SPDX-License-Identifier: Apache-2.0
// One declaration a function of the vector math: arguments and results of arithmetic.type().
#pragma once

#include "ir/math_arithmetic.h"

namespace tunesmith::ir {

Expr ExpandExp(const Arithmetic& arithmetic, const Expr& x);
/// exp(x.high + x.low). x.high may be anything; x.low is at most an ulp of it where the result is not 0 or
/// infinite.
Expr ExpandExp(const Arithmetic& arithmetic, const Pair& x);
Expr ExpandSigmoid(const Arithmetic& arithmetic, const Expr& x);
Expr ExpandTanh(const Arithmetic& arithmetic, const Expr& x);
Expr ExpandLog(const Arithmetic& arithmetic, const Expr& x);
Expr ExpandPow(const Arithmetic& arithmetic, const Expr& x, const Expr& y);
Expr ExpandErf(const Arithmetic& arithmetic, const Expr& x);
Expr ExpandSin(const Arithmetic& arithmetic, const Expr& x);
Expr ExpandCos(const Arithmetic& arithmetic, const Expr& x);
Expr ExpandRsqrt(const Arithmetic& arithmetic, const Expr& x);

/// A finite positive x as 2^exponent * mantissa, mantissa in [sqrt(1/2), sqrt(2)), and what logarithms start
/// from. For other x the results are unspecified.
struct Decomposed {
  Expr exponent;  // a floating number
  Expr mantissa;
};
Decomposed Decompose(const Arithmetic& arithmetic, const Expr& x);

}  // namespace tunesmith::ir
