// SPDX-License-Identifier: Apache-2.0
// Lowering's view of what one iteration of a leaf does: loads, arithmetic, a store, and the conditions under
// which they happen.
#pragma once

#include <vector>

#include "ir/lower_places.h"

namespace tunesmith::ir {

/// All of the conditions hold; null if there are none.
Expr AllOf(const std::vector<Expr>& conditions);

class Bodies : protected Places {
 protected:
  Bodies(const Plan& plan, bool packing) : Places(plan, packing) { loops_.resize(plan.nodes.size()); }

  /// A stage's body at its leaf, with the loops as they stand.
  Stmt Leaf(StageId id);

  /// The index of the element that a stage computes.
  std::vector<Expr> OwnIndices(StageId id) const;
  /// What has to be checked of a guard.
  void AddGuard(const schedule::Guard& g, std::vector<Expr>* conditions) const;
  static Stmt Guarded(const std::vector<Expr>& conditions, Stmt statement);
  /// Whether guard `g` of a stage protects an access: without it, an index that moves with g's loops could
  /// leave what is stored, or read an element that was never computed.
  bool Protects(StageId id, const schedule::Guard& g);
  /// Whether a guard is about spatial axes alone.
  bool IsSpatial(StageId id, const schedule::Guard& g) const;
  /// Whether nobody else sees what is stored here: it belongs to one thread.
  bool IsOwn(const Storage& storage) const;
  /// A value as it is stored.
  Expr Stored(const Storage& storage, Expr value) const;

  LoopValues loops_;

 private:
  /// A read of a stage as a load. `skip` says that the statement runs only where the read's guard holds.
  Expr Load(StageId reader, const Expr& read, bool skip);
  /// A stage's expression over the function's variables and buffers.
  Expr Body(StageId id, const std::vector<Expr>& skipped);
  Expr OverLoops(StageId id, const Expr& e) const;
};

}  // namespace tunesmith::ir
