// SPDX-License-Identifier: Apache-2.0
// Lane-parallel reductions of rows, shared by the rules for row sums and for row-wise chains.
#pragma once

#include <string>

#include "schedule/rules.h"

namespace tunesmith::schedule {

/// A reduction over a contiguous axis, to be computed with lanes along that axis, row by row. Axes are
/// numbers.
struct RowReduction {
  StageId stage = -1;
  int axis = -1;          // the reduced axis that lanes run along, if any; further reduced axes stay serial
  std::vector<int> rows;  // its spatial axes that have loops
  int64_t extent = 1;     // of `axis`
  int rank = 0;           // of the reduction's tensor: its spatial axes, those without loops too
  std::string lanes, parts;  // names for the stages that FactorRow adds
  Tail tail = Tail::kMask;   // of the walk along `axis`

  static RowReduction Of(const Surroundings& in, StageId stage);
};

/// The stages that FactorRow adds.
struct FactoredRow {
  StageId lanes = -1;  // partial results, a lane each
  StageId parts = -1;  // those of several vectors of lanes; -1 if there is one vector
};

/// Factors the reduction into lanes and `accumulators` vectors of them (when that is above 1). To come before
/// any step that places the stages.
FactoredRow FactorRow(const RowReduction& reduction, int lanes, int64_t accumulators, Draft* draft);
/// Computes the factored stages and the reduction inside `row_loop`, of which one iteration needs one row or
/// a few; `unrolled` repeats the whole row instead of looping over it.
void PlaceRow(const RowReduction& reduction, const FactoredRow& factored, NodeId row_loop, bool place_last,
              bool unrolled, int64_t row_tile, Draft* draft);

}  // namespace tunesmith::schedule
