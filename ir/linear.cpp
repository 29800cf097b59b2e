// SPDX-License-Identifier: Apache-2.0
#include "ir/linear.h"

#include <cstring>
#include <utility>

namespace tunesmith::ir {
namespace {

using te::Expr;
using te::ExprKind;
using te::ExprNode;

int64_t WrappingAdd(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
}
int64_t WrappingMultiply(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) * static_cast<uint64_t>(b));
}

template <class T>
int Order(T a, T b) {
  return a < b ? -1 : (b < a ? 1 : 0);
}

int CompareNodes(const Expr& a, const Expr& b, int* budget) {
  if (a == b) return 0;
  if (a == nullptr || b == nullptr) return Order(a != nullptr, b != nullptr);
  if (--*budget < 0) return Order<const ExprNode*>(a.get(), b.get());
  if (int c = Order(a->kind, b->kind)) return c;
  if (int c = Order(a->type, b->type)) return c;
  if (int c = Order(a->id, b->id)) return c;
  if (int c = Order(a->integer, b->integer)) return c;
  if (int c = std::memcmp(&a->number, &b->number, sizeof(double))) return c;
  if (int c = Order(a->function, b->function)) return c;
  if (int c = Order(a->rounding, b->rounding)) return c;
  if (int c = Order(a->guarded, b->guarded)) return c;
  if (int c = Order(a->args.size(), b->args.size())) return c;
  for (size_t n = 0; n < a->args.size(); ++n) {
    if (int c = CompareNodes(a->args[n], b->args[n], budget)) return c;
  }
  return 0;
}

/// The sum of a*p and b*q, with `add` and `multiply` for the arithmetic.
template <class Add, class Multiply>
Linear Merge(const Linear& a, int64_t p, const Linear& b, int64_t q, Add add, Multiply multiply) {
  Linear sum;
  sum.constant = add(multiply(a.constant, p), multiply(b.constant, q));
  auto push = [&](const Term& t, int64_t coefficient) {
    if (coefficient != 0) sum.terms.push_back({t.var, coefficient, t.atom});
  };
  size_t i = 0, j = 0;
  while (i < a.terms.size() || j < b.terms.size()) {
    int order = i == a.terms.size() ? 1 : j == b.terms.size() ? -1 : CompareAtoms(a.terms[i], b.terms[j]);
    if (order < 0) {
      push(a.terms[i], multiply(a.terms[i].coefficient, p));
      ++i;
    } else if (order > 0) {
      push(b.terms[j], multiply(b.terms[j].coefficient, q));
      ++j;
    } else {
      push(a.terms[i], add(multiply(a.terms[i].coefficient, p), multiply(b.terms[j].coefficient, q)));
      ++i, ++j;
    }
  }
  return sum;
}

}  // namespace

Linear Linear::Constant(int64_t value) {
  Linear form;
  form.constant = value;
  return form;
}

Linear Linear::Variable(int var) {
  Linear form;
  form.terms.push_back({var, 1, nullptr});
  return form;
}

Linear Linear::Atom(Expr atom) {
  Linear form;
  form.terms.push_back({Term::kOpaque, 1, std::move(atom)});
  return form;
}

const ExprNode* Linear::OnlyAtom() const {
  return terms.size() == 1 && constant == 0 && terms[0].coefficient == 1 ? terms[0].atom.get() : nullptr;
}

int Compare(const Expr& a, const Expr& b) {
  int budget = 1000;
  return CompareNodes(a, b, &budget);
}

int CompareAtoms(const Term& a, const Term& b) {
  if (a.var != b.var) return a.var < b.var ? -1 : 1;
  return a.var == Term::kOpaque ? Compare(a.atom, b.atom) : 0;
}

Linear AddScaled(const Linear& a, const Linear& b, int64_t factor) {
  return Merge(a, 1, b, factor, WrappingAdd, WrappingMultiply);
}

bool Combine(const Linear& a, int64_t p, const Linear& b, int64_t q, Linear* sum) {
  bool overflow = false;
  auto add = [&](int64_t x, int64_t y) {
    int64_t result = 0;
    overflow |= __builtin_add_overflow(x, y, &result);
    return result;
  };
  auto multiply = [&](int64_t x, int64_t y) {
    int64_t result = 0;
    overflow |= __builtin_mul_overflow(x, y, &result);
    return result;
  };
  *sum = Merge(a, p, b, q, add, multiply);
  return !overflow;
}

Linear Without(const Linear& a, size_t term) {
  Linear rest = a;
  rest.terms.erase(rest.terms.begin() + static_cast<ptrdiff_t>(term));
  return rest;
}

Expr ToExpr(const Linear& a) {
  Expr sum;
  auto multiple = [](const Term& t, int64_t factor) {
    Expr atom = t.var == Term::kOpaque ? t.atom : te::Var(t.var);
    return factor == 1 ? atom : te::Binary(ExprKind::kMul, std::move(atom), te::Int(factor));
  };
  for (const Term& t : a.terms) {
    if (t.coefficient <= 0) continue;
    Expr term = multiple(t, t.coefficient);
    sum = sum == nullptr ? term : te::Binary(ExprKind::kAdd, std::move(sum), std::move(term));
  }
  bool constant_used = a.constant == 0;
  if (sum == nullptr && a.constant > 0) {
    sum = te::Int(a.constant);
    constant_used = true;
  }
  for (const Term& t : a.terms) {
    if (t.coefficient >= 0) continue;
    if (sum == nullptr) {
      sum = t.coefficient == -1 ? te::Unary(ExprKind::kNeg, multiple(t, 1)) : multiple(t, t.coefficient);
    } else if (t.coefficient == std::numeric_limits<int64_t>::min()) {
      sum = te::Binary(ExprKind::kAdd, std::move(sum), multiple(t, t.coefficient));
    } else {
      sum = te::Binary(ExprKind::kSub, std::move(sum), multiple(t, -t.coefficient));
    }
  }
  if (sum == nullptr) return te::Int(a.constant);
  if (constant_used) return sum;
  if (a.constant < 0 && a.constant != std::numeric_limits<int64_t>::min()) {
    return te::Binary(ExprKind::kSub, std::move(sum), te::Int(-a.constant));
  }
  return te::Binary(ExprKind::kAdd, std::move(sum), te::Int(a.constant));
}

}  // namespace tunesmith::ir
