// SPDX-License-Identifier: Apache-2.0
// The vector math: exp, log, tanh, erf, sin, cos, pow, sigmoid and rsqrt written out as branch-free
// arithmetic (multiply-adds, selects, integer operations on bits), the same for every backend: a code
// generator only needs the basic operations, and its vectors come out as wide as those of the code around
// them. How accurate each function is: MathBounds(), and docs/vector_math.md with the methods.
#pragma once

#include <span>

#include "ir/ir.h"

namespace tunesmith::ir {

/// What the target's multiply-add does. Where it is not fused, kFma does not appear in expanded code:
/// products that must be exact are made from numbers cut in half.
enum class MultiplyAdd : uint8_t { kFused, kSeparate };

/// An equal expression in which the functions above, and kFma on a target without it, are basic operations:
/// arithmetic, comparisons, selects, casts, sqrt, abs, floor and bits. f16 and bf16 compute in f32 and round.
/// The result shares nodes: its tree is much larger than its graph, so whoever walks it must remember nodes
/// that were visited (te::Visit and te::Substitute do not). What the code relies on, beyond te/expr.h:
///   - every operation rounds to its type, half to even; nothing is reassociated. (Computing in a wider type,
///   as
///     the interpreter does, is fine: what must be rounded goes through kBits.) A product is never an operand
///     of a sum or difference unless fusing the two does no harm.
///   - comparisons with NaN are false, != is true; integer arithmetic wraps.
/// Infinities, zeros' signs, subnormal numbers and NaN are as in C's math.h, but the NaN's bits are
/// unspecified.
Expr ExpandMath(const Expr& e, MultiplyAdd multiply_add = MultiplyAdd::kFused);

/// The same for all expressions of a function; the last step before code is generated. Nodes that statements
/// shared are expanded once.
void ExpandMath(Function* function, MultiplyAdd multiply_add = MultiplyAdd::kFused);

/// How far results may be from the exact value, in units in the last place of the exact value's binade (of
/// the subnormal numbers below the smallest normal one).
struct MathBound {
  te::Function function = te::Function::kExp;
  DType type = DType::kF32;
  double fused = 0;            // with MultiplyAdd::kFused
  double separate = 0;         // with MultiplyAdd::kSeparate
  double fused_domain = 0;     // where it holds: |x| up to this. Beyond, sin and cos stay in [-1, 1] but lose
  double separate_domain = 0;  // digits; infinity: everywhere.
};

/// One row for each function in f32 and f64.
std::span<const MathBound> MathBounds();

/// The bound of every function in f16 and bf16, in their ulps, for arguments in the f32 function's domain:
/// the rounding of a result that is off by few ulps of f32.
inline constexpr double kSixteenBitMathBound = 0.505;

}  // namespace tunesmith::ir
