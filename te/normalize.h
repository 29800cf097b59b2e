// SPDX-License-Identifier: Apache-2.0
// The passes of Normalize (te/graph.h). Each changes a verified graph in place, keeps its meaning, and
// returns true if it changed anything. Parameters and outputs keep their row-major contents.
#pragma once

#include "te/graph.h"

namespace tunesmith::te {

/// Drops temporaries that no output needs, with their stages.
bool DropDeadStages(Graph* graph);

/// Simplifies every body over its stage's axes; see Simplify in te/bounds.h.
bool SimplifyBodies(Graph* graph);

/// Splits axes that are divided by a constant, so that their accesses become affine. With 12 output channels
/// in groups of 4:
///
///   Y[y, o] = sum(c) X[y, o/4*2 + c] * W[c, o]
///     =>
///   Y[y, o.o, o.i] = sum(c) X[y, o.o*2 + c] * W[c, o.o, o.i]
///
/// An axis is split by the smallest constant that divides it, if that constant divides its extent; tensors
/// that are indexed by the axis alone get a dimension more. Nothing happens if some access would then need a
/// division that it did not need before.
bool SplitDividedAxes(Graph* graph);

/// Gives a reduction that accumulates in another type than it stores a tensor of its accumulator's type, so
/// that every stage accumulates in the type of its tensor:
///
///   Y[i] = bf16(sum:f32(k) f32(X[i, k]))   =>   Y_wide[i] = sum:f32(k) f32(X[i, k]),  Y[i] = bf16(Y_wide[i])
bool SplitStores(Graph* graph);

/// Drops axes and dimensions of extent 1. A reduction that loses all its axes becomes its body.
bool DropUnitAxes(Graph* graph);

/// Merges adjacent axes of a stage, and dimensions of tensors, where every access walks the two as one:
///
///   Y[y, x, o] = sum(c) X[y, x, c] * W[c, o]   =>   Y[yx, o] = sum(c) X[yx, c] * W[c, o]
///
/// All stages and tensors concerned change together, or none does.
bool MergeAxes(Graph* graph);

}  // namespace tunesmith::te
