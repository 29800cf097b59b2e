// SPDX-License-Identifier: Apache-2.0
#include "ir/types.h"

namespace tunesmith::ir {

using te::ExprKind;
using te::ExprNode;

namespace {

std::string Quoted(DType type) { return std::string(te::NameOf(type)); }

size_t OperandsOf(const ExprNode& e) {
  switch (e.kind) {
    case ExprKind::kInt:
    case ExprKind::kFloat:
    case ExprKind::kVar:
      return 0;
    case ExprKind::kNeg:
    case ExprKind::kNot:
    case ExprKind::kCast:
      return 1;
    case ExprKind::kSelect:
    case ExprKind::kRead:
      return e.kind == ExprKind::kRead && !e.guarded ? 1 : 3;
    case ExprKind::kCall:
      return e.function == te::Function::kFma ? 3 : e.function == te::Function::kPow ? 2 : 1;
    default:
      return 2;
  }
}

std::string ReadError(const ExprNode& e, const std::vector<Buffer>& buffers) {
  if (e.id < 0 || static_cast<size_t>(e.id) >= buffers.size()) {
    return "there is no buffer " + std::to_string(e.id);
  }
  const Buffer& b = buffers[static_cast<size_t>(e.id)];
  if (e.type != b.dtype) return "reads " + Quoted(e.type) + " from '" + b.name + "' of " + Quoted(b.dtype);
  if (e.args[0]->type != DType::kI64) return "the index of '" + b.name + "' is not an i64";
  if (!e.guarded) return "";
  if (e.args[1]->type != DType::kBool) return "the guard of a read of '" + b.name + "' is not a bool";
  if (e.args[2]->type != e.type) return "the other value of a read of '" + b.name + "' has another type";
  return "";
}

/// The operands' types fit the operator, and its own type is what it gives.
bool Fits(const ExprNode& e) {
  DType a = e.args.empty() ? e.type : e.args[0]->type;
  DType b = e.args.size() < 2 ? a : e.args[1]->type;
  switch (e.kind) {
    case ExprKind::kInt:
      return !te::IsFloat(e.type);
    case ExprKind::kFloat:
      return te::IsFloat(e.type);
    case ExprKind::kVar:
      return e.type == DType::kI64;
    case ExprKind::kNeg:
      return e.type == a && a != DType::kBool;
    case ExprKind::kNot:
      return e.type == DType::kBool && a == e.type;
    case ExprKind::kAnd:
    case ExprKind::kOr:
      return e.type == DType::kBool && a == e.type && b == e.type;
    case ExprKind::kLess:
    case ExprKind::kLessEqual:
    case ExprKind::kEqual:
    case ExprKind::kNotEqual:
      return e.type == DType::kBool && a == b;
    case ExprKind::kSelect:
      return a == DType::kBool && b == e.type && e.args[2]->type == e.type;
    case ExprKind::kMod:
      return te::IsInteger(a) && b == a && e.type == a;
    case ExprKind::kMin:  // of bools: and, or
    case ExprKind::kMax:
      return b == a && e.type == a;
    case ExprKind::kCall:
      if (e.function == te::Function::kBits) return te::SizeOf(a) == te::SizeOf(e.type);
      for (const Expr& arg : e.args) {
        if (arg->type != e.type) return false;
      }
      return te::IsFloat(e.type);
    case ExprKind::kRead:
    case ExprKind::kCast:
      return true;
    default:
      return b == a && e.type == a && a != DType::kBool;
  }
}

}  // namespace

std::string TypeErrorOf(const ExprNode& e, const std::vector<Buffer>& buffers) {
  for (const Expr& a : e.args) {
    if (a == nullptr) return "an operand is missing";
  }
  if (e.args.size() != OperandsOf(e)) return "an operator has " + std::to_string(e.args.size()) + " operands";
  if (e.kind == ExprKind::kRead) return ReadError(e, buffers);
  if (Fits(e)) return "";
  std::string types;
  for (const Expr& a : e.args) types += (types.empty() ? "" : ", ") + Quoted(a->type);
  return "an operator that gives " + Quoted(e.type) + " is applied to (" + types + ")";
}

}  // namespace tunesmith::ir
