// SPDX-License-Identifier: Apache-2.0
// Arithmetic on what is known at binding: integers exactly, in 64 bits; real numbers in double.
#include <algorithm>
#include <cmath>
#include <limits>

#include "support/strings.h"
#include "te/language/evaluator.h"
#include "te/scalar.h"

namespace tunesmith::te::language {
namespace {

template <class T>
bool CompareKnown(std::string_view op, T a, T b) {
  if (op == "<") return a < b;
  if (op == "<=") return a <= b;
  if (op == ">") return a > b;
  if (op == ">=") return a >= b;
  return (a == b) == (op == "==");
}

bool IsComparisonText(std::string_view op) {
  return op == "<" || op == "<=" || op == ">" || op == ">=" || op == "==" || op == "!=";
}

}  // namespace

DivisionByZero Evaluator::ByZero(const Node& node) const {
  const Node& by = *node.args[1];
  DivisionByZero error;
  error.span = node.span;
  const std::string values = frame_ ? "" : environment_->ValuesIn(by);  // a function sees its arguments only
  error.fix = values.empty() ? "divide by something else than 0"
                             : "bind what it is divided by to something else than 0";
  if (by.kind == NodeKind::kInteger) {
    error.inferred = "the divisor is 0";
  } else if (by.kind != NodeKind::kName || values.empty()) {
    error.inferred = StrCat("the divisor ", Quote(by), " is 0");
  }
  if (!values.empty()) StrAppend(&error.inferred, error.inferred.empty() ? "" : "; ", values);
  return error;
}

Operand Evaluator::KnownByZero(const Node& node) {
  DivisionByZero error = ByZero(node);
  const size_t before = diagnostics_->reported();
  Poison(node.span, kByZero, std::move(error.inferred), std::move(error.fix));
  environment_->value_errors += diagnostics_->reported() - before;
  return {};
}

Operand Evaluator::IntegerBinary(const Node& node, int64_t a, int64_t b, bool rounded) {
  std::string_view op = node.word.text;
  int64_t result = 0;
  bool overflow = false;
  if (op == "+") {
    overflow = __builtin_add_overflow(a, b, &result);
  } else if (op == "-") {
    overflow = __builtin_sub_overflow(a, b, &result);
  } else if (op == "*") {
    overflow = __builtin_mul_overflow(a, b, &result);
  } else {
    if (b == 0) return KnownByZero(node);
    overflow = b == -1 && a == INT64_MIN;
    if (!overflow) {
      result = op == "/" ? FloorDiv(a, b) : FloorMod(a, b);
      rounded = rounded || (op == "/" && FloorMod(a, b) != 0);
    }
  }
  if (overflow)
    return ValueError(node, StrCat(Quote(node), " does not fit in 64 bits"), "bind smaller values");
  return Operand::Integer(result, rounded);
}

Operand Evaluator::KnownBinary(const Node& node, const Operand& a, const Operand& b) {
  std::string_view op = node.word.text;
  using Kind = Operand::Kind;
  if (a.kind == Kind::kInteger && b.kind == Kind::kInteger) {
    if (IsComparisonText(op)) return Operand::Truth(CompareKnown(op, a.integer, b.integer));
    return IntegerBinary(node, a.integer, b.integer, a.rounded || b.rounded);
  }
  if (a.is_number() && b.is_number()) {
    for (const Operand* side : {&a, &b}) {
      if (!side->rounded) continue;
      const Node& quotient = side == &a ? *node.args[0] : *node.args[1];
      return Poison(quotient.span, "a rounded quotient of integers becomes a real number",
                    StrCat(Quote(quotient), " is ", side->integer),
                    "make one of its sides real, as in 1.0/C");
    }
    double x = a.as_double(), y = b.as_double();
    if (IsComparisonText(op)) return Operand::Truth(CompareKnown(op, x, y));
    if (op == "+") return Operand::Real(x + y);
    if (op == "-") return Operand::Real(x - y);
    if (op == "*") return Operand::Real(x * y);
    if (op == "/") return Operand::Real(x / y);
    return Poison(node.span, "% takes integers", StrCat(ToText(a), " % ", ToText(b)),
                  "use integers on both sides");
  }
  if (a.kind == b.kind && (op == "==" || op == "!=")) {
    bool same = a.kind == Kind::kName ? a.name == b.name : a.truth == b.truth;
    return Operand::Truth(same == (op == "=="));
  }
  return Poison(
      node.word.span, StrCat("'", op, "' does not apply to these two"),
      StrCat(Quote(*node.args[0]), " is ", ToText(a), ", ", Quote(*node.args[1]), " is ", ToText(b)),
      "give it two numbers, or compare two names with == or !=");
}

Operand Evaluator::KnownCall(const Node& node, const BuiltIn& built_in, const std::vector<Operand>& args) {
  for (size_t i = 0; i < args.size(); ++i) {
    if (args[i].is_number() && !(args[i].rounded && built_in.floating)) continue;
    return Poison(
        node.args[i]->span, StrCat(built_in.name, " takes numbers"),
        StrCat(Quote(*node.args[i]), " is ", args[i].rounded ? "a rounded quotient" : ToText(args[i])),
        args[i].rounded ? "make one of its sides real, as in 1.0/C" : "give it a number");
  }
  if (built_in.floating) {
    double x[3] = {0, 0, 0};
    for (size_t i = 0; i < args.size(); ++i) x[i] = args[i].as_double();
    double result = ApplyFunction(*built_in.floating, x[0], x[1], x[2]);
    if (!std::isnan(result)) return Operand::Real(result);
    return ValueError(node, StrCat(Quote(node), " is not a number"), "bind other values");
  }
  bool integers = std::all_of(args.begin(), args.end(),
                              [](const Operand& o) { return o.kind == Operand::Kind::kInteger; });
  if (built_in.name == "abs") {
    if (!integers) return Operand::Real(std::fabs(args[0].real));
    if (args[0].integer == INT64_MIN) {
      return ValueError(node, StrCat(Quote(node), " does not fit in 64 bits"), "bind smaller values");
    }
    return Operand::Integer(std::abs(args[0].integer), args[0].rounded);
  }
  Operand best = args[0];
  for (const Operand& arg : args) {
    bool less = integers ? arg.integer < best.integer : arg.as_double() < best.as_double();
    bool greater = integers ? arg.integer > best.integer : arg.as_double() > best.as_double();
    if (built_in.name == "min" ? less : greater) best = arg;
  }
  return best;
}

}  // namespace tunesmith::te::language
