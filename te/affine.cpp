// SPDX-License-Identifier: Apache-2.0
#include "te/affine.h"

namespace tunesmith::te {

int64_t Affine::CoefficientOf(int var) const {
  for (const auto& [v, c] : terms) {
    if (v == var) return c;
  }
  return 0;
}

Affine operator+(const Affine& a, const Affine& b) {
  Affine sum;
  sum.constant = a.constant + b.constant;
  auto i = a.terms.begin(), j = b.terms.begin();
  while (i != a.terms.end() || j != b.terms.end()) {
    if (j == b.terms.end() || (i != a.terms.end() && i->first < j->first)) {
      sum.terms.push_back(*i++);
    } else if (i == a.terms.end() || j->first < i->first) {
      sum.terms.push_back(*j++);
    } else {
      int64_t c = i->second + j->second;
      if (c != 0) sum.terms.emplace_back(i->first, c);
      ++i, ++j;
    }
  }
  return sum;
}

Affine operator*(const Affine& a, int64_t factor) {
  Affine product;
  if (factor == 0) return product;
  product = a;
  product.constant *= factor;
  for (auto& term : product.terms) term.second *= factor;
  return product;
}

Affine Substitute(const Affine& a, int var, const Affine& value) {
  Affine rest;
  rest.constant = a.constant;
  int64_t factor = 0;
  for (const auto& term : a.terms) {
    if (term.first == var) {
      factor = term.second;
    } else {
      rest.terms.push_back(term);
    }
  }
  return factor == 0 ? rest : rest + value * factor;
}

std::optional<Affine> ToAffine(const Expr& e) {
  if (e->type != DType::kI64) return std::nullopt;
  switch (e->kind) {
    case ExprKind::kInt: {
      Affine a;
      a.constant = e->integer;
      return a;
    }
    case ExprKind::kVar: {
      Affine a;
      a.terms.emplace_back(e->id, 1);
      return a;
    }
    case ExprKind::kNeg: {
      auto a = ToAffine(e->args[0]);
      if (!a) return std::nullopt;
      return *a * -1;
    }
    case ExprKind::kAdd:
    case ExprKind::kSub: {
      auto a = ToAffine(e->args[0]), b = ToAffine(e->args[1]);
      if (!a || !b) return std::nullopt;
      return *a + *b * (e->kind == ExprKind::kAdd ? 1 : -1);
    }
    case ExprKind::kMul: {
      auto a = ToAffine(e->args[0]), b = ToAffine(e->args[1]);
      if (!a || !b) return std::nullopt;
      if (a->terms.empty()) return *b * a->constant;
      if (b->terms.empty()) return *a * b->constant;
      return std::nullopt;
    }
    default:
      return std::nullopt;
  }
}

Expr ToExpr(const Affine& a) {
  Expr sum;
  for (const auto& [var, coefficient] : a.terms) {
    Expr term = coefficient == 1 ? Var(var) : Var(var) * Int(coefficient);
    sum = sum ? sum + term : term;
  }
  if (!sum) return Int(a.constant);
  return a.constant == 0 ? sum : sum + Int(a.constant);
}

}  // namespace tunesmith::te
