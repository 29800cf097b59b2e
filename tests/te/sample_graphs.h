// SPDX-License-Identifier: Apache-2.0
// Stage graphs built by hand, for tests that should not depend on the language.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "te/graph.h"

namespace tunesmith::te {

/// Adds tensors and stages in order; axes are named as given.
class GraphBuilder {
 public:
  int Add(std::string name, std::vector<int64_t> shape, Role role, DType dtype = DType::kF32) {
    graph.tensors.push_back({std::move(name), dtype, std::move(shape), role});
    return static_cast<int>(graph.tensors.size()) - 1;
  }
  /// `axes` are the spatial ones, whose extents the tensor's shape gives.
  void Pointwise(int tensor, const std::vector<std::string>& axes, Expr body) {
    Reduce(tensor, axes, Reducer::kNone, {}, std::move(body));
  }
  void Reduce(int tensor, const std::vector<std::string>& axes, Reducer reducer,
              const std::vector<Axis>& reduced, Expr body) {
    Stage stage;
    stage.tensor = tensor;
    stage.spatial = static_cast<int>(axes.size());
    for (size_t d = 0; d < axes.size(); ++d) {
      stage.axes.push_back({axes[d], graph.tensors[static_cast<size_t>(tensor)].shape[d]});
    }
    stage.axes.insert(stage.axes.end(), reduced.begin(), reduced.end());
    stage.reducer = reducer;
    stage.accumulator = body->type;
    stage.body = std::move(body);
    graph.stages.push_back(std::move(stage));
  }
  /// An element of a tensor; indices may be given as axis numbers.
  Expr At(int tensor, std::vector<Expr> indices) const {
    return Read(graph.tensors[static_cast<size_t>(tensor)].dtype, tensor, std::move(indices));
  }
  Expr AtOr(int tensor, std::vector<Expr> indices, Expr otherwise) const {
    DType dtype = graph.tensors[static_cast<size_t>(tensor)].dtype;
    return GuardedRead(dtype, tensor, std::move(indices), nullptr, std::move(otherwise));
  }

  Graph graph;
};

struct ConvShape {
  int64_t n = 1, h = 8, w = 8, ci = 4, co = 4, kh = 3, kw = 3, stride = 1, ph = 1, pw = 1, groups = 1;
};

/// C[i, j] = sum(k) A[i, k] * B[k, j]
Graph MatmulGraph(int64_t m, int64_t n, int64_t k);
/// acc = convolution of X[N,H,W,CI] and W[KH,KW,CI/G,CO]; Y = max(acc + bias, 0)
Graph ConvGraph(const ConvShape& shape);
/// The numerically safe softmax of each row, in four stages.
Graph SoftmaxGraph(int64_t rows, int64_t columns);
/// One step of grouped-query attention: Q[B,HQ,D], K and V[B,HKV,S,D].
Graph GqaGraph(int64_t b, int64_t hq, int64_t hkv, int64_t s, int64_t d);

}  // namespace tunesmith::te
