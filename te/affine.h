// SPDX-License-Identifier: Apache-2.0
// Affine forms of integer expressions: what footprints, guards and addresses are made of.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <utility>

#include "absl/container/inlined_vector.h"
#include "te/expr.h"

namespace tunesmith::te {

/// sum of coefficient * variable + constant; terms sorted by variable, no zero coefficient.
struct Affine {
  absl::InlinedVector<std::pair<int, int64_t>, 4> terms;
  int64_t constant = 0;

  int64_t CoefficientOf(int var) const {
    for (const auto& [v, c] : terms) {
      if (v == var) return c;
    }
    return 0;
  }
  bool operator==(const Affine&) const = default;
};

/// Adds `a` times `factor` to `sum`, which is another form.
void AddScaled(Affine* sum, const Affine& a, int64_t factor);
Affine operator+(const Affine& a, const Affine& b);
Affine operator*(const Affine& a, int64_t factor);

/// The form with `var` replaced by `value`.
Affine Substitute(const Affine& a, int var, const Affine& value);

/// The expression as an affine form of its variables; nothing if it divides, multiplies variables or reads
/// tensors.
std::optional<Affine> ToAffine(const Expr& e);
/// The same with each variable replaced by its value, `values[variable]`.
std::optional<Affine> ToAffine(const Expr& e, std::span<const Affine> values);
Expr ToExpr(const Affine& a);

}  // namespace tunesmith::te
