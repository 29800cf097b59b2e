// SPDX-License-Identifier: Apache-2.0
// Stores: scalar, contiguous, strided, masked and scattered; sums over the lanes of a vector loop.
#include "codegen/llvm/emitter.h"
#include "codegen/llvm/uses.h"
#include "llvm/IR/Intrinsics.h"
#include "support/strings.h"
#include "te/graph.h"

namespace tunesmith::codegen {

using llvm::Value;
using te::DType;
using te::ExprKind;

namespace {

/// LLVM's time grows with the code; what a tuned kernel unrolls to is hundreds of statements.
constexpr int kMostStatements = 1 << 14;

/// The reducer whose combination is this operator.
te::Reducer ReducerOf(ExprKind kind) {
  switch (kind) {
    case ExprKind::kAdd:
      return te::Reducer::kSum;
    case ExprKind::kMul:
      return te::Reducer::kProd;
    case ExprKind::kMax:
      return te::Reducer::kMax;
    case ExprKind::kMin:
      return te::Reducer::kMin;
    case ExprKind::kOr:
      return te::Reducer::kAny;
    case ExprKind::kAnd:
      return te::Reducer::kAll;
    default:
      return te::Reducer::kNone;
  }
}

}  // namespace

void Emitter::EmitStore(const ir::StmtNode& s) {
  if (++entry_->statements > kMostStatements) {
    return Fail(Invalid(StrCat("codegen: the unrolled and vector loops of '", entry_->function.name,
                               "' expand to more than ", kMostStatements, " stores; unroll less")));
  }
  Operand index = IndexOf(s.buffer, s.index);
  if (lanes_ > 1 && !index.varies()) {
    if (EmitReduction(s, index)) return;
    bool reads_itself = false;
    absl::flat_hash_set<const te::ExprNode*> seen;
    VisitOnce(s.value, &seen, [&](const te::ExprNode& e) {
      bool own = e.kind == ExprKind::kRead && e.id == s.buffer && te::Same(e.args[0], s.index);
      reads_itself = reads_itself || own;
      return !reads_itself;
    });
    if (reads_itself) {
      return Fail(Invalid(StrCat("codegen: '", ir::ToString(entry_->function, s),
                                 "' in a vector loop: only sums, products, extremes and logical combinations "
                                 "run over lanes; make that loop serial")));
    }
  }
  Operand value = Emit(s.value);
  if (index.varies()) return StoreLanes(s, index, Vector(value));
  if (!value.varies()) {  // the same element and value in all lanes that run
    if (!mask_) return StoreScalar(s.buffer, index, Scalar(value));
    return Branch(b_.CreateOrReduce(mask_), [&] { StoreScalar(s.buffer, index, Scalar(value)); });
  }
  if (mask_) return StoreLanes(s, index, Vector(value));  // a scatter: the last lane that runs wins
  StoreScalar(s.buffer, index, b_.CreateExtractElement(Vector(value), static_cast<uint64_t>(lanes_ - 1)));
}

void Emitter::StoreScalar(int buffer, const Operand& index, Value* value) {
  Value* stored = ToMemory(b_, entry_->target, BufferOf(buffer).dtype, value);
  b_.CreateAlignedStore(stored, Address(buffer, index), AlignmentOf(buffer, index));
}

void Emitter::StoreLanes(const ir::StmtNode& s, const Operand& index, Value* value) {
  DType type = BufferOf(s.buffer).dtype;
  Value* stored = ToMemory(b_, entry_->target, type, value);
  bool contiguous = index.stride == 1;
  if (contiguous) {
    llvm::Align alignment = AlignmentOf(s.buffer, index);
    Value* address = Address(s.buffer, index);
    if (!mask_) {
      if (s.streaming) return StoreStreaming(s.buffer, index, stored);
      b_.CreateAlignedStore(stored, address, alignment);
    } else if (PlacementOf(s.buffer).home == Home::kStack && Inside(s.buffer, s.index)) {
      // A choice between old and new lanes keeps the buffer in registers.
      Value* before = b_.CreateAlignedLoad(stored->getType(), address, alignment);
      b_.CreateAlignedStore(b_.CreateSelect(mask_, stored, before), address, alignment);
    } else if (MasksHave(stored->getType()->getScalarType()) || llvm::isa<llvm::Constant>(mask_)) {
      b_.CreateMaskedStore(stored, address, alignment, mask_);
    } else {
      // LLVM would test lane after lane; mostly all are stored.
      Branch(
          b_.CreateAndReduce(mask_), [&] { b_.CreateAlignedStore(stored, address, alignment); },
          [&] { b_.CreateMaskedStore(stored, address, alignment, mask_); });
    }
    return;
  }
  if (!index.lanes && index.varies() && !mask_) {
    for (int64_t lane = 0; lane < lanes_; ++lane) {
      const Operand at = AtLane(index, lane);
      b_.CreateAlignedStore(b_.CreateExtractElement(stored, static_cast<uint64_t>(lane)),
                            Address(s.buffer, at), AlignmentOf(s.buffer, at));
    }
    return;
  }
  Value* all = mask_ ? mask_ : llvm::Constant::getAllOnesValue(VectorOf(b_.getInt1Ty()));
  auto size = static_cast<uint64_t>(te::SizeOf(type));
  b_.CreateMaskedScatter(stored, Addresses(s.buffer, index), llvm::Align(size), all);
}

/// Stores around the caches need whole aligned vectors; where alignment is only known at run time, it
/// decides.
void Emitter::StoreStreaming(int buffer, const Operand& index, Value* stored) {
  Value* address = Address(buffer, index);
  llvm::Align alignment = AlignmentOf(buffer, index);
  int64_t bytes = te::SizeOf(BufferOf(buffer).dtype) * lanes_;
  auto whole = llvm::Align(static_cast<uint64_t>(bytes));
  auto stream = [&] {
    llvm::StoreInst* store = b_.CreateAlignedStore(stored, address, whole);
    store->setMetadata(llvm::LLVMContext::MD_nontemporal,
                       llvm::MDNode::get(b_.getContext(), llvm::ConstantAsMetadata::get(b_.getInt32(1))));
    streams_ = true;
  };
  auto plain = [&] { b_.CreateAlignedStore(stored, address, alignment); };
  if (bytes < 16) return plain();
  if (alignment >= whole) return stream();
  Value* low = b_.CreateAnd(b_.CreatePtrToInt(address, b_.getInt64Ty()), I64(bytes - 1));
  Branch(b_.CreateICmpEQ(low, I64(0)), stream, plain);
}

/// b[i] = combine(b[i], x) where i is the same in all lanes: the lanes of x are combined first. The result
/// may be cast where it is stored: b[i] = cast(combine(cast(b[i]), x)).
bool Emitter::EmitReduction(const ir::StmtNode& s, const Operand& index) {
  const te::ExprNode* combine = s.value.get();
  while (combine->kind == ExprKind::kCast) combine = combine->args[0].get();
  te::Reducer reducer = ReducerOf(combine->kind);
  if (reducer == te::Reducer::kNone) return false;
  auto is_own = [&](const te::Expr& e) {
    const te::ExprNode* inner = e.get();
    while (inner->kind == ExprKind::kCast) inner = inner->args[0].get();
    return inner->kind == ExprKind::kRead && !inner->guarded && inner->id == s.buffer &&
           te::Same(inner->args[0], s.index);
  };
  size_t own = is_own(combine->args[0]) ? 0 : 1;
  if (!is_own(combine->args[own])) return false;

  DType type = combine->type;
  Value* x = Vector(Emit(combine->args[1 - own]));
  if (mask_) {
    te::Expr identity = te::Identity(reducer, type);
    x = b_.CreateSelect(mask_, x, Vector(EmitNode(*identity)));
  }
  Value* total = Reduce(combine->kind, type, x);
  auto store = [&] {
    // Without a mask: the element is there if any lane runs.
    Value* mask = std::exchange(mask_, nullptr);
    Value* before = Scalar(Emit(combine->args[own]));
    Value* result = Scalar(Uniform(type, EmitBinary(b_, combine->kind, type, before, total)));
    mask_ = mask;
    std::vector<const te::ExprNode*> casts;
    for (const te::ExprNode* e = s.value.get(); e != combine; e = e->args[0].get()) casts.push_back(e);
    for (size_t i = casts.size(); i-- > 0;) {
      result = codegen::EmitCast(b_, entry_->target, casts[i]->args[0]->type, casts[i]->type,
                                 casts[i]->rounding, result);
    }
    StoreScalar(s.buffer, index, result);
  };
  if (mask_ && !Inside(s.buffer, s.index)) {
    Branch(b_.CreateOrReduce(mask_), store);
  } else {
    store();
  }
  return true;
}

/// Combines halves until one lane is left.
Value* Emitter::Reduce(ExprKind kind, DType type, Value* lanes) {
  for (int64_t half = lanes_ / 2; half > 0; half /= 2) {
    llvm::SmallVector<int> low, high;
    for (int64_t lane = 0; lane < half; ++lane) {
      low.push_back(static_cast<int>(lane));
      high.push_back(static_cast<int>(lane + half));
    }
    lanes =
        EmitBinary(b_, kind, type, b_.CreateShuffleVector(lanes, low), b_.CreateShuffleVector(lanes, high));
  }
  return b_.CreateExtractElement(lanes, uint64_t{0});
}

}  // namespace tunesmith::codegen
