// SPDX-License-Identifier: Apache-2.0
// A stage graph in the making: the ranges of its axes may still be unknown.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "te/graph.h"
#include "te/language/diagnostics.h"
#include "te/language/syntax.h"

namespace tunesmith::te::language {

struct DraftAxis {
  std::string name;
  Span span;
  std::optional<int64_t> extent;
  const Node* extent_syntax = nullptr;  // as the source writes it: "CI/G"
  bool from_dimension = false;  // inferred from the dimensions that it indexes alone, which must agree
};

struct DraftTensor {
  std::string name;
  DType dtype = DType::kF32;
  Role role = Role::kTemp;
  std::vector<int64_t> shape;             // of a parameter or an output
  std::vector<const Node*> shape_syntax;  // the same, as the source writes it
  std::vector<int> axes;                  // of a temporary: the axis of its stage for each dimension
  bool exists = true;                     // false: a parameter or output whose condition does not hold
  bool defined = false;                   // a parameter, or the chosen stages define it
  bool broken = false;                    // its stage has an error, which was reported
};

struct DraftStage {
  int tensor = -1;
  std::vector<int> spatial, reduced;  // axes
  Reducer reducer = Reducer::kNone;
  DType accumulator = DType::kF32;
  Expr body;  // Var(n) is axes[n] of the draft
  Span span;
  bool whole_value = false;  // a reduction that is all of the stage after it, up to a cast
};

/// A read as it stands in the source.
struct DraftRead {
  int tensor = -1;
  bool guarded = false;
  Span span;
  std::vector<Expr> indices;
  std::vector<int> alone;  // for each dimension the axis that indexes it alone, or -1
  std::vector<Span> index_spans;
  std::vector<int> axes_in_scope;
};

/// A quotient or remainder of values whose divisor is known to be 0: an error wherever it is computed, so not
/// where one of the axes around it has no positions.
inline constexpr char kByZero[] = "division by zero";
struct DivisionByZero {
  Span span;
  std::string inferred;
  std::string fix;
  std::vector<int> axes_in_scope;
};

struct Draft {
  std::vector<DraftAxis> axes;
  std::vector<DraftTensor> tensors;  // parameters, outputs, then temporaries as they are defined
  std::vector<DraftStage> stages;
  std::vector<DraftRead> reads;
  std::vector<DivisionByZero> divisions_by_zero;
  std::map<const AxisSyntax*, int> axis_of_syntax;  // the first axis that each piece of source introduced
  std::vector<const Statement*> chosen;             // the statements that were kept, in order
  bool too_large = false;                           // a stage has more iterations than can be counted

  std::optional<int64_t> ExtentOf(int tensor, size_t dimension) const;
  /// Null if the source does not write it.
  const Node* ExtentSyntaxOf(int tensor, size_t dimension) const;
};

/// Infers the extents of all axes, by the rules of docs/language.md, and checks that nothing is divided by a
/// known 0 and that no read without a guard leaves its tensor. Reports what fails.
void InferRanges(Draft* draft, Diagnostics* diagnostics);

/// The draft as a graph: copies of whole tensors and what no output needs left out, tensors in the order that
/// Graph wants. The ranges must be known.
Graph Finish(const Draft& draft);

}  // namespace tunesmith::te::language
