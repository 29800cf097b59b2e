// SPDX-License-Identifier: Apache-2.0
// The operations from which ir/math_*.cpp compose functions, in one floating type (f32 or f64).
#pragma once

#include <span>

#include "ir/math.h"

namespace tunesmith::ir {

/// An unevaluated sum: the value is high + low, and |low| is at most half an ulp of high, or little more.
struct Pair {
  Expr high;
  Expr low;
};

class Arithmetic {
 public:
  /// `type` is f32 or f64.
  Arithmetic(DType type, MultiplyAdd multiply_add);

  DType type() const { return type_; }
  bool fused() const { return fused_; }
  /// The explicit bits of the significand: 23 or 52.
  int fraction_bits() const { return fraction_bits_; }
  int exponent_bias() const { return fraction_bits_ == 23 ? 127 : 1023; }

  /// The table, or number, for the type.
  template <typename T, typename U>
  auto For(const T& f32, const U& f64) const {
    using Span = std::span<const double>;
    if constexpr (std::is_arithmetic_v<T>) {
      return fraction_bits_ == 23 ? double{f32} : double{f64};
    } else {
      return fraction_bits_ == 23 ? Span(f32) : Span(f64);
    }
  }

  Expr Number(double value) const { return te::Float(value, type_); }
  Expr Infinity() const;
  Expr NotANumber() const;
  /// An integer of the type that holds the bits: i32 or i64.
  Expr Integer(int64_t value) const { return te::Int(value, bits_type_); }
  Expr ToBits(const Expr& x) const { return te::Bits(bits_type_, x); }
  Expr FromBits(const Expr& bits) const { return te::Bits(type_, bits); }
  /// Integers: bits shifted left; shifted right with the sign; the lowest `count` bits.
  Expr ShiftLeft(const Expr& bits, int count) const;
  Expr ShiftRight(const Expr& bits, int count) const;
  Expr LowBits(const Expr& bits, int count) const;

  /// a*b + c, rounded once if fused.
  Expr Fma(const Expr& a, const Expr& b, const Expr& c) const;
  /// sum of coefficients[k] * x^k, by Horner's rule.
  Expr Polynomial(const Expr& x, std::span<const double> coefficients) const;
  /// The same as a polynomial in x^2 plus x times another: one operation more, in half as many steps that
  /// wait for each other.
  Expr EvenOddPolynomial(const Expr& x, std::span<const double> coefficients) const;

  /// min(x, limit) and max(x, limit), and NaN if x is NaN: the operand order of x86's minps.
  Expr AtMost(const Expr& x, double limit) const;
  Expr AtLeast(const Expr& x, double limit) const;
  /// AtMost and AtLeast.
  Expr Clamp(const Expr& x, double low, double high) const;
  Expr Less(const Expr& a, const Expr& b) const { return te::Binary(te::ExprKind::kLess, a, b); }
  Expr Equal(const Expr& a, const Expr& b) const { return te::Binary(te::ExprKind::kEqual, a, b); }
  Expr Abs(const Expr& x) const { return te::Call(te::Function::kAbs, {x}); }

  /// x*scale rounded to a multiple of 2^log2_step, in two operations: adding 1.5 * 2^(fraction_bits +
  /// log2_step) leaves no lower bits (see J.-M. Muller, "Handbook of Floating-Point Arithmetic", 2nd ed.,
  /// section 4.3). The quotient by 2^log2_step must be below 2^(fraction_bits - 1).
  struct Rounded {
    Expr value;    // the multiple
    Expr integer;  // value / 2^log2_step + offset in the low fraction_bits - 1 bits; the others are
                   // unspecified
  };
  Rounded RoundToMultiple(const Expr& x, double scale, int log2_step, int64_t offset = 0) const;

  /// a*b rounded, which no compiler may fuse with a later sum.
  Expr Product(const Expr& a, const Expr& b) const;
  /// a*b exactly, unless it overflows or its low half underflows (Dekker 1971; with FMA, one operation).
  Pair ExactProduct(const Expr& a, const Expr& b) const;
  /// a+b exactly, if a is 0 or its exponent is at least b's (Dekker 1971). Neither may be a kMul.
  Pair ExactSum(const Expr& a, const Expr& b) const;
  /// Products and sums of pairs, to about twice the precision; Add needs a and b as ExactSum does.
  Pair Multiply(const Pair& a, const Pair& b) const;
  Pair Add(const Pair& a, const Pair& b) const;

 private:
  Pair Halves(const Expr& x) const;

  DType type_;
  DType bits_type_;
  bool fused_;
  int fraction_bits_;
};

}  // namespace tunesmith::ir
