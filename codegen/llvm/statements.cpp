// SPDX-License-Identifier: Apache-2.0
// Statements: loops by their kind, conditions as branches or masks, reductions over lanes.
#include "codegen/llvm/emitter.h"
#include "llvm/IR/Intrinsics.h"
#include "support/strings.h"
#include "te/graph.h"

namespace tunesmith::codegen {

using ir::StmtKind;
using llvm::Value;
using te::ExprKind;

template <class Body>
void Emitter::Loop(Value* begin, Value* end, Body body) {
  llvm::LLVMContext& context = b_.getContext();
  llvm::BasicBlock* before = b_.GetInsertBlock();
  auto* head = llvm::BasicBlock::Create(context, "loop", function_);
  auto* after = llvm::BasicBlock::Create(context, "after", function_);
  b_.CreateCondBr(b_.CreateICmpSLT(begin, end), head, after);
  b_.SetInsertPoint(head);
  llvm::PHINode* i = b_.CreatePHI(b_.getInt64Ty(), 2);
  i->addIncoming(begin, before);
  body(i);
  Value* next = b_.CreateNSWAdd(i, I64(1));
  i->addIncoming(next, b_.GetInsertBlock());
  b_.CreateCondBr(b_.CreateICmpSLT(next, end), head, after);
  b_.SetInsertPoint(after);
}

void Emitter::Emit(const ir::Stmt& s) {
  if (!status_.ok()) return;
  if (s->kind != StmtKind::kSeq) {  // values of one statement may not dominate the next
    memo_.clear();
    first_lane_memo_.clear();
  }
  switch (s->kind) {
    case StmtKind::kSeq:
      for (const ir::Stmt& each : s->body) Emit(each);
      return;
    case StmtKind::kFor:
      return EmitFor(*s);
    case StmtKind::kIf:
      return EmitIf(*s);
    case StmtKind::kStore:
      return EmitStore(*s);
    case StmtKind::kAlloc:
      return EmitAlloc(*s);
    case StmtKind::kPrefetch: {
      Value* address = Address(s->buffer, AtFirstLane(s->index));
      b_.CreateIntrinsic(llvm::Intrinsic::prefetch, {address->getType()},
                         {address, b_.getInt32(0), b_.getInt32(3), b_.getInt32(1)});
      return;
    }
    case StmtKind::kCopy:
      return EmitCopy(*s);
    case StmtKind::kWait:  // copies are complete when they return
    case StmtKind::kSignal:
      return;
    case StmtKind::kRoles:
      return Fail(Invalid("codegen: concurrent roles; a CPU kernel has one engine"));
  }
}

void Emitter::EmitFor(const ir::StmtNode& s) {
  switch (s.loop) {
    case ir::LoopKind::kVector:
      return EmitVector(s);
    case ir::LoopKind::kParallel:
      return EmitParallel(s);
    case ir::LoopKind::kBound:
      return Fail(Invalid(StrCat("codegen: a loop bound to ", s.binding, "; a CPU has no such index")));
    default:
      break;
  }
  Value* begin = Emit(s.begin);
  Value* extent = Emit(s.extent);
  auto* known = llvm::dyn_cast<llvm::ConstantInt>(extent);
  if (s.loop == ir::LoopKind::kUnroll || (known && known->getSExtValue() <= 1)) {
    if (!known) return Fail(Internal("codegen: an unrolled loop needs a constant extent"));
    for (int64_t i = 0; i < known->getSExtValue(); ++i) {
      vars_[static_cast<size_t>(s.var)] = b_.CreateAdd(begin, I64(i));
      lane_memo_.clear();
      Emit(s.body[0]);
    }
    return;
  }
  Loop(begin, b_.CreateNSWAdd(begin, extent), [&](Value* i) {
    vars_[static_cast<size_t>(s.var)] = i;
    Emit(s.body[0]);
  });
}

void Emitter::EmitVector(const ir::StmtNode& s) {
  Value* begin = Emit(s.begin);
  auto* extent = llvm::dyn_cast<llvm::ConstantInt>(Emit(s.extent));
  if (!extent || lane_var_ >= 0)
    return Fail(Internal("codegen: a vector loop needs a constant extent and no vector loop around it"));
  if (extent->getSExtValue() <= 0) return;
  vars_[static_cast<size_t>(s.var)] = begin;
  if (extent->getSExtValue() == 1) return Emit(s.body[0]);
  lane_var_ = s.var;
  lanes_ = static_cast<int>(extent->getSExtValue());
  lane_memo_.clear();
  Emit(s.body[0]);
  lane_var_ = -1;
  lane_memo_.clear();
}

void Emitter::EmitIf(const ir::StmtNode& s) {
  Value* condition = Emit(s.condition);
  if (auto* known = llvm::dyn_cast<llvm::ConstantInt>(condition)) {
    if (known->isOne()) return Emit(s.body[0]);
    if (s.body.size() > 1) Emit(s.body[1]);
    return;
  }
  if (condition->getType()->isVectorTy()) {
    Value* outer = mask_;
    mask_ = And(outer, condition);
    Emit(s.body[0]);
    if (s.body.size() > 1) {
      mask_ = And(outer, b_.CreateNot(condition));
      Emit(s.body[1]);
    }
    mask_ = outer;
    return;
  }
  llvm::LLVMContext& context = b_.getContext();
  auto* yes = llvm::BasicBlock::Create(context, "then", function_);
  auto* no = s.body.size() > 1 ? llvm::BasicBlock::Create(context, "else", function_) : nullptr;
  auto* after = llvm::BasicBlock::Create(context, "endif", function_);
  b_.CreateCondBr(condition, yes, no ? no : after);
  b_.SetInsertPoint(yes);
  Emit(s.body[0]);
  b_.CreateBr(after);
  if (no) {
    b_.SetInsertPoint(no);
    Emit(s.body[1]);
    b_.CreateBr(after);
  }
  b_.SetInsertPoint(after);
}

/// b[i] = combine(b[i], x) in a vector loop, where i is the same in all lanes.
bool Emitter::EmitReduction(const ir::StmtNode& s) {
  if (lane_var_ < 0 || DependsOnLane(s.index) || s.value->args.size() != 2) return false;
  auto is_own = [&](const te::Expr& e) {
    return e->kind == ExprKind::kRead && !e->guarded && e->id == s.buffer && te::Same(e->args[0], s.index);
  };
  const te::Expr& left = s.value->args[0];
  const te::Expr& right = s.value->args[1];
  if (!is_own(left) && !is_own(right)) return false;
  const te::Expr& own = is_own(left) ? left : right;
  Value* x = Splat(Emit(is_own(left) ? right : left));
  te::DType type = s.value->type;
  bool real = te::IsFloat(type), is_unsigned = type == te::DType::kU8 || type == te::DType::kBool;
  te::Reducer reducer;
  switch (s.value->kind) {
    case ExprKind::kAdd:
      reducer = te::Reducer::kSum;
      break;
    case ExprKind::kMul:
      reducer = te::Reducer::kProd;
      break;
    case ExprKind::kMax:
      reducer = te::Reducer::kMax;
      break;
    case ExprKind::kMin:
      reducer = te::Reducer::kMin;
      break;
    case ExprKind::kOr:
      reducer = te::Reducer::kAny;
      break;
    case ExprKind::kAnd:
      reducer = te::Reducer::kAll;
      break;
    default:
      return false;
  }
  Value* identity = Emit(te::Identity(reducer, type));
  if (mask_) x = b_.CreateSelect(mask_, x, Splat(identity));
  Value* total = nullptr;
  switch (reducer) {
    case te::Reducer::kSum:
      total = real ? b_.CreateFAddReduce(identity, x) : b_.CreateAddReduce(x);
      break;
    case te::Reducer::kProd:
      total = real ? b_.CreateFMulReduce(identity, x) : b_.CreateMulReduce(x);
      break;
    case te::Reducer::kMax:
      total = real ? b_.CreateFPMaxReduce(x) : b_.CreateIntMaxReduce(x, !is_unsigned);
      break;
    case te::Reducer::kMin:
      total = real ? b_.CreateFPMinReduce(x) : b_.CreateIntMinReduce(x, !is_unsigned);
      break;
    case te::Reducer::kAny:
      total = b_.CreateOrReduce(x);
      break;
    default:
      total = b_.CreateAndReduce(x);
      break;
  }
  if (auto* call = llvm::dyn_cast<llvm::CallInst>(total); call && real) {
    llvm::FastMathFlags flags;
    flags.setAllowReassoc();  // the numeric contract lets reductions be reordered
    if (reducer == te::Reducer::kMax || reducer == te::Reducer::kMin)
      flags.setNoNaNs();  // unspecified for NaN
    call->setFastMathFlags(flags);
  }
  Value* before = AtFirstLane(own);
  te::ExprNode combine = *s.value;
  Value* value = EmitArithmetic(combine, before, total);
  Value* at = AtFirstLane(s.index);
  b_.CreateAlignedStore(ToMemory(value, type), Address(s.buffer, at), AlignmentAt(s.buffer, at, 1));
  return true;
}

void Emitter::EmitStore(const ir::StmtNode& s) {
  if (EmitReduction(s)) return;
  Value* value = Emit(s.value);
  Store(s.buffer, s.index, value, s.streaming);
}

void Emitter::EmitAlloc(const ir::StmtNode& s) {
  const ir::Buffer& buffer = BufferOf(s.buffer);
  if (entry_->workspace_at[static_cast<size_t>(s.buffer)] < 0) {
    llvm::IRBuilder<> at_entry(&function_->getEntryBlock(), function_->getEntryBlock().begin());
    auto* type = llvm::ArrayType::get(MemoryType(buffer.dtype),
                                      static_cast<uint64_t>(std::max<int64_t>(buffer.elements, 1)));
    llvm::AllocaInst* memory = at_entry.CreateAlloca(type, nullptr, buffer.name);
    memory->setAlignment(llvm::Align(64));
    pointers_[static_cast<size_t>(s.buffer)] = memory;
  }
  Emit(s.body[0]);
}

void Emitter::EmitCopy(const ir::StmtNode& s) {
  Value* to = AtFirstLane(s.index);
  Value* from = AtFirstLane(s.value);
  llvm::Type* type = MemoryType(BufferOf(s.buffer).dtype);
  Loop(I64(0), AtFirstLane(s.extent), [&](Value* i) {
    Value* element = b_.CreateLoad(type, Address(s.source, b_.CreateAdd(from, i)));
    b_.CreateStore(element, Address(s.buffer, b_.CreateAdd(to, i)));
  });
}

/// The iterations first … last-1 of perfectly nested parallel loops, the innermost running fastest.
void Emitter::EmitIterations(const std::vector<const ir::StmtNode*>& loops, Value* first, Value* last) {
  Loop(first, last, [&](Value* i) {
    Value* rest = i;
    for (size_t l = loops.size(); l-- > 0;) {
      Value* extent = Emit(loops[l]->extent);
      Value* digit = l == 0 ? rest : b_.CreateURem(rest, extent);
      if (l > 0) rest = b_.CreateUDiv(rest, extent);
      vars_[static_cast<size_t>(loops[l]->var)] = b_.CreateNSWAdd(Emit(loops[l]->begin), digit);
    }
    Emit(loops.back()->body[0]);
  });
}

}  // namespace tunesmith::codegen
