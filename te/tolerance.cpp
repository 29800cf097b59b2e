// SPDX-License-Identifier: Apache-2.0
#include "te/tolerance.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "te/affine.h"
#include "te/error_bounds.h"
#include "te/value.h"

namespace tunesmith::te {
namespace {

/// Along which axes a graph's values are data that was not there before.
class Freshness {
 public:
  enum class Level { kNone, kWhereRead, kAlways };

  explicit Freshness(const Graph& graph) : graph_(graph) {}

  /// Of an expression of a stage, from one value of the axis to the next. `kWhereRead`: where its guarded
  /// reads are inside; outside it is the same again.
  Level Of(const Expr& e, int axis) {
    Seen seen;
    return Of(e, axis, &seen);
  }

 private:
  using Seen = std::map<const ExprNode*, Level>;

  Level Of(const Expr& e, int axis, Seen* seen) {
    if (const auto known = seen->find(e.get()); known != seen->end()) return known->second;
    const Level level = OfNew(*e, axis, seen);
    seen->emplace(e.get(), level);
    return level;
  }

  Level OfNew(const ExprNode& e, int axis, Seen* seen) {
    if (e.kind == ExprKind::kRead) {
      if (!Moves(e, axis)) return Level::kNone;
      return e.guarded ? Level::kWhereRead : Level::kAlways;
    }
    if (e.args.empty()) return Level::kNone;
    std::vector<Level> levels;
    for (const Expr& arg : e.args) levels.push_back(Of(arg, axis, seen));
    const auto [least, most] = std::minmax_element(levels.begin(), levels.end());
    switch (e.kind) {
      case ExprKind::kAdd:
      case ExprKind::kSub:
        return *most == Level::kAlways ? *most : *least;
      case ExprKind::kMul:
        // Outside of a guarded factor the product is 0.
        return std::any_of(e.args.begin(), e.args.end(), IsGuarded) ? std::min(*most, Level::kWhereRead)
                                                                    : *most;
      case ExprKind::kDiv:
      case ExprKind::kCall:
        return *most;
      case ExprKind::kSelect:
        return std::min(levels[1], levels[2]);
      default:
        return *least;
    }
  }

  static bool IsGuarded(const Expr& e) {
    bool guarded = false;
    Visit(e, [&](const Expr& inner) {
      guarded = guarded || (inner->kind == ExprKind::kRead && inner->guarded);
    });
    return guarded;
  }

  bool Moves(const ExprNode& read, int axis) {
    for (size_t d = 0; d < ReadRank(read); ++d) {
      const std::optional<Affine> index = ToAffine(read.args[d]);
      if (index && index->CoefficientOf(axis) != 0 && AlongDimension(read.id, static_cast<int>(d)))
        return true;
    }
    return false;
  }

  bool AlongDimension(int tensor, int dimension) {
    const int stage = graph_.StageOf(tensor);
    if (stage < 0) return true;
    if (const auto known = known_.find({tensor, dimension}); known != known_.end()) return known->second;
    const bool fresh = Of(graph_.stages[static_cast<size_t>(stage)].body, dimension) == Level::kAlways;
    known_[{tensor, dimension}] = fresh;
    return fresh;
  }

  const Graph& graph_;
  std::map<std::pair<int, int>, bool> known_;
};

}  // namespace

ErrorModel ModelOf(const Graph& graph, const Stage& stage, ErrorModel of_data) {
  Freshness freshness(graph);
  for (int a = stage.spatial; a < static_cast<int>(stage.axes.size()); ++a) {
    if (stage.axes[static_cast<size_t>(a)].extent > 1 &&
        freshness.Of(stage.body, a) == Freshness::Level::kNone)
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
