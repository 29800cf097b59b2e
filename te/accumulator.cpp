// SPDX-License-Identifier: Apache-2.0
#include "te/accumulator.h"

#include <algorithm>
#include <cmath>

#include "te/error_bounds.h"
#include "te/scalar.h"

namespace tunesmith::te {
namespace {

ExprKind KindOf(Reducer reducer) {
  switch (reducer) {
    case Reducer::kProd:
      return ExprKind::kMul;
    case Reducer::kMax:
      return ExprKind::kMax;
    case Reducer::kMin:
      return ExprKind::kMin;
    case Reducer::kAny:
      return ExprKind::kOr;
    case Reducer::kAll:
      return ExprKind::kAnd;
    default:
      return ExprKind::kAdd;
  }
}

}  // namespace

Accumulator::Accumulator(Reducer reducer, DType type, bool bounded)
    : reducer_(reducer),
      type_(type),
      bounded_(bounded),
      kind_(KindOf(reducer)),
      floats_(kLanes),
      errors_(kLanes),
      integers_(kLanes),
      magnitudes_(kLanes),
      squares_(kLanes) {
  Expr identity = Identity(reducer, type);
  float_identity_ = identity->number;
  integer_identity_ = identity->integer;
}

void Accumulator::Start(int lanes) {
  std::fill_n(floats_.begin(), lanes, float_identity_);
  std::fill_n(integers_.begin(), lanes, integer_identity_);
  std::fill_n(errors_.begin(), lanes, 0.0);
  std::fill_n(magnitudes_.begin(), lanes, 0.0);
  std::fill_n(squares_.begin(), lanes, 0.0);
}

void Accumulator::AddAcross(const Machine& machine, int lanes) { Add(machine, lanes, 1); }
void Accumulator::AddAlong(const Machine& machine, int lanes) { Add(machine, lanes, 0); }

void Accumulator::Add(const Machine& machine, int lanes, int step) {
  if (bounded_) {
    // Errors first: some depend on the value before.
    for (int l = 0; l < lanes; ++l) {
      AddErrors(machine, l, l * step);
      if (IsFloat(type_)) {
        double& sum = floats_[static_cast<size_t>(l * step)];
        sum = ApplyFloat(kind_, sum, machine.floats()[l]);
      } else {
        int64_t& sum = integers_[static_cast<size_t>(l * step)];
        sum = ApplyInteger(kind_, DType::kI64, sum, machine.integers()[l]);
      }
    }
    return;
  }
  if (IsFloat(type_)) {
    const double* terms = machine.floats();
    double* sums = floats_.data();
    if (kind_ == ExprKind::kAdd && step == 1) {
      for (int l = 0; l < lanes; ++l) sums[l] += terms[l];
    } else if (kind_ == ExprKind::kAdd) {
      double sum = sums[0];
      for (int l = 0; l < lanes; ++l) sum += terms[l];
      sums[0] = sum;
    } else {
      for (int l = 0; l < lanes; ++l) sums[l * step] = ApplyFloat(kind_, sums[l * step], terms[l]);
    }
  } else {
    const int64_t* terms = machine.integers();
    int64_t* sums = integers_.data();
    if (kind_ == ExprKind::kAdd) {
      for (int l = 0; l < lanes; ++l) sums[l * step] = WrappingAdd(sums[l * step], terms[l]);
    } else {
      for (int l = 0; l < lanes; ++l)
        sums[l * step] = ApplyInteger(kind_, DType::kI64, sums[l * step], terms[l]);
    }
  }
}

void Accumulator::AddErrors(const Machine& machine, int lane, int to) {
  double& error = errors_[static_cast<size_t>(to)];
  if (!IsFloat(type_)) {
    error = IntegerError(kind_, integers_[static_cast<size_t>(to)], error, machine.integers()[lane],
                         machine.integer_errors()[lane]);
    return;
  }
  double term = machine.floats()[lane], term_error = machine.float_errors()[lane];
  if (kind_ == ExprKind::kAdd) {
    error += term_error;
    magnitudes_[static_cast<size_t>(to)] += std::fabs(term);
    squares_[static_cast<size_t>(to)] += term * term;
  } else {
    double sum = floats_[static_cast<size_t>(to)];
    error = BinaryError(kind_, Format::Of(type_), sum, error, term, term_error, ApplyFloat(kind_, sum, term));
  }
}

void Accumulator::Finish(int lanes, int64_t terms, ErrorModel model) {
  for (size_t l = 0; l < static_cast<size_t>(lanes); ++l) {
    if (!IsFloat(type_)) {
      integers_[l] = Wrap(type_, integers_[l]);
    } else if (bounded_ && reducer_ == Reducer::kSum) {
      errors_[l] += SumErrorBound(model, type_, terms, floats_[l], magnitudes_[l], squares_[l]);
    }
  }
}

}  // namespace tunesmith::te
