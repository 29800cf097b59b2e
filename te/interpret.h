// SPDX-License-Identifier: Apache-2.0
// The meaning of stage graphs. Values of floating types are computed in double; integers exactly, wrapping in
// their type. A value is rounded to a narrower type only where the definition stores it: in every output, in
// a temporary of a 16-bit type, and by a cast; temporaries of type f32 keep the double. Reductions go through
// their axes in order, the last one fastest.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "support/status.h"
#include "te/graph.h"
#include "te/tolerance.h"
#include "te/value.h"

namespace tunesmith::te {

/// The outputs of a graph, in order. `inputs` are its parameters, in order; a shape may differ from the
/// parameter's if the number of elements is the same, so that what is given to a graph can be given to its
/// normalised form. Fails if the graph is not valid, an input does not fit or memory is short.
Result<std::vector<Value>> Interpret(const Graph& graph, const std::vector<Value>& inputs);

/// An output with the bound of each of its elements; see te/tolerance.h.
struct BoundedValue {
  Value value;
  std::vector<double> bounds;

  Expected At(int64_t index) const;
};
Result<std::vector<BoundedValue>> InterpretBounded(const Graph& graph, const std::vector<Value>& inputs,
                                                   const Tolerance& tolerance);

/// Evaluates chosen elements of outputs from the definition, with their bounds; for checking samples of large
/// workloads. Of the temporaries it computes, and remembers, only what the chosen elements need: of a
/// softmax, the maximum and the sum of their rows. One thread at a time.
class ElementEvaluator {
 public:
  /// Fails as Interpret does. `inputs` must outlive the evaluator; the graph is copied.
  static Result<ElementEvaluator> Create(const Graph& graph, const std::vector<Value>& inputs,
                                         const Tolerance& tolerance);
  ElementEvaluator(ElementEvaluator&&) noexcept;
  ElementEvaluator& operator=(ElementEvaluator&&) noexcept;
  ~ElementEvaluator();

  /// The element at a flat index of output number `output` (0 is the first). Both must be in range.
  Expected Evaluate(int output, int64_t index);
  /// The `count` elements from a flat index on. Neighbours mostly need the same inputs and temporaries, so
  /// that sixteen at once take little longer than one: choose samples in runs.
  std::vector<Expected> Evaluate(int output, int64_t first, int64_t count);

 private:
  class State;
  explicit ElementEvaluator(std::unique_ptr<State> state);

  std::unique_ptr<State> state_;
};

}  // namespace tunesmith::te
