// SPDX-License-Identifier: Apache-2.0
// Loads and stores, plain, masked, gathered; how each dtype lies in memory.
#include "codegen/llvm/emitter.h"
#include "llvm/IR/Intrinsics.h"
#include "te/affine.h"

namespace tunesmith::codegen {

using llvm::Value;

llvm::Type* Emitter::MemoryType(te::DType type) {
  switch (type) {
    case te::DType::kF64:
      return b_.getDoubleTy();
    case te::DType::kF32:
      return b_.getFloatTy();
    case te::DType::kF16:
    case te::DType::kBF16:
    case te::DType::kI16:
      return b_.getInt16Ty();
    case te::DType::kI64:
      return b_.getInt64Ty();
    case te::DType::kI32:
      return b_.getInt32Ty();
    default:
      return b_.getInt8Ty();
  }
}

llvm::Type* Emitter::ValueType(te::DType type) {
  if (type == te::DType::kBool) return b_.getInt1Ty();
  if (type == te::DType::kF16 || type == te::DType::kBF16) return b_.getFloatTy();
  return MemoryType(type);
}

Value* Emitter::FromMemory(Value* stored, te::DType type) {
  auto as = [&](llvm::Type* element) -> llvm::Type* {
    auto* v = llvm::dyn_cast<llvm::VectorType>(stored->getType());
    return v ? llvm::VectorType::get(element, v->getElementCount()) : element;
  };
  switch (type) {
    case te::DType::kBool:
      return b_.CreateICmpNE(stored, llvm::Constant::getNullValue(stored->getType()));
    case te::DType::kBF16: {
      Value* wide = b_.CreateShl(b_.CreateZExt(stored, as(b_.getInt32Ty())), 16);
      return b_.CreateBitCast(wide, as(b_.getFloatTy()));
    }
    case te::DType::kF16:
      return b_.CreateFPExt(b_.CreateBitCast(stored, as(b_.getHalfTy())), as(b_.getFloatTy()));
    default:
      return stored;
  }
}

Value* Emitter::ToMemory(Value* value, te::DType type) {
  auto as = [&](llvm::Type* element) -> llvm::Type* {
    auto* v = llvm::dyn_cast<llvm::VectorType>(value->getType());
    return v ? llvm::VectorType::get(element, v->getElementCount()) : element;
  };
  switch (type) {
    case te::DType::kBool:
      return b_.CreateZExt(value, as(b_.getInt8Ty()));
    case te::DType::kBF16: {
      // Half to even: add 0x7fff plus the lowest bit kept. A NaN keeps its upper half, made quiet.
      llvm::Type* i32 = as(b_.getInt32Ty());
      Value* bits = b_.CreateBitCast(value, i32);
      Value* lowest = b_.CreateAnd(b_.CreateLShr(bits, 16), llvm::ConstantInt::get(i32, 1));
      Value* rounded = b_.CreateAdd(bits, b_.CreateAdd(lowest, llvm::ConstantInt::get(i32, 0x7fff)));
      Value* quiet = b_.CreateOr(bits, llvm::ConstantInt::get(i32, 0x400000));
      Value* nan = b_.CreateFCmpUNO(value, value);
      return b_.CreateTrunc(b_.CreateLShr(b_.CreateSelect(nan, quiet, rounded), 16), as(b_.getInt16Ty()));
    }
    case te::DType::kF16:
      return b_.CreateBitCast(b_.CreateFPTrunc(value, as(b_.getHalfTy())), as(b_.getInt16Ty()));
    default:
      return value;
  }
}

Value* Emitter::And(Value* a, Value* b) {
  if (!a || !b) return a ? a : b;
  Widen(&a, &b);
  return b_.CreateAnd(a, b);
}

Value* Emitter::AtFirstLane(const te::Expr& e) {
  bool before = std::exchange(first_lane_only_, true);
  Value* value = Emit(e);
  first_lane_only_ = before;
  return value;
}

std::optional<int64_t> Emitter::LaneStride(const te::Expr& index) {
  if (!DependsOnLane(index)) return 0;
  std::optional<te::Affine> form = te::ToAffine(index);
  if (!form) return std::nullopt;
  return form->CoefficientOf(lane_var_);
}

Value* Emitter::Address(int buffer, Value* index) {
  return b_.CreateInBoundsGEP(MemoryType(BufferOf(buffer).dtype), pointers_[static_cast<size_t>(buffer)],
                              index);
}

llvm::Align Emitter::AlignmentAt(int buffer, Value* index, int lanes) {
  int64_t size = te::SizeOf(BufferOf(buffer).dtype);
  // What a constant index shows; a varying one may be anything, and unaligned loads of aligned data cost
  // nothing.
  auto* known = llvm::dyn_cast<llvm::ConstantInt>(index);
  int64_t alignment = size;
  while (known && alignment < size * lanes && alignment < BufferOf(buffer).alignment &&
         known->getSExtValue() * size % (2 * alignment) == 0) {
    alignment *= 2;
  }
  return llvm::Align(static_cast<uint64_t>(alignment));
}

Value* Emitter::Load(int buffer, const te::Expr& index, Value* guard, Value* otherwise, te::DType type) {
  llvm::Type* element = MemoryType(type);
  std::optional<int64_t> stride = first_lane_only_ ? 0 : LaneStride(index);
  bool in_registers = BufferOf(buffer).scope == ir::Scope::kRegister;
  bool guard_varies = guard && guard->getType()->isVectorTy();
  if (stride == 0 && !guard_varies) {
    Value* at = AtFirstLane(index);
    Value* address = Address(buffer, at);
    if (!guard || in_registers) {
      Value* value = FromMemory(b_.CreateAlignedLoad(element, address, AlignmentAt(buffer, at, 1)), type);
      return guard ? b_.CreateSelect(guard, value, otherwise) : value;
    }
    // Instead of a branch: where the guard fails, element 0 of a line on the stack is read and not used.
    llvm::IRBuilder<> entry(&function_->getEntryBlock(), function_->getEntryBlock().begin());
    llvm::AllocaInst* nothing = entry.CreateAlloca(element);
    entry.CreateStore(llvm::Constant::getNullValue(element), nothing);
    Value* safe = b_.CreateSelect(guard, address, nothing);
    return b_.CreateSelect(guard, FromMemory(b_.CreateLoad(element, safe), type), otherwise);
  }
  auto* vector = llvm::FixedVectorType::get(element, static_cast<unsigned>(lanes_));
  Value* allowed = And(mask_, guard);
  if (allowed) allowed = Splat(allowed);
  Value* loaded;
  if (stride == 1) {
    Value* at = AtFirstLane(index);
    llvm::Align alignment = AlignmentAt(buffer, at, lanes_);
    Value* address = Address(buffer, at);
    if (!allowed || in_registers) {
      loaded = b_.CreateAlignedLoad(vector, address, alignment);
    } else {
      loaded = b_.CreateMaskedLoad(vector, address, alignment, allowed, llvm::Constant::getNullValue(vector));
    }
  } else {
    Value* at = Splat(Emit(index));
    Value* all = allowed ? allowed
                         : llvm::Constant::getAllOnesValue(
                               llvm::FixedVectorType::get(b_.getInt1Ty(), static_cast<unsigned>(lanes_)));
    loaded = b_.CreateMaskedGather(vector, Address(buffer, at),
                                   llvm::Align(static_cast<uint64_t>(te::SizeOf(type))), all,
                                   llvm::Constant::getNullValue(vector));
  }
  Value* value = FromMemory(loaded, type);
  return guard ? b_.CreateSelect(Splat(guard), value, Splat(otherwise)) : value;
}

void Emitter::Store(int buffer, const te::Expr& index, Value* value, bool streaming) {
  te::DType type = BufferOf(buffer).dtype;
  std::optional<int64_t> stride = LaneStride(index);
  bool in_registers = BufferOf(buffer).scope == ir::Scope::kRegister;
  if (lane_var_ < 0 || (stride == 0 && !value->getType()->isVectorTy() && !mask_)) {
    Value* at = AtFirstLane(index);
    b_.CreateAlignedStore(ToMemory(value, type), Address(buffer, at), AlignmentAt(buffer, at, 1));
    return;
  }
  value = ToMemory(Splat(value), type);
  if (stride != 1) {
    Value* all = llvm::Constant::getAllOnesValue(
        llvm::FixedVectorType::get(b_.getInt1Ty(), static_cast<unsigned>(lanes_)));
    b_.CreateMaskedScatter(value, Address(buffer, Splat(Emit(index))),
                           llvm::Align(static_cast<uint64_t>(te::SizeOf(type))), mask_ ? mask_ : all);
    return;
  }
  Value* at = AtFirstLane(index);
  llvm::Align alignment = AlignmentAt(buffer, at, lanes_);
  Value* address = Address(buffer, at);
  if (!mask_) {
    llvm::StoreInst* store = b_.CreateAlignedStore(value, address, alignment);
    bool whole = alignment.value() == static_cast<uint64_t>(te::SizeOf(type) * lanes_);
    if (streaming && whole)
      store->setMetadata(llvm::LLVMContext::MD_nontemporal,
                         llvm::MDNode::get(b_.getContext(), llvm::ConstantAsMetadata::get(b_.getInt32(1))));
    return;
  }
  if (in_registers) {  // a select keeps the buffer promotable to SSA values
    Value* before = b_.CreateAlignedLoad(value->getType(), address, alignment);
    b_.CreateAlignedStore(b_.CreateSelect(mask_, value, before), address, alignment);
    return;
  }
  b_.CreateMaskedStore(value, address, alignment, mask_);
}

}  // namespace tunesmith::codegen
