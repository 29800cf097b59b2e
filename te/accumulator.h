// SPDX-License-Identifier: Apache-2.0
// What a reduction has gathered so far, for a block of lanes.
#pragma once

#include <cstdint>
#include <vector>

#include "te/graph.h"
#include "te/machine.h"
#include "te/tolerance.h"

namespace tunesmith::te {

class Accumulator {
 public:
  Accumulator(Reducer reducer, DType type, bool bounded);

  /// Sets the first `lanes` lanes to the reducer's identity.
  void Start(int lanes);
  /// Adds lane l of the machine's result to lane l, for `lanes` of them.
  void AddAcross(const Machine& machine, int lanes);
  /// Adds all `lanes` of the machine's result, in order, to lane 0.
  void AddAlong(const Machine& machine, int lanes);
  /// Adds to the bounds what summing itself may err by; integers wrap to their type.
  void Finish(int lanes, int64_t terms, ErrorModel model);

  const double* floats() const { return floats_.data(); }
  const int64_t* integers() const { return integers_.data(); }
  const double* errors() const { return errors_.data(); }

 private:
  void Add(const Machine& machine, int lanes, int step);
  void AddErrors(const Machine& machine, int lane, int to);

  Reducer reducer_;
  DType type_;
  bool bounded_;
  ExprKind kind_;  // the operation that combines two values
  double float_identity_ = 0;
  int64_t integer_identity_ = 0;
  std::vector<double> floats_, errors_;
  std::vector<int64_t> integers_;
  std::vector<double> magnitudes_, squares_;  // of a floating sum: of |terms|, and of their squares
};

}  // namespace tunesmith::te
