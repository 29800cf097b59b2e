// SPDX-License-Identifier: Apache-2.0
// What statements and expressions refer to.
#pragma once

#include <functional>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "ir/ir.h"

namespace tunesmith::codegen {

/// Calls `visit` once for each node that is reached, parents first. Where it answers false, the node's
/// arguments are left out. Expanded math shares nodes: its trees are much larger than its graphs, so `seen`
/// remembers what has been visited.
void VisitOnce(const te::Expr& e, absl::flat_hash_set<const te::ExprNode*>* seen,
               const std::function<bool(const te::ExprNode&)>& visit);

/// Variables and buffers (by number) that a statement uses, and those that it brings itself.
struct Uses {
  Uses(const ir::Function& function, const ir::StmtNode& s);

  /// Variables that belong to loops around the statement.
  std::vector<int> FreeVariables() const;

  std::vector<bool> variables, bound, buffers, allocated;

 private:
  void Collect(const ir::StmtNode& s);

  absl::flat_hash_set<const te::ExprNode*> seen_;
};

}  // namespace tunesmith::codegen
