// SPDX-License-Identifier: Apache-2.0
// What the operators of te/expr.h are in LLVM IR. Every function takes scalars or vectors alike (all
// arguments of one call of one kind) and emits straight-line code: no branch, no call.
#pragma once

#include <cstdint>

#include "codegen/target.h"
#include "llvm/Analysis/InstSimplifyFolder.h"
#include "llvm/IR/IRBuilder.h"
#include "te/expr.h"

namespace tunesmith::codegen {

/// Folds constants and identities as it goes, so that dead code of unrolled loops is never emitted.
using Builder = llvm::IRBuilder<llvm::InstSimplifyFolder>;

/// How an element lies in memory: f16 and bf16 as 16 bits, bool as a byte.
llvm::Type* MemoryType(llvm::LLVMContext& context, te::DType type);
/// How it is computed with: f16 and bf16 as float, bool as one bit.
llvm::Type* ValueType(llvm::LLVMContext& context, te::DType type);
/// `element`, or a vector of it where `shape` is (the type of) a vector.
llvm::Type* Like(llvm::Type* shape, llvm::Type* element);

llvm::Value* FromMemory(Builder& b, const Target& target, te::DType type, llvm::Value* stored);
/// Rounds f16 and bf16 half to even; a NaN stays a NaN.
llvm::Value* ToMemory(Builder& b, const Target& target, te::DType type, llvm::Value* value);

/// kAdd … kMax, kAnd, kOr of operands of `type`. Quotients of integers round down (see EmitFloorDivide).
llvm::Value* EmitBinary(Builder& b, te::ExprKind kind, te::DType type, llvm::Value* x, llvm::Value* y);
/// kLess … kNotEqual of operands of `type`; ordered, so that comparisons with NaN are false but for !=.
llvm::Value* EmitComparison(Builder& b, te::ExprKind kind, te::DType type, llvm::Value* x, llvm::Value* y);
/// The quotient rounded down, or the remainder with the divisor's sign; a zero divisor gives 0, and x.
/// `non_negative` promises x >= 0.
llvm::Value* EmitFloorDivide(Builder& b, te::DType type, llvm::Value* x, llvm::Value* y, bool remainder,
                             bool non_negative);
/// A cast as te/expr.h defines it: one rounding, saturation, NaN to 0.
llvm::Value* EmitCast(Builder& b, const Target& target, te::DType from, te::DType to, te::Rounding rounding,
                      llvm::Value* x);
/// The bits of x as `to`, of the same size.
llvm::Value* EmitBits(Builder& b, const Target& target, te::DType from, te::DType to, llvm::Value* x);

/// A divisor that many lanes share, as two factors: x / divisor = x * scale * reciprocal, within 2 ulp.
/// `scale` is a power of two (2^64 for |divisor| < 2^-64, 2^-64 above 2^64, else 1) that keeps both the
/// divisor and its reciprocal normal, so that tiny (also subnormal) and huge divisors lose nothing:
/// x * scale overflows only where the quotient does, and underflows only where the quotient is subnormal.
/// Zero, infinite and NaN divisors give what a division gives.
struct Reciprocal {
  llvm::Value* scale;
  llvm::Value* reciprocal;
};
Reciprocal EmitReciprocal(Builder& b, llvm::Value* divisor);

}  // namespace tunesmith::codegen
