// SPDX-License-Identifier: Apache-2.0
#include "schedule/strides.h"

#include <cstdlib>
#include <numeric>

#include "schedule/kinds.h"
#include "te/affine.h"

namespace tunesmith::schedule {

using te::Expr;
using te::ExprKind;

namespace {

bool Mentions(const Expr& e, int axis) {
  bool found = false;
  te::Visit(e,
            [&](const Expr& each) { found = found || (each->kind == ExprKind::kVar && each->id == axis); });
  return found;
}

int64_t ExtentOf(const te::Stage& stage, int axis) { return stage.axes[static_cast<size_t>(axis)].extent; }

}  // namespace

std::optional<int64_t> StrideOf(const te::Graph& graph, const Expr& read, int axis) {
  const te::Tensor& tensor = graph.tensors[static_cast<size_t>(read->id)];
  int64_t stride = 0, unit = 1;
  for (size_t d = te::ReadRank(*read); d-- > 0;) {
    if (Mentions(read->args[d], axis)) {
      std::optional<te::Affine> index = te::ToAffine(read->args[d]);
      if (!index) return std::nullopt;
      stride += index->CoefficientOf(axis) * unit;
    }
    unit *= tensor.shape[d];
  }
  return stride;
}

bool ReadsSeveral(const te::Stage& stage, int tensor) {
  Expr first;
  bool several = false;
  te::Visit(stage.body, [&](const Expr& e) {
    if (e->kind != ExprKind::kRead || e->id != tensor) return;
    several = several || (first && !te::Same(first, e));
    if (!first) first = e;
  });
  return several;
}

bool WindowsOverlap(const te::ExprNode& read, int axis, const te::Stage& stage) {
  for (size_t i = 0; i < te::ReadRank(read); ++i) {
    const std::optional<te::Affine> index = te::ToAffine(read.args[i]);
    if (!index || index->CoefficientOf(axis) == 0) continue;
    int64_t reach = 1;
    for (const auto& [a, factor] : index->terms)
      if (a >= stage.spatial) reach += std::abs(factor) * (ExtentOf(stage, a) - 1);
    if (reach > std::abs(index->CoefficientOf(axis))) return true;
  }
  return false;
}

bool LeavesTensor(const te::Graph& graph, const te::ExprNode& read, int axis, const te::Stage& stage) {
  const te::Tensor& tensor = graph.tensors[static_cast<size_t>(read.id)];
  for (size_t i = 0; i < te::ReadRank(read); ++i) {
    const std::optional<te::Affine> index = te::ToAffine(read.args[i]);
    if (!index || index->CoefficientOf(axis) == 0) continue;
    int64_t low = index->constant, high = index->constant;
    for (const auto& [a, factor] : index->terms)
      (factor < 0 ? low : high) += factor * (ExtentOf(stage, a) - 1);
    if (low < 0 || high >= tensor.shape[i]) return true;
  }
  return false;
}

int64_t SharedLanes(const te::Graph& graph, const te::Stage& stage, const std::vector<te::Expr>& reads,
                    int lane, int axis, int lanes) {
  const int64_t extent = stage.axes[static_cast<size_t>(lane)].extent;
  if (2 * extent > lanes) return 0;
  const int64_t shared = std::lcm(extent, static_cast<int64_t>(lanes)) / extent, all = shared * extent;
  if (all > kMostLanes || stage.axes[static_cast<size_t>(axis)].extent < shared) return 0;
  int64_t instructions = 1;  // that a vector takes: its own, and its operands' shuffles
  for (const te::Expr& read : reads) {
    const std::optional<int64_t> inner = StrideOf(graph, read, lane), outer = StrideOf(graph, read, axis);
    if (!inner || !outer) return 0;
    const int64_t reach = std::abs(*outer) * (shared - 1) + std::abs(*inner) * (extent - 1) + 1;
    const bool uniform = *outer == 0 && *inner == 0;
    const bool contiguous = *inner == 1 && *outer == extent;
    // What does not move with the axis is loaded once, unless reductions lie in between.
    const bool hoisted = *outer == 0 && stage.reducer == te::Reducer::kNone;
    if (!uniform && !contiguous && !hoisted) instructions += (reach + all - 1) / all;
    // Lanes of which some read padding would be gathered one by one.
    if (read->guarded && LeavesTensor(graph, *read, axis, stage)) return 0;
  }
  // The instructions of the vectors that are used in part, one for each iteration of the axis.
  return instructions * extent > lanes ? 0 : shared;
}

}  // namespace tunesmith::schedule
