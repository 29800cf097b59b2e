// SPDX-License-Identifier: Apache-2.0
// Operators, functions and casts: known operands are computed, others become te::Expr of one type.
#include <algorithm>
#include <cmath>

#include "support/strings.h"
#include "te/language/evaluator.h"
#include "te/scalar.h"

namespace tunesmith::te::language {
namespace {

ExprKind KindOf(std::string_view op) {
  if (op == "+") return ExprKind::kAdd;
  if (op == "-") return ExprKind::kSub;
  if (op == "*") return ExprKind::kMul;
  if (op == "/") return ExprKind::kDiv;
  if (op == "%") return ExprKind::kMod;
  if (op == "<" || op == ">") return ExprKind::kLess;
  if (op == "<=" || op == ">=") return ExprKind::kLessEqual;
  if (op == "==") return ExprKind::kEqual;
  if (op == "!=") return ExprKind::kNotEqual;
  if (op == "&&") return ExprKind::kAnd;
  return ExprKind::kOr;
}

bool IsTruth(const Operand& o) {
  return o.kind == Operand::Kind::kTruth || (o.is_value() && o.value->type == DType::kBool);
}

bool IsZero(const Expr& e) { return e->kind == ExprKind::kInt && e->integer == 0; }

}  // namespace

std::string Evaluator::TypeText(const Node& node, const Operand& operand) const {
  if (!operand.is_value()) {
    bool literal = Quote(node) == ToText(operand);
    if (literal)
      return StrCat(Quote(node), operand.kind == Operand::Kind::kReal ? " is real" : " is a constant");
    return StrCat(Quote(node), " is ", ToText(operand));
  }
  if (operand.axis >= 0) return StrCat(Quote(node), " is an axis, an i64");
  return StrCat(Quote(node), " is ", NameOf(operand.value->type));
}

Expr Evaluator::As(DType type, const Operand& operand, const Node& node) {
  using Kind = Operand::Kind;
  std::string name(NameOf(type));
  if (operand.is_value()) {
    if (operand.value->type == type) return operand.value;
    Poison(node.span, StrCat("expected ", name), TypeText(node, operand),
           StrCat("write ", name, "(", Quote(node), ")"));
    return nullptr;
  }
  if (operand.kind == Kind::kTruth && type == DType::kBool) return Bool(operand.truth);
  if (operand.is_number() && IsFloat(type)) {
    if (!operand.rounded) return Float(operand.as_double(), type);
    Poison(node.span, StrCat("a rounded quotient of integers becomes ", name),
           StrCat(Quote(node), " is ", operand.integer), "make one of its sides real, as in 1.0/C");
    return nullptr;
  }
  if (operand.kind == Kind::kInteger && IsInteger(type)) {
    if (operand.integer >= LowestInteger(type) && operand.integer <= HighestInteger(type)) {
      return Int(operand.integer, type);
    }
    Poison(node.span, StrCat(operand.integer, " does not fit ", name),
           StrCat(name, " holds ", LowestInteger(type), " to ", HighestInteger(type)),
           "cast the other side to a wider type");
    return nullptr;
  }
  Poison(node.span, StrCat(Quote(node), " cannot become ", name), TypeText(node, operand),
         operand.kind == Kind::kReal ? "write an integer, or cast the other side to f32"
                                     : StrCat("give it a value of ", name));
  return nullptr;
}

bool Evaluator::Unify(std::string_view what, const Node& a_node, const Operand& a, const Node& b_node,
                      const Operand& b, Expr* x, Expr* y) {
  if (a.is_value() && b.is_value() && a.value->type != b.value->type) {
    const Node& cast = b.axis >= 0 || !IsFloat(b.value->type) ? b_node : a_node;
    DType to = &cast == &b_node ? a.value->type : b.value->type;
    Poison({a_node.span.begin, b_node.span.end}, StrCat(what, " needs two operands of one type"),
           StrCat(TypeText(a_node, a), ", ", TypeText(b_node, b)),
           StrCat("cast one of them, as in ", NameOf(to), "(", Quote(cast), ")"));
    return false;
  }
  DType type = a.is_value() ? a.value->type : b.value->type;
  *x = As(type, a, a_node);
  *y = *x ? As(type, b, b_node) : nullptr;
  return *x && *y;
}

Operand Evaluator::Unary(const Node& node) {
  const Node& arg = *node.args[0];
  Operand a = Evaluate(arg);
  if (a.poison()) return {};
  if (node.word.text == "!") {
    if (a.kind == Operand::Kind::kTruth) return Operand::Truth(!a.truth);
    if (IsTruth(a)) return Value(te::Unary(ExprKind::kNot, a.value), {&a}, node);
    return Poison(node.span, "! takes a condition", TypeText(arg, a), "compare it first, as in !(x < y)");
  }
  if (a.kind == Operand::Kind::kReal) return Operand::Real(-a.real);
  if (a.kind == Operand::Kind::kInteger) {
    if (a.integer != INT64_MIN) return Operand::Integer(-a.integer, a.rounded);
    return ValueError(node, StrCat(Quote(node), " does not fit in 64 bits"), "bind smaller values");
  }
  if (a.is_value() && a.value->type != DType::kBool)
    return Value(te::Unary(ExprKind::kNeg, a.value), {&a}, node);
  return Poison(node.span, "- takes a number", TypeText(arg, a), "give it a number, or write ! for 'not'");
}

Operand Evaluator::Logical(const Node& node) {
  const Node &a_node = *node.args[0], &b_node = *node.args[1];
  bool conjunction = node.word.text == "&&";
  auto condition = [&](const Node& side) {
    Operand o = Evaluate(side);
    if (o.poison() || IsTruth(o)) return o;
    return Poison(side.span, StrCat(node.word.text, " takes conditions"), TypeText(side, o),
                  "compare it first, as in x < y");
  };
  Operand a = condition(a_node);
  if (a.poison()) return {};
  if (a.known()) return a.truth == conjunction ? condition(b_node) : a;
  Operand b = condition(b_node);
  if (b.poison()) return {};
  Expr y = b.known() ? Bool(b.truth) : b.value;
  return Value(te::Binary(KindOf(node.word.text), a.value, y), {&a, &b}, node);
}

Operand Evaluator::Binary(const Node& node) {
  if (node.word.text == "&&" || node.word.text == "||") return Logical(node);
  Operand a = Evaluate(*node.args[0]);
  Operand b = Evaluate(*node.args[1]);
  if (a.poison() || b.poison()) return {};
  if (a.known() && b.known()) return KnownBinary(node, a, b);
  return TypedBinary(node, node.word.text, *node.args[0], a, *node.args[1], b);
}

Operand Evaluator::TypedBinary(const Node& node, std::string_view op, const Node& a_node, const Operand& a,
                               const Node& b_node, const Operand& b) {
  Expr x, y;
  if (!Unify(StrCat("'", op, "'"), a_node, a, b_node, b, &x, &y)) return {};
  ExprKind kind = KindOf(op);
  bool equality = kind == ExprKind::kEqual || kind == ExprKind::kNotEqual;
  if (x->type == DType::kBool && !equality) {
    return Poison(node.span, StrCat("'", op, "' does not apply to bool"),
                  TypeText(a.is_value() ? a_node : b_node, a.is_value() ? a : b),
                  "use && and ||, or cast to a number");
  }
  if (kind == ExprKind::kMod && IsFloat(x->type)) {
    return Poison(node.span, "'%' takes integers",
                  TypeText(a.is_value() ? a_node : b_node, a.is_value() ? a : b), "write x - floor(x / y)*y");
  }
  if ((kind == ExprKind::kDiv || kind == ExprKind::kMod) && IsZero(y) && draft_) {
    DivisionByZero error = ByZero(node);
    for (const auto& [name, axis] : scope_) error.axes_in_scope.push_back(axis);
    draft_->divisions_by_zero.push_back(std::move(error));
  }
  if (op == ">" || op == ">=") std::swap(x, y);
  return Value(te::Binary(kind, std::move(x), std::move(y)), {&a, &b}, node);
}

Operand Evaluator::Call(const Node& node, bool whole) {
  const std::string& name = node.word.text;
  if (const BuiltIn* built_in = FindBuiltIn(name)) {
    if (name == "select") return SelectCall(node, whole);
    if (name == "lowest" || name == "highest") return Extreme(node);
    return BuiltInCall(node, *built_in);
  }
  const auto& functions = environment_->file().functions;
  size_t visible = std::min(functions.size(), functions_visible_);
  for (size_t i = 0; i < visible; ++i) {
    if (functions[i].name.text != name || !node.suffix.empty()) continue;
    return FunctionCall(node, i, whole);
  }
  return CastCall(node, whole);
}

Operand Evaluator::Extreme(const Node& node) {
  auto type = TypeNamed(node.args[0]->word);
  if (!type) return {};
  Expr e = Identity(node.word.text == "lowest" ? Reducer::kMax : Reducer::kMin, *type);
  if (*type == DType::kBool) e = Bool(node.word.text == "highest");
  return Value(std::move(e), {}, node);
}

Operand Evaluator::SelectCall(const Node& node, bool whole) {
  Operand condition = Evaluate(*node.args[0]);
  if (condition.poison()) return {};
  if (condition.kind == Operand::Kind::kTruth) return Evaluate(*node.args[condition.truth ? 1 : 2], whole);
  if (!IsTruth(condition)) {
    return Poison(node.args[0]->span, "select takes a condition first", TypeText(*node.args[0], condition),
                  "write select(x < y, if_true, if_false)");
  }
  Operand a = Evaluate(*node.args[1]), b = Evaluate(*node.args[2]);
  if (a.poison() || b.poison()) return {};
  if (a.known() && b.known()) {
    return Poison(node.span, "the type of this select cannot be told from two numbers",
                  StrCat(ToText(a), " and ", ToText(b)),
                  StrCat("cast one of them to the type that is meant, as in f32(", ToText(a), ")"));
  }
  Expr x, y;
  if (!Unify("select", *node.args[1], a, *node.args[2], b, &x, &y)) return {};
  return Value(Select(condition.value, std::move(x), std::move(y)), {&condition, &a, &b}, node);
}

Operand Evaluator::BuiltInCall(const Node& node, const BuiltIn& built_in) {
  std::vector<Operand> args;
  const Node* typed_node = nullptr;
  Operand typed;
  bool poison = false;
  for (const NodePtr& arg : node.args) {
    args.push_back(Evaluate(*arg));
    poison = poison || args.back().poison();
    if (args.back().is_value() && !typed_node) {
      typed_node = arg.get();
      typed = args.back();
    }
  }
  if (poison) return {};
  if (!typed_node) return KnownCall(node, built_in, args);
  DType type = typed.value->type;
  if (type == DType::kBool || (built_in.floating && !IsFloat(type))) {
    return Poison(typed_node->span,
                  StrCat(built_in.name, " takes ", built_in.floating ? "floating values" : "numbers"),
                  TypeText(*typed_node, typed), StrCat("write f32(", Quote(*typed_node), ")"));
  }
  std::vector<Expr> operands;
  for (size_t i = 0; i < args.size(); ++i) {
    Expr x, y;
    if (!Unify(built_in.name, *typed_node, typed, *node.args[i], args[i], &x, &y)) return {};
    operands.push_back(std::move(y));
  }
  Operand sizes;
  for (const Operand& arg : args) {
    sizes.size += arg.size;
    sizes.depth = std::max(sizes.depth, arg.depth + static_cast<int>(args.size()));
    sizes.reads = sizes.reads || arg.reads;
  }
  if (built_in.floating) return Value(te::Call(*built_in.floating, std::move(operands)), {&sizes}, node);
  Expr e = operands[0];
  if (built_in.name == "abs") {
    e = IsFloat(type) ? te::Call(Function::kAbs, {e})
                      : te::Binary(ExprKind::kMax, e, te::Unary(ExprKind::kNeg, e));
    sizes.size *= 2;
  } else {
    ExprKind kind = built_in.name == "min" ? ExprKind::kMin : ExprKind::kMax;
    for (size_t i = 1; i < operands.size(); ++i) e = te::Binary(kind, e, operands[i]);
  }
  return Value(std::move(e), {&sizes}, node);
}

Operand Evaluator::CastCall(const Node& node, bool whole) {
  auto type = TypeNamed(node.word);
  const std::string& suffix = node.suffix.text;
  const Node& arg = *node.args[0];
  Operand a = Evaluate(arg, whole && suffix.empty());
  if (!type || a.poison()) return {};
  Expr e = a.value;
  if (a.kind == Operand::Kind::kInteger) {
    e = IsFloat(*type) && suffix.empty() ? As(*type, a, arg) : Int(a.integer);
    if (!e) return {};
  } else if (a.kind == Operand::Kind::kReal) {
    e = Float(a.real, DType::kF64);
  } else if (a.kind == Operand::Kind::kTruth) {
    e = Bool(a.truth);
  } else if (a.kind == Operand::Kind::kName) {
    return Poison(arg.span, StrCat(a.name, " is not a number"), "", "give the cast a number");
  }
  DType from = e->type;
  if (suffix.empty()) return Value(Cast(*type, std::move(e)), {&a}, node);
  std::string target(NameOf(*type));
  if (suffix == "sat") {
    if (!IsInteger(from) || !IsInteger(*type)) {
      return Poison(node.span, "a saturating cast is from an integer to an integer",
                    StrCat(TypeText(arg, a), ", ", target, " is the target"),
                    "casts from floating to integer saturate by themselves: write T(x) or T.nearest(x)");
    }
    int64_t low = std::max(LowestInteger(from), LowestInteger(*type));
    int64_t high = std::min(HighestInteger(from), HighestInteger(*type));
    if (low > LowestInteger(from)) e = te::Binary(ExprKind::kMax, e, Int(low, from));
    if (high < HighestInteger(from)) e = te::Binary(ExprKind::kMin, e, Int(high, from));
    return Value(Cast(*type, std::move(e)), {&a}, node);
  }
  if (!IsFloat(from) || !IsInteger(*type)) {
    return Poison(node.span, StrCat("a cast that rounds ", suffix, " is from floating to an integer"),
                  StrCat(TypeText(arg, a), ", ", target, " is the target"),
                  StrCat("write ", node.word.text, "(...)"));
  }
  Rounding rounding = suffix == "nearest" ? Rounding::kNearestEven
                      : suffix == "down"  ? Rounding::kDown
                                          : Rounding::kUp;
  return Value(Cast(*type, std::move(e), rounding), {&a}, node);
}

}  // namespace tunesmith::te::language
