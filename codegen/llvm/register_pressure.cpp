// SPDX-License-Identifier: Apache-2.0
#include "codegen/llvm/register_pressure.h"

#include <algorithm>

#include "llvm/ADT/SmallPtrSet.h"
#include "llvm/Analysis/LoopInfo.h"
#include "llvm/Analysis/ScalarEvolution.h"

namespace tunesmith::codegen {
namespace {

/// Vectors that certainly live at one time in the loop: those that its own or an inner loop carries from one
/// iteration to the next, or those that one block stores (an unrolled tile's results).
size_t LiveVectors(const llvm::Loop& loop) {
  size_t most = 0;
  for (const llvm::BasicBlock* block : loop.blocks()) {
    size_t carried = 0, stored = 0;
    for (const llvm::Instruction& i : *block) {
      if (llvm::isa<llvm::PHINode>(i)) carried += i.getType()->isVectorTy();
      if (const auto* store = llvm::dyn_cast<llvm::StoreInst>(&i))
        stored += store->getValueOperand()->getType()->isVectorTy();
    }
    most = std::max({most, carried, stored});
  }
  return most;
}

}  // namespace

std::vector<llvm::LoadInst*> LoadsToStay(llvm::Function* function, llvm::FunctionAnalysisManager* analyses,
                                         int vector_registers) {
  auto& loops = analyses->getResult<llvm::LoopAnalysis>(*function);
  auto& evolution = analyses->getResult<llvm::ScalarEvolutionAnalysis>(*function);
  std::vector<llvm::LoadInst*> held;
  llvm::SmallPtrSet<llvm::LoadInst*, 16> seen;
  for (llvm::Loop* loop : loops.getLoopsInPreorder()) {
    std::vector<llvm::LoadInst*> invariant;
    llvm::SmallPtrSet<const llvm::SCEV*, 16> addresses;
    for (llvm::BasicBlock* block : loop->blocks()) {
      for (llvm::Instruction& i : *block) {
        auto* load = llvm::dyn_cast<llvm::LoadInst>(&i);
        if (!load || !load->getType()->isVectorTy()) continue;
        const llvm::SCEV* address = evolution.getSCEV(load->getPointerOperand());
        if (!evolution.isLoopInvariant(address, loop)) continue;
        invariant.push_back(load);
        addresses.insert(address);
      }
    }
    constexpr size_t kOthers = 2;  // a loaded operand and a broadcast
    if (addresses.size() + LiveVectors(*loop) + kOthers <= static_cast<size_t>(vector_registers)) continue;
    for (llvm::LoadInst* load : invariant) {
      if (seen.insert(load).second) held.push_back(load);
    }
  }
  return held;
}

}  // namespace tunesmith::codegen
