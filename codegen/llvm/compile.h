// SPDX-License-Identifier: Apache-2.0
// From a program to machine code, through LLVM in this process. Safe to call from several threads at once.
#pragma once

#include <string>
#include <vector>

#include "codegen/kernel.h"
#include "codegen/target.h"
#include "ir/ir.h"
#include "support/status.h"

namespace tunesmith::codegen {

/// The kernel as position-independent image. Fails if the program needs what this target has not, with the
/// reason.
Result<Kernel> Compile(const ir::Program& program, const Target& target);

/// The same code as relocatable object whose only visible symbols are PREFIX_main and PREFIX_pack.
Result<std::vector<uint8_t>> CompileObject(const ir::Program& program, const Target& target,
                                           const std::string& prefix);

/// What people look at: LLVM IR before and after optimisation, and assembly.
struct Listing {
  std::string llvm_ir;
  std::string optimised_llvm_ir;
  std::string assembly;
};
Result<Listing> List(const ir::Program& program, const Target& target);

/// The code generator's version and LLVM's: part of every record's key.
std::string CodeGeneratorVersion();
std::string LlvmVersion();

}  // namespace tunesmith::codegen
