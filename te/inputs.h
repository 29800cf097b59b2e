// SPDX-License-Identifier: Apache-2.0
// Inputs for checking and timing kernels: bit-identical on every machine, whatever part is generated where.
// An element is a function of the kind, the seed, the parameter's position and the element's flat index, in
// integer arithmetic up to one exact scaling and one rounding to the type.
#pragma once

#include <cstdint>
#include <vector>

#include "te/graph.h"
#include "te/tolerance.h"
#include "te/value.h"

namespace tunesmith::te {

enum class InputKind : uint8_t {
  kUniform,     // floating: in [-1, 1], steps of 2^-23, rounded to the type; integers: the type's whole range
  kLarge,       // floating: uniform times 2^40 (f16: 2^8); integers: lowest and highest values alone
  kTiny,        // floating: uniform times 2^-70 (f16: 2^-14), so that products underflow; integers: -1, 0, 1
  kCancelling,  // floating: magnitudes near 1 or near 4096 and random signs, so that sums lose most of their
                // digits; integers: one magnitude, random signs
  kModerate,    // floating: magnitudes from 8 to 16 and random signs: sums of products are in the hundreds,
              // beyond what exp may be given, and yet known to a few digits; integers: as kCancelling
  kEqual,  // one value everywhere, so that all roundings of a sum go one way; integers: the highest
};

inline constexpr InputKind kHostileInputs[] = {InputKind::kLarge, InputKind::kTiny, InputKind::kCancelling,
                                               InputKind::kModerate, InputKind::kEqual};

/// The assumption about rounding errors that holds for such inputs.
ErrorModel ErrorModelFor(InputKind kind);

/// The element of a parameter; integers as they are, floating values in `number`.
struct InputElement {
  double number = 0;
  int64_t integer = 0;
};
InputElement GenerateElement(InputKind kind, uint64_t seed, int position, DType dtype, int64_t index);

/// All of one parameter, the position-th, or of all parameters in order.
Value GenerateInput(InputKind kind, uint64_t seed, int position, const Tensor& tensor);
std::vector<Value> GenerateInputs(InputKind kind, uint64_t seed, const Graph& graph);

}  // namespace tunesmith::te
