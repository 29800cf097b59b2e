// SPDX-License-Identifier: Apache-2.0
// The engine behind ir/simplify.h: normal forms, bounds and proofs in one ranges' state, each shared node
// visited once. Sources: the rules for floor division are those of Granlund & Montgomery's identities for
// positive divisors; proofs eliminate variables with known inequalities as in Fourier-Motzkin, but only along
// the facts at hand and to a fixed depth.
#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "ir/linear.h"
#include "ir/simplify.h"

namespace tunesmith::ir {

using te::ExprKind;

/// Exact bounds of a mathematical value, which may be outside i64.
struct Box {
  __int128 low = 0;
  __int128 high = 0;
  bool finite = true;  // false: nothing is known
  bool ranged = true;  // false: rests on the assumption about variables without a range

  /// The value the program computes, wrapping, is the mathematical one.
  bool Fits() const;
  /// Bounds to conclude from.
  bool Known() const { return finite && ranged; }
  bool Within(__int128 low, __int128 high) const;
};

/// What variables are replaced by, indexed by variable; absent ones stand for themselves.
using Replacements = std::vector<std::optional<Linear>>;

class Algebra {
 public:
  /// `ranges` (which is changed for the time of a call only) and `replacements` (may be null) outlive this.
  /// Reset() after either has been changed.
  explicit Algebra(Ranges* ranges, const Replacements* replacements = nullptr)
      : ranges_(ranges), replacements_(replacements) {}
  Algebra(const Algebra&) = delete;
  Algebra& operator=(const Algebra&) = delete;
  void Reset();

  /// The normal form of an i64 expression.
  Linear Normal(const Expr& e);
  /// An equal expression; see ir/simplify.h.
  Expr Simplified(const Expr& e);
  Box BoundsOf(const Linear& form);
  /// Bounds of an expression of any integer type.
  Box BoundsOf(const Expr& e);
  /// True if the mathematical value is proven to be at least 0.
  bool NonNegative(const Linear& form);
  /// What `f` gives while the assumption, which has been simplified, holds.
  template <class F>
  auto Under(const Expr& assumption, F f) {
    size_t mark = ranges_->AssumeSimplified(assumption);
    Memories outside;
    std::swap(memories_, outside);
    auto result = f();
    std::swap(memories_, outside);
    ranges_->Forget(mark);
    return result;
  }
  /// True if the value of a is proven never to exceed that of b.
  bool AtMost(const Linear& a, const Linear& b);
  /// a - b, if neither wraps, nor does the difference.
  std::optional<Linear> Difference(const Linear& a, const Linear& b);

 private:
  // ---- normal.cpp
  Linear NormalUncached(const Expr& e);
  Linear Variable(const te::ExprNode& e);
  void Accumulate(const Expr& e, int64_t factor, Linear* sum);
  Linear Opaque(Expr e);
  Linear Product(const Linear& a, const Linear& b);
  Linear Quotient(const Linear& a, const Linear& b);
  Linear QuotientBy(const Linear& a, int64_t divisor);
  Linear Remainder(const Linear& a, const Linear& b);
  Linear RemainderBy(const Linear& a, int64_t divisor);
  Linear Extreme(ExprKind kind, const Linear& a, const Linear& b);
  Linear JoinRemainders(Linear form);
  /// If floor(form / divisor) has one value, that.
  std::optional<int64_t> OnlyQuotient(const Linear& form, int64_t divisor);
  /// Divides `form` into multiples of a common factor of the divisor and a part that does not matter.
  struct Parts {
    int64_t factor;   // divides the divisor, greater than 1
    Linear multiple;  // form = factor * multiple + rest, 0 <= rest < factor
    Linear rest;
  };
  std::optional<Parts> DivideOut(const Linear& form, int64_t divisor);

  // ---- prove.cpp
  bool Search(const Linear& form, int depth, bool with_facts);
  /// Cancels terms by up to `most` facts, each time by the one that helps most.
  bool FollowsFromFacts(Linear form, int most);
  /// p*form - q*fact + (p - 1) with p, q > 0 so that the term of the form is gone; nothing if the fact has no
  /// such term of the same sign. Where it is not negative, neither is the form, which is an integer. p is
  /// told in `scale`, if that is given.
  std::optional<Linear> Cancel(const Linear& form, const Term& term, const Linear& fact,
                               int64_t* scale = nullptr);
  bool SearchByAtoms(const Linear& form, int depth, bool with_facts);
  bool SearchByFacts(const Linear& form, int depth);
  Box BoundsOfAtom(const Expr& atom);
  Box BoundsOfAtomUncached(const Expr& atom);

  // ---- simplify_expr.cpp
  Expr SimplifiedUncached(const Expr& e);
  Expr Comparison(const Expr& e);
  Expr Junction(const Expr& e);
  Expr ReadOf(const Expr& e);
  Expr Rebuilt(const Expr& e);
  Expr ByFacts(Expr condition);

  /// Values under an assumption differ from those outside it, so they have memories of their own.
  struct Memory {
    // Keys are kept alive by the first of the pair, so that no address is reused.
    absl::flat_hash_map<const te::ExprNode*, std::pair<Expr, Linear>> normal;
    absl::flat_hash_map<const te::ExprNode*, std::pair<Expr, Expr>> simplified;
    absl::flat_hash_map<const te::ExprNode*, std::pair<Expr, Box>> boxes;
  };

  Ranges* ranges_;
  const Replacements* replacements_;
  // While the facts are searched for a proof, what is met on the way is proven without facts: a fact may
  // speak of the very expression that is being simplified. That gives weaker forms, with their own memory.
  struct Memories {
    Memory with_facts, without_facts;
  };
  Memories memories_;
  Memory* memory_ = &memories_.with_facts;
  int budget_ = 0;  // steps left of the proof at hand
};

/// True if the expression reads a buffer.
bool Reads(const Expr& e);
/// The negation of a bool, pushed into comparisons of integers and through `and` and `or`.
Expr Negation(const Expr& a);
/// Appends the operands of nested `kind`s (kAnd or kOr), or the expression itself.
void Flatten(ExprKind kind, const Expr& e, std::vector<Expr>* operands);

}  // namespace tunesmith::ir
