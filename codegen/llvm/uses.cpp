// SPDX-License-Identifier: Apache-2.0
#include "codegen/llvm/uses.h"

namespace tunesmith::codegen {

void VisitOnce(const te::Expr& e, absl::flat_hash_set<const te::ExprNode*>* seen,
               const std::function<bool(const te::ExprNode&)>& visit) {
  if (!seen->insert(e.get()).second || !visit(*e)) return;
  for (const te::Expr& argument : e->args) VisitOnce(argument, seen, visit);
}

Uses::Uses(const ir::Function& function, const ir::StmtNode& s)
    : variables(function.variables.size()),
      bound(function.variables.size()),
      buffers(function.buffers.size()),
      allocated(function.buffers.size()) {
  Collect(s);
}

void Uses::Collect(const ir::StmtNode& s) {
  for (const te::Expr& e : {s.begin, s.extent, s.condition, s.index, s.value}) {
    if (!e) continue;
    VisitOnce(e, &seen_, [this](const te::ExprNode& node) {
      if (node.kind == te::ExprKind::kVar) variables[static_cast<size_t>(node.id)] = true;
      if (node.kind == te::ExprKind::kRead) buffers[static_cast<size_t>(node.id)] = true;
      return true;
    });
  }
  for (int buffer : {s.buffer, s.source}) {
    if (buffer >= 0) buffers[static_cast<size_t>(buffer)] = true;
  }
  if (s.kind == ir::StmtKind::kFor) bound[static_cast<size_t>(s.var)] = true;
  if (s.kind == ir::StmtKind::kAlloc) allocated[static_cast<size_t>(s.buffer)] = true;
  for (const ir::Stmt& child : s.body) Collect(*child);
}

std::vector<int> Uses::FreeVariables() const {
  std::vector<int> free;
  for (size_t v = 0; v < variables.size(); ++v) {
    if (variables[v] && !bound[v]) free.push_back(static_cast<int>(v));
  }
  return free;
}

}  // namespace tunesmith::codegen
