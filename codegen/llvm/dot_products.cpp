// SPDX-License-Identifier: Apache-2.0
// Dot products of neighbours: an unrolled loop in a vector loop whose iterations add products of neighbouring
// narrow elements to a lane's sum, as one instruction. What does not fit is emitted iteration by iteration,
// so nothing depends on the match but speed.
#include <algorithm>

#include "codegen/llvm/emitter.h"
#include "llvm/IR/IntrinsicsX86.h"
#include "te/affine.h"

namespace tunesmith::codegen {
namespace {

using llvm::Value;
using te::Expr;
using te::ExprKind;

/// The instruction for sums in vectors of 128, 256 and 512 bits.
llvm::Intrinsic::ID IntrinsicOf(const schedule::DotProduct& dot, int64_t lanes) {
  using namespace llvm;
  bool integers = dot.name == kVnniDot;
  switch (lanes) {
    case 4:
      return integers ? Intrinsic::x86_avx512_vpdpbusd_128 : Intrinsic::x86_avx512bf16_dpbf16ps_128;
    case 8:
      return integers ? Intrinsic::x86_avx512_vpdpbusd_256 : Intrinsic::x86_avx512bf16_dpbf16ps_256;
    case 16:
      return integers ? Intrinsic::x86_avx512_vpdpbusd_512 : Intrinsic::x86_avx512bf16_dpbf16ps_512;
    default:
      return Intrinsic::not_intrinsic;
  }
}

bool Moves(const Expr& index, int var, int64_t step) {
  std::optional<te::Affine> affine = te::ToAffine(index);
  return affine && affine->CoefficientOf(var) == step;
}

}  // namespace

bool Emitter::EmitDotProduct(const ir::StmtNode& loop, const Operand& begin, int64_t extent) {
  const ir::StmtNode& s = *loop.body[0];
  if (lanes_ == 1 || mask_ || begin.scalar || s.kind != ir::StmtKind::kStore || s.streaming ||
      s.value->kind != ExprKind::kAdd)
    return false;
  // sum = sum + narrow * narrow
  auto is_sum = [&](const Expr& e) {
    return e->kind == ExprKind::kRead && !e->guarded && e->id == s.buffer && te::Same(e->args[0], s.index);
  };
  const Expr& first = s.value->args[0];
  const Expr& second = s.value->args[1];
  const Expr& product = is_sum(first) ? second : first;
  const Expr& sum = is_sum(first) ? first : second;
  if (!is_sum(sum) || product->kind != ExprKind::kMul || !Moves(s.index, loop.var, 0)) return false;
  const te::ExprNode* left = schedule::NarrowRead(product->args[0]);
  const te::ExprNode* right = schedule::NarrowRead(product->args[1]);
  if (!left || !right || !Moves(left->args[0], loop.var, 1) || !Moves(right->args[0], loop.var, 1))
    return false;
  const schedule::DotProduct* dot =
      schedule::FindDot(entry_->target.dots, left->type, right->type, s.value->type);
  if (!dot || dot->group != extent) return false;
  if (left->type != dot->left) std::swap(left, right);
  llvm::Intrinsic::ID intrinsic = IntrinsicOf(*dot, lanes_);
  if (intrinsic == llvm::Intrinsic::not_intrinsic) return false;

  memo_.clear();
  Bind(loop.var, begin);
  SetRange(loop.var, te::Int(begin.constant), te::Int(1));
  Operand at = IndexOf(s.buffer, s.index);
  Operand left_at = IndexOf(left->id, left->args[0]), right_at = IndexOf(right->id, right->args[0]);
  // All lanes share one group, or each has the next.
  auto fits = [&](const Operand& o) { return !o.varies() || o.stride == dot->group; };
  if (at.stride != 1 || !fits(left_at) || !fits(right_at)) return false;

  auto lanes = static_cast<unsigned>(lanes_), group = static_cast<unsigned>(dot->group);
  auto operand = [&](const te::ExprNode& read, const Operand& index) -> Value* {
    llvm::Type* element = ElementOf(read.id);
    auto load = [&](llvm::Type* type) {
      return Annotate(read.id,
                      b_.CreateAlignedLoad(type, Address(read.id, index), AlignmentOf(read.id, index)));
    };
    // As the instruction sees it: four neighbours of a lane are one number of 32 bits; bf16 stays bf16.
    llvm::Type* seen = dot->name == kVnniDot ? VectorOf(b_.getInt32Ty())
                                             : llvm::FixedVectorType::get(
                                                   llvm::Type::getBFloatTy(b_.getContext()), lanes * group);
    if (index.stride != 0)
      return b_.CreateBitCast(load(llvm::FixedVectorType::get(element, lanes * group)), seen);
    return b_.CreateBitCast(Splat(load(b_.getInt32Ty())), seen);
  };
  Value* a = operand(*left, left_at);
  Value* b = operand(*right, right_at);
  Value* before = Vector(Emit(sum));
  StoreLanes(s, at, b_.CreateIntrinsic(intrinsic, {}, {before, a, b}));
  memo_.clear();
  return true;
}

}  // namespace tunesmith::codegen
