// SPDX-License-Identifier: Apache-2.0
// What the functions should give, in a wider type, and how far a result is from it.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>

#include "ir/math.h"
#include "te/scalar.h"

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

/// Distances in ulps of a floating type.
template <typename Wide>
class Ulps {
 public:
  explicit Ulps(te::DType type)
      : digits_(te::MantissaBits(type)),
        largest_exponent_(std::ilogb(te::LargestFinite(type)) + 1),
        beyond_(std::ldexp(Wide{1}, largest_exponent_)) {}

  /// |got - want| in ulps at `want`; a number beyond the largest counts as the power of two there. 0 if both
  /// are NaN, infinity if one is.
  double Between(Wide got, Wide want) const {
    if (got == want) return 0;
    if (std::isnan(got) || std::isnan(want)) {
      return std::isnan(got) && std::isnan(want) ? 0 : std::numeric_limits<double>::infinity();
    }
    got = std::clamp(got, -beyond_, beyond_);
    want = std::clamp(want, -beyond_, beyond_);
    int exponent = 0;
    std::frexp(want, &exponent);
    exponent = std::clamp(exponent, 3 - largest_exponent_, largest_exponent_);
    return static_cast<double>(std::ldexp(std::fabs(got - want), digits_ - exponent));
  }

 private:
  int digits_;
  int largest_exponent_;
  Wide beyond_;
};

}  // namespace tunesmith::math_test
