// SPDX-License-Identifier: Apache-2.0
#include "codegen/llvm/machine_code.h"

#include <mutex>

#include "codegen/llvm/interleave.h"
#include "codegen/llvm/register_pressure.h"
#include "codegen/llvm/reloads.h"
#include "codegen/llvm/scheduler.h"
#include "codegen/llvm/strength_reduction.h"
#include "codegen/llvm/transposition.h"
#include "llvm/Analysis/AliasAnalysis.h"
#include "llvm/Analysis/CGSCCPassManager.h"
#include "llvm/Analysis/LoopAnalysisManager.h"
#include "llvm/Analysis/ScalarEvolution.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/Transforms/InstCombine/InstCombine.h"
#include "llvm/Transforms/Scalar/EarlyCSE.h"
#include "llvm/Transforms/Scalar/LICM.h"
#include "llvm/Transforms/Scalar/LoopPassManager.h"
#include "llvm/Transforms/Scalar/SROA.h"
#include "llvm/Transforms/Scalar/SimplifyCFG.h"
#include "support/strings.h"

namespace tunesmith::codegen {

Result<std::unique_ptr<llvm::TargetMachine>> MachineFor(const Target& target) {
  static std::once_flag once;
  std::call_once(once, [] {
    LLVMInitializeX86TargetInfo();
    LLVMInitializeX86Target();
    LLVMInitializeX86TargetMC();
    LLVMInitializeX86AsmPrinter();
    LLVMInitializeX86AsmParser();
    LLVMInitializeX86Disassembler();
    InstallScheduler();
    // In its place: ReduceStrength.
    llvm::cl::getRegisteredOptions()["disable-lsr"]->addOccurrence(0, "disable-lsr", "true");
  });
  std::string error;
  const llvm::Target* found = llvm::TargetRegistry::lookupTarget(target.triple, error);
  if (!found) return Invalid(StrCat("LLVM has no code generator for ", target.triple, ": ", error));
  llvm::TargetOptions options;
  options.AllowFPOpFusion = llvm::FPOpFusion::Fast;
  return std::unique_ptr<llvm::TargetMachine>(
      found->createTargetMachine(target.triple, target.cpu, target.features, options, llvm::Reloc::PIC_,
                                 llvm::CodeModel::Small, llvm::CodeGenOptLevel::Default));
}

void Optimise(llvm::Module* module, llvm::TargetMachine* machine, const Target& target) {
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager sccs;
  llvm::ModuleAnalysisManager modules;
  llvm::PassBuilder builder(machine);
  builder.registerModuleAnalyses(modules);
  builder.registerCGSCCAnalyses(sccs);
  builder.registerFunctionAnalyses(functions);
  builder.registerLoopAnalyses(loops);
  builder.crossRegisterProxies(loops, functions, sccs, modules);
  llvm::FunctionPassManager simplify, hoist, share;
  simplify.addPass(llvm::SROAPass(llvm::SROAOptions::ModifyCFG));
  simplify.addPass(llvm::EarlyCSEPass(true));
  simplify.addPass(llvm::InstCombinePass());
  simplify.addPass(llvm::SimplifyCFGPass());
  hoist.addPass(llvm::createFunctionToLoopPassAdaptor(llvm::LICMPass(llvm::LICMOptions()), true));
  share.addPass(llvm::EarlyCSEPass(true));
  auto run = [&](llvm::FunctionPassManager* passes, llvm::Function* function) {
    functions.invalidate(*function, passes->run(*function, functions));
  };
  for (llvm::Function& function : *module) {
    if (function.isDeclaration()) continue;
    InterleaveChains(&function, &functions.getResult<llvm::AAManager>(function), target);
    run(&simplify, &function);
    // Equal addresses are one value now.
    if (TurnTiles(&function)) functions.invalidate(function, llvm::PreservedAnalyses::none());
    {
      HeldLoads held(LoadsToStay(&function, &functions, target.vector_registers));
      run(&hoist, &function);
    }
    run(&share, &function);
    ReduceStrength(&function, &functions.getResult<llvm::LoopAnalysis>(function),
                   &functions.getResult<llvm::ScalarEvolutionAnalysis>(function));
    RepeatLoads(&function, target);
  }
}

Status Generate(llvm::Module* module, llvm::TargetMachine* machine, bool assembly,
                llvm::SmallVectorImpl<char>* out) {
  llvm::raw_svector_ostream stream(*out);
  llvm::legacy::PassManager passes;
  auto kind = assembly ? llvm::CodeGenFileType::AssemblyFile : llvm::CodeGenFileType::ObjectFile;
  if (machine->addPassesToEmitFile(passes, stream, nullptr, kind))
    return Internal("LLVM cannot write this kind of file for the target");
  passes.run(*module);
  return absl::OkStatus();
}

}  // namespace tunesmith::codegen
