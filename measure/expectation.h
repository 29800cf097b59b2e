// SPDX-License-Identifier: Apache-2.0
// What a kernel of one workload must compute, prepared once (measure/check.h) and compared with every
// candidate's outputs.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "te/dtype.h"
#include "te/graph.h"
#include "te/tolerance.h"
#include "te/value.h"

namespace tunesmith::measure {

/// Freivalds' test of an output that is linear in its last dimension, taken as a matrix: the sum over j of
/// C[row, j] * weights[j] is `sums[row]` up to `bounds[row]`. It sees every element, in time that is linear
/// in their number. (R. Freivalds, "Probabilistic machines can use less running time", IFIP 1977. With
/// weights of +1 and -1 one wrong element always shows if its error exceeds the bound.)
struct Projection {
  std::vector<double> weights;
  std::vector<double> sums;
  std::vector<double> bounds;
};

struct Interface;

/// What is known about one output for one set of inputs.
struct ExpectedOutput {
  std::vector<uint64_t> indices;       // flat, in ascending order
  std::vector<te::Expected> elements;  // one an index
  std::optional<Projection> projection;
  /// True if every element of the output is expected.
  bool IsWhole(const Interface& tensor) const;
};

struct InputSet {
  std::string name;                   // "uniform", "hostile": for messages
  std::vector<te::Value> parameters;  // in declared order
  std::vector<ExpectedOutput> outputs;
};

/// A parameter or an output of the workload.
struct Interface {
  std::string name;
  te::DType dtype = te::DType::kF32;
  std::vector<int64_t> shape;
  te::Role role = te::Role::kInput;
  int64_t elements() const;
  int64_t bytes() const { return elements() * te::SizeOf(dtype); }
};

struct Expectation {
  std::vector<Interface> parameters;  // in declared order
  std::vector<Interface> outputs;
  std::vector<InputSet> sets;  // at least one; the first is what kernels are timed on
};

/// "C[3, 17]": an element by its flat index.
std::string ElementName(const Interface& tensor, uint64_t index);

/// Compares the elements at `expected.indices`, one after the other in `data`. Nothing if all are accepted;
/// else the first wrong one: "C[3, 17] is 0.5, but must be 0.25 ± 3e-07".
/// Bounds are taken `tolerance_factor` times.
std::optional<std::string> CompareElements(const Interface& tensor, const ExpectedOutput& expected,
                                           const std::vector<uint8_t>& data, double tolerance_factor);

/// Compares the projection of a whole output. `data` holds all its elements.
std::optional<std::string> CompareProjection(const Interface& tensor, const Projection& projection,
                                             const std::vector<uint8_t>& data, double tolerance_factor);

}  // namespace tunesmith::measure
