// SPDX-License-Identifier: Apache-2.0
// Which loaded vectors to load again instead of keeping them.
#pragma once

#include "codegen/target.h"
#include "llvm/IR/Function.h"

namespace tunesmith::codegen {

/// In blocks where more vectors live at a time than the target has registers, loads again what was loaded.
/// An unrolled window is the usual case: its accumulators fill the registers, several taps read the same
/// element, and common subexpression elimination has made one load of them whose value lives from the first
/// tap to the last.
///
///   x1 = load X+1                            x1 = load X+1
///   a0 = fma(x1, w1, a0)                     a0 = fma(x1, w1, a0)
///   … (more values than registers)     =>    …
///   a1 = fma(x1, w0, a1)                     x1' = load volatile X+1
///                                            a1 = fma(x1', w0, a1)
///
/// LLVM's register allocator does not know that a load can be repeated: it stores the loaded vector, or an
/// accumulator, on the stack and loads that. The repeated load costs nothing instead, as an operand of the
/// multiply-add; so does the broadcast of a loaded scalar with AVX-512.
///
/// Registers are simulated along the block; when they are full, the loaded value goes whose next use is
/// furthest (Belady, A study of replacement algorithms for a virtual-storage computer, 1966). What an earlier
/// block loaded is loaded here too. A load is repeated only where nothing was written since the first one,
/// unless nobody writes its buffer (`!invariant.load`). It is volatile, because instruction selection would
/// merge equal loads again, but folds volatile ones into their user all the same. For the same reason this
/// must be the last pass before instruction selection.
///
/// Two kinds of blocks stay as they are: those whose values fit, and those that compute more than fits
/// without anything loaded; there LLVM spills in any case, and volatile loads would only keep its scheduler
/// from finding a better order. Masked loads are not repeated: no multiply-add takes them as an operand.
///
/// Takes time linear in the size of the blocks (times the number of registers) and in the number of blocks
/// that each value lives through.
void RepeatLoads(llvm::Function* function, const Target& target);

}  // namespace tunesmith::codegen
