// SPDX-License-Identifier: Apache-2.0
// Compares what contenders of tune bench computed with the definition.
#pragma once

#include <vector>

#include "cli/replies.h"
#include "measure/expectation.h"
#include "te/graph.h"

namespace tunesmith::cli {

/// How far an element may be from the definition.
struct Allowance {
  double tolerance_factor = 1;  // times the bound that te/tolerance.h gives it
  double of_largest = 0;        // or, if that is more, this share of the output's largest one; not integers
};

class OutputCheck {
 public:
  /// The definition must outlive it.
  explicit OutputCheck(const te::Graph& definition) : definition_(definition) {}

  /// Chosen elements of every output (measure/check.h says which) against the definition on these inputs,
  /// which are the same at every call. The error is the first wrong element: "C[3, 17] is 0.5, but must be
  /// 0.25 ± 3e-07". Others: memory is short.
  Status Check(const Blobs& inputs, const Blobs& outputs, const Allowance& allowance);

 private:
  Status Expect(const Blobs& inputs);

  const te::Graph& definition_;
  std::vector<measure::ExpectedOutput> expected_;  // empty before the first call
};

}  // namespace tunesmith::cli
