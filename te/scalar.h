// SPDX-License-Identifier: Apache-2.0
// What every operation means on single values: the one definition that constant folding, the interpreter of
// graphs and the interpreter of loop IR share. Floating values of every type are held in a double and are
// rounded to their type only by a cast or a store; integers and bool are held in an int64_t and wrap.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "te/dtype.h"
#include "te/expr.h"

namespace tunesmith::te {

/// The nearest value of a floating type, half to even; beyond the largest finite value, an infinity.
double RoundTo(DType type, double value);
/// The largest finite value and the smallest positive (subnormal) value of a floating type.
double LargestFinite(DType type);
double SmallestPositive(DType type);

/// Bit patterns of the 16-bit floating types; to bits, the value is rounded half to even.
uint16_t F16Bits(double value);
uint16_t BF16Bits(double value);
double F16FromBits(uint16_t bits);
double BF16FromBits(uint16_t bits);

/// The low bits of a value as a value of an integer type (two's complement); for bool, the lowest bit.
inline int64_t Wrap(DType type, int64_t v) {
  switch (type) {
    case DType::kI32:
      return static_cast<int32_t>(v);
    case DType::kI16:
      return static_cast<int16_t>(v);
    case DType::kI8:
      return static_cast<int8_t>(v);
    case DType::kU8:
      return static_cast<uint8_t>(v);
    case DType::kBool:
      return v & 1;
    default:
      return v;
  }
}

inline int64_t WrappingAdd(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
}
inline int64_t WrappingSub(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) - static_cast<uint64_t>(b));
}
inline int64_t WrappingMul(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) * static_cast<uint64_t>(b));
}
/// Rounds towards minus infinity; a zero divisor gives 0.
inline int64_t FloorDiv(int64_t a, int64_t b) {
  if (b == 0) return 0;
  if (b == -1) return WrappingSub(0, a);
  int64_t q = a / b;
  return q - ((a % b != 0) && ((a < 0) != (b < 0)) ? 1 : 0);
}
/// a - b * FloorDiv(a, b); a zero divisor gives a.
inline int64_t FloorMod(int64_t a, int64_t b) {
  if (b == 0) return a;
  if (b == -1) return 0;
  int64_t r = a % b;
  return r != 0 && ((r < 0) != (b < 0)) ? r + b : r;
}

/// kAdd … kMax of floating values.
inline double ApplyFloat(ExprKind kind, double a, double b) {
  switch (kind) {
    case ExprKind::kAdd:
      return a + b;
    case ExprKind::kSub:
      return a - b;
    case ExprKind::kMul:
      return a * b;
    case ExprKind::kDiv:
      return a / b;
    case ExprKind::kMin:
      return b < a ? b : a;
    default:
      return a < b ? b : a;  // kMax
  }
}

/// kAdd … kMax, kAnd and kOr of values of an integer type or bool.
inline int64_t ApplyInteger(ExprKind kind, DType type, int64_t a, int64_t b) {
  switch (kind) {
    case ExprKind::kAdd:
      return Wrap(type, WrappingAdd(a, b));
    case ExprKind::kSub:
      return Wrap(type, WrappingSub(a, b));
    case ExprKind::kMul:
      return Wrap(type, WrappingMul(a, b));
    case ExprKind::kDiv:
      return Wrap(type, FloorDiv(a, b));
    case ExprKind::kMod:
      return FloorMod(a, b);
    case ExprKind::kMin:
      return std::min(a, b);
    case ExprKind::kAnd:
      return a & b;
    case ExprKind::kOr:
      return a | b;
    default:
      return std::max(a, b);  // kMax
  }
}

/// kLess … kNotEqual.
template <class T>
bool Compare(ExprKind kind, T a, T b) {
  switch (kind) {
    case ExprKind::kLess:
      return a < b;
    case ExprKind::kLessEqual:
      return a <= b;
    case ExprKind::kEqual:
      return a == b;
    default:
      return a != b;  // kNotEqual
  }
}

/// The function of its one to three arguments; not kBits.
double ApplyFunction(Function function, double a, double b, double c);

/// A cast from floating to an integer type or bool: rounds, then saturates; NaN gives 0. A bool is true for
/// everything but zero and NaN.
int64_t CastToInteger(DType type, Rounding rounding, double value);
/// A cast between integer types and bool: wraps; to bool, true for everything but zero.
inline int64_t CastInteger(DType type, int64_t value) {
  return type == DType::kBool ? value != 0 : Wrap(type, value);
}
/// A cast from an integer type or bool to a floating type: one rounding.
double CastToFloat(DType type, int64_t value);

/// The bits of a value of type `from` as an integer, and back; for Function::kBits.
int64_t BitsOf(DType from, double value);
double FloatOfBits(DType to, int64_t bits);

}  // namespace tunesmith::te
