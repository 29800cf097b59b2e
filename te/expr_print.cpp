// SPDX-License-Identifier: Apache-2.0
// The printer of expressions: the syntax of .te files.
#include <charconv>
#include <cmath>

#include "te/expr.h"

namespace tunesmith::te {
namespace {

// How tightly operators bind; the operands of a comparison are sums, and so on.
enum Precedence { kLowest, kOrLevel, kAndLevel, kNotLevel, kComparison, kSum, kProduct, kUnary, kAtom };

struct Operator {
  std::string_view text;
  Precedence precedence;
};

Operator OperatorOf(ExprKind kind) {
  switch (kind) {
    case ExprKind::kAdd:
      return {"+", kSum};
    case ExprKind::kSub:
      return {"-", kSum};
    case ExprKind::kMul:
      return {"*", kProduct};
    case ExprKind::kDiv:
      return {"/", kProduct};
    case ExprKind::kMod:
      return {"%", kProduct};
    case ExprKind::kLess:
      return {"<", kComparison};
    case ExprKind::kLessEqual:
      return {"<=", kComparison};
    case ExprKind::kEqual:
      return {"==", kComparison};
    case ExprKind::kNotEqual:
      return {"!=", kComparison};
    case ExprKind::kAnd:
      return {"&&", kAndLevel};
    case ExprKind::kOr:
      return {"||", kOrLevel};
    default:
      return {"", kAtom};
  }
}

bool IsNegative(const Expr& e) {
  return (e->kind == ExprKind::kInt && e->integer < 0 && e->integer != INT64_MIN) ||
         (e->kind == ExprKind::kFloat && std::signbit(e->number) && !std::isnan(e->number));
}

bool IsAtom(const Expr& e) {
  return e->kind == ExprKind::kVar ||
         ((e->kind == ExprKind::kInt || e->kind == ExprKind::kFloat) && !IsNegative(e));
}

std::string_view CastName(const ExprNode& cast) {
  switch (cast.rounding) {
    case Rounding::kNearestEven:
      return ".nearest";
    case Rounding::kDown:
      return ".down";
    case Rounding::kUp:
      return ".up";
    default:
      return "";
  }
}

/// The shortest digits that read back as the same value of the type.
std::string Digits(double value, DType type) {
  char buffer[40];
  auto end = type == DType::kF64
                 ? std::to_chars(buffer, buffer + sizeof buffer, value).ptr
                 : std::to_chars(buffer, buffer + sizeof buffer, static_cast<float>(value)).ptr;
  return std::string(buffer, end);
}

class Printer {
 public:
  explicit Printer(const ExprNames& names) : names_(names) {}

  /// Appends `e`, in parentheses if it binds less tightly than `least`.
  void Print(const Expr& e, Precedence least) {
    if (PrecedenceOf(e) < least) {
      out += '(';
      Print(e, kLowest);
      out += ')';
      return;
    }
    switch (e->kind) {
      case ExprKind::kInt:
        out += e->type == DType::kBool ? (e->integer != 0 ? "true" : "false") : std::to_string(e->integer);
        break;
      case ExprKind::kFloat:
        out += Digits(e->number, e->type);
        break;
      case ExprKind::kVar:
        out += names_.var(e->id);
        break;
      case ExprKind::kRead:
        PrintRead(*e);
        break;
      case ExprKind::kNeg:
        out += '-';
        Print(e->args[0], kUnary);
        break;
      case ExprKind::kNot:
        out += '!';
        Print(e->args[0], kUnary);
        break;
      case ExprKind::kMin:
        PrintCall("min", e->args);
        break;
      case ExprKind::kMax:
        PrintCall("max", e->args);
        break;
      case ExprKind::kSelect:
        PrintCall("select", e->args);
        break;
      case ExprKind::kCast:
        PrintCall(std::string(NameOf(e->type)).append(CastName(*e)), e->args);
        break;
      case ExprKind::kCall:
        PrintCall(e->function == Function::kBits ? std::string("bits.").append(NameOf(e->type))
                                                 : std::string(NameOf(e->function)),
                  e->args);
        break;
      default:
        PrintBinary(e);
    }
  }

  std::string out;

 private:
  static Precedence PrecedenceOf(const Expr& e) {
    if (e->kind == ExprKind::kNeg || e->kind == ExprKind::kNot || IsNegative(e)) return kUnary;
    return OperatorOf(e->kind).precedence;
  }

  void PrintBinary(const Expr& e) {
    auto [text, precedence] = OperatorOf(e->kind);
    const Expr &a = e->args[0], &b = e->args[1];
    // Comparisons do not chain, so both sides must bind more tightly.
    Print(a, precedence == kComparison ? kSum : precedence);
    if (e->kind == ExprKind::kAdd && IsNegative(b)) {
      out += " - ";
      Print(Unary(ExprKind::kNeg, b), kProduct);
      return;
    }
    bool tight = precedence == kProduct && IsAtom(a) && IsAtom(b);
    if (!tight) out += ' ';
    out += text;
    if (!tight) out += ' ';
    // Integer sums and products associate, as do conditions; nothing else does.
    bool associates = (e->kind == ExprKind::kAdd && !IsFloat(e->type)) ||
                      (e->kind == ExprKind::kMul && !IsFloat(e->type) && b->kind == ExprKind::kMul) ||
                      e->kind == ExprKind::kAnd || e->kind == ExprKind::kOr;
    Print(b, associates ? precedence : static_cast<Precedence>(precedence + 1));
  }

  void PrintList(const Expr* first, size_t count) {
    for (size_t i = 0; i < count; ++i) {
      if (i > 0) out += ", ";
      Print(first[i], kLowest);
    }
  }

  void PrintRead(const ExprNode& read) {
    size_t rank = ReadRank(read);
    out += names_.tensor(read.id);
    out += '[';
    PrintList(read.args.data(), rank);
    if (read.guarded) {
      if (const Expr& guard = read.args[rank]) {
        out += " if ";
        Print(guard, kLowest);
      }
      out += " | ";
      Print(read.args[rank + 1], kLowest);
    }
    out += ']';
  }

  void PrintCall(std::string_view name, const std::vector<Expr>& args) {
    out += name;
    out += '(';
    PrintList(args.data(), args.size());
    out += ')';
  }

  const ExprNames& names_;
};

}  // namespace

std::string_view NameOf(Function function) {
  switch (function) {
    case Function::kExp:
      return "exp";
    case Function::kLog:
      return "log";
    case Function::kSqrt:
      return "sqrt";
    case Function::kRsqrt:
      return "rsqrt";
    case Function::kTanh:
      return "tanh";
    case Function::kErf:
      return "erf";
    case Function::kSin:
      return "sin";
    case Function::kCos:
      return "cos";
    case Function::kPow:
      return "pow";
    case Function::kAbs:
      return "abs";
    case Function::kFloor:
      return "floor";
    case Function::kCeil:
      return "ceil";
    case Function::kRound:
      return "round";
    case Function::kSigmoid:
      return "sigmoid";
    case Function::kFma:
      return "fma";
    case Function::kBits:
      return "bits";
  }
  return "";
}

std::string ToString(const Expr& e, const ExprNames& names) {
  Printer printer(names);
  printer.Print(e, kLowest);
  return std::move(printer.out);
}

}  // namespace tunesmith::te
