// SPDX-License-Identifier: Apache-2.0
// The rule by which each operation carries error bounds: given operands a and b of which a kernel knows a'
// and b' with |a' - a| <= ea and |b' - b| <= eb, how far may the kernel's result be from the exact v = a op
// b? Three parts add up: what the operands' errors become, the operation's own rounding, and underflow.
// Rounding is taken as a few unit roundoffs, so that a kernel may contract to FMA or divide by multiplication
// with a reciprocal; underflow as the smallest normal number, so that it may flush to zero.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>

#include "te/dtype.h"
#include "te/scalar.h"

namespace tunesmith::te {

inline constexpr double kUnbounded = std::numeric_limits<double>::infinity();

/// What rounding means for one floating type.
struct Format {
  double unit;       // unit roundoff: half the distance from 1 to its neighbour
  double underflow;  // smallest normal number
  double largest;    // largest finite value

  /// Integer types have none; for them, that of f64.
  static const Format& Of(DType type) {
    // The interpreter itself computes in f64, so there both sides round.
    static constexpr Format kFormats[] = {{0x1p-52, 0x1p-1022, std::numeric_limits<double>::max()},
                                          {0x1p-24, 0x1p-126, std::numeric_limits<float>::max()},
                                          {0x1p-11, 0x1p-14, 65504},
                                          {0x1p-8, 0x1p-126, 0x1.FEp127}};
    return kFormats[IsFloat(type) ? static_cast<size_t>(type) : 0];
  }

