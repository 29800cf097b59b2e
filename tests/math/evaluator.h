// SPDX-License-Identifier: Apache-2.0
// Evaluates an expression on many arguments the way hardware does: each operation is rounded to its own type.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "te/expr.h"

namespace tunesmith::math_test {

/// `Float` is the type of the expression's floating nodes, float or double; `Bits` the integer of that size.
/// Reads of tensor 0 and 1 (at any index) are the arguments. Throws std::logic_error for operations that
/// expanded math must not contain.
template <typename Float, typename Bits>
class Evaluator {
 public:
  explicit Evaluator(const te::Expr& e);
  /// results[i] = e(x[i], y[i]); y may be empty if it is not read.
  void Run(std::span<const Float> x, std::span<const Float> y, std::span<Float> results);
  /// Operations, constants and arguments not counted; a comparison with a select of what was compared is one.
  int operations() const { return operations_; }

 private:
  static constexpr size_t kBlock = 256;
  struct Step {
    te::ExprKind kind;
    te::Function function;
    bool on_floats;  // the arguments are floating
    int64_t immediate;
    int a, b, c;
  };
  union Cell {
    Float f;
    Bits i;
  };

  int Compile(const te::Expr& e);
  void Execute(const Step& step, Cell* out, size_t count);

  std::map<const te::ExprNode*, int> slots_;
  std::vector<Step> steps_;
  std::vector<Cell> cells_;
  te::Expr root_;
  int operations_ = 0;
};

extern template class Evaluator<float, int32_t>;
extern template class Evaluator<double, int64_t>;

}  // namespace tunesmith::math_test
