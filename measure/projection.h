// SPDX-License-Identifier: Apache-2.0
// Freivalds' test for whatever is linear in an operand: matrix products, batched ones, convolutions without
// an epilogue.
#pragma once

#include <cstdint>
#include <optional>

#include "measure/expectation.h"

namespace tunesmith::measure {

/// The stages that compute  S[rows…] = sum(k…) A[…] * V[…]  with  V[…] = sum(j) B[…, j, …] * R[j],  all in
/// f64, for a graph that computes  C[rows…, j] = sum(k…) A[…] * B[…, j, …].  R is the last parameter, S the
/// only output. Nothing if the graph is not of this form, its accumulation may wrap, or evaluating it costs
/// more than `evaluations`.
std::optional<te::Graph> ProjectedGraph(const te::Graph& graph, int64_t evaluations);

/// What rows sum to under seeded random signs. The bounds are those of a row of elements each as uncertain as
/// the most uncertain one among `expected.elements`, twice. Nothing if there is no such test. Errors: the
/// interpreter's.
Result<std::optional<Projection>> Project(const te::Graph& graph, const std::vector<te::Value>& inputs,
                                          const ExpectedOutput& expected, int64_t evaluations, uint64_t seed);

}  // namespace tunesmith::measure
