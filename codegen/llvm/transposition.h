// SPDX-License-Identifier: Apache-2.0
// Tiles that are read across.
#pragma once

#include "llvm/IR/Function.h"

namespace tunesmith::codegen {

/// Vectors whose lanes are loaded one by one, far apart, where as many such vectors as they have lanes lie
/// side by side in memory: together they are the rows of a tile, which are loaded whole and turned in
/// registers. Loads must be of memory that the function does not change (!invariant.load), and equal
/// addresses equal values. True if something was changed.
bool TurnTiles(llvm::Function* function);

}  // namespace tunesmith::codegen
