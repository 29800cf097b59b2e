// SPDX-License-Identifier: Apache-2.0
// The law of Normalize: whatever the graph, the normalised one is valid, computes the same bits, and is
// normal.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>

#include "te/inputs.h"
#include "te/interpret.h"
#include "te/normalize.h"
#include "tests/te/sample_graphs.h"

namespace tunesmith::te {
namespace {

int Pick(int below) { return *rc::gen::inRange(0, below); }

/// Random graphs of a few stages over small shapes, in which axes are broadcast, permuted, shifted, strided,
/// divided and reduced over.
class RandomGraph {
 public:
  Graph Build() {
    for (int p = 0, count = 1 + Pick(2); p < count; ++p) {
      builder_.Add("P" + std::to_string(p), RandomShape(), Role::kInput);
    }
    int output = builder_.Add("Y", RandomShape(), Role::kOutput);
    for (int t = 0, count = Pick(3); t < count; ++t) {
      temporaries_.push_back(builder_.Add("t" + std::to_string(t), RandomShape(), Role::kTemp));
    }
    for (int tensor : temporaries_) Define(tensor);
    Define(output);
    return std::move(builder_.graph);
  }

 private:
  std::vector<int64_t> RandomShape() {
    std::vector<int64_t> shape(static_cast<size_t>(Pick(5)));
    for (int64_t& extent : shape) extent = Extent();
    return shape;
  }

  /// From a small set, so that extents often agree and divide each other; seldom 0.
  int64_t Extent() {
    static constexpr int64_t kExtents[] = {1, 1, 2, 2, 3, 4, 4, 6, 6, 8};
    return Pick(40) == 0 ? 0 : kExtents[Pick(10)];
  }

  void Define(int tensor) {
    const std::vector<int64_t> shape = builder_.graph.tensors[static_cast<size_t>(tensor)].shape;
    axes_.clear();
    std::vector<std::string> names;
    for (size_t d = 0; d < shape.size(); ++d) {
      names.push_back("a" + std::to_string(d));
      axes_.push_back({names.back(), shape[d]});
    }
    std::vector<Axis> reduced;
    for (int r = 0, count = Pick(4); r < count; ++r) reduced.push_back({"r" + std::to_string(r), Extent()});
    axes_.insert(axes_.end(), reduced.begin(), reduced.end());
    Expr body = Term(tensor);
    for (int more = Pick(3); more > 0; --more)
      body = Pick(2) == 0 ? body + Term(tensor) : body * Term(tensor);
    // The maximum of nothing is infinite, and would become NaN, on which a maximum is unspecified.
    bool is_empty = std::any_of(reduced.begin(), reduced.end(), [](const Axis& a) { return a.extent == 0; });
    Reducer reducer = is_empty || Pick(2) == 0 ? Reducer::kSum : Reducer::kMax;
    builder_.Reduce(tensor, names, reduced.empty() ? Reducer::kNone : reducer, reduced, body);
  }

  Expr Term(int defined) {
    std::vector<int> readable = builder_.graph.Parameters();
    for (int t : temporaries_) {
      if (t >= defined) break;
      readable.push_back(t);
    }
    // The output, which comes before the temporaries, may read all of them.
    if (builder_.graph.tensors[static_cast<size_t>(defined)].role == Role::kOutput) {
      readable = builder_.graph.Parameters();
      readable.insert(readable.end(), temporaries_.begin(), temporaries_.end());
    }
    int tensor = readable[static_cast<size_t>(Pick(static_cast<int>(readable.size())))];
    const std::vector<int64_t> shape = builder_.graph.tensors[static_cast<size_t>(tensor)].shape;
    std::vector<Expr> indices;
    int next = Pick(2);  // often the axes in order
    for (size_t d = 0; d < shape.size(); ++d) indices.push_back(Index(&next));
    if (Pick(6) == 0 && !axes_.empty()) {
      return Cast(DType::kF32, Var(Pick(static_cast<int>(axes_.size()))));
    }
    return builder_.AtOr(tensor, std::move(indices), Float(0.5));
  }

  Expr Index(int* next) {
    if (axes_.empty() || Pick(12) == 0) return Int(Pick(3) - 1);
    auto count = static_cast<int>(axes_.size());
    Expr axis = Var((Pick(5) == 0 ? Pick(count) : *next) % count);
    ++*next;
    switch (Pick(14)) {
      case 0:
        return axis + Int(Pick(5) - 2);
      case 1:
        return axis * Int(2);
      case 2:
        return axis / Int(2 + Pick(2));
      case 3:
        return Binary(ExprKind::kMod, axis, Int(2 + Pick(3)));
      case 4:
        return axis / Int(2) * Int(2) + Var(Pick(count));
      case 5:
        return axis + Var(Pick(count)) - Int(1);
      case 12:
      case 13:
        return axis + Var(Pick(count));  // a window
      case 6:
        return (axis + Int(Pick(4))) / Int(2);
      default:
        return axis;
    }
  }

  GraphBuilder builder_;
  std::vector<int> temporaries_;
  std::vector<Axis> axes_;
};

RC_GTEST_PROP(Normalize, KeepsTheMeaningOfEveryGraph, ()) {
  Graph graph = RandomGraph().Build();
  Status valid = Verify(graph);
  RC_LOG() << ToString(graph) << valid;
  RC_ASSERT(valid.ok());

  Graph normal = Normalize(graph);
  RC_LOG() << ToString(normal) << Verify(normal);
  RC_ASSERT(Verify(normal).ok());
  RC_ASSERT(ToString(Normalize(normal)) == ToString(normal));

  auto inputs = GenerateInputs(InputKind::kUniform, 11, graph);
  auto want = Interpret(graph, inputs), got = Interpret(normal, inputs);
  RC_ASSERT(want.ok() && got.ok());
  // Shapes may have been merged; the contents are row-major and the same (a sum of one -0 may stay -0).
  RC_ASSERT((*want)[0].elements() == (*got)[0].elements());
  for (int64_t i = 0; i < (*want)[0].elements(); ++i) {
    RC_ASSERT((*want)[0].Load(i) == (*got)[0].Load(i));
  }
}

}  // namespace
}  // namespace tunesmith::te
