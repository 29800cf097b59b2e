// SPDX-License-Identifier: Apache-2.0
// The laws of the simplifier, for random expressions, ranges and facts.
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "tests/ir/random_expressions.h"

namespace tunesmith::ir::testing {
namespace {

bool InRanges(const RandomCase& c, const std::vector<int64_t>& values) {
  for (size_t v = 0; v < values.size(); ++v) {
    if (values[v] < c.ranges[v].low || values[v] > c.ranges[v].high) return false;
  }
  return true;
}

TEST(SimplifyProperty, KeepsTheValue) {
  ExpectForAll(15000, [](Choices choices) -> std::string {
    RandomCase c(std::move(choices));
    int64_t kind = c.random.Between(0, 3);
    Expr e = kind == 0   ? c.Integer(4)
             : kind == 1 ? c.Condition(3)
             : kind == 2 ? c.IndexLike()
                         : Lt(c.IndexLike(), c.IndexLike());
    Expr simplified = Simplify(e, c.AsRanges());
    for (int n = 0; n < 20; ++n) {
      std::vector<int64_t> values = c.Values();
      if (ValueOf(e, values) != ValueOf(simplified, values)) return Text(e) + " became " + Text(simplified);
    }
    return "";
  });
}

TEST(SimplifyProperty, SimplifyingTwiceChangesNothing) {
  ExpectForAll(5000, [](Choices choices) -> std::string {
    RandomCase c(std::move(choices));
    Expr e = c.random.Between(0, 1) == 0 ? c.Integer(3) : c.Condition(2);
    Expr once = Simplify(e, c.AsRanges()), twice = Simplify(once, c.AsRanges());
    for (int n = 0; n < 20; ++n) {
      std::vector<int64_t> values = c.Values();
      if (ValueOf(once, values) != ValueOf(twice, values)) return Text(once) + " became " + Text(twice);
    }
    return "";
  });
}

TEST(SimplifyProperty, BoundsContainEveryValue) {
  ExpectForAll(15000, [](Choices choices) -> std::string {
    RandomCase c(std::move(choices));
    Expr e = c.Integer(4);
    auto bounds = c.AsRanges().Bounds(e);
    for (int n = 0; bounds && n < 20; ++n) {
      int64_t value = ValueOf(e, c.Values());
      if (value < bounds->low || value > bounds->high) {
        return Text(e) + " can be " + std::to_string(value) + ", outside " + std::to_string(bounds->low) +
               " … " + std::to_string(bounds->high);
      }
    }
    return "";
  });
}

TEST(SimplifyProperty, ProofsAreNeverWrong) {
  ExpectForAll(15000, [](Choices choices) -> std::string {
    RandomCase c(std::move(choices));
    Ranges ranges = c.AsRanges();
    Expr fact = c.Condition(2), other = c.Condition(1), goal = c.Condition(1);
    ranges.Assume(fact);
    ranges.Assume(other);
    auto proven = ranges.Prove(goal);
    Expr simplified = Simplify(goal, ranges);
    for (int n = 0; n < 40; ++n) {
      std::vector<int64_t> values = c.Values();
      if (ValueOf(fact, values) == 0 || ValueOf(other, values) == 0) continue;
      int64_t value = ValueOf(goal, values);
      if (proven && *proven != (value != 0))
        return Text(fact) + " and " + Text(other) + " do not decide " + Text(goal);
      if (ValueOf(simplified, values) != value) {
        return Text(goal) + " became " + Text(simplified) + " under " + Text(fact) + " and " + Text(other);
      }
    }
    return "";
  });
}

/// Calls `visit` for every value of three variables.
template <class F>
void ForEachValue(const RandomCase& c, F visit) {
  std::vector<int64_t> v(3);
  for (v[0] = c.ranges[0].low; v[0] <= c.ranges[0].high; ++v[0]) {
    for (v[1] = c.ranges[1].low; v[1] <= c.ranges[1].high; ++v[1]) {
      for (v[2] = c.ranges[2].low; v[2] <= c.ranges[2].high; ++v[2]) visit(v);
    }
  }
}

/// A wrong step in a proof is off by little: so what is proven is what is false by one.
TEST(SimplifyProperty, NothingIsProvenBeyondWhatIsReached) {
  ExpectForAll(15000, [](Choices choices) -> std::string {
    RandomCase c(std::move(choices), 3);
    for (Interval& r : c.ranges) r.high = r.low + (r.high - r.low) % 7;
    Ranges ranges = c.AsRanges();
    bool affine = c.random.Between(0, 3) > 0;
    Expr fact = affine ? Lt(c.AffineSum(), Int(0)) : c.Condition(2);
    Expr other = affine ? Le(c.AffineSum(), Int(0)) : c.Condition(1);
    Expr e = affine ? c.IndexLike() : c.Integer(3);
    int64_t least = std::numeric_limits<int64_t>::max(), most = std::numeric_limits<int64_t>::min();
    ForEachValue(c, [&](const std::vector<int64_t>& v) {
      if (ValueOf(fact, v) == 0 || ValueOf(other, v) == 0) return;
      least = std::min(least, ValueOf(e, v));
      most = std::max(most, ValueOf(e, v));
    });
    if (least > most) return "";
    ranges.Assume(fact);
    ranges.Assume(other);
    std::string where = Text(e) + " under " + Text(fact) + " and " + Text(other);
    if (ranges.Prove(Lt(e, Int(most))) == true) return where + " is at most " + std::to_string(most);
    if (ranges.Prove(Lt(Int(least), e)) == true) return where + " is at least " + std::to_string(least);
    if (ranges.Prove(Ne(e, Int(most))) == true) return where + " can be " + std::to_string(most);
    if (ranges.Prove(Le(e, Int(most))) == false) return where + " is at most " + std::to_string(most);
    return "";
  });
}

TEST(SimplifyProperty, FactsNarrowNoValueAway) {
  ExpectForAll(50000, [](Choices choices) -> std::string {
    RandomCase c(std::move(choices));
    Ranges ranges = c.AsRanges();
    Expr fact = c.Condition(2);
    size_t mark = ranges.Assume(fact);
    RandomCase narrowed = c;
    for (size_t v = 0; v < c.ranges.size(); ++v) narrowed.ranges[v] = *ranges.Get(static_cast<int>(v));
    for (int n = 0; n < 40; ++n) {
      std::vector<int64_t> values = c.Values();
      if (ValueOf(fact, values) != 0 && !InRanges(narrowed, values)) return Text(fact) + " narrows too far";
    }
    ranges.Forget(mark);
    for (size_t v = 0; v < c.ranges.size(); ++v) {
      auto range = ranges.Get(static_cast<int>(v));
      if (range->low != c.ranges[v].low || range->high != c.ranges[v].high)
        return Text(fact) + " is not forgotten";
    }
    return "";
  });
}

TEST(SimplifyProperty, HoldsNearTheEndsOfTheType) {
  ExpectForAll(5000, [](Choices choices) -> std::string {
    RandomCase c(std::move(choices), 3);
    for (Interval& r : c.ranges) {
      if (c.random.Between(0, 1) == 0) continue;
      int64_t high = std::numeric_limits<int64_t>::max() >> c.random.Between(0, 6);
      r = c.random.Between(0, 1) == 0 ? Interval{high - 5, high} : Interval{-high - 1, -high + 5};
    }
    Expr e = c.Integer(2), condition = c.Condition(1);
    Ranges ranges = c.AsRanges();
    Expr simple = Simplify(e, ranges), decided = Simplify(condition, ranges);
    for (int n = 0; n < 20; ++n) {
      std::vector<int64_t> values = c.Values();
      if (ValueOf(e, values) != ValueOf(simple, values)) return Text(e) + " became " + Text(simple);
      if (ValueOf(condition, values) != ValueOf(decided, values))
        return Text(condition) + " became " + Text(decided);
    }
    return "";
  });
}

TEST(LinearForms, SpellWhatTheyBecome) {
  ExpectForAll(3000, [](Choices choices) -> std::string {
    Linear form;
    for (int v = 0; v < 4; ++v) {
      AddInPlace(&form, Linear::Variable(v), choices.Between(-3, 3));
      if (choices.Between(0, 3) == 0)
        AddInPlace(&form, Linear::Atom(Min(Var(v), Int(5))), choices.Between(-2, 2));
    }
    form.constant = choices.Between(-5, 5);
    Expr e = ToExpr(form);
    if (!Spells(e, form)) return Text(e) + " is not recognised";
    Linear other = form;
    AddInPlace(&other, choices.Between(0, 1) == 0 ? Linear::Variable(2) : Linear::Constant(1), 1);
    if (Spells(e, other)) return Text(e) + " is taken for " + Text(ToExpr(other));
    std::vector<int64_t> values = {3, -7, 11, 2};
    int64_t sum = form.constant;
    for (const Term& t : form.terms) {
      sum += t.coefficient * ValueOf(t.atom != nullptr ? t.atom : Var(t.var), values);
    }
    return ValueOf(e, values) == sum ? "" : Text(e) + " is another sum";
  });
}

/// Of affine sums under tiling, everything must be resolved: this is what lowering relies on.
TEST(SimplifyProperty, TilesAreAlwaysUndone) {
  ExpectForAll(500, [](Choices choices) -> std::string {
    int64_t inner = choices.Between(1, 64), middle = choices.Between(1, 16), outer = choices.Between(1, 16);
    Ranges ranges;
    ranges.Set(0, {0, outer - 1});
    ranges.Set(1, {0, middle - 1});
    ranges.Set(2, {0, inner - 1});
    Expr index = Var(0) * Int(middle * inner) + Var(1) * Int(inner) + Var(2);
    Expr back = Div(index, inner) * Int(inner) + Mod(index, inner) - index;
    if (Text(Simplify(back, ranges)) != "0") return Text(Simplify(back, ranges));
    Expr tile = Div(index, middle * inner) - Var(0), row = Mod(Div(index, inner), middle) - Var(1);
    if (Text(Simplify(tile, ranges)) != "0") return Text(Simplify(tile, ranges));
    if (Text(Simplify(row, ranges)) != "0") return Text(Simplify(row, ranges));
    return "";
  });
}

}  // namespace
}  // namespace tunesmith::ir::testing
