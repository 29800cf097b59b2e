// SPDX-License-Identifier: Apache-2.0
// Sums of integer multiples of variables and of other ("opaque") expressions: the normal form in which the
// simplifier reasons. Coefficients wrap modulo 2^64 as the arithmetic of the program does; what is concluded
// from a form's mathematical value is concluded only where its bounds show that nothing wraps.
#pragma once

#include <cstdint>
#include <limits>

#include "absl/container/inlined_vector.h"
#include "te/expr.h"

namespace tunesmith::ir {

/// coefficient * Var(var), or coefficient * atom where var is kOpaque.
struct Term {
  static constexpr int kOpaque = std::numeric_limits<int>::max();
  int var = kOpaque;
  int64_t coefficient = 1;
  te::Expr atom;  // null for a variable
};

/// The sum of the terms and the constant. Terms are sorted: variables by number, then opaque atoms by their
/// structure; no coefficient is 0 and no two terms are multiples of one thing.
struct Linear {
  absl::InlinedVector<Term, 4> terms;
  int64_t constant = 0;

  static Linear Constant(int64_t value);
  static Linear Variable(int var);
  static Linear Atom(te::Expr atom);

  bool is_constant() const { return terms.empty(); }
  bool Is(int64_t value) const { return terms.empty() && constant == value; }
  /// The opaque atom if the form is nothing but that; else null.
  const te::ExprNode* OnlyAtom() const;
};

/// A total order on expressions by structure; 0 means equal. Huge expressions that differ only deep inside,
/// or not at all, may be told apart by address instead, so that the cost stays bounded.
int Compare(const te::Expr& a, const te::Expr& b);
/// Orders terms by what they are multiples of.
int CompareAtoms(const Term& a, const Term& b);

/// a + b * factor, coefficients wrapping.
Linear AddScaled(const Linear& a, const Linear& b, int64_t factor);
/// a*p + b*q into *sum; false, and *sum unspecified, if a coefficient or the constant leaves i64.
bool Combine(const Linear& a, int64_t p, const Linear& b, int64_t q, Linear* sum);
/// The same sum without term number `term`.
Linear Without(const Linear& a, size_t term);

/// *a becomes *a + b * factor, coefficients wrapping.
void AddInPlace(Linear* a, const Linear& b, int64_t factor);
void AddInPlace(Linear* a, const Term& term, int64_t factor);

/// As an expression: positive multiples first, then what is subtracted, then the constant.
te::Expr ToExpr(const Linear& a);
/// True if ToExpr(a) would give an expression like `e`.
bool Spells(const te::Expr& e, const Linear& a);

/// Rounds towards minus infinity; the divisor is positive.
template <class T>
T FloorDiv(T a, T divisor) {
  T quotient = a / divisor;
  return a % divisor < 0 ? quotient - 1 : quotient;
}
template <class T>
T FloorMod(T a, T divisor) {
  T rest = a % divisor;
  return rest < 0 ? rest + divisor : rest;
}

}  // namespace tunesmith::ir
