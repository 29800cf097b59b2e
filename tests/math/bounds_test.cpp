// SPDX-License-Identifier: Apache-2.0
// Every function within its stated bound, and no bound wider than twice what is seen.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <string>
#include <vector>

#include "evaluator.h"
#include "reference.h"

namespace tunesmith::math_test {
namespace {

using te::DType;
using te::Function;

/// Random numbers by counter: splitmix64 (Steele, Lea, Flood, OOPSLA 2014).
uint64_t Random(uint64_t n) {
  n *= 0x9E3779B97F4A7C15;
  n = (n ^ (n >> 30)) * 0xBF58476D1CE4E5B9;
  n = (n ^ (n >> 27)) * 0x94D049BB133111EB;
  return n ^ (n >> 31);
}

double Uniform(uint64_t n, double low, double high) {
  return low + (high - low) * static_cast<double>(Random(n) >> 11) * 0x1p-53;
}

te::Expr CallOf(Function function, DType type) {
  te::Expr x = te::Read(type, 0, {te::Int(0)});
  if (function != Function::kPow) return te::Call(function, {x});
  return te::Call(function, {x, te::Read(type, 1, {te::Int(0)})});
}

template <typename Float>
struct Arguments {
  std::vector<Float> x, y;
};

/// Where the functions change their behaviour: overflow, underflow, saturation, halves of binades, multiples
/// of pi/2 and of ln 2, with the `around` nearest numbers on both sides.
template <typename Float, typename Bits>
void AddThresholds(std::vector<Float>* x, int around) {
  std::vector<double> thresholds = {
      0,   0x1p-126, 0x1p-149,   0x1p-1022, 88.7228394, 88.376, 87.3365447, 103.972,    103.2789,
      104, 176.5,    709.782713, 708.39,    745.1332,   1418.5, 9.0109133,  10,         19.06155,
      20,  0.5,      3.7416574,  3.9192,    5.8137767,  5.9215, 1,          1.41421356, 0.70710678};
  for (int k = 1; k < 200; ++k) {
    thresholds.push_back(k * 1.5707963267948966);
    thresholds.push_back((k - 0.5) * 1.5707963267948966);
    thresholds.push_back((k - 0.5) * 0.6931471805599453);
  }
  for (double t : thresholds) {
    Bits bits = std::bit_cast<Bits>(static_cast<Float>(t));
    for (Bits n = bits - around < 0 ? 0 : bits - around; n <= bits + around; ++n) {
      x->push_back(std::bit_cast<Float>(n));
      x->push_back(-std::bit_cast<Float>(n));
    }
  }
}

/// Every `stride`-th number of all 2^32.
Arguments<float> SweepF32(uint64_t stride) {
  Arguments<float> arguments;
  for (uint64_t bits = 0; bits < uint64_t{1} << 32; bits += stride) {
    arguments.x.push_back(std::bit_cast<float>(static_cast<uint32_t>(bits)));
  }
  AddThresholds<float, int32_t>(&arguments.x, 50);
  return arguments;
}

/// Random bit patterns, and random numbers of the sizes in which the functions are interesting.
Arguments<double> SweepF64(uint64_t count) {
  Arguments<double> arguments;
  for (uint64_t n = 0; n < count; ++n) {
    arguments.x.push_back(std::bit_cast<double>(Random(2 * n)));
    arguments.x.push_back(Uniform(2 * n + 1, -8, 8));
    arguments.x.push_back(std::exp2(Uniform(2 * n + 1, -20, 12)) * (n % 2 == 0 ? 1 : -1));
  }
  AddThresholds<double, int64_t>(&arguments.x, 5);
  return arguments;
}

/// Pairs for pow: any bit patterns, results all over the range of the type, bases near 1, integer exponents.
template <typename Float, typename Bits>
Arguments<Float> Pairs(uint64_t count) {
  Arguments<Float> arguments;
  auto add = [&](double x, double y) {
    arguments.x.push_back(static_cast<Float>(x));
    arguments.y.push_back(static_cast<Float>(y));
  };
  double range = sizeof(Float) == 4 ? 110 : 750;
  for (uint64_t n = 0; n < count; ++n) {
    Float base = std::fabs(std::bit_cast<Float>(static_cast<Bits>(Random(5 * n))));
    add(base, std::bit_cast<Float>(static_cast<Bits>(Random(5 * n + 1))));
    add(base, Uniform(5 * n + 2, -range, range) / std::log(static_cast<double>(base)));
    double near = static_cast<Float>(1 + std::exp2(Uniform(5 * n + 3, -24, 0)) * (n % 2 == 0 ? 1 : -0.5));
    add(near, Uniform(5 * n + 4, -range, range) / std::log(near));
    add(Uniform(5 * n + 3, -20, 20), std::floor(Uniform(5 * n + 4, -30, 30)));
  }
  return arguments;
}

struct Worst {
  double ulps = 0;
  double x = 0, y = 0, got = 0, want = 0;
};

template <typename Float, typename Bits, typename Wide>
Worst Measure(Function function, DType type, ir::MultiplyAdd multiply_add, double domain,
              const Arguments<Float>& arguments) {
  Evaluator<Float, Bits> evaluator(ir::ExpandMath(CallOf(function, type), multiply_add));
  std::vector<Float> results(arguments.x.size());
  evaluator.Run(arguments.x, arguments.y, results);
  Ulps<Wide> ulps(type);
  Worst worst;
  for (size_t n = 0; n < results.size(); ++n) {
    Wide x = arguments.x[n], y = arguments.y.empty() ? 0 : arguments.y[n];
    if (std::isfinite(x) && std::fabs(x) > domain) {
      EXPECT_TRUE(std::fabs(results[n]) <= 1) << static_cast<double>(x);  // sin and cos: less exact, but sane
      continue;
    }
    Wide want = Reference<Wide>(function, x, y);
    double distance = ulps.Between(results[n], want);
    if (distance <= worst.ulps) continue;
    worst = {distance, static_cast<double>(x), static_cast<double>(y), results[n], static_cast<double>(want)};
  }
  return worst;
}

class Bounds : public testing::TestWithParam<ir::MathBound> {
 public:
  static void Hold(ir::MultiplyAdd multiply_add) {
    const ir::MathBound& bound = GetParam();
    bool fused = multiply_add == ir::MultiplyAdd::kFused;
    double limit = fused ? bound.fused : bound.separate;
    double domain = fused ? bound.fused_domain : bound.separate_domain;
    bool pow = bound.function == Function::kPow;
    Worst worst;
    if (bound.type == DType::kF32) {
      static const Arguments<float> dense = SweepF32(1009), sparse = SweepF32(20011);
      static const Arguments<float> pairs = Pairs<float, int32_t>(100'000);
      worst = Measure<float, int32_t, double>(bound.function, bound.type, multiply_add, domain,
                                              pow     ? pairs
                                              : fused ? dense
                                                      : sparse);
    } else {
      static const Arguments<double> sweep = SweepF64(50'000), pairs = Pairs<double, int64_t>(20'000);
      worst = Measure<double, int64_t, long double>(bound.function, bound.type, multiply_add, domain,
                                                    pow ? pairs : sweep);
    }
    SCOPED_TRACE(testing::Message() << "x " << worst.x << " y " << worst.y << " got " << worst.got << " want "
                                    << worst.want);
    EXPECT_LE(worst.ulps, limit);
    EXPECT_GE(2 * worst.ulps, limit) << "the bound promises too little";
  }
};

TEST_P(Bounds, HoldWhereMultiplyAddIsFused) { Hold(ir::MultiplyAdd::kFused); }
TEST_P(Bounds, HoldWhereMultiplyAddIsSeparate) { Hold(ir::MultiplyAdd::kSeparate); }

INSTANTIATE_TEST_SUITE_P(Of, Bounds, testing::ValuesIn(ir::MathBounds().begin(), ir::MathBounds().end()),
                         [](const testing::TestParamInfo<ir::MathBound>& info) {
                           return std::string(te::NameOf(info.param.function)) + "_" +
                                  std::string(te::NameOf(info.param.type));
                         });

}  // namespace
}  // namespace tunesmith::math_test
