// SPDX-License-Identifier: Apache-2.0
// How LLVM orders machine instructions.
#pragma once

#include "llvm/IR/Instruction.h"

namespace tunesmith::codegen {

/// LLVM's scheduler is to leave the block of this instruction as it is, whichever that will be. It saves
/// registers where it can, and for that puts the chains that codegen/llvm/interleave.h laid side by side one
/// after the other again.
void KeepOrder(llvm::Instruction* instruction);

/// Makes LLVM respect that, in this process; once, before anything is compiled.
void InstallScheduler();

}  // namespace tunesmith::codegen
