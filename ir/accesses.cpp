// SPDX-License-Identifier: Apache-2.0
#include "ir/accesses.h"

namespace tunesmith::ir {

using te::ExprKind;
using te::ExprNode;

const ExprNode* ReducedRead(const StmtNode& store) {
  if (store.value == nullptr || store.index == nullptr) return nullptr;
  const ExprNode& value = *store.value;
  switch (value.kind) {
    case ExprKind::kAdd:
    case ExprKind::kMul:
    case ExprKind::kMin:
    case ExprKind::kMax:
    case ExprKind::kAnd:
    case ExprKind::kOr:
      break;
    case ExprKind::kCall:
      if (value.function != te::Function::kFma) return nullptr;
      break;
    default:
      return nullptr;
  }
  for (const Expr& a : value.args) {
    if (value.kind == ExprKind::kCall && &a != &value.args.back()) continue;  // of fma, the summand
    if (a != nullptr && a->kind == ExprKind::kRead && a->id == store.buffer && !a->guarded &&
        a->args.size() == 1 && te::Same(a->args[0], store.index)) {
      return a.get();
    }
  }
  return nullptr;
}

}  // namespace tunesmith::ir
