// SPDX-License-Identifier: Apache-2.0
// Integer expressions over the axes of a stage: their ranges, and an equal, simpler form of them.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "te/expr.h"
#include "te/graph.h"

namespace tunesmith::te {

/// All values v with low <= v <= high.
struct Interval {
  int64_t low = 0;
  int64_t high = 0;
};

/// The range of an integer or bool expression over 0 <= Var(n) < axes[n].extent: exact for affine forms, an
/// enclosure for the rest; nothing if it can't be told (it reads a tensor, overflows, or an axis that it uses
/// is empty).
std::optional<Interval> Bounds(const Expr& e, const std::vector<Axis>& axes);

/// An equal expression: affine parts of index arithmetic collected in the order of the axes, quotients and
/// remainders of such parts resolved where the ranges allow it ((4*i + j) / 4 is i if 0 <= j < 4), conditions
/// with one value over the ranges replaced by it, guards of reads that always hold dropped. `tensors` are
/// what the expression reads. Floating arithmetic is left as it is.
Expr Simplify(const Expr& e, const std::vector<Axis>& axes, const std::vector<Tensor>& tensors);

}  // namespace tunesmith::te
