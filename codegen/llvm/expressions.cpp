// SPDX-License-Identifier: Apache-2.0
// Expressions: each node once a statement. Indices keep the form scalar + constant + lane * stride, so that
// the copies of an unrolled body share their addresses but for a displacement.
#include <algorithm>
#include <bit>

#include "codegen/llvm/emitter.h"
#include "llvm/IR/Intrinsics.h"
#include "support/strings.h"
#include "te/scalar.h"

namespace tunesmith::codegen {

using llvm::Value;
using te::DType;
using te::ExprKind;

namespace {

/// The largest power of two that divides a factor, as far as alignment may need it.
int64_t PowerOfTwoIn(int64_t value) {
  constexpr int kEnough = 12;
  return int64_t{1} << std::min(kEnough, std::countr_zero(static_cast<uint64_t>(value) | (1u << kEnough)));
}

Operand Constant(int64_t value) {
  Operand o;
  o.constant = value;
  o.is_index = true;
  return o;
}

bool IsConstant(const Operand& o) { return !o.varies() && !o.scalar; }

}  // namespace

Operand Emitter::Uniform(DType type, Value* scalar) {
  Operand o;
  auto* known = llvm::dyn_cast<llvm::ConstantInt>(scalar);
  if (type == DType::kI64 && known) {
    o.constant = known->getSExtValue();
  } else {
    o.scalar = scalar;
  }
  return o;
}

Value* Emitter::Scalar(const Operand& o) {
  if (!o.scalar) return I64(o.constant);
  return o.constant == 0 ? o.scalar : b_.CreateAdd(o.scalar, I64(o.constant));
}

Value* Emitter::Vector(const Operand& o) {
  if (o.lanes) return o.lanes;
  Value* first = Splat(Scalar(o));
  if (!o.varies()) return first;
  llvm::SmallVector<uint64_t> steps;
  for (int64_t offset : OffsetsOf(o)) steps.push_back(static_cast<uint64_t>(offset));
  return b_.CreateAdd(first, llvm::ConstantDataVector::get(b_.getContext(), steps));
}

llvm::SmallVector<int64_t> Emitter::OffsetsOf(const Operand& o) const {
  llvm::SmallVector<int64_t> offsets;
  for (int64_t lane = 0; lane < lanes_; ++lane) {
    const auto number = static_cast<unsigned>(lane);
    offsets.push_back(o.offsets ? o.offsets->getAggregateElement(number)->getUniqueInteger().getSExtValue()
                                : te::WrappingMul(lane, o.stride));
  }
  return offsets;
}

Operand Emitter::WithOffsets(Operand o, llvm::ArrayRef<int64_t> offsets) {
  o.constant = te::WrappingAdd(o.constant, offsets[0]);
  o.stride = offsets.size() > 1 ? te::WrappingSub(offsets[1], offsets[0]) : 0;
  o.offsets = nullptr;
  bool even = true;
  llvm::SmallVector<uint64_t> steps;
  for (size_t lane = 0; lane < offsets.size(); ++lane) {
    const int64_t step = te::WrappingSub(offsets[lane], offsets[0]);
    even = even && step == te::WrappingMul(static_cast<int64_t>(lane), o.stride);
    steps.push_back(static_cast<uint64_t>(step));
  }
  if (even) return o;
  o.stride = 0;
  o.offsets = llvm::ConstantDataVector::get(b_.getContext(), steps);
  return o;
}

Operand Emitter::AtLane(const Operand& o, int64_t lane) const {
  Operand at = o;
  at.constant = te::WrappingAdd(o.constant, OffsetsOf(o)[static_cast<size_t>(lane)]);
  at.stride = 0;
  at.offsets = nullptr;
  return at;
}

Operand Emitter::Map(DType result, std::initializer_list<Operand> arguments,
                     llvm::function_ref<Value*(llvm::ArrayRef<Value*>)> emit) {
  bool varies = std::any_of(arguments.begin(), arguments.end(), [](const Operand& o) { return o.varies(); });
  llvm::SmallVector<Value*, 3> values;
  for (const Operand& o : arguments) values.push_back(varies ? Vector(o) : Scalar(o));
  Value* value = emit(values);
  if (!varies) return Uniform(result, value);
  Operand o;
  o.lanes = value;
  return o;
}

Value* Emitter::EmitScalar(const te::Expr& e, const char* what) {
  Operand o = Emit(e);
  if (!o.varies()) return Scalar(o);
  Fail(Invalid(StrCat("codegen: ", what,
                      " differs between the lanes of a vector loop; make that loop serial or unrolled")));
  return I64(0);
}

Operand Emitter::Emit(const te::Expr& e) {
  if (e->kind == ExprKind::kVar) return vars_[static_cast<size_t>(e->id)];
  if (auto at = memo_.find(e.get()); at != memo_.end()) return at->second;
  Operand value = EmitNode(*e);
  memo_[e.get()] = value;
  return value;
}

Operand Emitter::EmitNode(const te::ExprNode& e) {
  llvm::LLVMContext& context = b_.getContext();
  switch (e.kind) {
    case ExprKind::kInt: {
      if (e.type == DType::kI64) return Constant(e.integer);
      llvm::Type* type = ValueType(context, e.type);
      auto bits = static_cast<uint64_t>(te::Wrap(e.type, e.integer));
      return Uniform(e.type, llvm::ConstantInt::get(type, bits, e.type != DType::kBool));
    }
    case ExprKind::kFloat:
      return Uniform(e.type, llvm::ConstantFP::get(ValueType(context, e.type), e.number));
    case ExprKind::kRead:
      return EmitRead(e);
    case ExprKind::kSelect:
      return EmitSelect(e);
    case ExprKind::kCall:
      return EmitCall(e);
    case ExprKind::kCast: {
      DType from = e.args[0]->type;
      if (from == DType::kI64 && e.type == DType::kI64) return Emit(e.args[0]);
      return Map(e.type, {Emit(e.args[0])}, [&](auto x) {
        return codegen::EmitCast(b_, entry_->target, from, e.type, e.rounding, x[0]);
      });
    }
    case ExprKind::kNot:
      return Map(e.type, {Emit(e.args[0])}, [&](auto x) { return b_.CreateNot(x[0]); });
    case ExprKind::kNeg: {
      Operand a = Emit(e.args[0]);
      if (e.type == DType::kI64) return EmitIndexArithmetic(ExprKind::kSub, Constant(0), a);
      return Map(e.type, {a},
                 [&](auto x) { return te::IsFloat(e.type) ? b_.CreateFNeg(x[0]) : b_.CreateNeg(x[0]); });
    }
    default:
      break;
  }
  Operand x = Emit(e.args[0]), y = Emit(e.args[1]);
  switch (e.kind) {
    case ExprKind::kLess:
    case ExprKind::kLessEqual:
    case ExprKind::kEqual:
    case ExprKind::kNotEqual:
      return EmitComparison(e, x, y);
    case ExprKind::kDiv:
    case ExprKind::kMod:
      return EmitDivision(e, x, y);
    default:
      if (e.type == DType::kI64) return EmitIndexArithmetic(e.kind, x, y);
      return Map(e.type, {x, y}, [&](auto v) { return EmitBinary(b_, e.kind, e.type, v[0], v[1]); });
  }
}

Operand Emitter::EmitIndexArithmetic(ExprKind kind, const Operand& a, const Operand& b) {
  auto general = [&] {
    Operand o =
        Map(DType::kI64, {a, b}, [&](auto v) { return EmitBinary(b_, kind, DType::kI64, v[0], v[1]); });
    o.is_index = a.is_index && b.is_index;
    return o;
  };
  if (a.lanes || b.lanes) return general();
  Operand o;
  o.is_index = a.is_index && b.is_index;
  auto scalar = [&](const Operand& x) { return x.scalar ? x.scalar : I64(0); };
  auto combine = [&](auto op) {
    if (!a.offsets && !b.offsets) {
      o.stride = op(a.stride, b.stride);
      return;
    }
    llvm::SmallVector<int64_t> offsets = OffsetsOf(a), others = OffsetsOf(b);
    for (size_t lane = 0; lane < offsets.size(); ++lane) offsets[lane] = op(offsets[lane], others[lane]);
    o = WithOffsets(o, offsets);
  };
  switch (kind) {
    case ExprKind::kAdd:
      o.constant = te::WrappingAdd(a.constant, b.constant);
      combine(te::WrappingAdd);
      if (a.scalar || b.scalar) o.scalar = b_.CreateAdd(scalar(a), scalar(b));
      break;
    case ExprKind::kSub:
      o.constant = te::WrappingSub(a.constant, b.constant);
      combine(te::WrappingSub);
      if (a.scalar || b.scalar) o.scalar = b_.CreateSub(scalar(a), scalar(b));
      break;
    case ExprKind::kMul: {
      if (!IsConstant(a) && !IsConstant(b)) {
        if (a.varies() || b.varies()) return general();
        Operand product = Uniform(DType::kI64, b_.CreateMul(Scalar(a), Scalar(b)));
        product.is_index = o.is_index;
        return product;
      }
      const Operand& factor = IsConstant(a) ? a : b;
      const Operand& other = IsConstant(a) ? b : a;
      if (factor.constant == 0) return Constant(0);
      o.constant = te::WrappingMul(other.constant, factor.constant);
      combine([&](int64_t x, int64_t y) { return te::WrappingMul(&factor == &a ? y : x, factor.constant); });
      if (other.scalar) {
        o.scalar = b_.CreateMul(other.scalar, I64(factor.constant));
        o.factor = std::min<int64_t>(other.factor * PowerOfTwoIn(factor.constant), 1 << 12);
      }
      return o;
    }
    default:
      return general();
  }
  if (o.scalar) {
    o.factor = std::min(a.scalar ? a.factor : 1 << 12, b.scalar ? b.factor : 1 << 12);
    if (auto* known = llvm::dyn_cast<llvm::ConstantInt>(o.scalar)) {
      o.constant = te::WrappingAdd(o.constant, known->getSExtValue());
      o.scalar = nullptr;
    }
  }
  return o;
}

Operand Emitter::EmitDivision(const te::ExprNode& e, const Operand& x, const Operand& y) {
  if (!te::IsFloat(e.type)) {
    bool non_negative = false;
    if (e.type == DType::kI64 && IsConstant(y) && y.constant > 0 &&
        !std::has_single_bit(static_cast<uint64_t>(y.constant))) {
      std::optional<ir::Interval> bounds = ranges_.Bounds(e.args[0]);
      non_negative = bounds && bounds->low >= 0;
    }
    Operand o = Map(e.type, {x, y}, [&](auto v) {
      return EmitFloorDivide(b_, e.type, v[0], v[1], e.kind == ExprKind::kMod, non_negative);
    });
    o.is_index = x.is_index && y.is_index;
    return o;
  }
  if (lanes_ == 1 || !x.varies() || y.varies())
    return Map(e.type, {x, y}, [&](auto v) { return b_.CreateFDiv(v[0], v[1]); });
  Reciprocal r = EmitReciprocal(b_, Scalar(y));
  Operand o;
  o.lanes = b_.CreateFMul(b_.CreateFMul(Vector(x), Splat(r.scale)), Splat(r.reciprocal));
  return o;
}

Operand Emitter::EmitComparison(const te::ExprNode& e, const Operand& x, const Operand& y) {
  DType type = e.args[0]->type;
  const bool simple = type == DType::kI64 && !x.lanes && !y.lanes && x.is_index && y.is_index;
  const bool alike = simple && x.stride == y.stride && x.offsets == y.offsets;
  if (simple && !alike) {
    Operand difference = EmitIndexArithmetic(ExprKind::kSub, x, y);
    if (difference.stride == 1 || difference.stride == -1) return EmitLaneComparison(e.kind, difference);
  }
  Operand a = x, b = y;
  if (alike) {  // what both sides share by lane cancels
    a.stride = b.stride = 0;
    a.offsets = b.offsets = nullptr;
  }
  return Map(e.type, {a, b}, [&](auto v) { return codegen::EmitComparison(b_, e.kind, type, v[0], v[1]); });
}

/// `difference` is d + lane or d - lane, compared with 0. The lane at which the answer changes is found with
/// scalars and clamped, so that narrow lanes suffice.
Operand Emitter::EmitLaneComparison(ExprKind kind, const Operand& difference) {
  bool rises = difference.stride == 1;
  Operand first = difference;
  first.stride = 0;
  Value* d = Scalar(first);
  // d + lane = 0 at lane -d; d - lane = 0 at lane d.
  Value* zero_at = rises ? b_.CreateNeg(d) : d;
  Value* clamped = b_.CreateBinaryIntrinsic(llvm::Intrinsic::smax, zero_at, I64(-1));
  clamped = b_.CreateBinaryIntrinsic(llvm::Intrinsic::smin, clamped, I64(lanes_));
  // As wide as the lanes of one register.
  int64_t bits = std::clamp<int64_t>(entry_->target.vector_bytes * 8 / lanes_, 8, 32);
  llvm::Type* narrow = b_.getIntNTy(static_cast<unsigned>(bits));
  std::vector<llvm::Constant*> steps;
  for (int64_t lane = 0; lane < lanes_; ++lane) steps.push_back(llvm::ConstantInt::getSigned(narrow, lane));
  Value* lane = llvm::ConstantVector::get(steps);
  Value* at = Splat(b_.CreateTrunc(clamped, narrow));
  Operand o;
  switch (kind) {
    case ExprKind::kLess:  // d + lane < 0
      o.lanes = rises ? b_.CreateICmpSLT(lane, at) : b_.CreateICmpSGT(lane, at);
      break;
    case ExprKind::kLessEqual:
      o.lanes = rises ? b_.CreateICmpSLE(lane, at) : b_.CreateICmpSGE(lane, at);
      break;
    case ExprKind::kEqual:
      o.lanes = b_.CreateICmpEQ(lane, at);
      break;
    default:
      o.lanes = b_.CreateICmpNE(lane, at);
      break;
  }
  return o;
}

Operand Emitter::EmitSelect(const te::ExprNode& e) {
  Operand condition = Emit(e.args[0]);
  if (auto* known = llvm::dyn_cast_or_null<llvm::ConstantInt>(condition.scalar))
    return Emit(e.args[known->isOne() ? 1 : 2]);
  Operand yes = Emit(e.args[1]), no = Emit(e.args[2]);
  Operand o;
  if (condition.varies()) {
    o.lanes = b_.CreateSelect(Vector(condition), Vector(yes), Vector(no));
  } else if (yes.varies() || no.varies()) {
    o.lanes = b_.CreateSelect(condition.scalar, Vector(yes), Vector(no));
  } else {
    o = Uniform(e.type, b_.CreateSelect(condition.scalar, Scalar(yes), Scalar(no)));
    o.is_index = yes.is_index && no.is_index && condition.is_index;
  }
  return o;
}

Operand Emitter::EmitCall(const te::ExprNode& e) {
  auto unary = [&](llvm::Intrinsic::ID id) {
    return Map(e.type, {Emit(e.args[0])}, [&](auto x) { return b_.CreateUnaryIntrinsic(id, x[0]); });
  };
  switch (e.function) {
    case te::Function::kSqrt:
      return unary(llvm::Intrinsic::sqrt);
    case te::Function::kAbs:
      return unary(llvm::Intrinsic::fabs);
    case te::Function::kFloor:
      return unary(llvm::Intrinsic::floor);
    case te::Function::kCeil:
      return unary(llvm::Intrinsic::ceil);
    case te::Function::kRound:
      return unary(llvm::Intrinsic::roundeven);
    case te::Function::kFma:
      return Map(e.type, {Emit(e.args[0]), Emit(e.args[1]), Emit(e.args[2])},
                 [&](auto x) { return b_.CreateIntrinsic(llvm::Intrinsic::fma, {x[0]->getType()}, x); });
    case te::Function::kBits:
      return Map(e.type, {Emit(e.args[0])},
                 [&](auto x) { return EmitBits(b_, entry_->target, e.args[0]->type, e.type, x[0]); });
    default:
      Fail(Invalid(StrCat("codegen: '", te::NameOf(e.function),
                          "' is no instruction of a CPU; expand it into arithmetic first (ir::ExpandMath)")));
      return Uniform(e.type, llvm::ConstantFP::get(ValueType(b_.getContext(), e.type), 0));
  }
}

}  // namespace tunesmith::codegen
