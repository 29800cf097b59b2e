// SPDX-License-Identifier: Apache-2.0
// Scalar expressions: the bodies of stages, their indices, and, after lowering, the expressions of loop IR.
// One language with one printer, so that what a definition says and what a loop computes can be read side by
// side. An expression is an immutable tree that is shared freely between graphs, plans and threads.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "te/dtype.h"

namespace tunesmith::te {

enum class ExprKind : uint8_t {
  kInt,    // a constant of an integer type or bool: `integer`
  kFloat,  // a constant of a floating type: `number`
  kVar,    // an integer variable of type i64: `id`. In a stage: its axis number. In loop IR: the loop's
           // variable.
  kRead,   // an element of tensor (loop IR: buffer) `id` at args[0..rank); see ReadRank
  kNeg,    // -a
  kNot,    // logical not of a bool
  kAdd,
  kSub,
  kMul,
  kDiv,  // floating: the quotient. Integers: rounds towards minus infinity; a zero divisor gives 0.
  kMod,  // integers only: a - b * (a / b), so the result has the sign of b; a zero divisor gives a.
  kMin,
  kMax,
  kLess,  // comparisons give bool; both sides have one type
  kLessEqual,
  kEqual,
  kNotEqual,
  kAnd,  // of bools; both sides may be evaluated
  kOr,
  kSelect,  // args[0] ? args[1] : args[2]; both may be evaluated, so neither may fault: see kRead's guard
  kCast,    // to `type`; float to integer rounds as `rounding` says and saturates; NaN gives 0
  kCall,    // a function of floating arguments: `function`
};

/// Functions of floating-point values. Each has one or two arguments of the node's own type.
enum class Function : uint8_t {
  kExp,
  kLog,
  kSqrt,
  kRsqrt,
  kTanh,
  kErf,
  kSin,
  kCos,
  kPow,
  kAbs,
  kFloor,
  kCeil,
  kRound /* half to even */,
  kSigmoid,
  kFma /* a*b+c, three arguments */,
  // Used by lowered code only: reinterpret the bits of a value as `type`, which has the same size.
  kBits,
};

/// How a cast from floating to integer rounds. Casts to narrower floating types always round half to even.
enum class Rounding : uint8_t { kTowardsZero, kNearestEven, kDown, kUp };

struct ExprNode;
using Expr = std::shared_ptr<const ExprNode>;

struct ExprNode {
  ExprKind kind;
  DType type;
  Function function = Function::kExp;          // kCall
  Rounding rounding = Rounding::kTowardsZero;  // kCast
  bool guarded = false;                        // kRead: the last arguments are a guard, see ReadRank
  int id = -1;                                 // kVar, kRead
  int64_t integer = 0;                         // kInt
  double number = 0;                           // kFloat
  std::vector<Expr> args;
};

// ---- construction; each folds constants and the simplest identities (x+0, x*1, x*0 for integers)

/// Constants are values of their type: Int wraps, Float rounds.
Expr Int(int64_t value, DType type = DType::kI64);
Expr Float(double value, DType type = DType::kF32);
Expr Bool(bool value);
Expr Var(int id);
/// The element of a tensor at these indices, which the verifier or the checker has proven to be inside.
Expr Read(DType type, int tensor, std::vector<Expr> indices);
/// A read that may leave its tensor.
///  In a stage (`T[i, j | v]`): the value is `otherwise` where any index is out of range; `guard` is null.
///  In loop IR: the value is `otherwise`, and memory is not touched, where `guard` (a bool) is false.
Expr GuardedRead(DType type, int tensor, std::vector<Expr> indices, Expr guard, Expr otherwise);
/// Number of indices of a read; after them, if `guarded`, come the guard (null in a stage) and the other
/// value.
size_t ReadRank(const ExprNode& read);
Expr Unary(ExprKind kind, Expr a);
Expr Binary(ExprKind kind, Expr a, Expr b);
Expr Select(Expr condition, Expr yes, Expr no);
Expr Cast(DType type, Expr a, Rounding rounding = Rounding::kTowardsZero);
Expr Call(Function function, std::vector<Expr> args);
/// The bits of `a` as a value of `type`, of the same size.
Expr Bits(DType type, Expr a);

inline Expr operator+(Expr a, Expr b) { return Binary(ExprKind::kAdd, std::move(a), std::move(b)); }
inline Expr operator-(Expr a, Expr b) { return Binary(ExprKind::kSub, std::move(a), std::move(b)); }
inline Expr operator*(Expr a, Expr b) { return Binary(ExprKind::kMul, std::move(a), std::move(b)); }
inline Expr operator/(Expr a, Expr b) { return Binary(ExprKind::kDiv, std::move(a), std::move(b)); }

// ---- use

bool IsConstant(const Expr& e, int64_t value);
/// Structural equality; floating constants compare by bits.
bool Same(const Expr& a, const Expr& b);
/// The node with other arguments (as many, of the same types), folded again.
Expr WithArguments(const ExprNode& node, std::vector<Expr> args);
/// The tree with every kVar and kRead for which `replace` returns an expression replaced by it (arguments
/// first; what replaces is not looked at again).
Expr Substitute(const Expr& e, absl::FunctionRef<Expr(const Expr&)> replace);
/// Calls `visit` for each node, children first.
void Visit(const Expr& e, absl::FunctionRef<void(const Expr&)> visit);
std::string_view NameOf(Function function);

/// The names to print variables and tensors by.
struct ExprNames {
  std::function<std::string(int)> var;
  std::function<std::string(int)> tensor;
};
/// The expression in the syntax of .te files, with as few parentheses as keep its meaning: "A[i, k] * B[k, j]
/// + 1".
std::string ToString(const Expr& e, const ExprNames& names);

}  // namespace tunesmith::te
