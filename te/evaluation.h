// SPDX-License-Identifier: Apache-2.0
// The tensors of one graph while it is interpreted, and the loops that fill them.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <vector>

#include "support/status.h"
#include "te/accumulator.h"
#include "te/graph.h"
#include "te/machine.h"
#include "te/tolerance.h"
#include "te/value.h"

namespace tunesmith::te {

class Evaluation : public Supplier {
 public:
  /// The graph and the inputs must outlive it. With a tolerance, bounds are computed too.
  static Result<std::unique_ptr<Evaluation>> Create(const Graph& graph, const std::vector<Value>& inputs,
                                                    const Tolerance* tolerance);

  /// Computes all elements of all tensors, stage by stage.
  void ComputeAll();

  /// Computes those elements of a tensor that are not there yet, and what they need.
  void Supply(int tensor, int64_t first, int64_t step, int64_t count) override;

  /// An element that has been computed, of an output.
  Expected At(int tensor, int64_t index) const;

 private:
  /// Memory that is zero and costs nothing until it is touched.
  template <class T>
  using Zeros = std::unique_ptr<T[], decltype(&std::free)>;
  template <class T>
  static Zeros<T> Allocate(int64_t elements);

  /// The elements of a tensor that a stage computes.
  struct Content {
    Zeros<double> floats{nullptr, &std::free};
    Zeros<int64_t> integers{nullptr, &std::free};
    Zeros<double> errors{nullptr, &std::free};
    Zeros<uint8_t> known{nullptr, &std::free};  // 1 where the element has been computed
    bool complete = false;                      // all have been
  };

  Evaluation(const Graph& graph, const Tolerance* tolerance);
  Status AddInputs(const std::vector<Value>& inputs);
  Status AllocateContents();

  /// Computes `count` elements of the stage's tensor from a flat index on, all within one row (the last
  /// dimension).
  void Compute(size_t stage, int64_t first, int64_t count);
  /// With lanes across elements, or, for one element, along the last reduction axis.
  void ComputeAcross(size_t stage, std::vector<int64_t> point, int64_t first, int64_t count);
  void ComputeAlong(size_t stage, std::vector<int64_t> point, int64_t first);
  /// Moves what has been accumulated (without a reduction: the machine's results) into the tensor.
  void Store(size_t stage, int64_t first, int lanes);

  const Graph& graph_;
  bool bounded_;
  Tolerance tolerance_;
  std::vector<int> stage_of_;  // by tensor
  std::vector<Source> sources_;
  std::vector<Content> contents_;
  // By stage, as supplying one stage may interrupt another.
  std::vector<Machine> machines_;
  std::vector<Accumulator> sums_;
  std::vector<ErrorModel> models_;
};

}  // namespace tunesmith::te