  /// The bound of a value v: `carried` from the operands, and `roundings` roundoffs. A value that is not
  /// finite stays what it is if the operands are certain; one that may overflow in the kernel may be
  /// anything.
  double Bound(double v, double carried, double roundings) const {
    if (std::isnan(carried)) return kUnbounded;
    if (!std::isfinite(v)) return carried < kUnbounded ? 0 : kUnbounded;
    double bound = carried + roundings * unit * std::fabs(v);
    if (!(std::fabs(v) + bound <= largest)) return kUnbounded;
    return bound == 0 ? 0 : bound + underflow;
  }
};

/// How far f may be from f(a), for a monotone f and |a' - a| <= ea.
template <class F>
double MonotoneError(F f, double a, double ea) {
  if (ea == 0) return 0;
  double v = f(a), low = f(a - ea), high = f(a + ea);
  double error = std::max(std::fabs(high - v), std::fabs(v - low));
  return std::isnan(error) ? (low == high ? 0 : kUnbounded) : error;
}

/// kAdd … kMax of floating values.
inline double BinaryError(ExprKind kind, const Format& format, double a, double ea, double b, double eb,
                          double v) {
  switch (kind) {
    case ExprKind::kAdd:
    case ExprKind::kSub:
      return format.Bound(v, ea + eb, 1);
    case ExprKind::kMul: {
      // Infinite operands give 0 * inf; Bound then tells certain results from uncertain ones by `carried`.
      double carried = ea == 0 && eb == 0 ? 0 : std::fabs(a) * eb + std::fabs(b) * ea + ea * eb;
      return format.Bound(v, carried, 1);
    }
    case ExprKind::kDiv: {
      if (ea == 0 && eb == 0) return format.Bound(v, 0, 3);
      if (eb >= std::fabs(b)) return kUnbounded;
      return format.Bound(v, (ea + std::fabs(v) * eb) / (std::fabs(b) - eb), 3);
    }
    default:  // kMin, kMax
      if (kind == ExprKind::kMax ? a - ea > b + eb : a + ea < b - eb) return ea;
      if (kind == ExprKind::kMax ? b - eb > a + ea : b + eb < a - ea) return eb;
      return std::max(ea, eb);
  }
}

/// Functions: the vector functions of the code generator err by at most 4 ulp (8 unit roundoffs).
inline double FunctionError(Function function, const Format& format, double a, double ea, double b, double eb,
                            double ec, double v) {
  switch (function) {
    case Function::kExp:
      // Where the exact result underflows, a kernel may stop at the smallest normal number.
      return format.Bound(v, (ea == 0 ? 0 : v * std::expm1(ea)) + format.underflow, 8);
    case Function::kLog:
      if (ea > 0 && ea >= a) return kUnbounded;
      return format.Bound(v, ea == 0 ? 0 : -std::log1p(-ea / a), 8);
    case Function::kSqrt:
      if (ea == 0) return format.Bound(v, 0, 2);
      return format.Bound(v, v - std::sqrt(std::max(a - ea, 0.0)) + std::max(0.0, std::sqrt(a + ea) - v), 2);
    case Function::kRsqrt:
      if (ea > 0 && ea >= a) return kUnbounded;
      return format.Bound(v, ea == 0 ? 0 : 1 / std::sqrt(a - ea) - v, 4);
    case Function::kTanh:
      return format.Bound(v, MonotoneError([](double x) { return std::tanh(x); }, a, ea), 8);
    case Function::kErf:
      return format.Bound(v, MonotoneError([](double x) { return std::erf(x); }, a, ea), 8);
    case Function::kSigmoid: {
      const auto sigmoid = [](double x) { return 1 / (1 + std::exp(-x)); };
      return format.Bound(v, MonotoneError(sigmoid, a, ea) + format.underflow, 8);
    }
    case Function::kSin:
    case Function::kCos:
      return format.Bound(v, std::min(ea, 2.0), 8);
    case Function::kPow: {
      if (ea == 0 && eb == 0) return format.Bound(v, format.underflow, 16);
      if (ea >= std::fabs(a)) return kUnbounded;
      double exponent =
          (std::fabs(b) + eb) * -std::log1p(-ea / std::fabs(a)) + eb * std::fabs(std::log(std::fabs(a)));
      return format.Bound(v, std::fabs(v) * std::expm1(exponent) + format.underflow, 16);
    }
    case Function::kAbs:
      return ea;
    case Function::kFloor:
      return MonotoneError([](double x) { return std::floor(x); }, a, ea);
    case Function::kCeil:
      return MonotoneError([](double x) { return std::ceil(x); }, a, ea);
    case Function::kRound:
      return MonotoneError([](double x) { return std::nearbyint(x); }, a, ea);
    case Function::kFma: {
      double product = ea == 0 && eb == 0 ? 0 : std::fabs(a) * eb + std::fabs(b) * ea + ea * eb;
      // Two roundings if it is computed as a product and a sum.
      double rounded = std::isfinite(a * b) ? format.unit * std::fabs(a * b) : 0;
      return format.Bound(v, product + ec + rounded, 1);
    }
    case Function::kBits:
      return ea == 0 ? 0 : kUnbounded;
  }
  return kUnbounded;
}

/// A comparison that the operands' errors may turn is uncertain: error 1, as a bool is 0 or 1.
inline double CompareError(double a, double ea, double b, double eb) {
  return ea + eb > 0 && !(std::fabs(a - b) > ea + eb) ? 1 : 0;
}

/// kAdd … kMax and kMod, kAnd, kOr of integers, which a kernel computes exactly.
inline double IntegerError(ExprKind kind, int64_t a, double ea, int64_t b, double eb) {
  if (ea == 0 && eb == 0) return 0;
  switch (kind) {
    case ExprKind::kAdd:
    case ExprKind::kSub:
      return ea + eb;
    case ExprKind::kMul:
      return std::fabs(static_cast<double>(a)) * eb + std::fabs(static_cast<double>(b)) * ea + ea * eb;
    case ExprKind::kAnd:
      return (ea == 0 && a == 0) || (eb == 0 && b == 0) ? 0 : 1;
    case ExprKind::kOr:
      return (ea == 0 && a == 1) || (eb == 0 && b == 1) ? 0 : 1;
    case ExprKind::kMin:
    case ExprKind::kMax:
      return std::max(ea, eb);
    default:
      return kUnbounded;
  }
}

/// Of c ? a : b, with v the one that is chosen and w the other.
inline double SelectError(double ec, double v, double ev, double w, double ew) {
  if (ec == 0) return ev;
  double other = std::fabs(v - w) + ew;
  return std::isnan(other) ? kUnbounded : std::max(ev, other);
}

}  // namespace tunesmith::te
