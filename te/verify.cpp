// SPDX-License-Identifier: Apache-2.0
// What every graph must satisfy, rule by rule.
#include <string>

#include "te/bounds.h"
#include "te/graph.h"

namespace tunesmith::te {
namespace {

constexpr int64_t kMostBytes = int64_t{1} << 56;

/// An expression nested more deeply would overflow the stack of the functions that walk it.
constexpr int kMostDepth = 2000;

std::string Shape(const std::vector<int64_t>& shape) {
  std::string out = "[";
  for (size_t i = 0; i < shape.size(); ++i) out += (i > 0 ? ", " : "") + std::to_string(shape[i]);
  return out + "]";
}

class Verifier {
 public:
  explicit Verifier(const Graph& graph) : graph_(graph), defined_(graph.tensors.size()) {}

  Status Run() {
    TS_RETURN_IF_ERROR(Tensors());
    for (const Stage& stage : graph_.stages) {
      stage_ = &stage;
      if (stage.tensor < 0 || static_cast<size_t>(stage.tensor) >= graph_.tensors.size()) {
        return Internal("a stage defines tensor " + std::to_string(stage.tensor) + ", which does not exist");
      }
      if (Status status = VerifyStage(stage); !status.ok()) {
        return Annotate(status, "stage " + TensorOf(stage.tensor).name);
      }
      defined_[static_cast<size_t>(stage.tensor)] = true;
    }
    for (size_t i = 0; i < graph_.tensors.size(); ++i) {
      if (!defined_[i]) return Internal("no stage defines tensor " + graph_.tensors[i].name);
    }
    return {};
  }

 private:
  const Tensor& TensorOf(int id) const { return graph_.tensors[static_cast<size_t>(id)]; }

  Status Tensors() {
    int last = 0;
    for (size_t i = 0; i < graph_.tensors.size(); ++i) {
      const Tensor& tensor = graph_.tensors[i];
      int group = tensor.is_parameter() ? 0 : tensor.role == Role::kOutput ? 1 : 2;
      if (group < last) return Internal("tensor " + tensor.name + " comes after those of a later role");
      last = group;
      defined_[i] = tensor.is_parameter();
      // Zero extents make the whole tensor empty, but the others must not overflow either.
      int64_t bytes = SizeOf(tensor.dtype);
      for (int64_t extent : tensor.shape) {
        if (extent < 0) return Internal("tensor " + tensor.name + " has the shape " + Shape(tensor.shape));
        if (extent > 0 && bytes > kMostBytes / extent) {
          return Internal("tensor " + tensor.name + " of shape " + Shape(tensor.shape) + " is too large");
        }
        bytes *= extent == 0 ? 1 : extent;
      }
    }
    return {};
  }

  Status VerifyStage(const Stage& stage) {
    const Tensor& tensor = TensorOf(stage.tensor);
    if (defined_[static_cast<size_t>(stage.tensor)]) return Internal("its tensor is defined twice");
    auto spatial = static_cast<size_t>(stage.spatial);
    if (stage.spatial < 0 || spatial > stage.axes.size()) return Internal("it has too few axes");
    empty_ = false;
    for (const Axis& axis : stage.axes) {
      if (axis.extent < 0) return Internal("axis " + axis.name + " has a negative extent");
      empty_ = empty_ || axis.extent == 0;
    }
    if (spatial != tensor.shape.size()) return Internal("its spatial axes are not the tensor's dimensions");
    for (size_t d = 0; d < spatial; ++d) {
      if (stage.axes[d].extent != tensor.shape[d]) {
        return Internal("axis " + stage.axes[d].name + " does not have its dimension's extent");
      }
    }
    if (!stage.body) return Internal("it has no body");
    TS_RETURN_IF_ERROR(VerifyExpr(stage.body, 0));
    if (stage.reducer == Reducer::kNone) {
      if (spatial != stage.axes.size()) return Internal("it has reduction axes but no reducer");
      if (stage.body->type != tensor.dtype) return Internal("its body does not have the tensor's type");
      return {};
    }
    if (stage.body->type != stage.accumulator)
      return Internal("its body does not have the accumulator's type");
    bool logical = stage.reducer == Reducer::kAny || stage.reducer == Reducer::kAll;
    if (logical != (stage.accumulator == DType::kBool))
      return Internal("its reducer does not take this type");
    return {};
  }

  Status VerifyExpr(const Expr& e, int depth) {
    if (depth > kMostDepth) return Internal("its body is nested too deeply");
    for (const Expr& arg : e->args) {
      if (arg) TS_RETURN_IF_ERROR(VerifyExpr(arg, depth + 1));
    }
    return VerifyNode(*e);
  }

