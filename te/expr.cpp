// SPDX-License-Identifier: Apache-2.0
// Construction of expressions, with folding.
#include "te/expr.h"

#include <bit>

#include "te/scalar.h"

namespace tunesmith::te {
namespace {

std::shared_ptr<ExprNode> Node(ExprKind kind, DType type, std::vector<Expr> args = {}) {
  auto node = std::make_shared<ExprNode>();
  node->kind = kind;
  node->type = type;
  node->args = std::move(args);
  return node;
}

bool IsLiteral(const Expr& e) { return e->kind == ExprKind::kInt || e->kind == ExprKind::kFloat; }

bool IsComparison(ExprKind kind) {
  return kind == ExprKind::kLess || kind == ExprKind::kLessEqual || kind == ExprKind::kEqual ||
         kind == ExprKind::kNotEqual;
}

Expr FoldComparison(ExprKind kind, const Expr& a, const Expr& b) {
  return Bool(a->kind == ExprKind::kInt ? Compare(kind, a->integer, b->integer)
                                        : Compare(kind, a->number, b->number));
}

/// x op x, x op 1, … of integers and bools; null if nothing applies.
Expr FoldIntegerIdentity(ExprKind kind, const Expr& a, const Expr& b) {
  switch (kind) {
    case ExprKind::kAdd:
      if (IsConstant(a, 0)) return b;
      return IsConstant(b, 0) ? a : nullptr;
    case ExprKind::kSub:
      return IsConstant(b, 0) ? a : nullptr;
    case ExprKind::kMul:
      if (IsConstant(a, 0) || IsConstant(b, 1)) return a;
      return IsConstant(b, 0) || IsConstant(a, 1) ? b : nullptr;
    case ExprKind::kDiv:
      return IsConstant(a, 0) || IsConstant(b, 1) ? a : nullptr;
    case ExprKind::kMod:
      if (IsConstant(b, 1)) return Int(0, a->type);
      return IsConstant(a, 0) ? a : nullptr;
    case ExprKind::kMin:
    case ExprKind::kMax:
      return Same(a, b) ? a : nullptr;
    case ExprKind::kAnd:
      if (IsConstant(a, 0) || IsConstant(b, 1)) return a;
      return IsConstant(b, 0) || IsConstant(a, 1) ? b : nullptr;
    case ExprKind::kOr:
      if (IsConstant(a, 1) || IsConstant(b, 0)) return a;
      return IsConstant(b, 1) || IsConstant(a, 0) ? b : nullptr;
    default:
      return nullptr;
  }
}

/// Only what is exact for every value, the zeros' signs, infinities and NaN included.
Expr FoldFloatIdentity(ExprKind kind, const Expr& a, const Expr& b) {
  auto is = [](const Expr& e, double value) {
    return e->kind == ExprKind::kFloat &&
           std::bit_cast<uint64_t>(e->number) == std::bit_cast<uint64_t>(value);
  };
  switch (kind) {
    case ExprKind::kAdd:
      if (is(a, -0.0)) return b;
      return is(b, -0.0) ? a : nullptr;
    case ExprKind::kSub:
      return is(b, 0.0) ? a : nullptr;
    case ExprKind::kMul:
      if (is(a, 1)) return b;
      return is(b, 1) ? a : nullptr;
    case ExprKind::kDiv:
      return is(b, 1) ? a : nullptr;
    default:
      return nullptr;
  }
}

}  // namespace

Expr Int(int64_t value, DType type) {
  auto node = Node(ExprKind::kInt, type);
  node->integer = Wrap(type, value);
  return node;
}

Expr Float(double value, DType type) {
  auto node = Node(ExprKind::kFloat, type);
  node->number = RoundTo(type, value);
  return node;
}

Expr Bool(bool value) { return Int(value, DType::kBool); }

Expr Var(int id) {
  auto node = Node(ExprKind::kVar, DType::kI64);
  node->id = id;
  return node;
}

Expr Read(DType type, int tensor, std::vector<Expr> indices) {
  auto node = Node(ExprKind::kRead, type, std::move(indices));
  node->id = tensor;
  return node;
}

Expr GuardedRead(DType type, int tensor, std::vector<Expr> indices, Expr guard, Expr otherwise) {
  if (guard && IsConstant(guard, 1)) return Read(type, tensor, std::move(indices));
  if (guard && IsConstant(guard, 0)) return otherwise;
  indices.push_back(std::move(guard));
  indices.push_back(std::move(otherwise));
  auto node = Node(ExprKind::kRead, type, std::move(indices));
  node->id = tensor;
  node->guarded = true;
  return node;
}

size_t ReadRank(const ExprNode& read) { return read.args.size() - (read.guarded ? 2 : 0); }

Expr Unary(ExprKind kind, Expr a) {
  if (kind == ExprKind::kNeg) {
    if (a->kind == ExprKind::kInt) return Int(WrappingSub(0, a->integer), a->type);
    if (a->kind == ExprKind::kFloat) return Float(-a->number, a->type);
  } else if (a->kind == ExprKind::kInt) {
    return Bool(a->integer == 0);
  }
  if (a->kind == kind) return a->args[0];  // both are their own inverse
  DType type = a->type;
  return Node(kind, type, {std::move(a)});
}

Expr Binary(ExprKind kind, Expr a, Expr b) {
  DType type = a->type;
  bool literals = IsLiteral(a) && IsLiteral(b) && a->type == b->type;
  if (IsComparison(kind)) {
    if (literals) return FoldComparison(kind, a, b);
    return Node(kind, DType::kBool, {std::move(a), std::move(b)});
  }
  if (literals && a->kind == ExprKind::kFloat) return Float(ApplyFloat(kind, a->number, b->number), type);
  if (literals) return Int(ApplyInteger(kind, type, a->integer, b->integer), type);
  Expr folded = IsFloat(type) ? FoldFloatIdentity(kind, a, b) : FoldIntegerIdentity(kind, a, b);
  if (folded && folded->type == type) return folded;
  return Node(kind, type, {std::move(a), std::move(b)});
}

Expr Select(Expr condition, Expr yes, Expr no) {
  if (condition->kind == ExprKind::kInt) return condition->integer != 0 ? yes : no;
  if (Same(yes, no)) return yes;
  DType type = yes->type;
  return Node(ExprKind::kSelect, type, {std::move(condition), std::move(yes), std::move(no)});
}

Expr Cast(DType type, Expr a, Rounding rounding) {
  if (a->type == type) return a;
  if (a->kind == ExprKind::kInt) {
    return IsFloat(type) ? Float(CastToFloat(type, a->integer), type)
                         : Int(CastInteger(type, a->integer), type);
  }
  if (a->kind == ExprKind::kFloat) {
    return IsFloat(type) ? Float(a->number, type) : Int(CastToInteger(type, rounding, a->number), type);
  }
  // The rounding only matters from floating to integer; elsewhere it must not make equal casts differ.
  if (!IsFloat(a->type) || IsFloat(type) || type == DType::kBool) rounding = Rounding::kTowardsZero;
  auto node = Node(ExprKind::kCast, type, {std::move(a)});
  node->rounding = rounding;
  return node;
}

Expr Call(Function function, std::vector<Expr> args) {
  DType type = args[0]->type;
  bool literals = true;
  for (const Expr& arg : args) literals = literals && arg->kind == ExprKind::kFloat;
  if (literals) {
    double b = args.size() > 1 ? args[1]->number : 0, c = args.size() > 2 ? args[2]->number : 0;
    return Float(ApplyFunction(function, args[0]->number, b, c), type);
  }
  auto node = Node(ExprKind::kCall, type, std::move(args));
  node->function = function;
  return node;
}

Expr Bits(DType type, Expr a) {
  if (a->type == type) return a;
  if (a->kind == ExprKind::kFloat && !IsFloat(type)) return Int(BitsOf(a->type, a->number), type);
  if (a->kind == ExprKind::kInt && IsFloat(type)) return Float(FloatOfBits(type, a->integer), type);
  auto node = Node(ExprKind::kCall, type, {std::move(a)});
  node->function = Function::kBits;
  return node;
}

bool IsConstant(const Expr& e, int64_t value) { return e->kind == ExprKind::kInt && e->integer == value; }

bool Same(const Expr& a, const Expr& b) {
  if (a == b) return true;
  if (!a || !b) return false;
  if (a->kind != b->kind || a->type != b->type || a->id != b->id || a->integer != b->integer ||
      std::bit_cast<uint64_t>(a->number) != std::bit_cast<uint64_t>(b->number) ||
      a->function != b->function || a->rounding != b->rounding || a->guarded != b->guarded ||
      a->args.size() != b->args.size()) {
    return false;
  }
  for (size_t i = 0; i < a->args.size(); ++i) {
    if (!Same(a->args[i], b->args[i])) return false;
  }
  return true;
}

Expr WithArguments(const ExprNode& node, std::vector<Expr> args) {
  switch (node.kind) {
    case ExprKind::kInt:
    case ExprKind::kFloat:
    case ExprKind::kVar:
      break;
    case ExprKind::kRead: {
      if (!node.guarded) return Read(node.type, node.id, std::move(args));
      Expr otherwise = args.back(), guard = args[args.size() - 2];
      args.resize(args.size() - 2);
      return GuardedRead(node.type, node.id, std::move(args), std::move(guard), std::move(otherwise));
    }
    case ExprKind::kNeg:
    case ExprKind::kNot:
      return Unary(node.kind, std::move(args[0]));
    case ExprKind::kSelect:
      return Select(std::move(args[0]), std::move(args[1]), std::move(args[2]));
    case ExprKind::kCast:
      return Cast(node.type, std::move(args[0]), node.rounding);
    case ExprKind::kCall:
      if (node.function == Function::kBits) return Bits(node.type, std::move(args[0]));
      return Call(node.function, std::move(args));
    default:
      return Binary(node.kind, std::move(args[0]), std::move(args[1]));
  }
  return std::make_shared<ExprNode>(node);
}

Expr Substitute(const Expr& e, absl::FunctionRef<Expr(const Expr&)> replace) {
  if (e->kind == ExprKind::kVar) {
    const Expr replaced = replace(e);
    return replaced ? replaced : e;
  }
  // Most nodes of most trees stay as they are: nothing is copied before the first argument that changes.
  std::vector<Expr> args;
  for (size_t i = 0; i < e->args.size(); ++i) {
    const Expr& arg = e->args[i];
    if (!arg) continue;
    Expr replaced = Substitute(arg, replace);
    if (replaced == arg) continue;
    if (args.empty()) args = e->args;
    args[i] = std::move(replaced);
  }
  // Folding may leave one argument of a node (0 + x). That was replaced already, and must not be once more.
  const Expr otherwise =
      e->kind == ExprKind::kRead && e->guarded ? (args.empty() ? e->args : args).back() : nullptr;
  Expr result = args.empty() ? e : WithArguments(*e, std::move(args));
  if (e->kind == ExprKind::kRead && result != otherwise) {
    if (Expr replaced = replace(result)) return replaced;
  }
  return result;
}

void Visit(const Expr& e, absl::FunctionRef<void(const Expr&)> visit) {
  for (const Expr& arg : e->args) {
    if (arg) Visit(arg, visit);
  }
  visit(e);
}

}  // namespace tunesmith::te
