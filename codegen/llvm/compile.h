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

/// The same code as relocatable ELF object, for linkers. Its only global symbols are the entries, hidden.
struct Object {
  static constexpr char kMain[] = "kernel_main";
  static constexpr char kPack[] = "kernel_pack";  // not there if there is nothing to pack
  std::string bytes;
  Workspace main_workspace;
  Workspace pack_workspace;
};
Result<Object> CompileObject(const ir::Program& program, const Target& target);

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
