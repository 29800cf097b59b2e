// SPDX-License-Identifier: Apache-2.0
// Element types: how values lie in memory, and casts between them (codegen/llvm/arithmetic.h).
#include <cmath>

#include "codegen/llvm/arithmetic.h"
#include "llvm/IR/Intrinsics.h"

namespace tunesmith::codegen {

using llvm::Type;
using llvm::Value;
using te::DType;
namespace intrinsic = llvm::Intrinsic;

Type* MemoryType(llvm::LLVMContext& context, DType type) {
  switch (type) {
    case DType::kF64:
      return Type::getDoubleTy(context);
    case DType::kF32:
      return Type::getFloatTy(context);
    case DType::kI64:
      return Type::getInt64Ty(context);
    case DType::kI32:
      return Type::getInt32Ty(context);
    case DType::kF16:
    case DType::kBF16:
    case DType::kI16:
      return Type::getInt16Ty(context);
    default:
      return Type::getInt8Ty(context);  // kI8, kU8, kBool
  }
}

Type* ValueType(llvm::LLVMContext& context, DType type) {
  if (type == DType::kBool) return Type::getInt1Ty(context);
  if (type == DType::kF16 || type == DType::kBF16) return Type::getFloatTy(context);
  return MemoryType(context, type);
}

Type* Like(Type* shape, Type* element) {
  auto* vector = llvm::dyn_cast<llvm::VectorType>(shape);
  return vector ? llvm::VectorType::get(element, vector->getElementCount()) : element;
}

namespace {

/// The conversion instructions of AVX2's generation (F16C). Without them LLVM would call a library.
bool ConvertsF16(const Target& target) { return target.vector_bytes >= 32; }

/// Constants and casts of the shape of one value.
struct Shape {
  Builder& b;
  Type* of;

