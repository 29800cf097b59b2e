// SPDX-License-Identifier: Apache-2.0
#include "ir/verify_races.h"

#include <algorithm>
#include <cstdlib>

#include "te/scalar.h"

namespace tunesmith::ir {
namespace {

/// Whether the expression is made of these variables and constants alone.
bool MadeOf(const Expr& e, const std::vector<bool>& variables) {
  if (e->kind == ExprKind::kRead) return false;
  if (e->kind == ExprKind::kVar) return variables[static_cast<size_t>(e->id)];
  return std::all_of(e->args.begin(), e->args.end(), [&](const Expr& a) { return MadeOf(a, variables); });
}

int64_t CoefficientOf(const Linear& form, const Term& of) {
  for (const Term& t : form.terms) {
    if (CompareAtoms(t, of) == 0) return t.coefficient;
  }
  return 0;
}

bool SameTerms(const Linear& a, const Linear& b) {
  return a.terms.size() == b.terms.size() &&
         std::equal(a.terms.begin(), a.terms.end(), b.terms.begin(), [](const Term& x, const Term& y) {
           return x.coefficient == y.coefficient && CompareAtoms(x, y) == 0;
         });
}

}  // namespace

bool DisjointIterations::IsFixed(const Term& t) const {
  return t.atom != nullptr ? MadeOf(t.atom, *outside_) : (*outside_)[static_cast<size_t>(t.var)];
}

/// The indices without what is the same in all iterations and accesses.
std::vector<Linear> DisjointIterations::Varying(const std::vector<const BufferAccess*>& accesses) const {
  std::vector<Linear> varying;
  Linear common;
  bool same = true;
  for (const BufferAccess* access : accesses) {
    Linear fixed, rest;
    rest.constant = access->index.constant;
    for (const Term& t : access->index.terms) (IsFixed(t) ? fixed : rest).terms.push_back(t);
    if (varying.empty()) common = fixed;
    same = same && SameTerms(common, fixed);
    varying.push_back(std::move(rest));
  }
  if (!same) {
    for (size_t n = 0; n < accesses.size(); ++n) varying[n] = accesses[n]->index;
  }
  return varying;
}

int64_t DisjointIterations::ValueAt(const Digit& digit, int64_t var) const {
  if (!digit.period) return var;
  return digit.quotient ? FloorDiv(var, *digit.period) : FloorMod(var, *digit.period);
}

bool DisjointIterations::Prove(const std::vector<const BufferAccess*>& accesses) const {
  if (range_.low >= range_.high) return true;
  // All of it may happen in one iteration only.
  auto first = Pinned(*accesses.front());
  if (first && std::all_of(accesses.begin(), accesses.end(),
                           [&](const BufferAccess* a) { return Pinned(*a) == first; })) {
    return true;
  }
  Digit whole;
  whole.term.var = var_;
  if (Determined(accesses, whole)) return true;
  // A fused loop: var / c and var % c together are var.
  for (const Term& t : accesses.front()->index.terms) {
    if (t.atom == nullptr || t.atom->kind != ExprKind::kDiv || t.atom->args[0]->kind != ExprKind::kVar ||
        t.atom->args[0]->id != var_ || t.atom->args[1]->kind != ExprKind::kInt ||
        t.atom->args[1]->integer <= 0) {
      continue;
    }
    Digit quotient, remainder;
    quotient.period = remainder.period = t.atom->args[1]->integer;
    quotient.quotient = true;
    quotient.term.atom = t.atom;
    remainder.term.atom = te::Binary(ExprKind::kMod, t.atom->args[0], t.atom->args[1]);
    if (Determined(accesses, quotient) && Determined(accesses, remainder)) return true;
  }
  return Enumerated(accesses);
}

/// Tries all values of all variables, if they are few: small tensors have tiles of every odd shape.
bool DisjointIterations::Enumerated(const std::vector<const BufferAccess*>& accesses) const {
  struct Touch {
    int64_t index, iteration;
    bool store;
  };
  constexpr size_t kMostTouches = 4096;
  std::vector<Touch> touches;
  std::vector<Linear> indices = Varying(accesses);
  for (size_t n = 0; n < accesses.size(); ++n) {
    const Ranges& ranges = accesses[n]->context->ranges;
    auto iterations = ranges.Get(var_);
    if (!iterations || iterations->high - iterations->low >= static_cast<int64_t>(kMostTouches)) return false;
    size_t first = touches.size();
    for (int64_t v = iterations->low; v <= iterations->high; ++v) {
      touches.push_back({indices[n].constant, v, accesses[n]->store});
    }
    for (const Term& t : indices[n].terms) {
      if (t.atom != nullptr) return false;
      if (t.var == var_) {
        for (size_t at = first; at < touches.size(); ++at) {
          touches[at].index =
              te::WrappingAdd(touches[at].index, te::WrappingMul(t.coefficient, touches[at].iteration));
        }
        continue;
      }
      auto range = ranges.Get(t.var);
      size_t last = touches.size();
      if (!range || range->high - range->low >= static_cast<int64_t>(kMostTouches)) return false;
      if ((last - first) * static_cast<size_t>(range->high - range->low + 1) > kMostTouches) return false;
      for (size_t at = first; at < last; ++at) {
        Touch touch = touches[at];
        touches[at].index = te::WrappingAdd(touch.index, te::WrappingMul(t.coefficient, range->low));
        for (int64_t v = range->low + 1; v <= range->high; ++v) {
          touches.push_back({te::WrappingAdd(touch.index, te::WrappingMul(t.coefficient, v)), touch.iteration,
                             touch.store});
        }
      }
    }
    if (touches.size() > kMostTouches) return false;
  }
  std::sort(touches.begin(), touches.end(), [](const Touch& a, const Touch& b) { return a.index < b.index; });
  for (size_t begin = 0, end = 0; begin < touches.size(); begin = end) {
    bool store = false, apart = false;
    for (; end < touches.size() && touches[end].index == touches[begin].index; ++end) {
      store |= touches[end].store;
      apart |= touches[end].iteration != touches[begin].iteration;
    }
    if (store && apart) return false;
  }
  return true;
}

std::optional<int64_t> DisjointIterations::Pinned(const BufferAccess& access) const {
  std::optional<Interval> range = access.context->ranges.Get(var_);
  return range && range->low == range->high ? std::optional<int64_t>(range->low) : std::nullopt;
}

/// What the digit may be multiplied with: the coefficient that it has in some access; if it has a single
/// value in every access, what tells their constants apart.
absl::InlinedVector<int64_t, 4> DisjointIterations::MultiplesOf(
    const Digit& digit, const std::vector<const BufferAccess*>& accesses,
    const std::vector<Linear>& indices) const {
  absl::InlinedVector<int64_t, 4> multiples;
  for (const Linear& index : indices) {
    int64_t c = CoefficientOf(index, digit.term);
    if (c == std::numeric_limits<int64_t>::min()) return {};
    if (c != 0) return {c};
  }
  auto first = Pinned(*accesses[0]);
  for (size_t n = 1; n < accesses.size() && first; ++n) {
    auto other = Pinned(*accesses[n]);
    if (!other) return {};
    int64_t steps = ValueAt(digit, *other) - ValueAt(digit, *first), distance = 0;
    if (steps == 0 || __builtin_sub_overflow(indices[n].constant, indices[0].constant, &distance)) continue;
    int64_t multiple = distance / steps;
    if (multiple != 0 && std::find(multiples.begin(), multiples.end(), multiple) == multiples.end()) {
      multiples.push_back(multiple);
    }
  }
  return multiples;
}

bool DisjointIterations::Determined(const std::vector<const BufferAccess*>& accesses,
                                    const Digit& digit) const {
  std::vector<Linear> indices = Varying(accesses);
  for (int64_t multiple : MultiplesOf(digit, accesses, indices)) {
    // 0 stands for no digit above.
    absl::InlinedVector<int64_t, 8> periods = {0};
    for (const Linear& index : indices) {
      for (const Term& t : index.terms) {
        if (t.coefficient == std::numeric_limits<int64_t>::min()) return false;
        int64_t period = std::abs(t.coefficient);
        if (period > std::abs(multiple) &&
            std::find(periods.begin(), periods.end(), period) == periods.end()) {
          periods.push_back(period);
        }
      }
    }
    std::sort(periods.begin() + 1, periods.end());
    for (int64_t period : periods) {
      std::optional<int64_t> offset;
      bool all = true;
      for (size_t n = 0; n < accesses.size() && all; ++n) {
        all = InWindows(*accesses[n], indices[n], digit, multiple, period, &offset);
      }
      if (all) return true;
    }
  }
  return false;
}

/// `offset` is by how many multiples the digit is shifted; it must be the same in all accesses.
bool DisjointIterations::InWindows(const BufferAccess& access, const Linear& index, const Digit& digit,
                                   int64_t multiple, int64_t period, std::optional<int64_t>* offset) const {
  Algebra& algebra = access.context->algebra;
  Linear digits, low;  // digits = multiple * digit + low
  digits.constant = period == 0 ? index.constant : FloorMod(index.constant, period);
  low.constant = digits.constant;
  int64_t found = 0;
  for (const Term& t : index.terms) {
    if (CompareAtoms(t, digit.term) == 0) {
      found = t.coefficient;
      digits.terms.push_back(t);
    } else if (period == 0 || t.coefficient % period != 0) {
      digits.terms.push_back(t);
      low.terms.push_back(t);
    }
  }
  Linear window;
  if (period != 0) {
    if (!algebra.NonNegative(digits) || !Combine(Linear::Constant(period - 1), 1, digits, -1, &window) ||
        !algebra.NonNegative(window)) {
      return false;
    }
  }
  if (found == 0) {
    // Here the loop's variable may have a single value, which the index then contains.
    auto pinned = Pinned(access);
    if (!pinned) return false;
    Linear value = Linear::Constant(ValueAt(digit, *pinned)), rest;
    if (!Combine(low, 1, value, -multiple, &rest)) return false;
    low = rest;
  } else if (found != multiple) {
    return false;
  }
  int64_t size = std::abs(multiple);
  Box box = algebra.BoundsOf(low);
  if (!box.Known() || !box.Fits()) return false;
  int64_t shift = FloorDiv(static_cast<int64_t>(box.low), size);
  if (*offset && **offset != shift) return false;
  *offset = shift;
  Linear above, below;
  return Combine(low, 1, Linear::Constant(shift), -size, &above) && algebra.NonNegative(above) &&
         Combine(Linear::Constant(size - 1), 1, above, -1, &below) && algebra.NonNegative(below);
}

}  // namespace tunesmith::ir
