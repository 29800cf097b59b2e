// SPDX-License-Identifier: Apache-2.0
// Bounds of normal forms, and the proof that one is never negative.
#include <algorithm>
#include <cstdlib>
#include <limits>
#include <numeric>
#include <utility>

#include "ir/algebra.h"

namespace tunesmith::ir {

using te::DType;
using te::ExprNode;

namespace {

constexpr __int128 kLowest = std::numeric_limits<int64_t>::min();
constexpr __int128 kHighest = std::numeric_limits<int64_t>::max();
constexpr int64_t kUnrangedMagnitude = int64_t{1} << 47;
// Beyond this a sum of boxes might leave 128 bits.
constexpr __int128 kTooLarge = __int128{1} << 96;
// A proof that needs more than these is given up: failing proofs are common and must stay cheap.
constexpr int kProofSteps = 96;
constexpr int kProofDepth = 4;

Box Unknown() {
  Box box;
  box.finite = false;
  return box;
}

Box Hull(const Box& a, const Box& b) {
  if (!a.finite || !b.finite) return Unknown();
  return {std::min(a.low, b.low), std::max(a.high, b.high), true, a.ranged && b.ranged};
}

__int128 Magnitude(const Box& a) {
  return std::max(a.high < 0 ? -a.high : a.high, a.low < 0 ? -a.low : a.low);
}

}  // namespace

bool Box::Fits() const { return finite && low >= kLowest && high <= kHighest; }
bool Box::Within(__int128 lowest, __int128 highest) const {
  return finite && low >= lowest && high <= highest;
}

Box Algebra::BoundsOf(const Linear& form) {
  Box sum;
  sum.low = sum.high = form.constant;
  for (const Term& t : form.terms) {
    Box box;
    if (t.atom != nullptr) {
      box = BoundsOfAtom(t.atom);
    } else if (auto range = ranges_->Get(t.var)) {
      box.low = range->low;
      box.high = range->high;
    } else {
      box.low = -kUnrangedMagnitude;
      box.high = kUnrangedMagnitude;
      box.ranged = false;
    }
    if (!box.finite) return box;
    __int128 low = box.low * t.coefficient, high = box.high * t.coefficient;
    if (t.coefficient < 0) std::swap(low, high);
    if (low < -kTooLarge || high > kTooLarge) return Unknown();
    sum.low += low;
    sum.high += high;
    sum.ranged &= box.ranged;
  }
  return sum;
}

Box Algebra::BoundsOf(const Expr& e) {
  if (e->type == DType::kI64) {
    // A value that might wrap can still be anything of its type.
    Box box = BoundsOf(Normal(e));
    return box.Fits() ? box : Box{kLowest, kHighest, true, true};
  }
  Box type{te::LowestInteger(e->type), te::HighestInteger(e->type), true, true};
  if (e->kind == ExprKind::kInt) return {e->integer, e->integer, true, true};
  if (e->kind == ExprKind::kCast && te::IsInteger(e->args[0]->type)) {
    Box box = BoundsOf(e->args[0]);
    if (box.Known() && box.Within(type.low, type.high)) return box;
  }
  return type;
}

Box Algebra::BoundsOfAtom(const Expr& atom) {
  if (auto found = memory_->boxes.find(atom.get()); found != memory_->boxes.end())
    return found->second.second;
  Box box = BoundsOfAtomUncached(atom);
  if (!box.Fits()) box = {kLowest, kHighest, true, box.ranged};
  memory_->boxes.emplace(atom.get(), std::make_pair(atom, box));
  return box;
}

Box Algebra::BoundsOfAtomUncached(const Expr& atom) {
  const auto& args = atom->args;
  switch (atom->kind) {
    case ExprKind::kMul: {
      Box a = BoundsOf(args[0]), b = BoundsOf(args[1]);
      __int128 corners[] = {a.low * b.low, a.low * b.high, a.high * b.low, a.high * b.high};
      return {*std::min_element(corners, corners + 4), *std::max_element(corners, corners + 4), true,
              a.ranged && b.ranged};
    }
    case ExprKind::kDiv: {
      Box a = BoundsOf(args[0]), b = BoundsOf(args[1]);
      if (b.low == b.high && b.low > 0) {
        return {FloorDiv<__int128>(a.low, b.low), FloorDiv<__int128>(a.high, b.low), true, a.ranged};
      }
      __int128 magnitude = Magnitude(a);  // |a / b| <= |a|, also where b is 0
      return {a.low >= 0 && b.low >= 0 ? 0 : -magnitude, magnitude, true, a.ranged && b.ranged};
    }
    case ExprKind::kMod: {
      Box a = BoundsOf(args[0]), b = BoundsOf(args[1]);
      if (b.low > 0) {
        return {0, a.low >= 0 ? std::min(b.high - 1, a.high) : b.high - 1, true, a.ranged && b.ranged};
      }
      Box result{std::min<__int128>(b.low + 1, 0), std::max<__int128>(b.high - 1, 0), true, b.ranged};
      return Hull(result, a);  // a % 0 is a
    }
    case ExprKind::kMin: {
      Box a = BoundsOf(args[0]), b = BoundsOf(args[1]);
      return {std::min(a.low, b.low), std::min(a.high, b.high), true, a.ranged && b.ranged};
    }
    case ExprKind::kMax: {
      Box a = BoundsOf(args[0]), b = BoundsOf(args[1]);
      return {std::max(a.low, b.low), std::max(a.high, b.high), true, a.ranged && b.ranged};
    }
    case ExprKind::kSelect:
      return Hull(BoundsOf(args[1]), BoundsOf(args[2]));
    case ExprKind::kCast:
      if (!te::IsFloat(args[0]->type)) return BoundsOf(args[0]);
      return Unknown();
    default:
      return Unknown();
  }
}

std::optional<Linear> Algebra::Difference(const Linear& a, const Linear& b) {
  Linear difference;
  if (!BoundsOf(a).Fits() || !BoundsOf(b).Fits() || !Combine(a, 1, b, -1, &difference)) return std::nullopt;
  return difference;
}

bool Algebra::AtMost(const Linear& a, const Linear& b) {
  if (a.is_constant() && b.is_constant()) return a.constant <= b.constant;
  auto difference = Difference(b, a);
  return difference && NonNegative(*difference);
}

bool Algebra::NonNegative(const Linear& form) {
  int outer = std::exchange(budget_, kProofSteps);
  bool proven = Search(form, 0, false);
  if (!proven && memory_ == &memories_.with_facts && !ranges_->facts().empty()) {
    memory_ = &memories_.without_facts;
    budget_ = kProofSteps;
    proven = Search(form, 0, true);
    memory_ = &memories_.with_facts;
  }
  budget_ = outer;
  return proven;
}

bool Algebra::Search(const Linear& form, int depth, bool with_facts) {
  Box box = BoundsOf(form);
  if (box.Known()) {
    if (box.low >= 0) return true;
    if (box.high < 0) return false;
  }
  if (depth == kProofDepth || --budget_ < 0) return false;
  // Most proofs by facts need one for each dimension, in no order: looked for first, they are not missed
  // because steps that lead nowhere use up the budget.
  constexpr int kLookAhead = 2, kMostFacts = 6;
  if (with_facts && depth < kLookAhead && FollowsFromFacts(form, depth == 0 ? kMostFacts : 1)) return true;
  return SearchByAtoms(form, depth, with_facts) || (with_facts && SearchByFacts(form, depth));
}

bool Algebra::FollowsFromFacts(Linear form, int most) {
  const Box box = BoundsOf(form);
  if (!box.finite) return false;
  double low = static_cast<double>(box.low);
  for (; most > 0; --most) {
    // The fact that raises the lower bound most. A form of which a multiple is looked at is that much larger.
    std::optional<Linear> best;
    for (const Ranges::Fact& fact : ranges_->facts()) {
      if (fact.opaque != nullptr) continue;
      for (const Term& t : form.terms) {
        int64_t scale = 1;
        std::optional<Linear> rest = Cancel(form, t, fact.nonnegative, &scale);
        if (!rest) continue;
        const Box after = BoundsOf(*rest);
        if (after.Known() && after.low >= 0) return true;
        if (!after.finite || static_cast<double>(after.low) / static_cast<double>(scale) <= low) continue;
        low = static_cast<double>(after.low) / static_cast<double>(scale);
        best = std::move(rest);
      }
    }
    if (!best) return false;
    form = *std::move(best);
    low = static_cast<double>(BoundsOf(form).low);
  }
  return false;
}

std::optional<Linear> Algebra::Cancel(const Linear& form, const Term& t, const Linear& fact, int64_t* scale) {
  if (t.coefficient == kLowest) return std::nullopt;
  for (const Term& f : fact.terms) {
    if ((f.coefficient > 0) != (t.coefficient > 0) || f.coefficient == kLowest || CompareAtoms(f, t) != 0)
      continue;
    const int64_t p = std::abs(f.coefficient), q = std::abs(t.coefficient);
    const int64_t common = std::gcd(p, q);
    if (scale != nullptr) *scale = p / common;
    Linear rest;
    if (Combine(form, p / common, fact, -(q / common), &rest) &&
        !__builtin_add_overflow(rest.constant, p / common - 1, &rest.constant))
      return rest;
    return std::nullopt;
  }
  return std::nullopt;
}

bool Algebra::SearchByAtoms(const Linear& form, int depth, bool with_facts) {
  for (size_t n = 0; n < form.terms.size(); ++n) {
    const Term& t = form.terms[n];
    if (t.atom == nullptr) continue;
    // Tries form*scale with `scale` times the atom replaced by something that makes it no larger. The form is
    // an integer: if scale times it is above -scale, it is not negative.
    auto with = [&](const Expr& replacement, int64_t scale, int64_t offset) {
      Linear r = Normal(replacement), sum;
      r.constant += offset;
      return BoundsOf(r).Fits() && Combine(Without(form, n), scale, r, t.coefficient, &sum) &&
             !__builtin_add_overflow(sum.constant, scale - 1, &sum.constant) &&
             Search(sum, depth + 1, with_facts);
    };
    const auto& args = t.atom->args;
    bool positive = t.coefficient > 0;
    switch (t.atom->kind) {
      case ExprKind::kMin:
      case ExprKind::kMax:
        if (positive == (t.atom->kind == ExprKind::kMin)) {
          if (with(args[0], 1, 0) && with(args[1], 1, 0)) return true;
        } else if (with(args[0], 1, 0) || with(args[1], 1, 0)) {
          return true;
        }
        break;
      case ExprKind::kSelect:
        if (with(args[1], 1, 0) && with(args[2], 1, 0)) return true;
        break;
      case ExprKind::kDiv:  // x - (c-1) <= c * (x / c) <= x
        if (args[1]->kind == ExprKind::kInt && args[1]->integer > 0) {
          int64_t c = args[1]->integer;
          if (with(args[0], c, positive ? 1 - c : 0)) return true;
        }
        break;
      case ExprKind::kMod:  // x % c <= x where 0 <= x
        if (!positive && args[1]->kind == ExprKind::kInt && args[1]->integer > 0) {
          Box x = BoundsOf(args[0]);
          if (x.Known() && x.low >= 0 && with(args[0], 1, 0)) return true;
        }
        break;
      default:
        break;
    }
  }
  return false;
}

bool Algebra::SearchByFacts(const Linear& form, int depth) {
  // First the term that pulls the form down furthest is cancelled, by facts of inner scopes first.
  struct Pull {
    __int128 size;
    size_t term;
  };
  absl::InlinedVector<Pull, 4> pulls;
  for (size_t n = 0; n < form.terms.size(); ++n) {
    if (form.terms[n].coefficient == kLowest) continue;
    Linear single;
    single.terms.push_back(form.terms[n]);
    Box box = BoundsOf(single);
    pulls.push_back({box.Known() ? box.high - box.low : kTooLarge, n});
  }
  std::stable_sort(pulls.begin(), pulls.end(), [](const Pull& a, const Pull& b) { return a.size > b.size; });
  const auto& facts = ranges_->facts();
  for (const Pull& pull : pulls) {
    const Term& t = form.terms[pull.term];
    for (size_t n = facts.size(); n-- > 0;) {
      if (facts[n].opaque != nullptr) continue;
      const std::optional<Linear> rest = Cancel(form, t, facts[n].nonnegative);
      if (rest && Search(*rest, depth + 1, true)) return true;
      if (budget_ < 0) return false;
    }
  }
  return false;
}

}  // namespace tunesmith::ir
