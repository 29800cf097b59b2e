// SPDX-License-Identifier: Apache-2.0
// Instructions that multiply and add several neighbours at once, as data: what they compute, so that rules
// can lay operands out for them and models can count them. Which exist is the target's business
// (codegen/target.h), how they are emitted the backend's.
#pragma once

#include <string>
#include <vector>

#include "te/dtype.h"
#include "te/graph.h"

namespace tunesmith::schedule {

/// In each lane: sum += left[0]*right[0] + … + left[group-1]*right[group-1]. The neighbours of one lane lie
/// side by side, those of the next lane after them. In the .te language
///   sum:T(k) T(A[…, k]) * T(B[k, …])
/// with A of `left` and B of `right`, or the other way round, and T the `sum`.
struct DotProduct {
  std::string name;  // the instruction's
  te::DType left = te::DType::kF32;
  te::DType right = te::DType::kF32;
  te::DType sum = te::DType::kF32;
  int group = 1;
};

/// The first of `dots` that a product of casts of reads of these types into `sum` matches; null if none does.
inline const DotProduct* FindDot(const std::vector<DotProduct>& dots, te::DType a, te::DType b,
                                 te::DType sum) {
  for (const DotProduct& dot : dots) {
    bool match = (dot.left == a && dot.right == b) || (dot.left == b && dot.right == a);
    if (match && dot.sum == sum) return &dot;
  }
  return nullptr;
}

/// The read, of an element that certainly exists, that a factor of such a product casts; null if it is
/// something else.
inline const te::ExprNode* NarrowRead(const te::Expr& factor) {
  bool is = factor->kind == te::ExprKind::kCast && factor->args[0]->kind == te::ExprKind::kRead &&
            !factor->args[0]->guarded;
  return is ? factor->args[0].get() : nullptr;
}

/// The dot product that sums a stage's body: a sum of the product of two reads, each cast to the sum's type.
inline const DotProduct* DotOf(const std::vector<DotProduct>& dots, const te::Stage& stage) {
  const te::Expr& body = stage.body;
  if (stage.reducer != te::Reducer::kSum || body->kind != te::ExprKind::kMul) return nullptr;
  const te::ExprNode* left = NarrowRead(body->args[0]);
  const te::ExprNode* right = NarrowRead(body->args[1]);
  return left && right ? FindDot(dots, left->type, right->type, stage.accumulator) : nullptr;
}

}  // namespace tunesmith::schedule
