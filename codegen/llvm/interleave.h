// SPDX-License-Identifier: Apache-2.0
// The order of independent computations that follow one another.
#pragma once

#include "codegen/target.h"
#include "llvm/Analysis/AliasAnalysis.h"
#include "llvm/IR/Function.h"

namespace tunesmith::codegen {

/// Lets computations that end in stores, each a long chain of dependent vector operations, proceed side by
/// side, several at a time:
///
///   a0 = f(x0); a1 = g(a0); … store a9          a0 = f(x0); b0 = f(x1)
///   b0 = f(x1); b1 = g(b0); … store b9    =>    a1 = g(a0); b1 = g(b0)
///                                               …
///                                               store a9; store b9
///
/// An unrolled elementwise stage with a function in it, exp or erf, is the usual case. Processors look ahead
/// far enough to overlap such computations by themselves, but the queue of vector operations that wait for
/// operands is much shorter: on Zen 3 it holds those of four exponentials, which take as long as all of
/// their latencies together. LLVM is told to keep this order (codegen/llvm/scheduler.h).
///
/// As many proceed at once as the registers hold the values of, and four at most. Nothing is moved across
/// what may have effects besides the stores, nor a load across a store that may write what it reads.
void InterleaveChains(llvm::Function* function, llvm::AAResults* aliases, const Target& target);

}  // namespace tunesmith::codegen
