// SPDX-License-Identifier: Apache-2.0
// Statements: loops by their kind, conditions as branches or masks.
#include <algorithm>
#include <bit>

#include "codegen/llvm/emitter.h"
#include "codegen/llvm/uses.h"
#include "llvm/IR/Intrinsics.h"
#include "support/strings.h"

namespace tunesmith::codegen {

using ir::LoopKind;
using ir::StmtKind;
using llvm::Value;
using te::ExprKind;

void Emitter::Loop(Value* begin, Value* end, bool may_be_empty, llvm::function_ref<void(Value*)> body) {
  llvm::LLVMContext& context = b_.getContext();
  auto* head = llvm::BasicBlock::Create(context, "loop", function_);
  auto* after = llvm::BasicBlock::Create(context, "after", function_);
  llvm::BasicBlock* before = b_.GetInsertBlock();
  if (may_be_empty) {
    b_.CreateCondBr(b_.CreateICmpSLT(begin, end), head, after);
  } else {
    b_.CreateBr(head);
  }
  b_.SetInsertPoint(head);
  llvm::PHINode* i = b_.CreatePHI(b_.getInt64Ty(), 2);
  // The folder looks through what is there already, so the variable is never without its second value.
  auto* next = llvm::BinaryOperator::CreateNSWAdd(i, I64(1));
  b_.Insert(next);
  i->addIncoming(begin, before);
  i->addIncoming(next, head);
  body(i);
  next->moveBefore(*b_.GetInsertBlock(), b_.GetInsertBlock()->end());
  i->setIncomingBlock(1, b_.GetInsertBlock());
  b_.CreateCondBr(b_.CreateICmpSLT(next, end), head, after);
  b_.SetInsertPoint(after);
}

void Emitter::Branch(Value* condition, llvm::function_ref<void()> yes, llvm::function_ref<void()> no) {
  llvm::LLVMContext& context = b_.getContext();
  auto* then = llvm::BasicBlock::Create(context, "then", function_);
  auto* otherwise = no ? llvm::BasicBlock::Create(context, "else", function_) : nullptr;
  auto* after = llvm::BasicBlock::Create(context, "endif", function_);
  b_.CreateCondBr(condition, then, no ? otherwise : after);
  b_.SetInsertPoint(then);
  yes();
  b_.CreateBr(after);
  if (no) {
    b_.SetInsertPoint(otherwise);
    no();
    b_.CreateBr(after);
  }
  b_.SetInsertPoint(after);
}

void Emitter::Emit(const ir::Stmt& s) {
  if (!status_.ok()) return;
  memo_.clear();  // values of one statement may not hold, nor dominate, in the next
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
    case StmtKind::kPrefetch:
      return EmitPrefetch(*s);
    case StmtKind::kCopy:
      return EmitCopy(*s);
    case StmtKind::kWait:  // copies are complete when they return
    case StmtKind::kSignal:
      return;
    case StmtKind::kRoles:
      return Fail(Invalid(StrCat("codegen: roles run concurrently on threads of one group; target ",
                                 entry_->target.name, " has one engine: put their statements in sequence")));
  }
}

void Emitter::Bind(int var, const Operand& value) {
  vars_[static_cast<size_t>(var)] = value;
  vars_[static_cast<size_t>(var)].is_index = true;
}

void Emitter::SetRange(int var, const te::Expr& begin, const te::Expr& extent) {
  std::optional<ir::Interval> from = ranges_.Bounds(begin), count = ranges_.Bounds(extent);
  if (from && count && count->high > 0) {
    ranges_.Set(var, {from->low, from->high + count->high - 1});
  } else {
    ranges_.Erase(var);
  }
}

void Emitter::EmitFor(const ir::StmtNode& s) {
  if (s.loop == LoopKind::kBound) {
    return Fail(Invalid(StrCat("codegen: '", ir::ToString(entry_->function, s), "' is bound to ", s.binding,
                               ", which target ", entry_->target.name, " has not; make the loop parallel")));
  }
  // Parallel loops do not nest, unless perfectly.
  if (s.loop == LoopKind::kParallel && !parallel_ && lanes_ == 1) return EmitParallel(s);
  Operand begin = Emit(s.begin), extent = Emit(s.extent);
  if (begin.varies() || extent.varies()) {
    return Fail(
        Invalid(StrCat("codegen: the range of '", ir::ToString(entry_->function, s),
                       "' differs between the lanes of the vector loop around it; exchange the loops")));
  }
  bool constant = !extent.scalar;
  if (constant && extent.constant <= 0) return;
  if (!constant && (s.loop == LoopKind::kUnroll || s.loop == LoopKind::kVector)) {
    return Fail(Invalid(StrCat("codegen: '", ir::ToString(entry_->function, s),
                               "' needs a constant extent; make it serial")));
  }
  if (s.loop == LoopKind::kVector && lanes_ == 1) {
    EmitVector(s, begin, extent.constant);
  } else if (constant && s.loop == LoopKind::kUnroll && EmitDotProduct(s, begin, extent.constant)) {
  } else if (constant &&
             (extent.constant == 1 || s.loop == LoopKind::kUnroll || s.loop == LoopKind::kVector)) {
    for (int64_t i = 0; i < extent.constant; ++i) {
      Operand value = begin;
      value.constant += i;
      Bind(s.var, value);
      SetRange(s.var, s.begin + te::Int(i), te::Int(1));
      Emit(s.body[0]);
    }
  } else {
    EmitSerial(s, begin, extent);
  }
  ranges_.Erase(s.var);
}

