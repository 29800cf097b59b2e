// SPDX-License-Identifier: Apache-2.0
// Where a plan's tensors lie while one function (pack or main) runs, and the flat addresses of their
// elements.
#pragma once

#include <vector>

#include "ir/ir.h"
#include "schedule/plan.h"

namespace tunesmith::ir {

/// Bytes of a cache line, at a multiple of which parameters, workspace and vectors that are loaded whole
/// begin.
constexpr int64_t kLine = 64;

/// One buffer that holds a region of a tensor.
struct Storage {
  int buffer = -1;                     // in Function::buffers
  std::vector<schedule::Span> region;  // what it holds; spans over loops of the plan
  schedule::Layout layout;             // never empty but for scalars
};

/// The value of each loop of the plan at the point of emission; null where no such loop runs.
using LoopValues = std::vector<Expr>;

/// An affine form over the plan's loops as expression over the function's variables.
Expr Evaluate(const te::Affine& value, const LoopValues& loops);

/// The row-major layout of a region.
schedule::Layout RowMajor(const std::vector<schedule::Span>& region);
/// Elements that a layout occupies.
int64_t ElementsOf(const schedule::Layout& layout);

/// The flat address of the element whose index in dimension d is `indices[d]` (of the whole tensor).
Expr Address(const Storage& storage, const std::vector<Expr>& indices, const LoopValues& loops);

/// The whole of a tensor, as parameters, outputs and workspace hold it.
std::vector<schedule::Span> WholeOf(const te::Tensor& tensor);

}  // namespace tunesmith::ir
