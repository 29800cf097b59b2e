// SPDX-License-Identifier: Apache-2.0
// From an LLVM module to an object file, and from that to an image without relocations.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "codegen/kernel.h"
#include "codegen/target.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/IR/Module.h"
#include "llvm/Target/TargetMachine.h"
#include "support/status.h"

namespace tunesmith::codegen {

Result<std::unique_ptr<llvm::TargetMachine>> MachineFor(const Target& target);

/// A short pipeline for code that is tiled, vectorised and unrolled already: values into registers,
/// invariants out of loops (as far as the machine's `vector_registers` hold them), common addresses once. No
/// loop is transformed.
void Optimise(llvm::Module* module, llvm::TargetMachine* machine, int vector_registers);

/// Appends the object file, or the assembly text.
Status Generate(llvm::Module* module, llvm::TargetMachine* machine, bool assembly,
                llvm::SmallVectorImpl<char>* out);

/// Lays out the object's code and constants from address 0 on and resolves what refers from one to another.
/// An object that needs an absolute address or an outside symbol is refused. `main` and `pack` are the
/// entries' symbols.
Result<Image> LayOut(const llvm::SmallVectorImpl<char>& object, const std::string& main,
                     const std::string& pack);

}  // namespace tunesmith::codegen
