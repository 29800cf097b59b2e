// SPDX-License-Identifier: Apache-2.0
#include "schedule/strides.h"

#include <cstdlib>

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

}  // namespace tunesmith::schedule
