// SPDX-License-Identifier: Apache-2.0
// Short ways to write expressions and to print them, for the tests of loop IR.
#pragma once

#include <string>
#include <vector>

#include "ir/ir.h"

namespace tunesmith::ir::testing {

using te::Int;
using te::Var;

inline Expr Div(Expr a, int64_t b) { return a / Int(b); }
inline Expr Mod(Expr a, int64_t b) { return te::Binary(te::ExprKind::kMod, std::move(a), Int(b)); }
inline Expr Min(Expr a, Expr b) { return te::Binary(te::ExprKind::kMin, std::move(a), std::move(b)); }
inline Expr Max(Expr a, Expr b) { return te::Binary(te::ExprKind::kMax, std::move(a), std::move(b)); }
inline Expr Lt(Expr a, Expr b) { return te::Binary(te::ExprKind::kLess, std::move(a), std::move(b)); }
inline Expr Le(Expr a, Expr b) { return te::Binary(te::ExprKind::kLessEqual, std::move(a), std::move(b)); }
inline Expr Eq(Expr a, Expr b) { return te::Binary(te::ExprKind::kEqual, std::move(a), std::move(b)); }
inline Expr Ne(Expr a, Expr b) { return te::Binary(te::ExprKind::kNotEqual, std::move(a), std::move(b)); }
inline Expr And(Expr a, Expr b) { return te::Binary(te::ExprKind::kAnd, std::move(a), std::move(b)); }
inline Expr Or(Expr a, Expr b) { return te::Binary(te::ExprKind::kOr, std::move(a), std::move(b)); }
inline Expr Not(Expr a) { return te::Unary(te::ExprKind::kNot, std::move(a)); }

/// Variables 0, 1, … are i, j, k, l, m, n; buffers 0, 1, … are A, B, C, D.
inline std::string Text(const Expr& e) {
  te::ExprNames names;
  names.var = [](int id) { return std::string(1, static_cast<char>('i' + id)); };
  names.tensor = [](int id) { return std::string(1, static_cast<char>('A' + id)); };
  return te::ToString(e, names);
}

}  // namespace tunesmith::ir::testing
