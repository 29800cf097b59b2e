// SPDX-License-Identifier: Apache-2.0
#include "codegen/llvm/compile.h"

#include "codegen/llvm/emitter.h"
#include "codegen/llvm/machine_code.h"
#include "ir/math.h"
#include "llvm-c/Core.h"
#include "llvm/IR/Verifier.h"
#include "llvm/Support/raw_ostream.h"
#include "support/strings.h"

namespace tunesmith::codegen {
namespace {

/// A module with the program's entries, and what it takes to turn it into code.
struct Unit {
  llvm::LLVMContext context;
  std::unique_ptr<llvm::Module> module;
  std::unique_ptr<llvm::TargetMachine> machine;
  Workspace main_workspace, pack_workspace;
};

Status Emit(const ir::Program& program, const Target& target, Unit* unit) {
  unit->context.setDiscardValueNames(true);
  TS_ASSIGN_OR_RETURN(unit->machine, MachineFor(target));
  unit->module = std::make_unique<llvm::Module>("kernel", unit->context);
  unit->module->setTargetTriple(target.triple);
  unit->module->setDataLayout(unit->machine->createDataLayout());
  unit->module->setPICLevel(llvm::PICLevel::SmallPIC);
  ir::Function main = program.main;
  auto multiply_add = target.fma ? ir::MultiplyAdd::kFused : ir::MultiplyAdd::kSeparate;
  ir::ExpandMath(&main, multiply_add);
  TS_ASSIGN_OR_RETURN(unit->main_workspace, EmitEntry(main, target, Object::kMain, unit->module.get()));
  if (program.pack.body) {
    ir::Function pack = program.pack;
    ir::ExpandMath(&pack, multiply_add);
    TS_ASSIGN_OR_RETURN(unit->pack_workspace, EmitEntry(pack, target, Object::kPack, unit->module.get()));
  }
  std::string error;
  llvm::raw_string_ostream stream(error);
  if (llvm::verifyModule(*unit->module, &stream))
    return Internal(StrCat("the emitted LLVM IR is invalid: ", error));
  return absl::OkStatus();
}

std::string TextOf(const llvm::Module& module) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  module.print(stream, nullptr);
  return text;
}

}  // namespace

Result<Kernel> Compile(const ir::Program& program, const Target& target) {
  Unit unit;
  TS_RETURN_IF_ERROR(Emit(program, target, &unit));
  Optimise(unit.module.get(), unit.machine.get(), target);
  llvm::SmallVector<char, 0> object;
  TS_RETURN_IF_ERROR(Generate(unit.module.get(), unit.machine.get(), false, &object));
  Kernel kernel;
  TS_ASSIGN_OR_RETURN(kernel.image, LayOut(object, Object::kMain, Object::kPack));
  kernel.main_workspace = unit.main_workspace;
  kernel.pack_workspace = unit.pack_workspace;
  return kernel;
}

Result<Object> CompileObject(const ir::Program& program, const Target& target) {
  Unit unit;
  TS_RETURN_IF_ERROR(Emit(program, target, &unit));
  Optimise(unit.module.get(), unit.machine.get(), target);
  llvm::SmallVector<char, 0> bytes;
  TS_RETURN_IF_ERROR(Generate(unit.module.get(), unit.machine.get(), false, &bytes));
  return Object{std::string(bytes.begin(), bytes.end()), unit.main_workspace, unit.pack_workspace};
}

Result<Listing> List(const ir::Program& program, const Target& target) {
  Unit unit;
  TS_RETURN_IF_ERROR(Emit(program, target, &unit));
  Listing listing;
  listing.llvm_ir = TextOf(*unit.module);
  Optimise(unit.module.get(), unit.machine.get(), target);
  listing.optimised_llvm_ir = TextOf(*unit.module);
  llvm::SmallVector<char, 0> assembly;
  TS_RETURN_IF_ERROR(Generate(unit.module.get(), unit.machine.get(), true, &assembly));
  listing.assembly.assign(assembly.begin(), assembly.end());
  return listing;
}

std::string CodeGeneratorVersion() { return "8"; }

std::string LlvmVersion() {
  // Of the shared library at hand, which the system may have brought up to date since this was built.
  unsigned major = 0, minor = 0, patch = 0;
  LLVMGetVersion(&major, &minor, &patch);
  return StrCat(major, ".", minor, ".", patch);
}

}  // namespace tunesmith::codegen
