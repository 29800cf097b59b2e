// SPDX-License-Identifier: Apache-2.0
// What must not be moved out of loops.
#pragma once

#include <vector>

#include "llvm/IR/Instructions.h"
#include "llvm/IR/PassManager.h"

namespace tunesmith::codegen {

/// The vector loads of `function` that a loop repeats although their address does not change, where the loop
/// needs more registers for them and its accumulators than the machine's `vector_registers`. In the loop such
/// a load costs next to nothing: it becomes an operand of a multiply-add. Moved out of it, its value, or
/// worse an accumulator, lives on the stack. A fully unrolled window's weights are the usual case.
std::vector<llvm::LoadInst*> LoadsToStay(llvm::Function* function, llvm::FunctionAnalysisManager* analyses,
                                         int vector_registers);

/// For LICM, while it lives, the loads are volatile: it moves only others.
class HeldLoads {
 public:
  explicit HeldLoads(std::vector<llvm::LoadInst*> loads) : loads_(std::move(loads)) { Set(true); }
  HeldLoads(const HeldLoads&) = delete;
  HeldLoads& operator=(const HeldLoads&) = delete;
  ~HeldLoads() { Set(false); }

 private:
  void Set(bool held) {
    for (llvm::LoadInst* load : loads_) load->setVolatile(held);
  }
  std::vector<llvm::LoadInst*> loads_;
};

}  // namespace tunesmith::codegen
