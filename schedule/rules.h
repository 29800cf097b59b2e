// SPDX-License-Identifier: Apache-2.0
// The rules that make sketches. Each looks at one stage and its neighbours and says how it can be scheduled;
// the first that applies wins, from the last stage to the first:
//   inlined       a cheap elementwise stage disappears into its consumers
//   dots          a product with few columns, whose lanes lie along the sum
//   contraction   a reduction whose lanes are an output axis: products, convolutions, pooling, column sums
//   row           a reduction whose lanes are the innermost reduced axis: row sums, norms
//   elementwise   everything else; row-wise producers (softmax, layer norm) are computed inside its row loop
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "schedule/sketch.h"

namespace tunesmith::schedule {

/// What the rules know of the graph while they assign stages to parts.
struct Surroundings {
  te::Graph graph;  // with the inlined stages' expressions in their consumers
  const Machine& machine;
  std::vector<bool> inlined;               // by stage: disappears into its consumers
  std::vector<StageId> epilogue;           // by stage: the consumer fused into its tile, or -1
  std::vector<std::vector<StageId>> rows;  // by stage: producers computed in its row loop, in order
  std::vector<std::string>& names;         // of all tensors, those among them that steps will add

  /// `name` for a tensor that a step will add, with a number after it where another has that name already. It
  /// is taken from then on.
  std::string NewName(const std::string& name) const;
  const std::string& NameOf(StageId stage) const {
    return graph.tensors[static_cast<size_t>(graph.stages[static_cast<size_t>(stage)].tensor)].name;
  }
  int LanesOf(StageId stage) const;
  /// How loops over vectors end: where masks cost something, only the last vectors pay for the tail.
  Tail VectorTail() const { return machine.masks ? Tail::kMask : Tail::kPeel; }
  /// The values of a hole that decides whether a stage's results bypass the caches: always 0, and 1 for an
  /// output that takes a good part of a core's second cache, where it would push out what is read again.
  std::vector<int64_t> StreamingOf(StageId stage) const;
  /// Whether there are several threads and the stage may be too small for them: waking them takes as long as
  /// some thousand vector operations.
  bool MayStayAlone(StageId stage) const;
  /// The values of a hole that decides how many iterations a thread takes at a time: on one thread there is
  /// nothing to decide, as it takes all of them at once. 0: a small stage's loop is not parallel.
  std::vector<int64_t> GrainsOf(StageId stage, std::vector<int64_t> grains) const;
  /// The stages that read a tensor and are not inlined themselves.
  std::vector<StageId> ReadersOf(int tensor) const;
};

std::shared_ptr<const Part> ContractionPart(const Surroundings& in, StageId stage, std::vector<Hole>* holes);
/// Null where the rule does not fit.
std::shared_ptr<const Part> DotsPart(const Surroundings& in, StageId stage, std::vector<Hole>* holes);
std::shared_ptr<const Part> RowReductionPart(const Surroundings& in, StageId stage, std::vector<Hole>* holes);
std::shared_ptr<const Part> ElementwisePart(const Surroundings& in, StageId stage, std::vector<Hole>* holes);

/// True if vector lanes should run along the innermost output axis: every read walks it with stride 1 or 0,
/// or can be copied so that it does: a weight ahead of time, another tensor if each element of it is used
/// often enough. Else lanes run along the innermost reduced axis.
bool LanesAlongOutput(const Surroundings& in, StageId stage);

}  // namespace tunesmith::schedule
