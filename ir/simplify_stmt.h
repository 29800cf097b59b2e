// SPDX-License-Identifier: Apache-2.0
// The walk of Simplify over statements, and how it serves to copy them.
#pragma once

#include <vector>

#include "ir/algebra.h"

namespace tunesmith::ir {

/// Simplifies statements in a context of ranges, facts and replaced variables.
class StatementSimplifier {
 public:
  explicit StatementSimplifier(const Ranges& ranges) : ranges_(ranges), algebra_(&ranges_, &replacements_) {}

  /// From now on each loop gets a variable of its own, appended to function->variables with the same name;
  /// origin[new] becomes origin[old].
  void RenameLoops(Function* function, std::vector<int>* origin);
  /// From now on `var` stands for `form`, which does not contain it.
  void Replace(int var, Linear form);

  /// Null if nothing is left to do.
  Stmt Visit(const Stmt& s);

 private:
  Stmt Leaf(const Stmt& s);
  Stmt Loop(const Stmt& s);
  Stmt Trimmed(Stmt loop);
  Stmt Choice(const Stmt& s);
  Stmt Body(const Stmt& s);
  Stmt Under(const Expr& assumption, const Stmt& s);

  Ranges ranges_;
  Replacements replacements_;
  Algebra algebra_;
  Function* function_ = nullptr;  // set: loops are renamed
  std::vector<int>* origin_ = nullptr;
};

/// Notes what is known of a loop's variable inside its body; returns the mark for Ranges::Forget.
/// `begin` and `extent` are simplified.
size_t EnterLoop(int var, const Expr& begin, const Expr& extent, Ranges* ranges);
void LeaveLoop(int var, size_t mark, Ranges* ranges);

}  // namespace tunesmith::ir
