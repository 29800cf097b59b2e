// SPDX-License-Identifier: Apache-2.0
// The bounds that tests/math holds the vector math to, and docs/vector_math.md repeats.
#include <limits>

#include "ir/math.h"

namespace tunesmith::ir {
namespace {

using te::Function;

constexpr double kEverywhere = std::numeric_limits<double>::infinity();

// What a sweep found (see docs/vector_math.md), rounded up.
constexpr MathBound kBounds[] = {
    {Function::kExp, DType::kF32, 2, 2, kEverywhere, kEverywhere},
    {Function::kSigmoid, DType::kF32, 3.5, 3.5, kEverywhere, kEverywhere},
    {Function::kTanh, DType::kF32, 3.5, 3.5, kEverywhere, kEverywhere},
    {Function::kErf, DType::kF32, 4.5, 4.5, kEverywhere, kEverywhere},
    {Function::kLog, DType::kF32, 1, 1, kEverywhere, kEverywhere},
    {Function::kSin, DType::kF32, 2.5, 3, 0x1p17, 0x1p13},
    {Function::kCos, DType::kF32, 2.5, 3, 0x1p17, 0x1p13},
    {Function::kPow, DType::kF32, 2.5, 2.5, kEverywhere, kEverywhere},
    {Function::kRsqrt, DType::kF32, 1.5, 1.5, kEverywhere, kEverywhere},
    {Function::kExp, DType::kF64, 2, 2, kEverywhere, kEverywhere},
    {Function::kSigmoid, DType::kF64, 3.5, 4, kEverywhere, kEverywhere},
    {Function::kTanh, DType::kF64, 3.5, 3.5, kEverywhere, kEverywhere},
    {Function::kErf, DType::kF64, 6, 7, kEverywhere, kEverywhere},
    {Function::kLog, DType::kF64, 1, 1, kEverywhere, kEverywhere},
    {Function::kSin, DType::kF64, 2.5, 2.5, 0x1p30, 0x1p20},
    {Function::kCos, DType::kF64, 2.5, 2.5, 0x1p30, 0x1p20},
    {Function::kPow, DType::kF64, 4, 4, kEverywhere, kEverywhere},
    {Function::kRsqrt, DType::kF64, 1.5, 1.5, kEverywhere, kEverywhere},
};

}  // namespace

std::span<const MathBound> MathBounds() { return kBounds; }

}  // namespace tunesmith::ir
