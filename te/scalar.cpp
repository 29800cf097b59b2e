// SPDX-License-Identifier: Apache-2.0
#include "te/scalar.h"

#include <bit>
#include <limits>

namespace tunesmith::te {
namespace {

/// Exponent of the smallest positive value, by the number of bits of precision.
int LowestExponent(DType type) {
  switch (type) {
    case DType::kF32:
      return -149;
    case DType::kF16:
      return -24;
    case DType::kBF16:
      return -133;
    default:
      return -1074;
  }
}

}  // namespace

double LargestFinite(DType type) {
  switch (type) {
    case DType::kF32:
      return std::numeric_limits<float>::max();
    case DType::kF16:
      return 65504;
    case DType::kBF16:
      return 0x1.FEp127;
    default:
      return std::numeric_limits<double>::max();
  }
}

double SmallestPositive(DType type) { return std::ldexp(1.0, LowestExponent(type)); }

double RoundTo(DType type, double value) {
  if (type == DType::kF64) return value;
  if (type == DType::kF32) return static_cast<float>(value);
  if (!std::isfinite(value) || value == 0) return value;
  int exponent = 0;
  std::frexp(value, &exponent);
  // The distance between neighbours of `value` in the type; near zero it no longer shrinks.
  int ulp = std::max(exponent - MantissaBits(type), LowestExponent(type));
  double rounded = std::ldexp(std::nearbyint(std::ldexp(value, -ulp)), ulp);
  if (std::fabs(rounded) > LargestFinite(type)) return std::copysign(INFINITY, value);
  return rounded;
}

uint16_t BF16Bits(double value) {
  if (std::isnan(value)) return 0x7FC0;
  return static_cast<uint16_t>(std::bit_cast<uint32_t>(static_cast<float>(RoundTo(DType::kBF16, value))) >>
                               16);
}

double BF16FromBits(uint16_t bits) { return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16); }

uint16_t F16Bits(double value) {
  uint16_t sign = std::signbit(value) ? 0x8000 : 0;
  if (std::isnan(value)) return 0x7E00;
  double magnitude = std::fabs(RoundTo(DType::kF16, value));
  if (std::isinf(magnitude)) return sign | 0x7C00;
  if (magnitude < 0x1p-14) return sign | static_cast<uint16_t>(magnitude * 0x1p24);
  int exponent = std::ilogb(magnitude);
  auto fraction = static_cast<uint16_t>(std::ldexp(magnitude, 10 - exponent)) & 0x3FF;
  return static_cast<uint16_t>(sign | (exponent + 15) << 10 | fraction);
}

double F16FromBits(uint16_t bits) {
  int exponent = bits >> 10 & 31, fraction = bits & 0x3FF;
  double magnitude = exponent == 31  ? (fraction != 0 ? std::numeric_limits<double>::quiet_NaN() : INFINITY)
                     : exponent == 0 ? fraction * 0x1p-24
                                     : std::ldexp(1024 + fraction, exponent - 25);
  return (bits & 0x8000) != 0 ? -magnitude : magnitude;
}

double ApplyFunction(Function function, double a, double b, double c) {
  switch (function) {
    case Function::kExp:
      return std::exp(a);
    case Function::kLog:
      return std::log(a);
    case Function::kSqrt:
      return std::sqrt(a);
    case Function::kRsqrt:
      return 1 / std::sqrt(a);
    case Function::kTanh:
      return std::tanh(a);
    case Function::kErf:
      return std::erf(a);
    case Function::kSin:
      return std::sin(a);
    case Function::kCos:
      return std::cos(a);
    case Function::kPow:
      return std::pow(a, b);
    case Function::kAbs:
      return std::fabs(a);
    case Function::kFloor:
      return std::floor(a);
    case Function::kCeil:
      return std::ceil(a);
    case Function::kRound:
      return std::nearbyint(a);
    case Function::kSigmoid:
      return 1 / (1 + std::exp(-a));
    case Function::kFma:
      return std::fma(a, b, c);
    case Function::kBits:
      return a;
  }
  return a;
}

int64_t CastToInteger(DType type, Rounding rounding, double value) {
  if (std::isnan(value)) return 0;
  if (type == DType::kBool) return value != 0;
  switch (rounding) {
    case Rounding::kTowardsZero:
      value = std::trunc(value);
      break;
    case Rounding::kNearestEven:
      value = std::nearbyint(value);
      break;
    case Rounding::kDown:
      value = std::floor(value);
      break;
    case Rounding::kUp:
      value = std::ceil(value);
      break;
  }
  // The highest i64 is no double: its cast is 2^63, which is out of range itself.
  if (value >= static_cast<double>(HighestInteger(type))) return HighestInteger(type);
  if (value <= static_cast<double>(LowestInteger(type))) return LowestInteger(type);
  return static_cast<int64_t>(value);
}

double CastToFloat(DType type, int64_t value) {
  if (type == DType::kF32) return static_cast<float>(value);
  if (type == DType::kF64) return static_cast<double>(value);
  // A large value must not round twice: its lowest 12 bits, far below those that the 16-bit types keep,
  // become one sticky bit, and the rest is exact in a double.
  double near = std::abs(value >> 1) < int64_t{1} << 52
                    ? static_cast<double>(value)
                    : static_cast<double>(value & ~int64_t{0xFFF}) + ((value & 0xFFF) != 0 ? 0x1p11 : 0);
  return RoundTo(type, near);
}

int64_t BitsOf(DType from, double value) {
  switch (from) {
    case DType::kF64:
      return std::bit_cast<int64_t>(value);
    case DType::kF32:
      return std::bit_cast<int32_t>(static_cast<float>(value));
    case DType::kF16:
      return static_cast<int16_t>(F16Bits(value));
    default:
      return static_cast<int16_t>(BF16Bits(value));
  }
}

double FloatOfBits(DType to, int64_t bits) {
  switch (to) {
    case DType::kF64:
      return std::bit_cast<double>(bits);
    case DType::kF32:
      return std::bit_cast<float>(static_cast<int32_t>(bits));
    case DType::kF16:
      return F16FromBits(static_cast<uint16_t>(bits));
    default:
      return BF16FromBits(static_cast<uint16_t>(bits));
  }
}

}  // namespace tunesmith::te