void Emitter::EmitSerial(const ir::StmtNode& s, const Operand& begin, const Operand& extent) {
  // The constant part of the first value stays a displacement of addresses.
  Value* first = begin.scalar ? begin.scalar : I64(0);
  Value* end = b_.CreateNSWAdd(first, Scalar(extent));
  Loop(first, end, extent.scalar != nullptr, [&](Value* i) {
    Operand value;
    value.scalar = i;
    value.constant = begin.constant;
    Bind(s.var, value);
    SetRange(s.var, s.begin, s.extent);
    Emit(s.body[0]);
  });
}

int64_t Emitter::LanesFor(const ir::StmtNode& body) const {
  // What is computed: elements read and stored and casts, but not addresses and guards.
  auto size = [](te::DType type) {
    bool narrow_float = type == te::DType::kF16 || type == te::DType::kBF16;
    return narrow_float ? 4 : te::SizeOf(type);
  };
  int64_t widest = 1;
  absl::flat_hash_set<const te::ExprNode*> seen;
  std::function<bool(const te::ExprNode&)> visit = [&](const te::ExprNode& e) {
    if (e.kind == ExprKind::kRead || e.kind == ExprKind::kCast) widest = std::max(widest, size(e.type));
    if (e.kind == ExprKind::kRead && e.guarded) VisitOnce(e.args.back(), &seen, visit);
    return e.kind != ExprKind::kRead;
  };
  auto statement = [&](const ir::StmtNode& s, auto& self) -> void {
    if (s.kind == StmtKind::kStore) {
      widest = std::max(widest, size(BufferOf(s.buffer).dtype));
      VisitOnce(s.value, &seen, visit);
    }
    for (const ir::Stmt& child : s.body) self(*child, self);
  };
  statement(body, statement);
  return std::max<int64_t>(entry_->target.vector_bytes / widest, 2);
}

/// One register's worth of iterations at a time; what is left as smaller powers of two, so that every vector
/// type is one that the machine has.
void Emitter::EmitVector(const ir::StmtNode& s, const Operand& begin, int64_t extent) {
  const ir::StmtNode* inner = InnerLanes(s);
  const int64_t width = inner ? inner->extent->integer : 1;  // lanes to an iteration of `s`
  const ir::Stmt& body = inner ? inner->body[0] : s.body[0];
  const int64_t widest = LanesFor(*body), lanes = extent * width;
  for (int64_t done = 0; done < lanes && status_.ok();) {
    lanes_ = std::min(widest, static_cast<int64_t>(std::bit_floor(static_cast<uint64_t>(lanes - done))));
    llvm::SmallVector<int64_t> outer_steps, inner_steps;
    for (int64_t lane = done; lane < done + lanes_; ++lane) {
      outer_steps.push_back(lane / width);
      inner_steps.push_back(lane % width);
    }
    Bind(s.var, WithOffsets(begin, outer_steps));
    SetRange(s.var, s.begin + te::Int(outer_steps.front()),
             te::Int(outer_steps.back() - outer_steps.front() + 1));
    if (inner) {
      Bind(inner->var, WithOffsets(Emit(inner->begin), inner_steps));
      SetRange(inner->var, inner->begin, inner->extent);
    }
    Emit(body);
    if (inner) ranges_.Erase(inner->var);
    done += lanes_;
    lanes_ = 1;
  }
}

const ir::StmtNode* Emitter::InnerLanes(const ir::StmtNode& s) const {
  const ir::StmtNode& inner = *s.body[0];
  if (inner.kind != StmtKind::kFor || inner.loop != LoopKind::kVector ||
      inner.begin->kind != ExprKind::kInt || inner.extent->kind != ExprKind::kInt ||
      inner.extent->integer < 1) {
    return nullptr;
  }
  // Each element that is stored belongs to one lane, or one to all of them: sums over a part of the lanes are
  // none of a vector.
  std::function<bool(const ir::StmtNode&)> apart = [&](const ir::StmtNode& n) {
    bool outer_moves = false, inner_moves = false;
    if (n.kind == StmtKind::kStore) {
      te::Visit(n.index, [&](const te::Expr& e) {
        if (e->kind != ExprKind::kVar) return;
        outer_moves = outer_moves || e->id == s.var;
        inner_moves = inner_moves || e->id == inner.var;
      });
    }
    return outer_moves == inner_moves &&
           std::all_of(n.body.begin(), n.body.end(), [&](const ir::Stmt& child) { return apart(*child); });
  };
  return apart(inner) ? &inner : nullptr;
}

