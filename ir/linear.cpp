// SPDX-License-Identifier: Apache-2.0
#include "ir/linear.h"

#include <cstring>
#include <utility>

#include "te/scalar.h"

namespace tunesmith::ir {
namespace {

using te::Expr;
using te::ExprKind;
using te::ExprNode;

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
  return Merge(a, 1, b, factor, te::WrappingAdd, te::WrappingMul);
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

void AddInPlace(Linear* a, const Term& term, int64_t factor) {
  int64_t coefficient = te::WrappingMul(term.coefficient, factor);
  size_t at = a->terms.size();
  for (; at > 0; --at) {  // what is added usually comes in order
    int order = CompareAtoms(a->terms[at - 1], term);
    if (order < 0) break;
    if (order > 0) continue;
    int64_t& sum = a->terms[at - 1].coefficient;
    sum = te::WrappingAdd(sum, coefficient);
    if (sum == 0) a->terms.erase(a->terms.begin() + static_cast<ptrdiff_t>(at - 1));
    return;
  }
  if (coefficient == 0) return;
  a->terms.insert(a->terms.begin() + static_cast<ptrdiff_t>(at), Term{term.var, coefficient, term.atom});
}

void AddInPlace(Linear* a, const Linear& b, int64_t factor) {
  a->constant = te::WrappingAdd(a->constant, te::WrappingMul(b.constant, factor));
  for (const Term& t : b.terms) AddInPlace(a, t, factor);
}

namespace {

/// What ToExpr adds up, in order: a multiple of a term, or, if `term` is null, a constant. Magnitudes are
/// positive but for the first piece and the lowest integer; `subtracted` says how a piece is joined.
struct Piece {
  const Term* term;
  int64_t factor;
  bool subtracted;
};

absl::InlinedVector<Piece, 8> PiecesOf(const Linear& a) {
  constexpr int64_t kLowest = std::numeric_limits<int64_t>::min();
  absl::InlinedVector<Piece, 8> pieces;
  auto subtract = [&](const Term* term, int64_t factor) {
    if (pieces.empty() || factor == kLowest) {
      pieces.push_back({term, factor, false});
    } else {
      pieces.push_back({term, -factor, true});
    }
  };
  for (const Term& t : a.terms) {
    if (t.coefficient > 0) pieces.push_back({&t, t.coefficient, false});
  }
  bool constant_first = pieces.empty() && a.constant > 0;
  if (constant_first) pieces.push_back({nullptr, a.constant, false});
  for (const Term& t : a.terms) {
    if (t.coefficient < 0) subtract(&t, t.coefficient);
  }
  if (constant_first || (a.constant == 0 && !pieces.empty())) return pieces;
  if (a.constant < 0) {
    subtract(nullptr, a.constant);
  } else {
    pieces.push_back({nullptr, a.constant, false});
  }
  return pieces;
}

Expr ExprOf(const Piece& p) {
  if (p.term == nullptr) return te::Int(p.factor);
  Expr atom = p.term->atom != nullptr ? p.term->atom : te::Var(p.term->var);
  if (p.factor == -1) return te::Unary(ExprKind::kNeg, std::move(atom));
  return p.factor == 1 ? atom : te::Binary(ExprKind::kMul, std::move(atom), te::Int(p.factor));
}

bool Spells(const Expr& e, const Piece& p) {
  if (p.term == nullptr) return te::IsConstant(e, p.factor) && e->type == te::DType::kI64;
  const Expr* atom = &e;
  if (p.factor == -1) {
    if (e->kind != ExprKind::kNeg) return false;
    atom = &e->args[0];
  } else if (p.factor != 1) {
    if (e->kind != ExprKind::kMul || !te::IsConstant(e->args[1], p.factor)) return false;
    atom = &e->args[0];
  }
  if (p.term->atom != nullptr) return Compare(*atom, p.term->atom) == 0;
  return (*atom)->kind == ExprKind::kVar && (*atom)->id == p.term->var;
}

}  // namespace

Expr ToExpr(const Linear& a) {
  auto pieces = PiecesOf(a);
  Expr sum = ExprOf(pieces[0]);
  for (size_t n = 1; n < pieces.size(); ++n) {
    sum =
        te::Binary(pieces[n].subtracted ? ExprKind::kSub : ExprKind::kAdd, std::move(sum), ExprOf(pieces[n]));
  }
  return sum;
}

bool Spells(const Expr& e, const Linear& a) {
  auto pieces = PiecesOf(a);
  const Expr* rest = &e;
  for (size_t n = pieces.size(); n-- > 1;) {
    if ((*rest)->kind != (pieces[n].subtracted ? ExprKind::kSub : ExprKind::kAdd) ||
        !Spells((*rest)->args[1], pieces[n])) {
      return false;
    }
    rest = &(*rest)->args[0];
  }
  return Spells(*rest, pieces[0]);
}

}  // namespace tunesmith::ir
