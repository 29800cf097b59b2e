// SPDX-License-Identifier: Apache-2.0
#include "te/affine.h"

namespace tunesmith::te {

void AddScaled(Affine* sum, const Affine& a, int64_t factor) {
  if (factor == 0) return;
  sum->constant += a.constant * factor;
  size_t at = 0;
  for (const auto& [var, coefficient] : a.terms) {
    while (at < sum->terms.size() && sum->terms[at].first < var) ++at;
    if (at == sum->terms.size() || sum->terms[at].first != var) {
      sum->terms.insert(sum->terms.begin() + static_cast<int64_t>(at), {var, coefficient * factor});
    } else if ((sum->terms[at].second += coefficient * factor) == 0) {
      sum->terms.erase(sum->terms.begin() + static_cast<int64_t>(at));
    }
  }
}

Affine operator+(const Affine& a, const Affine& b) {
  Affine sum = a;
  AddScaled(&sum, b, 1);
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

namespace {

/// Adds the expression times `factor` to `sum`; false if it is not affine.
bool Collect(const Expr& e, int64_t factor, const Affine* values, Affine* sum) {
  if (e->type != DType::kI64) return false;
  switch (e->kind) {
    case ExprKind::kInt:
      sum->constant += e->integer * factor;
      return true;
    case ExprKind::kVar:
      AddScaled(sum, values ? values[e->id] : Affine{{{e->id, 1}}, 0}, factor);
      return true;
    case ExprKind::kNeg:
      return Collect(e->args[0], -factor, values, sum);
    case ExprKind::kAdd:
    case ExprKind::kSub:
      return Collect(e->args[0], factor, values, sum) &&
             Collect(e->args[1], e->kind == ExprKind::kAdd ? factor : -factor, values, sum);
    case ExprKind::kMul: {
      auto a = ToAffine(e->args[0]), b = ToAffine(e->args[1]);
      if (!a || !b) return false;
      if (a->terms.empty()) return Collect(e->args[1], factor * a->constant, values, sum);
      return b->terms.empty() && Collect(e->args[0], factor * b->constant, values, sum);
    }
    default:
      return false;
  }
}

}  // namespace

std::optional<Affine> ToAffine(const Expr& e) {
  std::optional<Affine> sum(std::in_place);
  if (!Collect(e, 1, nullptr, &*sum)) sum.reset();
  return sum;
}

std::optional<Affine> ToAffine(const Expr& e, std::span<const Affine> values) {
  std::optional<Affine> sum(std::in_place);
  if (!Collect(e, 1, values.data(), &*sum)) sum.reset();
  return sum;
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