  Status VerifyNode(const ExprNode& e) {
    const auto& args = e.args;
    auto has = [&](size_t count) {
      if (args.size() != count) return false;
      for (const Expr& arg : args) {
        if (!arg) return false;
      }
      return true;
    };
    bool two_alike = e.kind != ExprKind::kRead && has(2) && args[0]->type == args[1]->type;
    bool holds = false;
    switch (e.kind) {
      case ExprKind::kInt:
        holds = !IsFloat(e.type) && e.integer >= LowestInteger(e.type) && e.integer <= HighestInteger(e.type);
        break;
      case ExprKind::kFloat:
        holds = IsFloat(e.type);
        break;
      case ExprKind::kVar:
        holds = e.type == DType::kI64 && e.id >= 0 && static_cast<size_t>(e.id) < stage_->axes.size();
        break;
      case ExprKind::kRead:
        return VerifyRead(e);
      case ExprKind::kNeg:
        holds = has(1) && e.type == args[0]->type && e.type != DType::kBool;
        break;
      case ExprKind::kNot:
        holds = has(1) && e.type == DType::kBool && args[0]->type == DType::kBool;
        break;
      case ExprKind::kAdd:
      case ExprKind::kSub:
      case ExprKind::kMul:
      case ExprKind::kDiv:
      case ExprKind::kMin:
      case ExprKind::kMax:
        holds = two_alike && e.type == args[0]->type && e.type != DType::kBool;
        break;
      case ExprKind::kMod:
        holds = two_alike && e.type == args[0]->type && IsInteger(e.type);
        break;
      case ExprKind::kLess:
      case ExprKind::kLessEqual:
      case ExprKind::kEqual:
      case ExprKind::kNotEqual:
        holds = two_alike && e.type == DType::kBool;
        break;
      case ExprKind::kAnd:
      case ExprKind::kOr:
        holds = two_alike && e.type == DType::kBool && args[0]->type == DType::kBool;
        break;
      case ExprKind::kSelect:
        holds = has(3) && args[0]->type == DType::kBool && args[1]->type == e.type && args[2]->type == e.type;
        break;
      case ExprKind::kCast:
        holds = has(1);
        break;
      case ExprKind::kCall:
        return VerifyCall(e, has(1) || has(2) || has(3));
    }
    if (holds) return {};
    return Internal("a node of kind " + std::to_string(static_cast<int>(e.kind)) +
                    " has operands of a wrong type");
  }

  Status VerifyCall(const ExprNode& e, bool complete) {
    size_t count = e.function == Function::kPow ? 2 : e.function == Function::kFma ? 3 : 1;
    bool holds = complete && e.args.size() == count;
    if (holds && e.function == Function::kBits) {
      holds = SizeOf(e.type) == SizeOf(e.args[0]->type);
    } else if (holds) {
      holds = IsFloat(e.type);
      for (const Expr& arg : e.args) holds = holds && arg->type == e.type;
    }
    if (holds) return {};
    return Internal(std::string("a call of ").append(te::NameOf(e.function)).append(" has wrong operands"));
  }

  Status VerifyRead(const ExprNode& e) {
    if (e.id < 0 || static_cast<size_t>(e.id) >= graph_.tensors.size()) {
      return Internal("it reads tensor " + std::to_string(e.id) + ", which does not exist");
    }
    const Tensor& tensor = TensorOf(e.id);
    if (!defined_[static_cast<size_t>(e.id)])
      return Internal("it reads " + tensor.name + " before its definition");
    if (e.type != tensor.dtype) return Internal("it reads " + tensor.name + " as another type");
    if (e.guarded && e.args.size() < 2)
      return Internal("it reads " + tensor.name + " without the other value");
    size_t rank = ReadRank(e);
    if (rank != tensor.shape.size()) {
      return Internal("it reads " + tensor.name + " at " + std::to_string(rank) + " indices, not " +
                      std::to_string(tensor.shape.size()));
    }
    for (size_t d = 0; d < rank; ++d) {
      if (!e.args[d] || e.args[d]->type != DType::kI64) {
        return Internal("it reads " + tensor.name + " at an index that is no i64");
      }
      // Where an axis is empty, nothing is read.
      if (e.guarded || empty_) continue;
      auto range = Bounds(e.args[d], stage_->axes);
      if (!range) return Internal("it reads " + tensor.name + " at an index without a known range");
      if (range->low < 0 || range->high >= tensor.shape[d]) {
        return Internal("it reads " + tensor.name + " at " + std::to_string(range->low) + "…" +
                        std::to_string(range->high) + " in dimension " + std::to_string(d) + " of extent " +
                        std::to_string(tensor.shape[d]));
      }
    }
    if (e.guarded && (e.args[rank] || !e.args[rank + 1] || e.args[rank + 1]->type != e.type)) {
      return Internal("it reads " + tensor.name + " with another value of a wrong type");
    }
    return {};
  }

  const Graph& graph_;
  std::vector<bool> defined_;
  const Stage* stage_ = nullptr;
  bool empty_ = false;  // some axis of the stage has extent 0
};

}  // namespace

Status Verify(const Graph& graph) { return Verifier(graph).Run(); }

}  // namespace tunesmith::te
