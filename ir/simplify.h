// SPDX-License-Identifier: Apache-2.0
// Algebra on integer expressions whose variables have known ranges: the one place that proves that a guard
// always holds, that an index stays inside, or that (8*i + j) / 8 is i.
#pragma once

#include <optional>
#include <vector>

#include "ir/ir.h"
#include "ir/linear.h"
#include "te/affine.h"

namespace tunesmith::ir {

/// All values v with low <= v <= high. Empty if low > high.
struct Interval {
  int64_t low = 0;
  int64_t high = 0;
};

using te::Affine;
using te::ToAffine;
using te::ToExpr;

class Algebra;

/// The ranges of the variables in scope, and facts known to hold (from enclosing conditions).
/// A variable without a range is taken to be a loop variable of some kind: below 2^47 in magnitude.
class Ranges {
 public:
  /// Narrows variable `var` (not negative) to the interval. Later calls for one variable replace earlier
  /// ones.
  void Set(int var, Interval range);
  void Erase(int var);
  std::optional<Interval> Get(int var) const;
  /// Assumes a bool expression (and its conjuncts) to hold until `Forget` is called with the returned mark.
  /// Ranges of its variables are narrowed where it implies so. Marks are forgotten in reverse order.
  size_t Assume(const Expr& condition);
  /// The same for a condition that has been simplified in this state.
  size_t AssumeSimplified(const Expr& condition);
  /// The same for form >= 0, whose mathematical value is that of the program: its bounds fit in i64.
  size_t AssumeNonNegative(const Linear& form);
  void Forget(size_t mark);

  /// Bounds of an integer expression; nothing if a variable has no range, or if the value might not fit its
  /// type. Affine parts are exact over the box.
  std::optional<Interval> Bounds(const Expr& e) const;
  /// True or false if the condition has one value for all values of its variables; nothing otherwise.
  std::optional<bool> Prove(const Expr& condition) const;

  /// What `Assume` has taken in: `nonnegative` is at least 0, or, if `opaque` is not null, that holds.
  struct Fact {
    Linear nonnegative;
    Expr opaque;
  };
  const std::vector<Fact>& facts() const { return facts_; }

 private:
  void AssumeConjuncts(const Expr& condition, Algebra* algebra);
  void AddNonNegative(const Linear& form, Algebra* algebra);
  void Narrow(int var, Interval range);

  struct Narrowing {
    size_t facts;  // how many facts there were
    int var;
    Interval before;
  };
  std::vector<std::optional<Interval>> ranges_;  // by variable
  std::vector<Fact> facts_;
  std::vector<Narrowing> narrowings_;
};

/// An equal expression with constants folded, affine sums collected in a canonical order, divisions and
/// remainders resolved where the ranges allow it, and conditions that are proven replaced by constants.
Expr Simplify(const Expr& e, const Ranges& ranges);
/// The same for all expressions of a statement. `if`s with a known condition and loops without iterations
/// disappear, loops of one iteration are replaced by their body, and a loop of constant extent (not of lanes
/// or bound threads) leaves out iterations at its ends in which the conditions inside let nothing happen.
Stmt Simplify(const Stmt& statement, const Ranges& ranges);

/// Divides each loop in `partitioned` (loop variables) into the iterations in which the guards and conditions
/// inside that depend on it are known to hold (or known not to, if that is so in more iterations), and the
/// boundary iterations before and after; see Halide's loop partitioning (Ragan-Kelley et al., PLDI 2013,
/// section 4.4). Conditions that involve variables of loops outside it are left alone, as are loops of lanes
/// and loops whose bounds are not constant.
/// A serial or unrolled loop becomes up to three loops (of one iteration: none). A parallel or bound loop
/// stays one loop, so that its iterations are still shared out together, and its body becomes a choice by the
/// variable's value. Copies of a loop get variables of their own, appended to function->variables under the
/// same name. The whole function is simplified.
void Partition(Function* function, const std::vector<int>& partitioned);

}  // namespace tunesmith::ir
