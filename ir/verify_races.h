// SPDX-License-Identifier: Apache-2.0
// The verifier's rule `races`: what the accesses of a loop's iterations touch is disjoint where it must be.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "ir/algebra.h"

namespace tunesmith::ir {

/// What is known at one point of the program.
struct KnownRanges {
  explicit KnownRanges(const Ranges& r) : ranges(r), algebra(&ranges) {}
  Ranges ranges;
  Algebra algebra;
};

/// One access of a statement, at all values that its loops give.
struct BufferAccess {
  const StmtNode* statement = nullptr;
  int buffer = -1;
  bool store = false;
  bool reduces = false;  // part of `b[i] = combine(b[i], x)`
  Linear index;
  std::shared_ptr<KnownRanges> context;
};

/// Proves that no two iterations of a loop touch one element of a buffer, one of them storing.
///
/// Every index is looked at as a number whose digits are multiples of the variables: where
///   index = c*high + a*var + low,  0 <= a*var + low < c,  0 <= low < a   (the window)
/// holds in all accesses, the index determines var: different iterations touch different elements. What is
/// fixed for all iterations is left out of the index first. This covers every tiled layout with masked tails.
class DisjointIterations {
 public:
  /// `var` is the loop's variable; `outside` the variables of the loops around it.
  DisjointIterations(int var, Interval range, const std::vector<bool>* outside)
      : var_(var), range_(range), outside_(outside) {}

  /// True if proven for these accesses, all of one buffer.
  bool Prove(const std::vector<const BufferAccess*>& accesses) const;

 private:
  /// One digit of the loop's variable: itself, var / period or var % period.
  struct Digit {
    Term term;  // coefficient 1
    std::optional<int64_t> period;
    bool quotient = false;
  };
  bool Enumerated(const std::vector<const BufferAccess*>& accesses) const;
  bool Determined(const std::vector<const BufferAccess*>& accesses, const Digit& digit) const;
  /// The only iteration in which the access happens, if it is known to be one.
  std::optional<int64_t> Pinned(const BufferAccess& access) const;
  absl::InlinedVector<int64_t, 4> MultiplesOf(const Digit& digit,
                                              const std::vector<const BufferAccess*>& accesses,
                                              const std::vector<Linear>& indices) const;
  std::vector<Linear> Varying(const std::vector<const BufferAccess*>& accesses) const;
  bool IsFixed(const Term& t) const;
  int64_t ValueAt(const Digit& digit, int64_t var) const;
  bool InWindows(const BufferAccess& access, const Linear& index, const Digit& digit, int64_t multiple,
                 int64_t period, std::optional<int64_t>* offset) const;

  int var_;
  Interval range_;
  const std::vector<bool>* outside_;
};

}  // namespace tunesmith::ir
