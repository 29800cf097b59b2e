// SPDX-License-Identifier: Apache-2.0
// Expressions: each node once a statement; what depends on the lane variable becomes a vector.
#include "codegen/llvm/emitter.h"
#include "llvm/IR/Intrinsics.h"
#include "support/strings.h"

namespace tunesmith::codegen {

using llvm::Value;
using te::ExprKind;

Value* Emitter::Splat(Value* v) {
  return v->getType()->isVectorTy() ? v : b_.CreateVectorSplat(static_cast<unsigned>(lanes_), v);
}

void Emitter::Widen(Value** a, Value** b) {
  if ((*a)->getType()->isVectorTy() == (*b)->getType()->isVectorTy()) return;
  *a = Splat(*a);
  *b = Splat(*b);
}

bool Emitter::DependsOnLane(const te::Expr& e) {
  if (lane_var_ < 0 || e == nullptr) return false;
  auto [at, fresh] = lane_memo_.try_emplace(e.get(), false);
  if (!fresh) return at->second;
  bool depends = e->kind == ExprKind::kVar && e->id == lane_var_;
  for (const te::Expr& arg : e->args) depends = DependsOnLane(arg) || depends;
  return lane_memo_[e.get()] = depends;
}

Value* Emitter::Emit(const te::Expr& e) {
  auto& memo = first_lane_only_ ? first_lane_memo_ : memo_;
  if (auto at = memo.find(e.get()); at != memo.end()) return at->second;
  Value* value = EmitNode(*e);
  memo[e.get()] = value;
  return value;
}

Value* Emitter::EmitNode(const te::ExprNode& e) {
  switch (e.kind) {
    case ExprKind::kInt:
      if (e.type == te::DType::kBool) return b_.getInt1(e.integer != 0);
      return llvm::ConstantInt::get(ValueType(e.type), static_cast<uint64_t>(e.integer), true);
    case ExprKind::kFloat:
      return llvm::ConstantFP::get(ValueType(e.type), e.number);
    case ExprKind::kVar: {
      Value* first = vars_[static_cast<size_t>(e.id)];
      if (e.id != lane_var_ || first_lane_only_) return first;
      auto* type = llvm::FixedVectorType::get(b_.getInt64Ty(), static_cast<unsigned>(lanes_));
      return b_.CreateAdd(Splat(first), b_.CreateStepVector(type));
    }
    case ExprKind::kRead:
      return EmitRead(e);
    default:
      break;
  }
  std::vector<Value*> args;
  for (const te::Expr& arg : e.args) args.push_back(Emit(arg));
  switch (e.kind) {
    case ExprKind::kNeg:
      return te::IsFloat(e.type) ? b_.CreateFNeg(args[0]) : b_.CreateNeg(args[0]);
    case ExprKind::kNot:
      return b_.CreateNot(args[0]);
    case ExprKind::kLess:
    case ExprKind::kLessEqual:
    case ExprKind::kEqual:
    case ExprKind::kNotEqual:
      Widen(&args[0], &args[1]);
      return EmitCompare(e, args[0], args[1]);
    case ExprKind::kSelect: {
      if (auto* known = llvm::dyn_cast<llvm::ConstantInt>(args[0])) return known->isOne() ? args[1] : args[2];
      Widen(&args[1], &args[2]);
      if (args[0]->getType()->isVectorTy()) args[1] = Splat(args[1]), args[2] = Splat(args[2]);
      return b_.CreateSelect(args[0], args[1], args[2]);
    }
    case ExprKind::kCast:
      return EmitCast(e, args[0]);
    case ExprKind::kCall:
      return EmitCall(e, std::move(args));
    default:
      // A sum of products is one multiply-add each: the contract flag lets LLVM fuse them.
      if (!(e.kind == ExprKind::kDiv && te::IsFloat(e.type))) Widen(&args[0], &args[1]);
      return EmitArithmetic(e, args[0], args[1]);
  }
}

Value* Emitter::EmitArithmetic(const te::ExprNode& e, Value* a, Value* b) {
  bool real = te::IsFloat(e.type);
  bool is_unsigned = e.type == te::DType::kU8 || e.type == te::DType::kBool;
  switch (e.kind) {
    case ExprKind::kAdd:
      return real ? b_.CreateFAdd(a, b) : b_.CreateAdd(a, b);
    case ExprKind::kSub:
      return real ? b_.CreateFSub(a, b) : b_.CreateSub(a, b);
    case ExprKind::kMul:
      return real ? b_.CreateFMul(a, b) : b_.CreateMul(a, b);
    case ExprKind::kDiv:
      return real ? EmitFloatDiv(a, b) : EmitFloorDiv(a, b, false);
    case ExprKind::kMod:
      return EmitFloorDiv(a, b, true);
    case ExprKind::kMin:
      // The value is unspecified for NaN: a compare and select is one minps.
      if (real) return b_.CreateSelect(b_.CreateFCmpOLT(a, b), a, b);
      return b_.CreateBinaryIntrinsic(is_unsigned ? llvm::Intrinsic::umin : llvm::Intrinsic::smin, a, b);
    case ExprKind::kMax:
      if (real) return b_.CreateSelect(b_.CreateFCmpOGT(a, b), a, b);
      return b_.CreateBinaryIntrinsic(is_unsigned ? llvm::Intrinsic::umax : llvm::Intrinsic::smax, a, b);
    case ExprKind::kAnd:
      return b_.CreateAnd(a, b);
    case ExprKind::kOr:
      return b_.CreateOr(a, b);
    default:
      Fail(Internal("codegen: an operator that has no instruction"));
      return a;
  }
}

Value* Emitter::EmitFloorDiv(Value* a, Value* b, bool remainder) {
  llvm::Type* type = a->getType();
  if (auto* known = llvm::dyn_cast<llvm::ConstantInt>(b);
      known && known->getValue().isPowerOf2() && !known->isNegative()) {
    if (remainder) return b_.CreateAnd(a, llvm::ConstantInt::get(type, known->getZExtValue() - 1));
    return b_.CreateAShr(a, known->getValue().logBase2());
  }
  if (auto* c = llvm::dyn_cast<llvm::Constant>(b); c && type->isVectorTy()) {
    auto* one = llvm::dyn_cast_or_null<llvm::ConstantInt>(c->getSplatValue());
    if (one && one->getValue().isPowerOf2() && !one->isNegative()) {
      if (remainder) return b_.CreateAnd(a, llvm::ConstantInt::get(type, one->getZExtValue() - 1));
      return b_.CreateAShr(a, llvm::ConstantInt::get(type, one->getValue().logBase2()));
    }
  }
  // Rounds towards minus infinity; a zero divisor gives 0, and a remainder of a. (lowest / -1 wraps: -a.)
  Value* zero = llvm::ConstantInt::get(type, 0);
  Value* one = llvm::ConstantInt::get(type, 1);
  Value* minus_one = llvm::ConstantInt::getSigned(type, -1);
  Value* is_zero = b_.CreateICmpEQ(b, zero);
  Value* is_minus_one = b_.CreateICmpEQ(b, minus_one);
  Value* safe = b_.CreateSelect(b_.CreateOr(is_zero, is_minus_one), one, b);
  Value* quotient = b_.CreateSDiv(a, safe);
  Value* rest = b_.CreateSub(a, b_.CreateMul(quotient, safe));
  Value* below = b_.CreateAnd(b_.CreateICmpNE(rest, zero), b_.CreateICmpSLT(b_.CreateXor(rest, safe), zero));
  if (remainder) {
    Value* value = b_.CreateSelect(below, b_.CreateAdd(rest, safe), rest);
    value = b_.CreateSelect(is_minus_one, zero, value);
    return b_.CreateSelect(is_zero, a, value);
  }
  Value* value = b_.CreateSelect(below, b_.CreateSub(quotient, one), quotient);
  value = b_.CreateSelect(is_minus_one, b_.CreateNeg(a), value);
  return b_.CreateSelect(is_zero, zero, value);
}

/// A vector divided by one number is multiplied by its reciprocal, at most 2 ulp away. Both are first scaled
/// by a power of two that keeps the reciprocal normal, so that tiny and huge divisors lose nothing.
Value* Emitter::EmitFloatDiv(Value* a, Value* b) {
  if (!a->getType()->isVectorTy() || b->getType()->isVectorTy()) {
    Widen(&a, &b);
    return b_.CreateFDiv(a, b);
  }
  llvm::Type* type = b->getType();
  Value* magnitude = b_.CreateUnaryIntrinsic(llvm::Intrinsic::fabs, b);
  auto number = [&](double value) { return llvm::ConstantFP::get(type, value); };
  Value* tiny = b_.CreateFCmpOLT(magnitude, number(0x1p-64));
  Value* huge = b_.CreateFCmpOGT(magnitude, number(0x1p64));
  Value* scale = b_.CreateSelect(tiny, number(0x1p64), b_.CreateSelect(huge, number(0x1p-64), number(1)));
  Value* reciprocal = b_.CreateFDiv(number(1), b_.CreateFMul(b, scale));
  return b_.CreateFMul(b_.CreateFMul(a, Splat(scale)), Splat(reciprocal));
}

Value* Emitter::EmitCompare(const te::ExprNode& e, Value* a, Value* b) {
  te::DType type = e.args[0]->type;
  bool is_unsigned = type == te::DType::kU8 || type == te::DType::kBool;
  if (te::IsFloat(type)) {
    switch (e.kind) {
      case ExprKind::kLess:
        return b_.CreateFCmpOLT(a, b);
      case ExprKind::kLessEqual:
        return b_.CreateFCmpOLE(a, b);
      case ExprKind::kEqual:
        return b_.CreateFCmpOEQ(a, b);
      default:
        return b_.CreateFCmpUNE(a, b);
    }
  }
  switch (e.kind) {
    case ExprKind::kLess:
      return is_unsigned ? b_.CreateICmpULT(a, b) : b_.CreateICmpSLT(a, b);
    case ExprKind::kLessEqual:
      return is_unsigned ? b_.CreateICmpULE(a, b) : b_.CreateICmpSLE(a, b);
    case ExprKind::kEqual:
      return b_.CreateICmpEQ(a, b);
    default:
      return b_.CreateICmpNE(a, b);
  }
}

Value* Emitter::EmitCast(const te::ExprNode& e, Value* a) {
  te::DType from = e.args[0]->type, to = e.type;
  llvm::Type* type = ValueType(to);
  if (a->getType()->isVectorTy()) type = llvm::FixedVectorType::get(type, static_cast<unsigned>(lanes_));
  bool from_unsigned = from == te::DType::kU8 || from == te::DType::kBool;
  if (to == te::DType::kBool) {
    Value* zero = llvm::Constant::getNullValue(a->getType());
    return te::IsFloat(from) ? b_.CreateFCmpUNE(a, zero) : b_.CreateICmpNE(a, zero);
  }
  if (te::IsFloat(from) && te::IsFloat(to)) {
    // Narrow types are rounded through their form in memory.
    if (to == te::DType::kBF16 || to == te::DType::kF16) {
      if (from == te::DType::kF64) a = b_.CreateFPTrunc(a, type);
      return from == to ? a : FromMemory(ToMemory(a, to), to);
    }
    return a->getType() == type ? a : b_.CreateFPCast(a, type);
  }
  if (te::IsFloat(to)) return from_unsigned ? b_.CreateUIToFP(a, type) : b_.CreateSIToFP(a, type);
  if (te::IsFloat(from)) {
    switch (e.rounding) {
      case te::Rounding::kTowardsZero:
        break;
      case te::Rounding::kNearestEven:
        a = b_.CreateUnaryIntrinsic(llvm::Intrinsic::rint, a);
        break;
      case te::Rounding::kDown:
        a = b_.CreateUnaryIntrinsic(llvm::Intrinsic::floor, a);
        break;
      case te::Rounding::kUp:
        a = b_.CreateUnaryIntrinsic(llvm::Intrinsic::ceil, a);
        break;
    }
    llvm::Intrinsic::ID saturating =
        to == te::DType::kU8 ? llvm::Intrinsic::fptoui_sat : llvm::Intrinsic::fptosi_sat;
    return b_.CreateIntrinsic(saturating, {type, a->getType()}, {a});
  }
  return from_unsigned ? b_.CreateZExtOrTrunc(a, type) : b_.CreateSExtOrTrunc(a, type);
}

Value* Emitter::EmitCall(const te::ExprNode& e, std::vector<Value*> args) {
  for (Value*& a : args) {
    if (std::any_of(args.begin(), args.end(), [](Value* v) { return v->getType()->isVectorTy(); }))
      a = Splat(a);
  }
  switch (e.function) {
    case te::Function::kSqrt:
      return b_.CreateUnaryIntrinsic(llvm::Intrinsic::sqrt, args[0]);
    case te::Function::kAbs:
      return b_.CreateUnaryIntrinsic(llvm::Intrinsic::fabs, args[0]);
    case te::Function::kFloor:
      return b_.CreateUnaryIntrinsic(llvm::Intrinsic::floor, args[0]);
    case te::Function::kCeil:
      return b_.CreateUnaryIntrinsic(llvm::Intrinsic::ceil, args[0]);
    case te::Function::kRound:
      return b_.CreateUnaryIntrinsic(llvm::Intrinsic::rint, args[0]);
    case te::Function::kFma:
      if (!entry_->target.fma) return b_.CreateFAdd(b_.CreateFMul(args[0], args[1]), args[2]);
      return b_.CreateIntrinsic(llvm::Intrinsic::fma, {args[0]->getType()}, {args[0], args[1], args[2]});
    case te::Function::kBits: {
      llvm::Type* type = ValueType(e.type);
      if (args[0]->getType()->isVectorTy())
        type = llvm::FixedVectorType::get(type, static_cast<unsigned>(lanes_));
      return b_.CreateBitCast(args[0], type);
    }
    default:
      Fail(Internal(StrCat("codegen: the function ", te::NameOf(e.function),
                           " has no instruction; expand it first (ir::ExpandMath)")));
      return args[0];
  }
}

Value* Emitter::EmitRead(const te::ExprNode& e) {
  size_t rank = te::ReadRank(e);
  if (!e.guarded) return Load(e.id, e.args[0], nullptr, nullptr, e.type);
  Value* guard = Emit(e.args[rank]);
  Value* otherwise = Emit(e.args[rank + 1]);
  if (auto* known = llvm::dyn_cast<llvm::ConstantInt>(guard)) {
    return known->isOne() ? Load(e.id, e.args[0], nullptr, nullptr, e.type) : otherwise;
  }
  return Load(e.id, e.args[0], guard, otherwise, e.type);
}

}  // namespace tunesmith::codegen
