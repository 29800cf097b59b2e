// SPDX-License-Identifier: Apache-2.0
// What the functions should give, in a wider type, and how far a result is from it.
#pragma once

#include <cmath>
#include <limits>

#include "ir/math.h"

namespace tunesmith::math_test {

/// The function in a type with at least eleven bits more: double for float, long double for double.
template <typename Wide>
Wide Reference(te::Function function, Wide x, Wide y) {
  switch (function) {
    case te::Function::kExp:
      return std::exp(x);
    case te::Function::kLog:
      return std::log(x);
    case te::Function::kTanh:
      return std::tanh(x);
    case te::Function::kErf:
      return std::erf(x);
    case te::Function::kSin:
      return std::sin(x);
    case te::Function::kCos:
      return std::cos(x);
    case te::Function::kPow:
      return std::pow(x, y);
    case te::Function::kSigmoid:
      return x < 0 ? std::exp(x) / (1 + std::exp(x)) : 1 / (1 + std::exp(-x));
    case te::Function::kRsqrt:
      return 1 / std::sqrt(x);
    default:
      return std::numeric_limits<Wide>::quiet_NaN();
  }
}

/// |got - want| in ulps of `Float` at `want`. Infinity where only one is NaN, or where `got` is infinite and
/// `want` is a number that does not round to an infinity.
template <typename Float, typename Wide>
double UlpsBetween(Float got, Wide want) {
  if (std::isnan(got) || std::isnan(want)) {
    return std::isnan(got) && std::isnan(want) ? 0 : std::numeric_limits<double>::infinity();
  }
  if (static_cast<Float>(want) == got) {  // also the way in which a large number rounds to infinity
    if (std::isinf(got)) return 0;
  }
  using Limits = std::numeric_limits<Float>;
  int exponent = 0;
  std::frexp(want, &exponent);
  exponent = std::max(exponent, Limits::min_exponent);
  Wide ulp = std::ldexp(Wide{1}, exponent - Limits::digits);
  // An infinity counts as the number after the largest.
  Wide value = std::isinf(got)
                   ? std::copysign(std::ldexp(Wide{1}, Limits::max_exponent), static_cast<Wide>(got))
                   : static_cast<Wide>(got);
  if (std::isinf(want)) want = std::copysign(std::ldexp(Wide{1}, Limits::max_exponent), want);
  return static_cast<double>(std::fabs(value - want) / ulp);
}

}  // namespace tunesmith::math_test
