// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <limits>
#include <utility>

#include "ir/algebra.h"

namespace tunesmith::ir {

using te::DType;

void Ranges::Set(int var, Interval range) {
  size_t index = static_cast<size_t>(var);
  if (index >= ranges_.size()) ranges_.resize(index + 1);
  ranges_[index] = range;
}

void Ranges::Erase(int var) {
  if (static_cast<size_t>(var) < ranges_.size()) ranges_[static_cast<size_t>(var)].reset();
}

std::optional<Interval> Ranges::Get(int var) const {
  if (static_cast<size_t>(var) >= ranges_.size()) return std::nullopt;
  return ranges_[static_cast<size_t>(var)];
}

size_t Ranges::Assume(const Expr& condition) {
  size_t mark = facts_.size();
  Algebra algebra(this);
  std::vector<Expr> conjuncts;
  Flatten(ExprKind::kAnd, condition, &conjuncts);
  for (const Expr& a : conjuncts) {
    AssumeConjuncts(algebra.Simplified(a), &algebra);
    algebra.Reset();
  }
  return mark;
}

size_t Ranges::AssumeSimplified(const Expr& condition) {
  size_t mark = facts_.size();
  Algebra algebra(this);
  AssumeConjuncts(condition, &algebra);
  return mark;
}

size_t Ranges::AssumeNonNegative(const Linear& form) {
  size_t mark = facts_.size();
  Algebra algebra(this);
  AddNonNegative(form, &algebra);
  return mark;
}

void Ranges::AssumeConjuncts(const Expr& condition, Algebra* algebra) {
  const auto& args = condition->args;
  bool of_indices = !args.empty() && args[0]->type == DType::kI64;
  switch (condition->kind) {
    case ExprKind::kInt:
      return;  // holds anyway; or this place is never reached, and needs no fact
    case ExprKind::kAnd:
      for (const Expr& a : args) AssumeConjuncts(a, algebra);
      return;
    case ExprKind::kNot: {
      Expr negated = Negation(args[0]);
      if (negated->kind == ExprKind::kNot) break;
      AssumeConjuncts(negated, algebra);
      return;
    }
    case ExprKind::kLess:
    case ExprKind::kLessEqual:
    case ExprKind::kEqual: {
      if (!of_indices) break;
      Linear a = algebra->Normal(args[0]), b = algebra->Normal(args[1]);
      auto room = algebra->Difference(b, a);
      if (!room) break;
      if (condition->kind == ExprKind::kLess && __builtin_sub_overflow(room->constant, 1, &room->constant)) {
        break;
      }
      AddNonNegative(*room, algebra);
      if (condition->kind == ExprKind::kEqual) {
        if (auto excess = algebra->Difference(a, b)) AddNonNegative(*excess, algebra);
      }
      return;
    }
    case ExprKind::kNotEqual: {
      facts_.push_back({Linear(), condition});
      if (!of_indices) return;
      // May cut a value off the end of a range.
      auto d = algebra->Difference(algebra->Normal(args[0]), algebra->Normal(args[1]));
      if (!d || d->terms.size() != 1 || d->terms[0].atom != nullptr) return;
      auto range = Get(d->terms[0].var);
      if (!range || range->low >= range->high) return;
      auto excluded = [&](int64_t value) {
        return static_cast<__int128>(d->terms[0].coefficient) * value + d->constant == 0;
      };
      if (excluded(range->low)) {
        Narrow(d->terms[0].var, {range->low + 1, range->high});
      } else if (excluded(range->high)) {
        Narrow(d->terms[0].var, {range->low, range->high - 1});
      }
      return;
    }
    default:
      break;
  }
  facts_.push_back({Linear(), condition});
}

void Ranges::AddNonNegative(const Linear& form, Algebra* algebra) {
  if (form.is_constant()) return;
  for (size_t n = 0; n < form.terms.size(); ++n) {
    const Term& t = form.terms[n];
    if (t.atom == nullptr || (t.atom->kind != ExprKind::kMin && t.atom->kind != ExprKind::kMax)) continue;
    Linear sides[2];
    bool usable = true;
    for (size_t m = 0; m < 2; ++m) {
      Linear side = algebra->Normal(t.atom->args[m]);
      usable &=
          algebra->BoundsOf(side).Fits() && Combine(Without(form, n), 1, side, t.coefficient, &sides[m]);
    }
    if (!usable) continue;
    if ((t.coefficient > 0) == (t.atom->kind == ExprKind::kMin)) {
      // min(a, b) - x >= 0 says two things.
      AddNonNegative(sides[0], algebra);
      AddNonNegative(sides[1], algebra);
      return;
    }
    // max(a, b) - x >= 0 speaks of a where b - x is negative.
    for (size_t m = 0; m < 2; ++m) {
      Linear negative;
      if (!Combine(Linear::Constant(-1), 1, sides[m], -1, &negative) || !algebra->NonNegative(negative))
        continue;
      AddNonNegative(sides[1 - m], algebra);
      return;
    }
  }
  facts_.push_back({form, nullptr});
  // The box shrinks: each variable is bounded by the most that the others can contribute.
  Box whole = algebra->BoundsOf(form);
  if (!whole.finite) return;
  for (const Term& t : form.terms) {
    if (t.atom != nullptr) continue;
    auto range = Get(t.var);
    if (!range) continue;
    __int128 own = static_cast<__int128>(t.coefficient) * (t.coefficient > 0 ? range->high : range->low);
    // whole.ranged is false if some variable has no range; then the others' contribution is not known.
    if (!whole.ranged) continue;
    __int128 others = whole.high - own;
    // coefficient * var >= -others
    Interval narrowed = *range;
    if (t.coefficient > 0) {
      __int128 low = -FloorDiv<__int128>(others, t.coefficient);
      if (low > narrowed.low) narrowed.low = static_cast<int64_t>(std::min<__int128>(low, narrowed.high));
    } else {
      __int128 high = FloorDiv<__int128>(others, -static_cast<__int128>(t.coefficient));
      if (high < narrowed.high) narrowed.high = static_cast<int64_t>(std::max<__int128>(high, narrowed.low));
    }
    if (narrowed.low != range->low || narrowed.high != range->high) {
      Narrow(t.var, narrowed);
      algebra->Reset();
    }
  }
}

void Ranges::Narrow(int var, Interval range) {
  narrowings_.push_back({facts_.size(), var, *Get(var)});
  Set(var, range);
}

void Ranges::Forget(size_t mark) {
  // A narrowing is recorded after its fact has been added.
  while (!narrowings_.empty() && narrowings_.back().facts > mark) {
    Set(narrowings_.back().var, narrowings_.back().before);
    narrowings_.pop_back();
  }
  facts_.resize(std::min(mark, facts_.size()));
}

std::optional<Interval> Ranges::Bounds(const Expr& e) const {
  if (!te::IsInteger(e->type)) return std::nullopt;
  Ranges scratch = *this;
  Algebra algebra(&scratch);
  Box box = e->type == DType::kI64 ? algebra.BoundsOf(algebra.Normal(e)) : algebra.BoundsOf(e);
  if (!box.Known() || !box.Fits()) return std::nullopt;
  return Interval{static_cast<int64_t>(box.low), static_cast<int64_t>(box.high)};
}

std::optional<bool> Ranges::Prove(const Expr& condition) const {
  Ranges scratch = *this;
  Expr simplified = Algebra(&scratch).Simplified(condition);
  if (simplified->kind != ExprKind::kInt) return std::nullopt;
  return simplified->integer != 0;
}

}  // namespace tunesmith::ir
