// SPDX-License-Identifier: Apache-2.0
// Finds the calls in expressions and statements and puts their expansions in their place.
#include "ir/math.h"

#include <memory>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "ir/math_functions.h"

namespace tunesmith::ir {
namespace {

using te::ExprKind;
using te::ExprNode;

class Expander {
 public:
  explicit Expander(MultiplyAdd multiply_add) : multiply_add_(multiply_add) {}

  Expr Expand(const Expr& e) {
    if (!e || e->args.empty()) return e;
    auto [known, is_new] = expanded_.try_emplace(e.get());
    if (!is_new) return known->second;
    std::vector<Expr> args;
    args.reserve(e->args.size());
    bool changed = false;
    for (const Expr& arg : e->args) {
      args.push_back(Expand(arg));
      changed = changed || args.back() != arg;
    }
    Expr result = e->kind == ExprKind::kCall ? ExpandCall(*e, args) : nullptr;
    if (!result) result = changed ? te::WithArguments(*e, std::move(args)) : e;
    expanded_[e.get()] = result;
    return result;
  }

  Stmt Expand(const Stmt& statement) {
    StmtNode node = *statement;
    for (Expr* e : {&node.begin, &node.extent, &node.condition, &node.index, &node.value}) *e = Expand(*e);
    for (Stmt& inner : node.body) inner = Expand(inner);
    return std::make_shared<StmtNode>(std::move(node));
  }

 private:
  /// Null for a function that is a basic operation.
  Expr ExpandCall(const ExprNode& call, const std::vector<Expr>& args) {
    DType type = call.type;
    if (te::SizeOf(type) == 2 && IsExpanded(call.function)) {
      std::vector<Expr> wide;
      for (const Expr& arg : args) wide.push_back(te::Cast(DType::kF32, arg));
      return te::Cast(type, ExpandIn(DType::kF32, call.function, wide));
    }
    return IsExpanded(call.function) ? ExpandIn(type, call.function, args) : nullptr;
  }

  bool IsExpanded(te::Function function) const {
    switch (function) {
      case te::Function::kExp:
      case te::Function::kLog:
      case te::Function::kRsqrt:
      case te::Function::kTanh:
      case te::Function::kErf:
      case te::Function::kSin:
      case te::Function::kCos:
      case te::Function::kPow:
      case te::Function::kSigmoid:
        return true;
      case te::Function::kFma:
        return multiply_add_ == MultiplyAdd::kSeparate;
      default:
        return false;
    }
  }

  Expr ExpandIn(DType type, te::Function function, const std::vector<Expr>& args) const {
    Arithmetic a(type, multiply_add_);
    switch (function) {
      case te::Function::kExp:
        return ExpandExp(a, args[0]);
      case te::Function::kLog:
        return ExpandLog(a, args[0]);
      case te::Function::kRsqrt:
        return ExpandRsqrt(a, args[0]);
      case te::Function::kTanh:
        return ExpandTanh(a, args[0]);
      case te::Function::kErf:
        return ExpandErf(a, args[0]);
      case te::Function::kSin:
        return ExpandSin(a, args[0]);
      case te::Function::kCos:
        return ExpandCos(a, args[0]);
      case te::Function::kPow:
        return ExpandPow(a, args[0], args[1]);
      case te::Function::kSigmoid:
        return ExpandSigmoid(a, args[0]);
      default:
        return a.Fma(args[0], args[1], args[2]);
    }
  }

  MultiplyAdd multiply_add_;
  absl::flat_hash_map<const ExprNode*, Expr> expanded_;  // the nodes live as long as what is being expanded
};

}  // namespace

Expr ExpandMath(const Expr& e, MultiplyAdd multiply_add) { return Expander(multiply_add).Expand(e); }

void ExpandMath(Function* function, MultiplyAdd multiply_add) {
  if (function->body) function->body = Expander(multiply_add).Expand(function->body);
}

}  // namespace tunesmith::ir
