// SPDX-License-Identifier: Apache-2.0
#include "te/graph.h"

#include <algorithm>

#include "te/scalar.h"

namespace tunesmith::te {
namespace {

std::string_view NameOf(Reducer reducer) {
  switch (reducer) {
    case Reducer::kNone:
      return "";
    case Reducer::kSum:
      return "sum";
    case Reducer::kProd:
      return "prod";
    case Reducer::kMax:
      return "max";
    case Reducer::kMin:
      return "min";
    case Reducer::kAny:
      return "any";
    case Reducer::kAll:
      return "all";
  }
  return "";
}

std::string AxisNames(const Stage& stage, size_t begin, size_t end) {
  std::string names;
  for (size_t i = begin; i < end; ++i) {
    if (i > begin) names += ", ";
    names += stage.axes[i].name;
  }
  return names;
}

bool ReadsTensor(const ExprNode& e, int tensor) {
  if (e.kind == ExprKind::kRead && e.id == tensor) return true;
  return std::any_of(e.args.begin(), e.args.end(),
                     [&](const Expr& arg) { return arg && ReadsTensor(*arg, tensor); });
}

/// True for products and what binds more tightly, but not quotients.
bool BindsLikeAProduct(const Expr& e) {
  switch (e->kind) {
    case ExprKind::kMul:
      return BindsLikeAProduct(e->args[0]);
    case ExprKind::kAdd:
    case ExprKind::kSub:
    case ExprKind::kDiv:
    case ExprKind::kMod:
    case ExprKind::kLess:
    case ExprKind::kLessEqual:
    case ExprKind::kEqual:
    case ExprKind::kNotEqual:
    case ExprKind::kAnd:
    case ExprKind::kOr:
      return false;
    default:
      return true;
  }
}

}  // namespace

int64_t Tensor::elements() const {
  int64_t product = 1;
  for (int64_t extent : shape) product *= extent;
  return product;
}

Expr Identity(Reducer reducer, DType accumulator) {
  bool is_float = IsFloat(accumulator);
  switch (reducer) {
    case Reducer::kNone:
    case Reducer::kSum:
      return is_float ? Float(0, accumulator) : Int(0, accumulator);
    case Reducer::kProd:
      return is_float ? Float(1, accumulator) : Int(1, accumulator);
    case Reducer::kMax:
      return is_float ? Float(-INFINITY, accumulator) : Int(LowestInteger(accumulator), accumulator);
    case Reducer::kMin:
      return is_float ? Float(INFINITY, accumulator) : Int(HighestInteger(accumulator), accumulator);
    case Reducer::kAny:
      return Bool(false);
    case Reducer::kAll:
      return Bool(true);
  }
  return Int(0, accumulator);
}

Expr Combine(Reducer reducer, Expr a, Expr b) {
  switch (reducer) {
    case Reducer::kNone:
      return b;
    case Reducer::kSum:
      return Binary(ExprKind::kAdd, std::move(a), std::move(b));
    case Reducer::kProd:
      return Binary(ExprKind::kMul, std::move(a), std::move(b));
    case Reducer::kMax:
      return Binary(ExprKind::kMax, std::move(a), std::move(b));
    case Reducer::kMin:
      return Binary(ExprKind::kMin, std::move(a), std::move(b));
    case Reducer::kAny:
      return Binary(ExprKind::kOr, std::move(a), std::move(b));
    case Reducer::kAll:
      return Binary(ExprKind::kAnd, std::move(a), std::move(b));
  }
  return b;
}

int Graph::StageOf(int tensor) const {
  for (size_t i = 0; i < stages.size(); ++i) {
    if (stages[i].tensor == tensor) return static_cast<int>(i);
  }
  return -1;
}

std::vector<int> Graph::Parameters() const {
  std::vector<int> ids;
  for (size_t i = 0; i < tensors.size(); ++i) {
    if (tensors[i].is_parameter()) ids.push_back(static_cast<int>(i));
  }
  return ids;
}

std::vector<int> Graph::Outputs() const {
  std::vector<int> ids;
  for (size_t i = 0; i < tensors.size(); ++i) {
    if (tensors[i].role == Role::kOutput) ids.push_back(static_cast<int>(i));
  }
  return ids;
}

std::vector<int> Graph::ConsumersOf(int tensor) const {
  std::vector<int> consumers;
  for (size_t i = 0; i < stages.size(); ++i) {
    if (ReadsTensor(*stages[i].body, tensor)) consumers.push_back(static_cast<int>(i));
  }
  return consumers;
}

std::string ToString(const Graph& graph) {
  std::string out;
  for (const Stage& stage : graph.stages) {
    ExprNames names;
    names.var = [&](int id) { return stage.axes[static_cast<size_t>(id)].name; };
    names.tensor = [&](int id) { return graph.tensors[static_cast<size_t>(id)].name; };
    const Tensor& tensor = graph.tensors[static_cast<size_t>(stage.tensor)];
    auto spatial = static_cast<size_t>(stage.spatial);
    out += tensor.name + '[' + AxisNames(stage, 0, spatial) + "] = ";
    std::string body;
    if (stage.reducer != Reducer::kNone) {
      body += NameOf(stage.reducer);
      bool adds = stage.reducer == Reducer::kSum || stage.reducer == Reducer::kProd;
      bool plain = stage.accumulator == DType::kF32 || stage.accumulator == DType::kF64;
      if (adds && !plain) body += std::string(":").append(te::NameOf(stage.accumulator));
      body += '(' + AxisNames(stage, spatial, stage.axes.size()) + ") ";
    }
    // A reducer takes the factors after it; everything looser needs parentheses.
    bool loose = stage.reducer != Reducer::kNone && !BindsLikeAProduct(stage.body);
    std::string text = ToString(stage.body, names);
    body += loose ? '(' + text + ')' : text;
    bool narrows = stage.reducer != Reducer::kNone && stage.accumulator != tensor.dtype;
    out += narrows ? std::string(te::NameOf(tensor.dtype)) + '(' + body + ')' : body;
    out += '\n';
  }
  return out;
}

}  // namespace tunesmith::te
