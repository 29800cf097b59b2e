// SPDX-License-Identifier: Apache-2.0
// The stage graph: what an operator computes once every symbol and attribute is bound. It has no loops, no
// layouts and no order beyond what the data demands; the interpreter (te/interpret.h) gives its meaning.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "support/status.h"
#include "te/dtype.h"
#include "te/expr.h"

namespace tunesmith::te {

enum class Role : uint8_t {
  kInput,
  kWeight,  // an input that the caller may transform ahead of time
  kOutput,
  kTemp,  // computed and consumed inside the operator
};

struct Tensor {
  std::string name;
  DType dtype = DType::kF32;
  std::vector<int64_t> shape;  // row-major; an extent may be 0; a scalar has no dimension
  Role role = Role::kTemp;

  int64_t elements() const;  // 1 for a scalar
  bool is_parameter() const { return role == Role::kInput || role == Role::kWeight; }
};

struct Axis {
  std::string name;
  int64_t extent = 0;
};

enum class Reducer : uint8_t { kNone, kSum, kProd, kMax, kMin, kAny, kAll };

/// One tensor, computed by one expression:
///   tensor[axes[0..spatial)] = reducer over axes[spatial..) of body
/// In `body` and its indices, Var(n) is axis n. argmax and argmin are two stages after binding: the extreme
/// value, then the smallest index at which it is attained.
struct Stage {
  int tensor = -1;  // what it defines; graph.tensors[tensor].shape are the extents of the spatial axes
  int spatial = 0;  // how many of `axes` index the tensor; the rest are reduced over
  std::vector<Axis> axes;
  Reducer reducer = Reducer::kNone;
  /// The type in which a reduction accumulates; `body` has it, and the result is cast to the tensor's type
  /// where stored. Without a reduction it has no meaning: `body` has the tensor's type.
  DType accumulator = DType::kF32;
  Expr body;
};

/// The value a reduction starts with: 0, 1, lowest, highest, false, true. Extent 0 yields exactly this.
Expr Identity(Reducer reducer, DType accumulator);
/// `reducer` applied to two values.
Expr Combine(Reducer reducer, Expr a, Expr b);

struct Graph {
  std::vector<Tensor>
      tensors;  // the parameters in declared order, the outputs in declared order, then the rest
  std::vector<Stage> stages;  // each after those that it reads

  int StageOf(int tensor) const;        // -1 for a parameter
  std::vector<int> Parameters() const;  // tensor ids, in declared order
  std::vector<int> Outputs() const;
  std::vector<int> ConsumersOf(int tensor) const;  // stage numbers
};

/// An operator with all symbols bound to constants: what is tuned. `algorithms[0]` is the definition; others
/// compute the same outputs from the same parameters in another way, within `tolerance_factor` of the
/// definition's tolerance.
struct Algorithm {
  std::string name;  // "direct" for the definition
  Graph graph;
  double tolerance_factor = 1;
};

struct Workload {
  std::string op;  // the operator's name, for people only
  std::map<std::string, std::string>
      bindings;  // "M" -> "1024", "act" -> "relu": for people, and to bind again
  std::vector<Algorithm> algorithms;

  const Graph& definition() const { return algorithms.front().graph; }
};

/// What every graph must satisfy: ids in range, types agree, stages after what they read, each non-parameter
/// defined once, axes in range, unguarded reads inside their tensors. The language's checker says more, with
/// places.
Status Verify(const Graph& graph);

/// The same computation without what does not matter: axes of extent 1 dropped, adjacent axes that every
/// access walks as one merged (a 1x1 convolution becomes a matrix product), axes that are divided by a
/// constant split so that accesses are affine (groups of channels), reductions stored in the type in which
/// they accumulate and cast by a stage of their own, guards that always hold dropped, constants folded.
/// Parameters and outputs keep their number, order, dtype and row-major contents; only their shapes change.
/// The graph must pass Verify; so does the result.
Graph Normalize(const Graph& graph);

/// Names the normalised graph's computation: 128 bits over structure, dtypes, roles and shapes; no names, no
/// source.
std::string WorkloadHash(const Workload& workload);  // 32 hexadecimal digits

/// The stages, one a line, as in a .te file: "C[i, j] = sum(k) A[i, k] * B[k, j]".
std::string ToString(const Graph& graph);

}  // namespace tunesmith::te
