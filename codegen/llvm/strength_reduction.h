// SPDX-License-Identifier: Apache-2.0
// How loops arrive at their addresses.
#pragma once

#include "llvm/Analysis/LoopInfo.h"
#include "llvm/Analysis/ScalarEvolution.h"
#include "llvm/IR/Function.h"

namespace tunesmith::codegen {

/// Lets a pointer advance with each loop, where addresses are computed from the loop's variable:
///
///   for k:  load A + 4096*k           for k, p = A + 16, + 4096:  load p - 16
///           load A + 4096*k + 32  =>                              load p + 16
///
/// Addresses that differ by a constant share a pointer, and the constant is a part of the instruction. A
/// pointer starts where the pointer of the loop around it is, so that a nest computes nothing but sums.
///
/// It takes the place of LLVM's own pass (llc's "Loop Strength Reduction"), which is switched off: that weighs
/// every way to write every address against the others, took more than half of the compile time of unrolled
/// convolutions, and arrives at the same for tensors of known shapes. What it can do besides (share a register
/// between an address and the loop's counter) is worth an addition an iteration, which is nothing beside an
/// unrolled body.
///
/// Stays as it is: what is no linear function of a loop's variable (a packed layout's div and mod), and what
/// would need more pointers in a loop than there are registers for.
void ReduceStrength(llvm::Function* function, llvm::LoopInfo* loops, llvm::ScalarEvolution* evolution);

}  // namespace tunesmith::codegen
