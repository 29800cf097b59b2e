// SPDX-License-Identifier: Apache-2.0
// How far a correct kernel's element may be from the interpreter's. A bound is carried along with each value,
// from the inputs to the outputs (running error analysis: Wilkinson, "Error analysis revisited", 1986;
// Higham, "Accuracy and Stability of Numerical Algorithms", section 3.3); te/error_bounds.h has the rule of
// each operation. So it follows from the data, the length of reductions and the types, and a part of the
// output that is exact (a copy, a maximum of inputs, integers) has the bound 0.
#pragma once

#include <cstdint>
#include <string>

#include "te/dtype.h"
#include "te/graph.h"

namespace tunesmith::te {

/// How the rounding errors of a sum of n terms t_i, added in any order, are taken to add up; u is the unit
/// roundoff of the accumulator.
enum class ErrorModel : uint8_t {
  /// n u sum|t_i|: holds for any data and any order of summation (Higham, section 4.2).
  kWorstCase,
  /// 2 sqrt(n) u (|sum t_i| + 2 sqrt(sum t_i^2)), if that is less: rounding errors of independent random
  /// terms are independent, so they grow with sqrt(n) (Higham and Mary, "A new approach to probabilistic
  /// rounding error analysis", 2019), and partial sums in any order stay near the mean plus a random walk. A
  /// sequential sum's standard deviation is below a tenth of it. For inputs of InputKind::kUniform.
  kIndependent,
};

struct Tolerance {
  ErrorModel model = ErrorModel::kWorstCase;
  double factor = 1;  // the algorithm's, see Algorithm::tolerance_factor
};

/// For checks' reports: "rounding errors independent, times 4".
std::string ToString(const Tolerance& tolerance);

/// The model for the sum of a stage: terms that are the same data again, because no parameter is walked along
/// some reduced axis, are not independent, whatever the data.
ErrorModel ModelOf(const Graph& graph, const Stage& stage, ErrorModel of_data);

/// What the rounding errors of a sum may amount to, without those of its terms.
double SumErrorBound(ErrorModel model, DType accumulator, int64_t terms, double sum, double sum_of_magnitudes,
                     double sum_of_squares);

/// One element of an output, as the definition says.
struct Expected {
  double value = 0;     // rounded to the output's type; of an integer type: the integer, rounded to a double
  int64_t integer = 0;  // of an integer type or bool: exactly
  double bound = 0;     // |got - value| may be this; infinite where the definition itself may overflow
};

/// True if the element of this type at `address` is within the bound. NaN is expected exactly where the
/// definition gives NaN, and an infinity where it gives that infinity.
bool Accepts(const Expected& expected, DType dtype, const uint8_t* address);

/// "0.25 ± 3e-07"
std::string ToString(const Expected& expected, DType dtype);

}  // namespace tunesmith::te
