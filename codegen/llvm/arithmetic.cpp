// SPDX-License-Identifier: Apache-2.0
#include "codegen/llvm/arithmetic.h"

#include "llvm/IR/Intrinsics.h"

namespace tunesmith::codegen {

using llvm::Type;
using llvm::Value;
using llvm::Intrinsic::ID;
using te::DType;
using te::ExprKind;
namespace intrinsic = llvm::Intrinsic;

namespace {

bool IsUnsigned(DType type) { return type == DType::kU8 || type == DType::kBool; }

Value* Integer(Type* type, int64_t value) { return llvm::ConstantInt::getSigned(type, value); }

/// The value of a constant or of a vector whose lanes are one constant.
const llvm::APInt* KnownInteger(Value* v) {
  auto* c = llvm::dyn_cast<llvm::Constant>(v);
  if (c && c->getType()->isVectorTy()) c = c->getSplatValue();
  auto* integer = llvm::dyn_cast_or_null<llvm::ConstantInt>(c);
  return integer ? &integer->getValue() : nullptr;
}

}  // namespace

Value* EmitBinary(Builder& b, ExprKind kind, DType type, Value* x, Value* y) {
  bool real = te::IsFloat(type);
  switch (kind) {
    case ExprKind::kAdd:
      return real ? b.CreateFAdd(x, y) : b.CreateAdd(x, y);
    case ExprKind::kSub:
      return real ? b.CreateFSub(x, y) : b.CreateSub(x, y);
    case ExprKind::kMul:
      return real ? b.CreateFMul(x, y) : b.CreateMul(x, y);
    case ExprKind::kDiv:
      return real ? b.CreateFDiv(x, y) : EmitFloorDivide(b, type, x, y, false, false);
    case ExprKind::kMod:
      return EmitFloorDivide(b, type, x, y, true, false);
    case ExprKind::kMin:  // with floating values exactly minps, and for NaN what te::ApplyFloat does
      if (real) return b.CreateSelect(b.CreateFCmpOLT(y, x), y, x);
      return b.CreateBinaryIntrinsic(IsUnsigned(type) ? intrinsic::umin : intrinsic::smin, x, y);
    case ExprKind::kMax:
      if (real) return b.CreateSelect(b.CreateFCmpOLT(x, y), y, x);
      return b.CreateBinaryIntrinsic(IsUnsigned(type) ? intrinsic::umax : intrinsic::smax, x, y);
    case ExprKind::kAnd:
      return b.CreateAnd(x, y);
    default:
      return b.CreateOr(x, y);  // kOr
  }
}

Value* EmitComparison(Builder& b, ExprKind kind, DType type, Value* x, Value* y) {
  bool real = te::IsFloat(type), is_unsigned = IsUnsigned(type);
  switch (kind) {
    case ExprKind::kLess:
      if (real) return b.CreateFCmpOLT(x, y);
      return is_unsigned ? b.CreateICmpULT(x, y) : b.CreateICmpSLT(x, y);
    case ExprKind::kLessEqual:
      if (real) return b.CreateFCmpOLE(x, y);
      return is_unsigned ? b.CreateICmpULE(x, y) : b.CreateICmpSLE(x, y);
    case ExprKind::kEqual:
      return real ? b.CreateFCmpOEQ(x, y) : b.CreateICmpEQ(x, y);
    default:
      return real ? b.CreateFCmpUNE(x, y) : b.CreateICmpNE(x, y);  // kNotEqual
  }
}

Value* EmitFloorDivide(Builder& b, DType dtype, Value* x, Value* y, bool remainder, bool non_negative) {
  Type* type = x->getType();
  Value* zero = Integer(type, 0);
  Value* one = Integer(type, 1);
  const llvm::APInt* known = KnownInteger(y);
  if (known && known->isZero()) return remainder ? x : zero;
  if (IsUnsigned(dtype) || (known && non_negative && !known->isNegative())) {
    Value* is_zero = b.CreateICmpEQ(y, zero);
    Value* divisor = b.CreateSelect(is_zero, one, y);
    if (remainder) return b.CreateSelect(is_zero, x, b.CreateURem(x, divisor));
    return b.CreateSelect(is_zero, zero, b.CreateUDiv(x, divisor));
  }
  if (known && !known->isNegative()) {
    if (known->isPowerOf2()) {
      if (remainder) return b.CreateAnd(x, b.CreateSub(y, one));
      return b.CreateAShr(x, Integer(type, known->logBase2()));
    }
    // Towards zero, then one less where the rest is negative: the rest's sign bits are that -1.
    Value* quotient = b.CreateSDiv(x, y);
    Value* rest = b.CreateSub(x, b.CreateMul(quotient, y));
    Value* sign = b.CreateAShr(rest, Integer(type, type->getScalarSizeInBits() - 1));
    return remainder ? b.CreateAdd(rest, b.CreateAnd(sign, y)) : b.CreateAdd(quotient, sign);
  }
  // The machine faults on division by zero and on lowest / -1, which wraps to lowest.
  Value* is_zero = b.CreateICmpEQ(y, zero);
  Value* is_minus_one = b.CreateICmpEQ(y, Integer(type, -1));
  Value* divisor = b.CreateSelect(b.CreateOr(is_zero, is_minus_one), one, y);
  Value* quotient = b.CreateSDiv(x, divisor);
  Value* rest = b.CreateSub(x, b.CreateMul(quotient, divisor));
  Value* differ = b.CreateICmpSLT(b.CreateXor(rest, divisor), zero);
  Value* below = b.CreateAnd(b.CreateICmpNE(rest, zero), differ);
  if (remainder) {
    Value* value = b.CreateSelect(below, b.CreateAdd(rest, divisor), rest);
    return b.CreateSelect(is_zero, x, b.CreateSelect(is_minus_one, zero, value));
  }
  Value* value = b.CreateSelect(below, b.CreateSub(quotient, one), quotient);
  return b.CreateSelect(is_zero, zero, b.CreateSelect(is_minus_one, b.CreateNeg(x), value));
}

Reciprocal EmitReciprocal(Builder& b, Value* divisor) {
  Type* type = divisor->getType();
  auto number = [&](double value) { return llvm::ConstantFP::get(type, value); };
  Value* magnitude = b.CreateUnaryIntrinsic(intrinsic::fabs, divisor);
  Value* tiny = b.CreateFCmpOLT(magnitude, number(0x1p-64));
  Value* huge = b.CreateFCmpOGT(magnitude, number(0x1p64));
  Value* scale = b.CreateSelect(tiny, number(0x1p64), b.CreateSelect(huge, number(0x1p-64), number(1)));
  return {scale, b.CreateFDiv(number(1), b.CreateFMul(divisor, scale))};
}

}  // namespace tunesmith::codegen
