// SPDX-License-Identifier: Apache-2.0
// Reads: addresses, and scalar, contiguous, strided, masked and gathered loads. What a guard or a mask
// forbids is masked off, or loaded from zeros instead. No read branches, but where the machine has no masks
// for the type: then lanes that may all be touched take another way.
#include <algorithm>
#include <bit>

#include "codegen/llvm/emitter.h"
#include "llvm/IR/Intrinsics.h"

namespace tunesmith::codegen {

using llvm::Value;
using te::DType;

namespace {

/// Strides up to this are loaded as whole vectors and shuffled; beyond, element by element.
using schedule::kMostShuffled;
/// Bytes of the longest vector that may be loaded from zeros: 64 lanes of 8 bytes.
constexpr int64_t kZeroBytes = 512;

bool IsZero(Value* v) {
  auto* c = llvm::dyn_cast<llvm::Constant>(v);
  return c && c->isZeroValue();
}

}  // namespace

Value* Emitter::And(Value* a, Value* b) {
  if (!a || !b) return a ? a : b;
  return b_.CreateAnd(Splat(a), Splat(b));
}

Value* Emitter::Zeros() {
  constexpr const char* kName = "zeros";
  llvm::Module& module = entry_->module;
  if (llvm::GlobalVariable* known = module.getGlobalVariable(kName, true)) return known;
  auto* type = llvm::ArrayType::get(b_.getInt8Ty(), kZeroBytes);
  auto* zeros = new llvm::GlobalVariable(module, type, true, llvm::GlobalValue::PrivateLinkage,
                                         llvm::Constant::getNullValue(type), kName);
  zeros->setAlignment(llvm::Align(64));
  return zeros;
}

bool Emitter::MasksHave(llvm::Type* element) const {
  const Target& target = entry_->target;
  constexpr int kAvxBytes = 32;
  return target.masks || (target.vector_bytes >= kAvxBytes && element->getScalarSizeInBits() >= 32);
}

llvm::Instruction* Emitter::Annotate(int buffer, llvm::Instruction* access) const {
  const ir::Buffer& b = BufferOf(buffer);
  if (b.scope == ir::Scope::kParameter && !b.written && llvm::isa<llvm::LoadInst>(access))
    access->setMetadata(llvm::LLVMContext::MD_invariant_load, llvm::MDNode::get(b_.getContext(), {}));
  return access;
}

Operand Emitter::IndexOf(int buffer, const te::Expr& index) {
  Operand o = Emit(index);
  int64_t copies = PlacementOf(buffer).lanes;
  if (copies == 1) return o;
  // The buffer lives inside the vector loop: its elements lie apart, those of all lanes side by side.
  if (o.lanes) {
    Value* scaled = b_.CreateMul(o.lanes, Splat(I64(copies)));
    Operand own;
    own.stride = 1;
    o.lanes = b_.CreateAdd(scaled, Vector(own));
    return o;
  }
  if (o.scalar) {
    o.scalar = b_.CreateMul(o.scalar, I64(copies));
    o.factor = 1;
  }
  o.constant *= copies;
  llvm::SmallVector<int64_t> offsets = OffsetsOf(o);
  for (int64_t lane = 0; lane < lanes_; ++lane) {
    int64_t& offset = offsets[static_cast<size_t>(lane)];
    offset = offset * copies + lane;
  }
  return WithOffsets(o, offsets);
}

bool Emitter::Inside(int buffer, const te::Expr& index) const {
  std::optional<ir::Interval> bounds = ranges_.Bounds(index);
  const Placement& placement = PlacementOf(buffer);
  return bounds && bounds->low >= 0 && bounds->high < placement.readable / placement.lanes;
}

Value* Emitter::Address(int buffer, const Operand& index) {
  Value* address = pointers_[static_cast<size_t>(buffer)];
  llvm::Type* element = ElementOf(buffer);
  if (index.scalar) address = b_.CreateGEP(element, address, index.scalar);
  return index.constant == 0 ? address : b_.CreateGEP(element, address, I64(index.constant));
}

llvm::Align Emitter::AlignmentOf(int buffer, const Operand& index) const {
  const ir::Buffer& b = BufferOf(buffer);
  int64_t size = te::SizeOf(b.dtype);
  int64_t alignment = b.scope == ir::Scope::kParameter ? b.alignment : 64;
  if (index.scalar) alignment = std::min(alignment, size * index.factor);
  int64_t offset = index.constant * size;
  if (offset != 0) alignment = std::min(alignment, offset & -offset);
  return llvm::Align(static_cast<uint64_t>(std::max(alignment, size)));
}

Value* Emitter::Addresses(int buffer, const Operand& index) {
  Value* base = pointers_[static_cast<size_t>(buffer)];
  Value* lanes = Vector(index);
  // Half as many instructions gather by indices of 32 bits.
  if (BufferOf(buffer).elements * PlacementOf(buffer).lanes <= INT32_MAX)
    lanes = b_.CreateTrunc(lanes, VectorOf(b_.getInt32Ty()));
  return b_.CreateGEP(ElementOf(buffer), base, lanes);
}

Operand Emitter::EmitRead(const te::ExprNode& e) {
  const te::Expr& at = e.args[0];
  Operand guard, otherwise;
  bool guarded = e.guarded;
  if (guarded) {
    guard = Emit(e.args[1]);
    if (auto* known = llvm::dyn_cast_or_null<llvm::ConstantInt>(guard.scalar)) {
      if (known->isZero()) return Emit(e.args[2]);
      guarded = false;
    } else {
      otherwise = Emit(e.args[2]);
    }
  }
  DType type = BufferOf(e.id).dtype;
  const Target& target = entry_->target;
  Operand index = IndexOf(e.id, at);
  bool safe = (!guarded && !mask_) || Inside(e.id, at);
  Operand result;
  if (!index.varies()) {
    Value* address = Address(e.id, index);
    llvm::Align alignment = AlignmentOf(e.id, index);
    if (!safe) {
      // Some lane that runs must want the element.
      Value* wanted = mask_;
      if (guarded) wanted = guard.varies() ? And(mask_, Vector(guard)) : guard.scalar;
      if (mask_ && guarded && !guard.varies()) wanted = b_.CreateAnd(b_.CreateOrReduce(mask_), wanted);
      if (wanted->getType()->isVectorTy()) wanted = b_.CreateOrReduce(wanted);
      address = b_.CreateSelect(wanted, address, Zeros());
    }
    auto* load = b_.CreateAlignedLoad(ElementOf(e.id), address, alignment);
    Value* value = FromMemory(b_, target, type, Annotate(e.id, load));
    if (!guarded) return Uniform(type, value);
    Operand loaded;
    loaded.scalar = value;
    if (guard.varies()) {
      result.lanes = b_.CreateSelect(Vector(guard), Vector(loaded), Vector(otherwise));
    } else if (otherwise.varies()) {
      result.lanes = b_.CreateSelect(guard.scalar, Vector(loaded), Vector(otherwise));
    } else {
      return Uniform(type, b_.CreateSelect(guard.scalar, value, Scalar(otherwise)));
    }
    return result;
  }
  if (!guarded) {
    result.lanes = FromMemory(b_, target, type, LoadLanes(e.id, index, safe ? nullptr : mask_, nullptr));
    return result;
  }
  Value* condition = guard.varies() ? Vector(guard) : guard.scalar;
  Value* other = Vector(otherwise);
  // A uniform guard without masks in the machine: a whole vector, of zeros where the guard fails.
  bool zeros_instead = !safe && !guard.varies() && !mask_ && !target.masks && index.stride == 1;
  if (zeros_instead) {
    Value* address = b_.CreateSelect(condition, Address(e.id, index), Zeros());
    auto* load = b_.CreateAlignedLoad(VectorOf(ElementOf(e.id)), address, AlignmentOf(e.id, index));
    Value* value = FromMemory(b_, target, type, load);
    result.lanes = IsZero(other) ? value : b_.CreateSelect(condition, value, other);
    return result;
  }
  Value* allowed = safe ? nullptr : And(mask_, condition);
  if (allowed) allowed = Splat(allowed);
  // The same for lanes near each other, with masks or without.
  if (!safe && !guard.varies() && !mask_ && index.stride != 1 && IsNear(index)) {
    Value* value = FromMemory(b_, target, type, LoadNear(e.id, index, condition));
    result.lanes = IsZero(other) ? value : b_.CreateSelect(condition, value, other);
    return result;
  }
  // What is masked off reads as zeros, or as `otherwise` where that has the same form in memory.
  bool direct = ElementOf(e.id) == ValueType(b_.getContext(), type);
  Value* loaded = LoadLanes(e.id, index, allowed, direct ? other : nullptr);
  Value* value = FromMemory(b_, target, type, loaded);
  bool done = allowed && (direct || IsZero(other));
  result.lanes = done ? value : b_.CreateSelect(condition, value, other);
  return result;
}

/// All lanes as they lie in memory. `allowed` (null: all) says which may be touched; the others read as
/// `otherwise` (null: zero).
Value* Emitter::LoadLanes(int buffer, const Operand& index, Value* allowed, Value* otherwise) {
  llvm::Type* element = ElementOf(buffer);
  llvm::Type* type = VectorOf(element);
  if (!otherwise) otherwise = llvm::Constant::getNullValue(type);
  if (allowed && !MasksHave(element) && !llvm::isa<llvm::Constant>(allowed)) {
    // LLVM would test lane after lane. Mostly all may be touched; else the others are loaded from zeros.
    Value *whole = nullptr, *some = nullptr;
    llvm::BasicBlock *whole_end = nullptr, *some_end = nullptr;
    Value* addresses = b_.CreateSelect(allowed, Addresses(buffer, index),
                                       b_.CreateVectorSplat(static_cast<unsigned>(lanes_), Zeros()));
    Branch(
        b_.CreateAndReduce(allowed),
        [&] {
          whole = LoadLanes(buffer, index, nullptr, nullptr);
          whole_end = b_.GetInsertBlock();
        },
        [&] {
          some = llvm::PoisonValue::get(type);
          for (auto lane = uint64_t{0}; lane < static_cast<uint64_t>(lanes_); ++lane)
            some = b_.CreateInsertElement(
                some, b_.CreateLoad(element, b_.CreateExtractElement(addresses, lane)), lane);
          if (!IsZero(otherwise)) some = b_.CreateSelect(allowed, some, otherwise);
          some_end = b_.GetInsertBlock();
        });
    llvm::PHINode* loaded = b_.CreatePHI(type, 2);
    loaded->addIncoming(whole, whole_end);
    loaded->addIncoming(some, some_end);
    return loaded;
  }
  if (index.stride == 1) {
    llvm::Align alignment = AlignmentOf(buffer, index);
    Value* address = Address(buffer, index);
    if (allowed) return b_.CreateMaskedLoad(type, address, alignment, allowed, otherwise);
    return Annotate(buffer, b_.CreateAlignedLoad(type, address, alignment));
  }
  if (!index.lanes && !allowed)
    return IsNear(index) ? LoadNear(buffer, index, nullptr) : LoadApart(buffer, index);
  Value* all = allowed ? allowed : llvm::Constant::getAllOnesValue(VectorOf(b_.getInt1Ty()));
  auto size = static_cast<uint64_t>(te::SizeOf(BufferOf(buffer).dtype));
  return b_.CreateMaskedGather(type, Addresses(buffer, index), llvm::Align(size), all, otherwise);
}

/// Lanes near each other: the vectors that cover all of them, the last one moved back to end with the last
/// lane, each shuffled into the result. `wanted` (null: true) is uniform; without it nothing is touched, and
/// all lanes read as zero.
Value* Emitter::LoadNear(int buffer, const Operand& index, Value* wanted) {
  const llvm::SmallVector<int64_t> offsets = OffsetsOf(index);
  const auto [low, high] = std::minmax_element(offsets.begin(), offsets.end());
  int64_t first = *low, reach = *high - *low + 1, width = lanes_;
  if (reach < lanes_) {
    // The whole vectors that a buffer consists of exist with any of their elements; a shorter one may not.
    const int64_t into = ir::FloorMod(index.constant + first, lanes_);
    const bool whole = (!index.scalar || index.factor % lanes_ == 0) && into + reach <= lanes_ &&
                       PlacementOf(buffer).readable % lanes_ == 0;
    if (whole) {
      first -= into;
      reach = lanes_;
    } else {
      width = static_cast<int64_t>(std::bit_floor(static_cast<uint64_t>(reach)));
    }
  }
  Operand lowest = AtLane(index, 0);
  lowest.constant = index.constant + first;
  llvm::Type* piece_type = llvm::FixedVectorType::get(ElementOf(buffer), static_cast<unsigned>(width));
  Value* result = nullptr;
  for (int64_t piece = 0; piece * width < reach; ++piece) {
    const int64_t begin = std::min(piece * width, reach - width);
    Operand from = lowest;
    from.constant += begin;
    Value* address = Address(buffer, from);
    if (wanted) address = b_.CreateSelect(wanted, address, Zeros());
    Value* loaded = Annotate(buffer, b_.CreateAlignedLoad(piece_type, address, AlignmentOf(buffer, from)));
    if (width < lanes_) {
      llvm::SmallVector<int> wider(static_cast<size_t>(lanes_), llvm::PoisonMaskElem);
      for (int64_t lane = 0; lane < width; ++lane) wider[static_cast<size_t>(lane)] = static_cast<int>(lane);
      loaded = b_.CreateShuffleVector(loaded, wider);
    }
    llvm::SmallVector<int> choice;
    for (int64_t lane = 0; lane < lanes_; ++lane) {
      const int64_t at = offsets[static_cast<size_t>(lane)] - first - begin;
      const bool here = at >= 0 && at < width;
      choice.push_back(static_cast<int>(here ? (result ? lanes_ : 0) + at : lane));
    }
    result = b_.CreateShuffleVector(result ? result : loaded, loaded, choice);
  }
  return result;
}

/// Whether few whole vectors cover all lanes.
bool Emitter::IsNear(const Operand& index) const {
  if (index.lanes) return false;
  if (!index.offsets) return std::abs(index.stride) <= kMostShuffled;
  const llvm::SmallVector<int64_t> offsets = OffsetsOf(index);
  const auto [low, high] = std::minmax_element(offsets.begin(), offsets.end());
  return *high - *low < kMostShuffled * lanes_;
}

Value* Emitter::LoadApart(int buffer, const Operand& index) {
  Value* result = llvm::PoisonValue::get(VectorOf(ElementOf(buffer)));
  for (int64_t lane = 0; lane < lanes_; ++lane) {
    const Operand at = AtLane(index, lane);
    auto* load = b_.CreateAlignedLoad(ElementOf(buffer), Address(buffer, at), AlignmentOf(buffer, at));
    result = b_.CreateInsertElement(result, Annotate(buffer, load), static_cast<uint64_t>(lane));
  }
  return result;
}

}  // namespace tunesmith::codegen
