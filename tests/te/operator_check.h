// SPDX-License-Identifier: Apache-2.0
// Compares standard operators with loops written by hand, in double precision.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "te/inputs.h"

namespace tunesmith::te {

/// A tensor of doubles, for reference loops.
struct Array {
  std::vector<int64_t> shape;
  std::vector<double> elements;

  explicit Array(std::vector<int64_t> extents);

  /// The element at these indices, which must be inside.
  double& operator()(const std::vector<int64_t>& indices);
  double operator()(const std::vector<int64_t>& indices) const;
  /// The element, or `otherwise` outside.
  double Or(double otherwise, const std::vector<int64_t>& indices) const;

 private:
  bool Find(const std::vector<int64_t>& indices, size_t* flat) const;
};

/// From the parameters, in order, to the output.
using Reference = std::function<Array(const std::vector<Array>&)>;

/// Binds the standard operator ("M=3 act=relu"), and expects its definition, the normalised form of it and
/// its further algorithms to compute what the reference computes: the shape of the definition's output, the
/// values to the last bit of the output's type or so.
void ExpectComputes(const std::string& op, const std::string& bindings, const Reference& reference,
                    InputKind kind = InputKind::kUniform);

/// What act=NAME does.
double Activate(const std::string& act, double x);

}  // namespace tunesmith::te
