// SPDX-License-Identifier: Apache-2.0
// What LLVM makes of the expansions computes, on this CPU and bit for bit, what the bounds were tested on:
// nothing was reassociated, fused or simplified that must not be.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <string>
#include <vector>

#include "evaluator.h"
#include "reference.h"
#include "tests/codegen/running.h"

namespace tunesmith::math_test {
namespace {

using te::DType;
using te::Function;

constexpr int64_t kVectors = 512, kLanes = 16;

/// for i in 0 .. kVectors: vector j in 0 .. kLanes: O[n] = function(A[n], B[n]), n = i*kLanes + j
ir::Function Kernel(Function function, DType type) {
  ir::Function f = codegen::testing::FunctionOf({{type, kVectors * kLanes}, {type, kVectors * kLanes}},
                                                {type, kVectors * kLanes}, 2);
  te::Expr n = te::Var(0) * te::Int(kLanes) + te::Var(1);
  std::vector<te::Expr> args = {te::Read(type, 0, {n})};
  if (function == Function::kPow) args.push_back(te::Read(type, 1, {n}));
  ir::Stmt store = ir::Store(2, n, te::Call(function, args));
  f.body = ir::For(ir::LoopKind::kSerial, 0, te::Int(0), te::Int(kVectors),
                   ir::For(ir::LoopKind::kVector, 1, te::Int(0), te::Int(kLanes), store));
  return f;
}

/// All magnitudes and both signs, in an order that mixes them within vectors; the special values.
template <typename Float>
std::vector<Float> Numbers(uint64_t seed) {
  std::vector<Float> numbers = {0, -Float{0}, 1, -1, INFINITY, -INFINITY, NAN, 0.5, 2, 104, -104, 89};
  using Bits = std::conditional_t<sizeof(Float) == 4, uint32_t, uint64_t>;
  for (uint64_t n = seed; numbers.size() < kVectors * kLanes; ++n) {
    auto bits = static_cast<Bits>((n * 0x9E3779B97F4A7C15) >> (64 - 8 * sizeof(Float)));
    if (n % 4 == 0) {
      numbers.push_back(std::bit_cast<Float>(bits));
    } else {
      numbers.push_back(std::ldexp(static_cast<Float>(bits), 4 - 8 * static_cast<int>(sizeof(Float))) - 8);
    }
  }
  return numbers;
}

template <typename Float, typename Bits>
void ExpectSameBits(Function function, DType type) {
  std::vector<Float> x = Numbers<Float>(1), y = Numbers<Float>(77777);
  ir::Function kernel = Kernel(function, type);
  std::vector<te::Value> parameters(3, te::Value(type, {kVectors * kLanes}));
  std::copy(x.begin(), x.end(), parameters[0].as<Float>());
  std::copy(y.begin(), y.end(), parameters[1].as<Float>());
  std::vector<te::Expr> args = {te::Read(type, 0, {te::Int(0)})};
  if (function == Function::kPow) args.push_back(te::Read(type, 1, {te::Int(0)}));
  for (const codegen::Target& target : codegen::testing::RunnableTargets()) {
    SCOPED_TRACE(target.name);
    auto multiply_add = target.fma ? ir::MultiplyAdd::kFused : ir::MultiplyAdd::kSeparate;
    std::vector<Float> want(x.size());
    Evaluator<Float, Bits>(ir::ExpandMath(te::Call(function, args), multiply_add)).Run(x, y, want);
    Result<std::vector<te::Value>> got = codegen::testing::CompileAndRun(kernel, target, parameters);
    ASSERT_TRUE(got.ok()) << MessageOf(got.status());
    // The one sum that may be fused with its product; it makes the result better, not worse.
    double tolerance = function == Function::kSigmoid && target.fma ? 2 : 0;
    Ulps<double> ulps(type);
    int different = 0;
    for (size_t n = 0; n < x.size() && different < 5; ++n) {
      Float result = (*got)[2].as<Float>()[n];
      bool same = std::bit_cast<Bits>(result) == std::bit_cast<Bits>(want[n]) ||
                  ulps.Between(result, want[n]) <= tolerance;
      if (tolerance == 0) same = same && std::signbit(result) == std::signbit(want[n]);
      if (std::isnan(result) && std::isnan(want[n])) same = true;
      EXPECT_TRUE(same) << "of " << x[n] << ", " << y[n] << ": " << result << ", not " << want[n];
      different += !same;
    }
  }
}

class Compiled : public testing::TestWithParam<ir::MathBound> {};

TEST_P(Compiled, ComputesTheSameBits) {
  if (GetParam().type == DType::kF32) {
    ExpectSameBits<float, int32_t>(GetParam().function, DType::kF32);
  } else {
    ExpectSameBits<double, int64_t>(GetParam().function, DType::kF64);
  }
}

INSTANTIATE_TEST_SUITE_P(Of, Compiled, testing::ValuesIn(ir::MathBounds().begin(), ir::MathBounds().end()),
                         [](const testing::TestParamInfo<ir::MathBound>& info) {
                           return std::string(te::NameOf(info.param.function)) + "_" +
                                  std::string(te::NameOf(info.param.type));
                         });

}  // namespace
}  // namespace tunesmith::math_test
