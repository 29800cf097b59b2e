// SPDX-License-Identifier: Apache-2.0
#include "measure/projection.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "support/random.h"
#include "te/interpret.h"

namespace tunesmith::measure {
namespace {

using te::DType;
using te::Expr;
using te::ExprKind;

/// The read under casts that change no value of its type; null for anything else.
Expr ReadUnderCasts(const Expr& e) {
  Expr at = e;
  while (at->kind == ExprKind::kCast) {
    const DType from = at->args[0]->type;
    const bool exact = te::IsFloat(at->type)
                           ? (te::IsFloat(from) ? te::MantissaBits(at->type) >= te::MantissaBits(from)
                                                : te::MantissaBits(at->type) > 8 * te::SizeOf(from))
                           : te::IsInteger(from) && te::LowestInteger(at->type) <= te::LowestInteger(from) &&
                                 te::HighestInteger(at->type) >= te::HighestInteger(from);
    if (!exact) return nullptr;
    at = at->args[0];
  }
  return at->kind == ExprKind::kRead ? at : nullptr;
}

bool Uses(const Expr& e, int axis) {
  bool uses = false;
  te::Visit(e, [&](const Expr& node) { uses = uses || (node->kind == ExprKind::kVar && node->id == axis); });
  return uses;
}

/// The only dimension of an unguarded read that `axis` appears in, if it is that dimension's whole index.
std::optional<size_t> DimensionOf(const Expr& read, int axis, int64_t extent, const te::Tensor& tensor) {
  if (read->guarded) return std::nullopt;
  std::optional<size_t> dimension;
  for (size_t d = 0; d < te::ReadRank(*read); ++d) {
    const Expr& index = read->args[d];
    if (!Uses(index, axis)) continue;
    if (dimension || index->kind != ExprKind::kVar || tensor.shape[d] != extent) return std::nullopt;
    dimension = d;
  }
  return dimension;
}

/// The largest magnitude of an element; infinite for floating types.
double LargestMagnitude(DType type) {
  if (te::IsFloat(type)) return HUGE_VAL;
  return std::max(std::fabs(static_cast<double>(te::LowestInteger(type))),
                  std::fabs(static_cast<double>(te::HighestInteger(type))));
}

}  // namespace

std::optional<te::Graph> ProjectedGraph(const te::Graph& graph, int64_t evaluations) {
  const std::vector<int> parameters = graph.Parameters();
  const std::vector<int> outputs = graph.Outputs();
  if (graph.stages.size() != 1 || outputs.size() != 1 || parameters.size() != 2) return std::nullopt;
  const te::Stage& stage = graph.stages[0];
  if (stage.reducer != te::Reducer::kSum || stage.spatial < 1 || stage.body->kind != ExprKind::kMul) {
    return std::nullopt;
  }
  const int column = stage.spatial - 1;  // the axis j
  const int64_t columns = stage.axes[static_cast<size_t>(column)].extent;
  Expr a = ReadUnderCasts(stage.body->args[0]);
  Expr b = ReadUnderCasts(stage.body->args[1]);
  if (a == nullptr || b == nullptr || a->id == b->id) return std::nullopt;
  if (Uses(a, column)) std::swap(a, b);
  if (Uses(a, column)) return std::nullopt;
  const te::Tensor& b_tensor = graph.tensors[static_cast<size_t>(b->id)];
  const std::optional<size_t> dimension = DimensionOf(b, column, columns, b_tensor);
  if (!dimension) return std::nullopt;

  int64_t rows = 1;
  int64_t terms = 1;
  for (size_t n = 0; n < stage.axes.size(); ++n) {
    if (static_cast<int>(n) == column) continue;
    (static_cast<int>(n) < column ? rows : terms) *= stage.axes[n].extent;
  }
  if (rows * terms + b_tensor.elements() > evaluations) return std::nullopt;
  const DType output_type = graph.tensors[static_cast<size_t>(outputs[0])].dtype;
  if (!te::IsFloat(output_type)) {
    const double largest = LargestMagnitude(a->type) * LargestMagnitude(b->type) * static_cast<double>(terms);
    const bool exact_in_double = largest * static_cast<double>(columns) < 0x1p53;
    if (largest > static_cast<double>(te::HighestInteger(stage.accumulator)) ||
        largest > static_cast<double>(te::HighestInteger(output_type)) || !exact_in_double) {
      return std::nullopt;
    }
  }

  te::Graph projected;
  for (int id : parameters) projected.tensors.push_back(graph.tensors[static_cast<size_t>(id)]);
  const auto position = [&](int id) {
    return static_cast<int>(std::find(parameters.begin(), parameters.end(), id) - parameters.begin());
  };
  enum : int { kSigns = 2, kSums = 3, kVector = 4 };
  projected.tensors.push_back({"R", DType::kF64, {columns}, te::Role::kInput});
  te::Tensor sums{"S", DType::kF64, {}, te::Role::kOutput};
  te::Tensor vector{"V", DType::kF64, {}, te::Role::kTemp};

  te::Stage first;  // V[…] = sum(j) B[…, j, …] * R[j]
  first.tensor = kVector;
  std::vector<Expr> b_indices(b_tensor.shape.size());
  for (size_t d = 0; d < b_tensor.shape.size(); ++d) {
    if (d == *dimension) continue;
    b_indices[d] = te::Var(first.spatial++);
    first.axes.push_back({"v" + std::to_string(d), b_tensor.shape[d]});
    vector.shape.push_back(b_tensor.shape[d]);
  }
  b_indices[*dimension] = te::Var(first.spatial);
  first.axes.push_back({"j", columns});
  first.reducer = te::Reducer::kSum;
  first.accumulator = DType::kF64;
  first.body = te::Cast(DType::kF64, te::Read(b->type, position(b->id), b_indices)) *
               te::Read(DType::kF64, kSigns, {te::Var(first.spatial)});

  te::Stage second = stage;  // S[rows…] = sum(k…) A[…] * V[…]
  second.tensor = kSums;
  second.axes.erase(second.axes.begin() + column);
  second.spatial = column;
  second.accumulator = DType::kF64;
  for (int n = 0; n < column; ++n) sums.shape.push_back(stage.axes[static_cast<size_t>(n)].extent);
  std::vector<Expr> v_indices;
  for (size_t d = 0; d < b_tensor.shape.size(); ++d) {
    if (d != *dimension) v_indices.push_back(b->args[d]);
  }
  const Expr product = te::Cast(DType::kF64, a) * te::Read(DType::kF64, kVector, v_indices);
  second.body = te::Substitute(product, [&](const Expr& e) -> Expr {
    if (e->kind == ExprKind::kVar && e->id > column) return te::Var(e->id - 1);
    if (e->kind == ExprKind::kRead && e->id == a->id) {
      auto read = std::make_shared<te::ExprNode>(*e);
      read->id = position(a->id);
      return read;
    }
    return nullptr;
  });
  projected.tensors.push_back(std::move(sums));
  projected.tensors.push_back(std::move(vector));
  projected.stages = {std::move(first), std::move(second)};
  return projected;
}

Result<std::optional<Projection>> Project(const te::Graph& graph, const std::vector<te::Value>& inputs,
                                          const ExpectedOutput& expected, int64_t evaluations,
                                          uint64_t seed) {
  const std::optional<te::Graph> projected = ProjectedGraph(graph, evaluations);
  if (!projected) return std::optional<Projection>();
  double bound = 0;
  for (const te::Expected& element : expected.elements) bound = std::max(bound, element.bound);
  if (!std::isfinite(bound)) return std::optional<Projection>();

  const int64_t columns = projected->tensors[2].shape[0];
  Projection projection;
  te::Value signs(DType::kF64, {columns});
  Random random(seed);
  for (int64_t j = 0; j < columns; ++j) {
    projection.weights.push_back(random.Chance(0.5) ? 1 : -1);
    signs.Store(j, projection.weights.back());
  }
  std::vector<te::Value> with_signs = inputs;
  with_signs.push_back(std::move(signs));
  TS_ASSIGN_OR_RETURN(const std::vector<te::Value> sums, te::Interpret(*projected, with_signs));
  for (int64_t row = 0; row < sums[0].elements(); ++row) {
    const double sum = sums[0].Load(row);
    // Of the most elements only a sample's bounds are known; twice the largest stands for those that are not.
    // The double sums' own rounding is far below f32's.
    const double margin =
        2 * bound * static_cast<double>(columns) +
        0x1p-40 * std::fabs(sum) *
            (te::IsFloat(graph.tensors[static_cast<size_t>(graph.Outputs()[0])].dtype) ? 1 : 0);
    projection.sums.push_back(sum);
    projection.bounds.push_back(margin);
  }
  return std::optional<Projection>(std::move(projection));
}

}  // namespace tunesmith::measure
