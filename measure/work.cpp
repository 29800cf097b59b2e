// SPDX-License-Identifier: Apache-2.0
#include "measure/work.h"

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include "te/bounds.h"

namespace tunesmith::measure {
namespace {

using te::Expr;
using te::ExprKind;

// An index with more combinations of its axes than this is taken to reach everything.
constexpr double kMostCombinations = 1 << 20;

/// An integer expression of axes; false if it is of another kind (reads a tensor).
bool Evaluate(const Expr& e, const std::vector<int64_t>& axes, int64_t* value) {
  if (e->kind == ExprKind::kInt) return *value = e->integer, true;
  if (e->kind == ExprKind::kVar) return *value = axes[static_cast<size_t>(e->id)], true;
  int64_t a = 0;
  int64_t b = 0;
  if (e->args.size() != 2 || !Evaluate(e->args[0], axes, &a) || !Evaluate(e->args[1], axes, &b)) return false;
  const auto floor_quotient = [&] { return a / b - ((a % b != 0) && ((a < 0) != (b < 0)) ? 1 : 0); };
  switch (e->kind) {
    case ExprKind::kAdd:
      return !__builtin_add_overflow(a, b, value);
    case ExprKind::kSub:
      return !__builtin_sub_overflow(a, b, value);
    case ExprKind::kMul:
      return !__builtin_mul_overflow(a, b, value);
    case ExprKind::kDiv:
      return *value = b == 0 ? 0 : floor_quotient(), true;
    case ExprKind::kMod:
      return *value = b == 0 ? a : a - b * floor_quotient(), true;
    case ExprKind::kMin:
      return *value = std::min(a, b), true;
    case ExprKind::kMax:
      return *value = std::max(a, b), true;
    default:
      return false;
  }
}

/// The next combination of the values of some axes, as an odometer counts; false after the last.
bool Next(const std::set<int>& used, const std::vector<te::Axis>& axes, std::vector<int64_t>* values) {
  for (int axis : used) {
    int64_t& digit = (*values)[static_cast<size_t>(axis)];
    if (++digit < axes[static_cast<size_t>(axis)].extent) return true;
    digit = 0;
  }
  return false;
}

/// What one index of a read does over all combinations of its axes.
struct Reach {
  double inside = 1;    // the share of combinations for which it is in its dimension
  double distinct = 0;  // how many different values in its dimension it takes
};

Reach ReachOf(const Expr& index, int64_t extent, const std::vector<te::Axis>& axes) {
  const Reach everything{1, static_cast<double>(extent)};
  std::set<int> used;
  te::Visit(index, [&](const Expr& e) {
    if (e->kind == ExprKind::kVar) used.insert(e->id);
  });
  double combinations = 1;
  for (int axis : used) combinations *= static_cast<double>(axes[static_cast<size_t>(axis)].extent);
  if (combinations < 1) return {0, 0};
  if (combinations > kMostCombinations) return everything;
  std::vector<int64_t> values(axes.size(), 0);
  std::set<int64_t> distinct;
  double inside = 0;
  for (;;) {
    int64_t value = 0;
    if (!Evaluate(index, values, &value)) return everything;
    if (value >= 0 && value < extent) {
      ++inside;
      distinct.insert(value);
    }
    if (!Next(used, axes, &values)) break;
  }
  return {inside / combinations, static_cast<double>(distinct.size())};
}

/// The fewest operations a vector kernel takes for a function of full f32 precision.
double OperationsOf(te::Function function) {
  switch (function) {
    case te::Function::kExp:
    case te::Function::kLog:
    case te::Function::kSin:
    case te::Function::kCos:
      return 8;
    case te::Function::kTanh:
    case te::Function::kErf:
    case te::Function::kSigmoid:
      return 10;
    case te::Function::kPow:
      return 16;
    case te::Function::kFma:
      return 2;
    case te::Function::kBits:
      return 0;
    default:
      return 1;
  }
}

bool Reads(const Expr& e) {
  bool reads = false;
  te::Visit(e, [&](const Expr& inner) { reads = reads || inner->kind == ExprKind::kRead; });
  return reads;
}

/// A number that depends on the point alone: a kernel that treats points one by one knows it.
bool IsOfThePoint(const Expr& e) {
  bool varies = false;
  te::Visit(e, [&](const Expr& inner) { varies = varies || inner->kind == ExprKind::kVar; });
  return varies && !Reads(e);
}

/// The fewest operations for one point of the body. Those of indices are not counted, they can be kept in
/// addresses, nor are those of the point alone, or with such a number: it may be 0 or 1.
double OperationsOf(const Expr& e) {
  if (!Reads(e)) return 0;
  double operations = 0;
  if (e->kind == ExprKind::kSelect && !Reads(e->args[0]))
    return std::min(OperationsOf(e->args[1]), OperationsOf(e->args[2]));
  switch (e->kind) {
    case ExprKind::kInt:
    case ExprKind::kFloat:
    case ExprKind::kVar:
    case ExprKind::kRead:
      return 0;
    case ExprKind::kCast:
      break;
    case ExprKind::kCall:
      operations = OperationsOf(e->function);
      break;
    default:
      operations = std::any_of(e->args.begin(), e->args.end(), IsOfThePoint) ? 0 : 1;
  }
  for (const Expr& argument : e->args) operations += OperationsOf(argument);
  return operations;
}

/// The share of a stage's points at which a number of the point is not 0; 0 if it is not known.
double ShareNotZero(const Expr& number, const te::Stage& stage, const te::Graph& graph) {
  constexpr double kMostPoints = 4096;
  std::set<int> used;
  te::Visit(number, [&](const Expr& e) {
    if (e->kind == ExprKind::kVar) used.insert(e->id);
  });
  double points = 1;
  for (int axis : used) points *= static_cast<double>(stage.axes[static_cast<size_t>(axis)].extent);
  if (points < 1 || points > kMostPoints) return 0;
  std::vector<int64_t> values(stage.axes.size(), 0);
  double other = 0;
  do {
    const Expr here =
        te::Simplify(te::Substitute(number,
                                    [&](const Expr& e) -> Expr {
                                      return e->kind == ExprKind::kVar
                                                 ? te::Int(values[static_cast<size_t>(e->id)], e->type)
                                                 : nullptr;
                                    }),
                     stage.axes, graph.tensors);
    const bool zero = (here->kind == ExprKind::kInt && here->integer == 0) ||
                      (here->kind == ExprKind::kFloat && here->number == 0);
    other += zero ? 0 : 1;
  } while (Next(used, stage.axes, &values));
  return other / points;
}

/// The share of a sum's points whose terms are not 0 because of a factor that depends on the point alone.
double ShareOfTerms(const Expr& body, const te::Stage& stage, const te::Graph& graph) {
  if (IsOfThePoint(body)) return ShareNotZero(body, stage, graph);
  if (body->kind == ExprKind::kCast) return ShareOfTerms(body->args[0], stage, graph);
  if (body->kind == ExprKind::kMul)
    return std::min(ShareOfTerms(body->args[0], stage, graph), ShareOfTerms(body->args[1], stage, graph));
  return 1;
}

Work::Arithmetic ArithmeticOf(const te::Stage& stage, const te::Graph& graph) {
  bool f64 = stage.accumulator == te::DType::kF64;
  bool bytes = false;
  bool bf16 = false;
  te::Visit(stage.body, [&](const Expr& e) {
    if (e->kind != ExprKind::kRead) return;
    const te::DType type = graph.tensors[static_cast<size_t>(e->id)].dtype;
    f64 = f64 || type == te::DType::kF64;
    bytes = bytes || type == te::DType::kI8 || type == te::DType::kU8;
    bf16 = bf16 || type == te::DType::kBF16;
  });
  const bool product = stage.reducer == te::Reducer::kSum;
  if (product && bytes && stage.accumulator == te::DType::kI32) return Work::Arithmetic::kU8S8;
  if (product && bf16) return Work::Arithmetic::kBF16;
  return f64 ? Work::Arithmetic::kF64 : Work::Arithmetic::kF32;
}

double PointsOf(const te::Stage& stage) {
  double points = 1;
  for (const te::Axis& axis : stage.axes) points *= static_cast<double>(axis.extent);
  return points;
}

}  // namespace

Work WorkOf(const te::Graph& graph) {
  Work work;
  std::vector<double> reached(graph.tensors.size(), 0);  // elements, by tensor
  for (const te::Stage& stage : graph.stages) {
    double inside = 1;  // share of the points that must be computed
    te::Visit(stage.body, [&](const Expr& e) {
      if (e->kind != ExprKind::kRead) return;
      const te::Tensor& tensor = graph.tensors[static_cast<size_t>(e->id)];
      double share = 1;
      double elements = 1;
      for (size_t d = 0; d < te::ReadRank(*e); ++d) {
        const Reach reach = ReachOf(e->args[d], tensor.shape[d], stage.axes);
        share *= reach.inside;
        elements *= reach.distinct;
      }
      // Several dimensions may walk along the same axis.
      std::set<int> used;
      te::Visit(e, [&](const Expr& inner) {
        if (inner->kind == ExprKind::kVar) used.insert(inner->id);
      });
      double points = 1;
      for (int axis : used) points *= static_cast<double>(stage.axes[static_cast<size_t>(axis)].extent);
      elements = std::min(elements, points);
      if (e->guarded) inside = std::min(inside, share);
      double& sofar = reached[static_cast<size_t>(e->id)];
      sofar = std::max(sofar, elements);
    });
    const bool reduces = stage.reducer != te::Reducer::kNone;
    if (stage.reducer == te::Reducer::kSum) inside = std::min(inside, ShareOfTerms(stage.body, stage, graph));
    work.operations[static_cast<size_t>(ArithmeticOf(stage, graph))] +=
        PointsOf(stage) * (OperationsOf(stage.body) + (reduces ? 1 : 0)) * (reduces ? inside : 1);
  }
  for (int id : graph.Parameters()) {
    work.read_bytes += reached[static_cast<size_t>(id)] *
                       static_cast<double>(te::SizeOf(graph.tensors[static_cast<size_t>(id)].dtype));
  }
  for (int id : graph.Outputs()) {
    const te::Tensor& tensor = graph.tensors[static_cast<size_t>(id)];
    work.written_bytes += static_cast<double>(tensor.elements() * te::SizeOf(tensor.dtype));
  }
  return work;
}

}  // namespace tunesmith::measure
