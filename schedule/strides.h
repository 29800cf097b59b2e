// SPDX-License-Identifier: Apache-2.0
// How the tensors that a stage reads are walked as one of its axes moves.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "te/graph.h"

namespace tunesmith::schedule {

/// The stride, in elements of the tensor, with which a read moves along an axis; nothing if it is not affine.
std::optional<int64_t> StrideOf(const te::Graph& graph, const te::Expr& read, int axis);

/// Whether one iteration of a stage reads several elements of a tensor.
bool ReadsSeveral(const te::Stage& stage, int tensor);

/// Whether the windows that a stage reads overlap with the next ones along one of its spatial axes.
bool WindowsOverlap(const te::ExprNode& read, int axis, const te::Stage& stage);

/// Whether a read that moves with an axis may lie outside of the dimension that the axis walks.
bool LeavesTensor(const te::Graph& graph, const te::ExprNode& read, int axis, const te::Stage& stage);

/// How many iterations of `axis` share the lanes of vectors with all those of the innermost axis, `lane`,
/// which is too short for them alone: a group of two channels for eight pixels. 0 where that does not pay, or
/// reads cannot be loaded so: `lanes` are those of a vector, `reads` what the stage reads.
int64_t SharedLanes(const te::Graph& graph, const te::Stage& stage, const std::vector<te::Expr>& reads,
                    int lane, int axis, int lanes);

}  // namespace tunesmith::schedule
