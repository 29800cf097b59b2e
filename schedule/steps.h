// SPDX-License-Identifier: Apache-2.0
// The steps that turn one plan into another. Each takes a plan and gives the new one, or the reason why it
// refuses; none changes what is computed. A step's `before => after` below is what tests/schedule/cases show
// as text.
#pragma once

#include <string>
#include <vector>

#include "absl/types/span.h"
#include "schedule/plan.h"

namespace tunesmith::schedule {

/// What happens to the iterations of a split that has a remainder.
enum class Tail : uint8_t {
  kMask,  // guarded: a vector loop's lanes are masked, another loop ends early
  kPeel,  // the outer loop is partitioned, so that only its last iteration pays for the guard
};

/// Splits a loop into an outer and an inner one; the inner runs `factor` iterations.
///   for i in 17        =>   for i.o in 3
///     S(i)                    for i.i in 8  if i.o*8 + i.i < 17
///                               S(i.o*8 + i.i)
Result<Plan> Split(Plan plan, NodeId loop, int64_t factor, Tail tail);

/// Puts loops, which must be nested in one another with nothing else between them, into this order, outermost
/// first. Loops between them that are not named keep their place.
Result<Plan> Reorder(Plan plan, absl::Span<const NodeId> loops);

/// Runs a loop as vector lanes, unrolled, or on several threads.
Result<Plan> SetKind(Plan plan, NodeId loop, LoopKind kind, int64_t grain = 1);

/// Divides a loop, in lowering, into boundary iterations and steady ones, in which its guards are known to
/// hold.
Result<Plan> SetPartition(Plan plan, NodeId loop);

/// Puts the expression of a stage that does not reduce into its consumers.
Result<Plan> Inline(Plan plan, StageId stage);

/// Computes a stage inside `loop`, which must contain all its consumers: each iteration computes the region
/// that they read there, just before the first of them. The stage's own nest must be untouched; its new loops
/// are named after its axes.
///   for r: for c: e = …              for r
///   for r: for c: s += e      =>       for e.c: e[c] = …
///                                      for s.c: s += e[c]
Result<Plan> ComputeAt(Plan plan, StageId stage, NodeId loop, Scope scope);

/// Computes a consumer where what it reads is produced: inside `loop`, which contains the producer's leaf,
/// right after the producer (and what else it reads there). The consumer reads one element of the producer an
/// iteration, and adopts the producer's loops below `loop` (their kinds too) under names of its own. If
/// reduction loops of the producer lie outside `loop`, the consumer runs in their last iteration. A consumer
/// may itself reduce over dimensions of what it reads.
///   for i.o                          for i.o
///     for k: for i.i: acc += …  =>     for k: for i.i: acc += …
///   for i: C = f(acc)                  for C.i.i: C = f(acc)
Result<Plan> FuseConsumer(Plan plan, StageId consumer, StageId producer, NodeId loop);

/// Copies what one stage reads of a tensor into a tensor of its own, `name`, which can then be placed, laid
/// out and padded like any stage. Where the read was guarded, the copy contains the values outside too, and
/// reads it unguarded. `multiples`, if not empty, gives for each dimension a number to whose multiple it is
/// extended, filled with zeros.
Result<Plan> Cache(Plan plan, int tensor, StageId consumer, const std::string& name,
                   const std::vector<int64_t>& multiples);

/// Computes a stage that depends on weights alone ahead of time.
Result<Plan> Pack(Plan plan, StageId stage);

/// Stores a stage's tensor in blocks: each {dim, extent} in order cuts that dimension, the cut-off inner part
/// becomes the innermost; what is left of the dimensions stands before, in `order`.
///   layout Bp [j, k] j:48         [j/48][k][j%48]
Result<Plan> SetLayout(Plan plan, StageId stage, const std::vector<int>& order,
                       const std::vector<Piece>& blocks);

/// Keeps a reduction's accumulators in registers during each iteration of `loop`. Before, they are set to the
/// reducer's start value, or, if reduction loops lie outside `loop`, loaded in all iterations of those but
/// the first.
Result<Plan> Keep(Plan plan, StageId stage, NodeId loop);

/// Factors a reduction: the values of the reduction loop `loop` get accumulators of their own, in a new stage
/// `name`; the stage itself then reduces those. (Suriana et al., CGO 2017.) The stage's spatial loops must be
/// untouched.
///   for c.o: for c.i: s += f(16*c.o + c.i)   =>   for c.i: for c.o: s.rf[c.i] += f(16*c.o + c.i)
///                                                 for c.i: s += s.rf[c.i]
Result<Plan> Factor(Plan plan, StageId stage, NodeId loop, const std::string& name);

/// Stores the stage's results past the caches.
Result<Plan> Stream(Plan plan, StageId stage);

/// Lines that are asked for at once: of more, the first would be gone before the last have come.
inline constexpr int kMostPrefetched = 256;

/// In each iteration of `loop`, asks for the cache lines of a tensor that the stage will read, or store its
/// results in, `ahead` iterations later; 0: in this one.
///   for i: S(X[i])   =>   for i: prefetch X[i + ahead]; S(X[i])
Result<Plan> Prefetch(Plan plan, int tensor, StageId stage, NodeId loop, int64_t ahead);

}  // namespace tunesmith::schedule