/// The iterations first … last-1 of perfectly nested parallel loops, the innermost running fastest.
void Emitter::EmitIterations(const std::vector<const ir::StmtNode*>& loops, Value* first, Value* last) {
  Loop(first, last, true, [&](Value* i) {
    memo_.clear();
    Value* rest = i;
    for (size_t l = loops.size(); l-- > 0;) {
      Value* extent = EmitScalar(loops[l]->extent, "the extent of a parallel loop");
      Value* digit = l == 0 ? rest : b_.CreateURem(rest, extent);
      if (l > 0) rest = b_.CreateUDiv(rest, extent);
      Operand value = Emit(loops[l]->begin);
      value.scalar = value.scalar ? b_.CreateNSWAdd(value.scalar, digit) : digit;
      value.factor = 1;
      Bind(loops[l]->var, value);
    }
    Emit(loops.back()->body[0]);
  });
}

void Emitter::EmitIf(const ir::StmtNode& s) {
  Operand condition = Emit(s.condition);
  ir::Stmt no = s.body.size() > 1 ? s.body[1] : nullptr;
  if (auto* known = llvm::dyn_cast_or_null<llvm::ConstantInt>(condition.scalar)) {
    if (known->isOne()) {
      Emit(s.body[0]);
    } else if (no) {
      Emit(no);
    }
    return;
  }
  if (condition.varies()) {
    Value* holds = Vector(condition);
    Value* outer = mask_;
    mask_ = And(outer, holds);
    Emit(s.body[0]);
    if (no) {
      mask_ = And(outer, b_.CreateNot(holds));
      Emit(no);
    }
    mask_ = outer;
    return;
  }
  auto yes = [&] {
    size_t mark = ranges_.Assume(s.condition);
    Emit(s.body[0]);
    ranges_.Forget(mark);
  };
  if (no) {
    Branch(condition.scalar, yes, [&] { Emit(no); });
  } else {
    Branch(condition.scalar, yes);
  }
}

void Emitter::EmitAlloc(const ir::StmtNode& s) {
  if (PlacementOf(s.buffer).home == Home::kStack && !pointers_[static_cast<size_t>(s.buffer)]) {
    llvm::IRBuilder<> at_entry(&function_->getEntryBlock(), function_->getEntryBlock().begin());
    auto elements = static_cast<uint64_t>(PlacementOf(s.buffer).readable);
    llvm::AllocaInst* memory = at_entry.CreateAlloca(llvm::ArrayType::get(ElementOf(s.buffer), elements),
                                                     nullptr, BufferOf(s.buffer).name);
    memory->setAlignment(llvm::Align(64));
    pointers_[static_cast<size_t>(s.buffer)] = memory;
  }
  Emit(s.body[0]);
}

/// One request for each cache line that the lanes touch.
void Emitter::EmitPrefetch(const ir::StmtNode& s) {
  constexpr int64_t kLine = 64;
  Operand index = IndexOf(s.buffer, s.index);
  int64_t step =
      index.stride == 0
          ? 1
          : std::max<int64_t>(1, kLine / te::SizeOf(BufferOf(s.buffer).dtype) / std::abs(index.stride));
  for (int64_t lane = 0; lane < (index.varies() ? lanes_ : 1); lane += step) {
    Value* address;
    if (index.lanes) {
      Operand at;
      at.scalar = b_.CreateExtractElement(index.lanes, static_cast<uint64_t>(lane));
      address = Address(s.buffer, at);
    } else {
      address = Address(s.buffer, AtLane(index, lane));
    }
    // For reading, to be kept in all caches, data.
    b_.CreateIntrinsic(llvm::Intrinsic::prefetch, {address->getType()},
                       {address, b_.getInt32(0), b_.getInt32(3), b_.getInt32(1)});
  }
}

/// A CPU copies at once: a loop of whole vectors and one of the elements that are left.
void Emitter::EmitCopy(const ir::StmtNode& s) {
  int steps = static_cast<int>(vars_.size()), lane = steps + 1;
  vars_.resize(vars_.size() + 2);
  te::DType type = BufferOf(s.buffer).dtype;
  auto move = [&](const te::Expr& offset) {
    return ir::Store(s.buffer, s.index + offset, te::Read(type, s.source, {s.value + offset}));
  };
  te::Expr width = te::Int(std::max<int64_t>(2, entry_->target.lanes(type)));
  te::Expr vectors = s.extent / width;
  te::Expr whole = vectors * width;
  ir::Stmt copy = ir::Seq({
      ir::For(
          LoopKind::kSerial, steps, te::Int(0), vectors,
          ir::For(LoopKind::kVector, lane, te::Int(0), width, move(te::Var(steps) * width + te::Var(lane)))),
      ir::For(LoopKind::kSerial, steps, whole, s.extent - whole, move(te::Var(steps))),
  });
  Emit(copy);
  vars_.resize(vars_.size() - 2);
}

}  // namespace tunesmith::codegen