  Value* Int(int64_t v) const { return llvm::ConstantInt::getSigned(Like(of, b.getInt32Ty()), v); }
  Value* BitsOf(Value* v) const { return b.CreateBitCast(v, Like(of, b.getInt32Ty())); }
  Value* FloatOf(Value* v) const { return b.CreateBitCast(v, Like(of, b.getFloatTy())); }
  Value* Wide(Value* v) const { return b.CreateZExt(v, Like(of, b.getInt32Ty())); }
  Value* Half(Value* v) const { return b.CreateTrunc(v, Like(of, b.getInt16Ty())); }
};

/// Source of both conversions: F. Giesen, "Float to half and back", branch-free form with round to even.
Value* F16ToFloat(Builder& b, Value* stored) {
  Shape s{b, stored->getType()};
  Value* bits = s.Wide(stored);
  Value* magnitude = b.CreateShl(b.CreateAnd(bits, s.Int(0x7fff)), s.Int(13));
  Value* exponent = b.CreateAnd(magnitude, s.Int(0x7c00 << 13));
  Value* rebiased = b.CreateAdd(magnitude, s.Int((127 - 15) << 23));
  Value* special = b.CreateAdd(rebiased, s.Int((128 - 16) << 23));  // infinities and NaNs
  // A subnormal is given the exponent of 2^-14, from which its hidden bit is subtracted: exact.
  Value* hidden = s.FloatOf(s.Int(113 << 23));
  Value* subnormal = s.BitsOf(b.CreateFSub(s.FloatOf(b.CreateAdd(rebiased, s.Int(1 << 23))), hidden));
  Value* value = b.CreateSelect(b.CreateICmpEQ(exponent, s.Int(0)), subnormal, rebiased);
  value = b.CreateSelect(b.CreateICmpEQ(exponent, s.Int(0x7c00 << 13)), special, value);
  return s.FloatOf(b.CreateOr(value, b.CreateShl(b.CreateAnd(bits, s.Int(0x8000)), s.Int(16))));
}

Value* FloatToF16(Builder& b, Value* value) {
  Shape s{b, value->getType()};
  Value* bits = s.BitsOf(value);
  Value* sign = b.CreateAnd(bits, s.Int(INT32_MIN));
  Value* magnitude = b.CreateXor(bits, sign);
  Value* infinity_or_nan =
      b.CreateSelect(b.CreateICmpUGT(magnitude, s.Int(255 << 23)), s.Int(0x7e00), s.Int(0x7c00));
  // Subnormal: adding 0.5 aligns the bits, and the addition itself rounds half to even.
  Value* aligner = s.Int(((127 - 15) + (23 - 10) + 1) << 23);
  Value* subnormal = b.CreateSub(s.BitsOf(b.CreateFAdd(s.FloatOf(magnitude), s.FloatOf(aligner))), aligner);
  Value* odd = b.CreateAnd(b.CreateLShr(magnitude, s.Int(13)), s.Int(1));
  Value* biased = b.CreateAdd(magnitude, s.Int(((15 - 127) * (1 << 23)) + 0xfff));
  Value* normal = b.CreateLShr(b.CreateAdd(biased, odd), s.Int(13));
  Value* half = b.CreateSelect(b.CreateICmpULT(magnitude, s.Int(113 << 23)), subnormal, normal);
  half = b.CreateSelect(b.CreateICmpUGE(magnitude, s.Int((127 + 16) << 23)), infinity_or_nan, half);
  return s.Half(b.CreateOr(half, b.CreateLShr(sign, s.Int(16))));
}

/// Half to even: 0x7fff and the lowest bit kept are added. A NaN keeps its upper half, made quiet.
Value* FloatToBF16(Builder& b, Value* value) {
  Shape s{b, value->getType()};
  Value* bits = s.BitsOf(value);
  Value* lowest = b.CreateAnd(b.CreateLShr(bits, s.Int(16)), s.Int(1));
  Value* rounded = b.CreateAdd(bits, b.CreateAdd(lowest, s.Int(0x7fff)));
  Value* quiet = b.CreateOr(bits, s.Int(0x400000));
  Value* nan = b.CreateFCmpUNO(value, value);
  return s.Half(b.CreateLShr(b.CreateSelect(nan, quiet, rounded), s.Int(16)));
}

/// A double as float rounded to odd: what was cut off lives on in the lowest bit, so that rounding the result
/// to a 16-bit type rounds once (Boldo & Melquiond, "When double rounding is odd", 2004).
Value* RoundToOdd(Builder& b, Value* x) {
  Shape s{b, x->getType()};
  Value* near = b.CreateFPTrunc(x, Like(x->getType(), b.getFloatTy()));
  Value* back = b.CreateFPExt(near, x->getType());
  Value* away = b.CreateFCmpOGT(b.CreateUnaryIntrinsic(intrinsic::fabs, back),
                                b.CreateUnaryIntrinsic(intrinsic::fabs, x));
  Value* truncated = b.CreateSub(s.BitsOf(near), s.Wide(away));
  return s.FloatOf(b.CreateOr(truncated, s.Wide(b.CreateFCmpONE(back, x))));
}

Value* Rounded(Builder& b, te::Rounding rounding, Value* x) {
  switch (rounding) {
    case te::Rounding::kTowardsZero:
      return x;  // as the conversion itself does
    case te::Rounding::kNearestEven:
      return b.CreateUnaryIntrinsic(intrinsic::rint, x);
    case te::Rounding::kDown:
      return b.CreateUnaryIntrinsic(intrinsic::floor, x);
    case te::Rounding::kUp:
      return b.CreateUnaryIntrinsic(intrinsic::ceil, x);
  }
  return x;
}

/// Floating to integer: clamped as floating value, so that the conversion is defined.
Value* FloatToInteger(Builder& b, DType to, Value* x) {
  Type* type = x->getType();
  double low = static_cast<double>(te::LowestInteger(to));
  double high = static_cast<double>(te::HighestInteger(to));  // i64: 2^63, which is one too many
  double limit = high;                                        // the highest value of x's type in range
  if (type->getScalarType()->isFloatTy() && (to == DType::kI32 || to == DType::kI64)) {
    high = to == DType::kI32 ? 0x1p31 : 0x1p63;
    limit = std::nextafter(static_cast<float>(high), 0.0f);
  } else if (to == DType::kI64) {
    limit = std::nextafter(high, 0.0);
  }
  auto number = [&](double value) { return llvm::ConstantFP::get(type, value); };
  Value* inside = b.CreateSelect(b.CreateFCmpOGT(x, number(low)), x, number(low));
  inside = b.CreateSelect(b.CreateFCmpOLT(inside, number(limit)), inside, number(limit));
  Type* wide = Like(type, to == DType::kI64 ? b.getInt64Ty() : b.getInt32Ty());
  Value* integer = b.CreateFPToSI(inside, wide);
  if (limit != high) {
    Value* highest = llvm::ConstantInt::getSigned(wide, te::HighestInteger(to));
    integer = b.CreateSelect(b.CreateFCmpOGE(x, number(high)), highest, integer);
  }
  integer = b.CreateSelect(b.CreateFCmpUNO(x, x), llvm::Constant::getNullValue(wide), integer);
  return b.CreateTrunc(integer, Like(type, MemoryType(b.getContext(), to)));
}

/// Integer to f16 or bf16, as float that rounding to the type rounds once.
Value* IntegerToNarrow(Builder& b, DType from, Value* x) {
  if (te::SizeOf(from) <= 2) {  // exact
    bool is_unsigned = from == DType::kU8 || from == DType::kBool;
    Value* wide = is_unsigned ? b.CreateZExt(x, Like(x->getType(), b.getInt32Ty()))
                              : b.CreateSExt(x, Like(x->getType(), b.getInt32Ty()));
    return b.CreateSIToFP(wide, Like(x->getType(), b.getFloatTy()));
  }
  if (from == DType::kI64) {
    // Beyond 2^53 the lowest 12 bits become one sticky bit; the rest is exact in a double.
    auto number = [&](int64_t v) { return llvm::ConstantInt::getSigned(x->getType(), v); };
    Value* cut = b.CreateICmpNE(b.CreateAnd(x, number(0xfff)), number(0));
    Value* sticky = b.CreateSelect(cut, number(0x800), number(0));
    Value* shortened = b.CreateOr(b.CreateAnd(x, number(~int64_t{0xfff})), sticky);
    Value* small = b.CreateICmpULT(b.CreateAdd(x, number(int64_t{1} << 53)), number(int64_t{1} << 54));
    x = b.CreateSelect(small, x, shortened);
  }
  return RoundToOdd(b, b.CreateSIToFP(x, Like(x->getType(), b.getDoubleTy())));
}

}  // namespace

Value* FromMemory(Builder& b, const Target& target, DType type, Value* stored) {
  Shape s{b, stored->getType()};
  switch (type) {
    case DType::kBool:
      return b.CreateICmpNE(stored, llvm::Constant::getNullValue(stored->getType()));
    case DType::kBF16:
      return s.FloatOf(b.CreateShl(s.Wide(stored), s.Int(16)));
    case DType::kF16:
      if (!ConvertsF16(target)) return F16ToFloat(b, stored);
      return b.CreateFPExt(b.CreateBitCast(stored, Like(stored->getType(), b.getHalfTy())),
                           Like(stored->getType(), b.getFloatTy()));
    default:
      return stored;
  }
}

Value* ToMemory(Builder& b, const Target& target, DType type, Value* value) {
  switch (type) {
    case DType::kBool:
      return b.CreateZExt(value, Like(value->getType(), b.getInt8Ty()));
    case DType::kBF16:
      return FloatToBF16(b, value);
    case DType::kF16:
      if (!ConvertsF16(target)) return FloatToF16(b, value);
      return b.CreateBitCast(b.CreateFPTrunc(value, Like(value->getType(), b.getHalfTy())),
                             Like(value->getType(), b.getInt16Ty()));
    default:
      return value;
  }
}

Value* EmitCast(Builder& b, const Target& target, DType from, DType to, te::Rounding rounding, Value* x) {
  Type* type = Like(x->getType(), ValueType(b.getContext(), to));
  bool from_unsigned = from == DType::kU8 || from == DType::kBool;
  bool to_narrow = to == DType::kF16 || to == DType::kBF16;
  if (to == DType::kBool) {
    Value* zero = llvm::Constant::getNullValue(x->getType());
    return te::IsFloat(from) ? b.CreateFCmpONE(x, zero) : b.CreateICmpNE(x, zero);
  }
  if (te::IsFloat(from) && !te::IsFloat(to)) return FloatToInteger(b, to, Rounded(b, rounding, x));
  if (!te::IsFloat(to)) return from_unsigned ? b.CreateZExtOrTrunc(x, type) : b.CreateSExtOrTrunc(x, type);
  if (to_narrow) {  // rounded through its form in memory
    if (from == DType::kF64) x = RoundToOdd(b, x);
    if (!te::IsFloat(from)) x = IntegerToNarrow(b, from, x);
    return FromMemory(b, target, to, ToMemory(b, target, to, x));
  }
  if (te::IsFloat(from)) return b.CreateFPCast(x, type);
  return from_unsigned ? b.CreateUIToFP(x, type) : b.CreateSIToFP(x, type);
}

Value* EmitBits(Builder& b, const Target& target, DType from, DType to, Value* x) {
  Value* stored = ToMemory(b, target, from, x);
  Value* bits = b.CreateBitCast(stored, Like(x->getType(), MemoryType(b.getContext(), to)));
  return FromMemory(b, target, to, bits);
}

}  // namespace tunesmith::codegen
