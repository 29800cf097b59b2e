// SPDX-License-Identifier: Apache-2.0
// Lane-parallel reductions of rows, shared by the rules for row sums and for row-wise chains.
#pragma once

#include <string>

#include "schedule/rules.h"

namespace tunesmith::schedule {

/// A reduction over a contiguous axis, to be computed with lanes along that axis, row by row.
struct RowReduction {
  std::string name;
  std::string axis;               // the reduced axis that lanes run along; further reduced axes stay serial
  std::vector<std::string> rows;  // its spatial axes that have loops
  int64_t extent = 1;             // of `axis`
  int rank = 0;                   // of the reduction's tensor: its spatial axes, those without loops too

  static RowReduction Of(const Surroundings& in, StageId stage);
};

/// Factors the reduction into lanes and `accumulators` vectors of them (when that is above 1). To come before
/// any step that places the stages.
void FactorRow(const RowReduction& reduction, int lanes, int64_t accumulators, Decisions* d);
/// Computes the factored stages and the reduction inside `row_loop`, of which one iteration needs one row or
/// a few; `unrolled` repeats the whole row instead of looping over it.
void PlaceRow(const RowReduction& reduction, const std::string& row_loop, bool place_last,
              int64_t accumulators, bool unrolled, int64_t row_tile, Decisions* d);

}  // namespace tunesmith::schedule
