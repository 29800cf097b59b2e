// SPDX-License-Identifier: Apache-2.0
#include "te/tolerance.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <utility>

#include "te/affine.h"
#include "te/error_bounds.h"
#include "te/value.h"

namespace tunesmith::te {
namespace {

/// Along which axes the parameters' elements change.
class Walks {
 public:
  explicit Walks(const Graph& graph) : graph_(graph) {}

  bool Along(const Stage& stage, int axis) {
    bool walks = false;
    Visit(stage.body, [&](const Expr& e) {
      for (size_t d = 0; !walks && e->kind == ExprKind::kRead && d < ReadRank(*e); ++d) {
        const std::optional<Affine> index = ToAffine(e->args[d]);
        walks = index && index->CoefficientOf(axis) != 0 && AlongDimension(e->id, static_cast<int>(d));
      }
    });
    return walks;
  }

 private:
  bool AlongDimension(int tensor, int dimension) {
    const int stage = graph_.StageOf(tensor);
    if (stage < 0) return true;
    const auto [known, added] = known_.emplace(std::pair(tensor, dimension), false);
    if (added) {
      const bool walks = Along(graph_.stages[static_cast<size_t>(stage)], dimension);
      known_[{tensor, dimension}] = walks;
      return walks;
    }
    return known->second;
  }

  const Graph& graph_;
  std::map<std::pair<int, int>, bool> known_;
};

}  // namespace

ErrorModel ModelOf(const Graph& graph, const Stage& stage, ErrorModel of_data) {
  Walks walks(graph);
  for (int a = stage.spatial; a < static_cast<int>(stage.axes.size()); ++a) {
    if (stage.axes[static_cast<size_t>(a)].extent > 1 && !walks.Along(stage, a))
      return ErrorModel::kWorstCase;
  }
  return of_data;
}

std::string ToString(const Tolerance& tolerance) {
  std::string text = tolerance.model == ErrorModel::kWorstCase ? "rounding errors at worst, n u sum|t|"
                                                               : "rounding errors independent, sqrt(n) u";
  if (tolerance.factor != 1) text += fmt::format(", times {}", tolerance.factor);
  return text;
}

double SumErrorBound(ErrorModel model, DType accumulator, int64_t terms, double sum, double sum_of_magnitudes,
                     double sum_of_squares) {
  if (terms <= 1 || sum_of_magnitudes == 0) return 0;
  const Format& format = Format::Of(accumulator);
  // Partial sums may reach the sum of magnitudes, in some order.
  if (!(sum_of_magnitudes <= format.largest)) return std::isfinite(sum) ? kUnbounded : 0;
  auto n = static_cast<double>(terms);
  double bound = n * format.unit * sum_of_magnitudes;
  if (model == ErrorModel::kIndependent) {
    double typical = std::fabs(sum) + 2 * std::sqrt(sum_of_squares);
    bound = std::min(bound, 2 * std::sqrt(n) * format.unit * typical);
  }
  return bound + n * format.underflow;
}

bool Accepts(const Expected& expected, DType dtype, const uint8_t* address) {
  if (!IsFloat(dtype)) {
    int64_t got = LoadIntegerElement(dtype, address);
    if (got == expected.integer) return true;
    return std::fabs(static_cast<double>(got) - expected.value) <= expected.bound;
  }
  double got = LoadElement(dtype, address);
  if (expected.bound == kUnbounded) return true;
  if (std::isnan(expected.value)) return std::isnan(got);
  if (std::isinf(expected.value)) return got == expected.value;
  return std::fabs(got - expected.value) <= expected.bound;
}

std::string ToString(const Expected& expected, DType dtype) {
  std::string value =
      IsFloat(dtype) ? fmt::format("{:.9g}", expected.value) : std::to_string(expected.integer);
  if (expected.bound == 0) return value;
  return value + fmt::format(" ± {:.3g}", expected.bound);
}

}  // namespace tunesmith::te
