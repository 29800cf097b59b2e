// SPDX-License-Identifier: Apache-2.0
// The composed operations of the vector math.
#include "ir/math_arithmetic.h"

#include <cmath>
#include <limits>

namespace tunesmith::ir {

using te::Binary;
using te::ExprKind;

Arithmetic::Arithmetic(DType type, MultiplyAdd multiply_add)
    : type_(type),
      bits_type_(type == DType::kF32 ? DType::kI32 : DType::kI64),
      fused_(multiply_add == MultiplyAdd::kFused),
      fraction_bits_(te::MantissaBits(type) - 1) {}

Expr Arithmetic::Infinity() const { return Number(std::numeric_limits<double>::infinity()); }
Expr Arithmetic::NotANumber() const { return Number(std::numeric_limits<double>::quiet_NaN()); }

Expr Arithmetic::ShiftLeft(const Expr& bits, int count) const {
  return bits * Integer(static_cast<int64_t>(uint64_t{1} << count));
}

// Division of integers rounds towards minus infinity, so it is an arithmetic shift.
Expr Arithmetic::ShiftRight(const Expr& bits, int count) const { return bits / Integer(int64_t{1} << count); }

Expr Arithmetic::LowBits(const Expr& bits, int count) const {
  return Binary(ExprKind::kMod, bits, Integer(int64_t{1} << count));
}

Expr Arithmetic::Fma(const Expr& a, const Expr& b, const Expr& c) const {
  return fused_ ? te::Call(te::Function::kFma, {a, b, c}) : a * b + c;
}

Expr Arithmetic::Polynomial(const Expr& x, std::span<const double> coefficients) const {
  Expr sum = Number(coefficients.back());
  for (size_t k = coefficients.size() - 1; k-- > 0;) sum = Fma(sum, x, Number(coefficients[k]));
  return sum;
}

Expr Arithmetic::EvenOddPolynomial(const Expr& x, std::span<const double> coefficients) const {
  // Every other coefficient, down to `first`, in powers of x^2.
  const Expr square = x * x;
  auto horner = [&](size_t first) {
    size_t k = first + (coefficients.size() - 1 - first) / 2 * 2;
    Expr sum = Number(coefficients[k]);
    while (k > first) sum = Fma(sum, square, Number(coefficients[k -= 2]));
    return sum;
  };
  return Fma(horner(1), x, horner(0));
}

Expr Arithmetic::AtMost(const Expr& x, double limit) const {
  return te::Select(Less(Number(limit), x), Number(limit), x);
}

Expr Arithmetic::AtLeast(const Expr& x, double limit) const {
  return te::Select(Less(x, Number(limit)), Number(limit), x);
}

Expr Arithmetic::Clamp(const Expr& x, double low, double high) const { return AtLeast(AtMost(x, high), low); }

Arithmetic::Rounded Arithmetic::RoundToMultiple(const Expr& x, double scale, int log2_step,
                                                int64_t offset) const {
  Expr shift = Number(std::ldexp(1.5, fraction_bits_ + log2_step) + std::ldexp(offset, log2_step));
  Expr bits = ToBits(Fma(x, Number(scale), shift));
  // Through the bits, so that the sum is rounded even where it was computed in a wider type.
  return {FromBits(bits) - shift, bits};
}

Expr Arithmetic::Product(const Expr& a, const Expr& b) const { return fused_ ? Fma(a, b, Number(0)) : a * b; }

/// x as a sum of numbers whose products with each other are exact.
Pair Arithmetic::Halves(const Expr& x) const {
  Expr bits = ToBits(x);
  Expr high = FromBits(bits - LowBits(bits, (fraction_bits_ + 1) / 2 + (fraction_bits_ + 1) % 2));
  return {high, x - high};
}

Pair Arithmetic::ExactProduct(const Expr& a, const Expr& b) const {
  Expr product = Product(a, b);
  if (fused_) return {product, Fma(a, b, te::Unary(ExprKind::kNeg, product))};
  Pair x = Halves(a), y = Halves(b);
  Expr low = ((x.high * y.high - product) + x.high * y.low + x.low * y.high) + x.low * y.low;
  return {product, low};
}

Pair Arithmetic::ExactSum(const Expr& a, const Expr& b) const {
  Expr sum = a + b;
  return {sum, b - (sum - a)};
}

Pair Arithmetic::Multiply(const Pair& a, const Pair& b) const {
  Pair product = ExactProduct(a.high, b.high);
  Expr low = Fma(a.high, b.low, Fma(a.low, b.high, product.low));
  return ExactSum(product.high, low);
}

Pair Arithmetic::Add(const Pair& a, const Pair& b) const {
  Pair sum = ExactSum(a.high, b.high);
  return ExactSum(sum.high, sum.low + (a.low + b.low));
}

}  // namespace tunesmith::ir
