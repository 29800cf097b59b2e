// SPDX-License-Identifier: Apache-2.0
// Normal forms: sums are collected, floor divisions and remainders resolved where bounds allow it.
#include <algorithm>
#include <numeric>
#include <utility>

#include "ir/algebra.h"
#include "te/scalar.h"

namespace tunesmith::ir {

using te::DType;
using te::ExprNode;

Linear Algebra::Normal(const Expr& e) {
  switch (e->kind) {
    case ExprKind::kInt:
      return Linear::Constant(e->integer);
    case ExprKind::kVar:
      return Variable(*e);
    case ExprKind::kAdd:
    case ExprKind::kSub:
    case ExprKind::kNeg:
    case ExprKind::kMul:
      if (e.use_count() == 1) return NormalUncached(e);  // met once: not worth remembering
      break;
    default:
      break;
  }
  if (auto found = memory_->normal.find(e.get()); found != memory_->normal.end()) return found->second.second;
  Linear form = NormalUncached(e);
  // What has not changed stays the same node, so that whatever contains it may stay, too.
  if (form.OnlyAtom() != nullptr && Compare(form.terms[0].atom, e) == 0) form.terms[0].atom = e;
  memory_->normal.emplace(e.get(), std::make_pair(e, form));
  return form;
}

Linear Algebra::Variable(const ExprNode& e) {
  size_t var = static_cast<size_t>(e.id);
  if (replacements_ != nullptr && var < replacements_->size() && (*replacements_)[var]) {
    return *(*replacements_)[var];
  }
  auto range = ranges_->Get(e.id);
  if (range && range->low == range->high) return Linear::Constant(range->low);
  return Linear::Variable(e.id);
}

/// *sum += e * factor
void Algebra::Accumulate(const Expr& e, int64_t factor, Linear* sum) {
  const auto& args = e->args;
  bool shared = e.use_count() > 1;
  switch (e->kind) {
    case ExprKind::kInt:
      sum->constant = te::WrappingAdd(sum->constant, te::WrappingMul(e->integer, factor));
      return;
    case ExprKind::kAdd:
    case ExprKind::kSub:
      if (shared) break;
      Accumulate(args[0], factor, sum);
      Accumulate(args[1], e->kind == ExprKind::kAdd ? factor : te::WrappingSub(0, factor), sum);
      return;
    case ExprKind::kNeg:
      if (shared) break;
      Accumulate(args[0], te::WrappingSub(0, factor), sum);
      return;
    case ExprKind::kMul:
      if (shared || args[1]->kind != ExprKind::kInt) break;
      Accumulate(args[0], te::WrappingMul(args[1]->integer, factor), sum);
      return;
    default:
      break;
  }
  AddInPlace(sum, Normal(e), factor);
}

Linear Algebra::NormalUncached(const Expr& e) {
  const auto& args = e->args;
  switch (e->kind) {
    case ExprKind::kNeg:
    case ExprKind::kAdd:
    case ExprKind::kSub: {
      Linear sum;
      int64_t sign = e->kind == ExprKind::kAdd ? 1 : -1;
      Accumulate(args[0], e->kind == ExprKind::kNeg ? -1 : 1, &sum);
      if (args.size() > 1) Accumulate(args[1], sign, &sum);
      return JoinRemainders(std::move(sum));
    }
    case ExprKind::kMul:
      if (args[1]->kind == ExprKind::kInt) {
        Linear product;
        Accumulate(args[0], args[1]->integer, &product);
        return product;
      }
      return Product(Normal(args[0]), Normal(args[1]));
    case ExprKind::kDiv:
      return Quotient(Normal(args[0]), Normal(args[1]));
    case ExprKind::kMod:
      return Remainder(Normal(args[0]), Normal(args[1]));
    case ExprKind::kMin:
    case ExprKind::kMax:
      return Extreme(e->kind, Normal(args[0]), Normal(args[1]));
    case ExprKind::kSelect: {
      Expr condition = Simplified(args[0]);
      if (condition->kind == ExprKind::kInt) return Normal(args[condition->integer != 0 ? 1 : 2]);
      Linear yes = Normal(args[1]), no = Normal(args[2]);
      if (AddScaled(yes, no, -1).Is(0)) return yes;
      return Opaque(te::Select(std::move(condition), ToExpr(yes), ToExpr(no)));
    }
    case ExprKind::kCast: {
      // i64(i32(x)) is x where x is known to fit.
      const Expr& a = args[0];
      if (a->kind == ExprKind::kCast && te::IsInteger(a->type) && a->args[0]->type == DType::kI64) {
        Linear inner = Normal(a->args[0]);
        Box box = BoundsOf(inner);
        if (box.Known() && box.Within(te::LowestInteger(a->type), te::HighestInteger(a->type))) return inner;
      }
      if (a->type == DType::kI64) return Normal(a);
      return Opaque(te::Cast(DType::kI64, Simplified(a), e->rounding));
    }
    case ExprKind::kRead:
      return Opaque(ReadOf(e));
    default:
      return Opaque(Rebuilt(e));
  }
}

Linear Algebra::Opaque(Expr e) {
  switch (e->kind) {  // the constructors may have folded it
    case ExprKind::kInt:
      return Linear::Constant(e->integer);
    case ExprKind::kVar:
      return Linear::Variable(e->id);
    case ExprKind::kAdd:
    case ExprKind::kSub:
    case ExprKind::kNeg:
      return Normal(e);
    default:
      return Linear::Atom(std::move(e));
  }
}

Linear Algebra::Product(const Linear& a, const Linear& b) {
  if (a.is_constant()) return AddScaled(Linear(), b, a.constant);
  if (b.is_constant()) return AddScaled(Linear(), a, b.constant);
  Expr x = ToExpr(a), y = ToExpr(b);
  if (Compare(y, x) < 0) std::swap(x, y);
  return Opaque(te::Binary(ExprKind::kMul, std::move(x), std::move(y)));
}

std::optional<int64_t> Algebra::OnlyQuotient(const Linear& form, int64_t divisor) {
  Box box = BoundsOf(form);
  if (!box.Known() || !box.Fits()) return std::nullopt;
  __int128 low = FloorDiv<__int128>(box.low, divisor);
  if (low == FloorDiv<__int128>(box.high, divisor)) return static_cast<int64_t>(low);
  // The box forgets how variables hang together; the facts may know.
  if (ranges_->facts().empty() || box.low < 0 || box.low >= divisor) return std::nullopt;
  Linear room;
  if (Combine(Linear::Constant(divisor - 1), 1, form, -1, &room) && NonNegative(room)) return 0;
  return std::nullopt;
}

std::optional<Algebra::Parts> Algebra::DivideOut(const Linear& form, int64_t divisor) {
  absl::InlinedVector<int64_t, 4> factors;
  for (const Term& t : form.terms) {
    if (t.coefficient == std::numeric_limits<int64_t>::min()) continue;
    int64_t factor = std::gcd(t.coefficient, divisor);
    if (factor > 1 && std::find(factors.begin(), factors.end(), factor) == factors.end()) {
      factors.push_back(factor);
    }
  }
  std::sort(factors.begin(), factors.end(), std::greater<>());
  for (int64_t factor : factors) {
    Parts parts;
    parts.factor = factor;
    for (const Term& t : form.terms) {
      if (t.coefficient % factor == 0) {
        parts.multiple.terms.push_back({t.var, t.coefficient / factor, t.atom});
      } else {
        parts.rest.terms.push_back(t);
      }
    }
    parts.multiple.constant = FloorDiv(form.constant, factor);
    parts.rest.constant = FloorMod(form.constant, factor);
    if (auto quotient = OnlyQuotient(parts.rest, factor)) {
      parts.multiple.constant += *quotient;
      parts.rest.constant -= *quotient * factor;
      return parts;
    }
  }
  return std::nullopt;
}

Linear Algebra::Quotient(const Linear& a, const Linear& b) {
  if (b.is_constant()) {
    if (b.constant > 0) return QuotientBy(a, b.constant);
    if (b.constant == 0) return Linear();
  }
  return Opaque(te::Binary(ExprKind::kDiv, ToExpr(a), ToExpr(b)));
}

Linear Algebra::QuotientBy(const Linear& a, int64_t divisor) {
  if (divisor == 1) return a;
  auto opaque = [&](const Linear& form) {
    return Opaque(te::Binary(ExprKind::kDiv, ToExpr(form), te::Int(divisor)));
  };
  if (a.is_constant()) return Linear::Constant(FloorDiv(a.constant, divisor));
  if (!BoundsOf(a).Fits()) return opaque(a);
  Linear quotient, rest;
  for (const Term& t : a.terms) {
    if (t.coefficient % divisor == 0) {
      quotient.terms.push_back({t.var, t.coefficient / divisor, t.atom});
    } else {
      rest.terms.push_back(t);
    }
  }
  quotient.constant = FloorDiv(a.constant, divisor);
  rest.constant = FloorMod(a.constant, divisor);
  if (auto only = OnlyQuotient(rest, divisor)) {
    return AddScaled(quotient, Linear::Constant(*only), 1);
  }
  if (!BoundsOf(rest).Fits()) return opaque(a);
  if (auto parts = DivideOut(rest, divisor)) {
    if (BoundsOf(parts->multiple).Fits()) {
      return AddScaled(quotient, QuotientBy(parts->multiple, divisor / parts->factor), 1);
    }
  }
  // (x/d + k) / c  is  (x + k*d) / (d*c)
  if (rest.terms.size() == 1 && rest.terms[0].coefficient == 1 && rest.terms[0].atom != nullptr) {
    const ExprNode& inner = *rest.terms[0].atom;
    int64_t product = 0;
    if (inner.kind == ExprKind::kDiv && inner.args[1]->kind == ExprKind::kInt && inner.args[1]->integer > 0 &&
        !__builtin_mul_overflow(inner.args[1]->integer, divisor, &product)) {
      Linear x = Normal(inner.args[0]), sum;
      if (BoundsOf(x).Fits() &&
          Combine(x, 1, Linear::Constant(rest.constant), inner.args[1]->integer, &sum) &&
          BoundsOf(sum).Fits()) {
        return AddScaled(quotient, QuotientBy(sum, product), 1);
      }
    }
  }
  return AddScaled(quotient, opaque(rest), 1);
}

Linear Algebra::Remainder(const Linear& a, const Linear& b) {
  if (b.is_constant()) {
    if (b.constant > 0) return RemainderBy(a, b.constant);
    if (b.constant == 0) return a;
  }
  return Opaque(te::Binary(ExprKind::kMod, ToExpr(a), ToExpr(b)));
}

Linear Algebra::RemainderBy(const Linear& a, int64_t divisor) {
  if (divisor == 1) return Linear();
  auto opaque = [&](const Linear& form) {
    return Opaque(te::Binary(ExprKind::kMod, ToExpr(form), te::Int(divisor)));
  };
  if (a.is_constant()) return Linear::Constant(FloorMod(a.constant, divisor));
  if (!BoundsOf(a).Fits()) return opaque(a);
  Linear rest;
  for (const Term& t : a.terms) {
    if (t.coefficient % divisor != 0) rest.terms.push_back(t);
  }
  rest.constant = FloorMod(a.constant, divisor);
  if (auto only = OnlyQuotient(rest, divisor)) {
    return AddScaled(rest, Linear::Constant(*only), -divisor);
  }
  if (!BoundsOf(rest).Fits()) return opaque(a);
  if (auto parts = DivideOut(rest, divisor)) {
    if (BoundsOf(parts->multiple).Fits()) {
      Linear inner = RemainderBy(parts->multiple, divisor / parts->factor);
      return JoinRemainders(AddScaled(parts->rest, inner, parts->factor));
    }
  }
  // (k * (x % m)) % c  is  (k*x) % c  where c divides k*m
  for (size_t n = 0; n < rest.terms.size(); ++n) {
    const Term& t = rest.terms[n];
    if (t.atom == nullptr || t.atom->kind != ExprKind::kMod || t.atom->args[1]->kind != ExprKind::kInt) {
      continue;
    }
    int64_t period = 0;
    if (t.atom->args[1]->integer <= 0 ||
        __builtin_mul_overflow(t.coefficient, t.atom->args[1]->integer, &period) || period % divisor != 0) {
      continue;
    }
    Linear x = Normal(t.atom->args[0]), sum;
    if (BoundsOf(x).Fits() && Combine(Without(rest, n), 1, x, t.coefficient, &sum) && BoundsOf(sum).Fits()) {
      return RemainderBy(sum, divisor);
    }
  }
  return opaque(rest);
}

/// k*c*(x / c) + k*(x % c)  is  k*x
Linear Algebra::JoinRemainders(Linear form) {
  size_t first = form.terms.size();
  while (first > 0 && form.terms[first - 1].atom != nullptr) --first;
  if (form.terms.size() - first < 2) return form;
  for (size_t m = first; m < form.terms.size(); ++m) {
    const Term& remainder = form.terms[m];
    if (remainder.atom->kind != ExprKind::kMod) continue;
    const Expr& divisor = remainder.atom->args[1];
    if (divisor->kind != ExprKind::kInt || divisor->integer <= 0) continue;
    for (size_t d = first; d < form.terms.size(); ++d) {
      const Term& quotient = form.terms[d];
      int64_t expected = 0;
      if (quotient.atom->kind != ExprKind::kDiv ||
          __builtin_mul_overflow(remainder.coefficient, divisor->integer, &expected) ||
          quotient.coefficient != expected || Compare(quotient.atom->args[1], divisor) != 0 ||
          Compare(quotient.atom->args[0], remainder.atom->args[0]) != 0) {
        continue;
      }
      Linear x = Normal(remainder.atom->args[0]);
      int64_t coefficient = remainder.coefficient;
      Linear others = Without(Without(form, std::max(m, d)), std::min(m, d));
      return JoinRemainders(AddScaled(others, x, coefficient));
    }
  }
  return form;
}

Linear Algebra::Extreme(ExprKind kind, const Linear& a, const Linear& b) {
  bool min = kind == ExprKind::kMin;
  if (AtMost(a, b)) return min ? a : b;
  if (AtMost(b, a)) return min ? b : a;
  if (a.is_constant() && b.is_constant()) {
    return Linear::Constant(min ? std::min(a.constant, b.constant) : std::max(a.constant, b.constant));
  }
  Expr x = ToExpr(a), y = ToExpr(b);
  // A constant stands last; otherwise the order is that of the structure.
  if (a.is_constant() || (!b.is_constant() && Compare(y, x) < 0)) std::swap(x, y);
  if (y->kind == ExprKind::kInt && x->kind == kind && x->args[1]->kind == ExprKind::kInt) {
    int64_t c = x->args[1]->integer;
    y = te::Int(min ? std::min(c, y->integer) : std::max(c, y->integer));
    x = x->args[0];
  }
  return Opaque(te::Binary(kind, std::move(x), std::move(y)));
}

}  // namespace tunesmith::ir
