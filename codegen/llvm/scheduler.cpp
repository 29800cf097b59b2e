// SPDX-License-Identifier: Apache-2.0
#include "codegen/llvm/scheduler.h"

#include <algorithm>
#include <memory>

#include "llvm/CodeGen/MachineBasicBlock.h"
#include "llvm/CodeGen/MachineFunction.h"
#include "llvm/CodeGen/MachineScheduler.h"
#include "llvm/CodeGen/TargetPassConfig.h"
#include "llvm/IR/Function.h"
#include "llvm/IR/Metadata.h"
#include "llvm/Support/CommandLine.h"

namespace tunesmith::codegen {
namespace {

constexpr char kMark[] = "tunesmith.keep_order";

bool KeepsOrder(const llvm::BasicBlock* block) {
  return block &&
         std::any_of(block->begin(), block->end(), [](const auto& i) { return i.hasMetadata(kMark); });
}

/// LLVM's usual scheduler, but for blocks that are to stay as they are.
class Scheduler : public llvm::ScheduleDAGMILive {
 public:
  explicit Scheduler(llvm::MachineSchedContext* context)
      : ScheduleDAGMILive(context, std::make_unique<llvm::GenericScheduler>(context)) {
    addMutation(llvm::createCopyConstrainDAGMutation(TII, TRI));
  }
  void schedule() override {
    if (!KeepsOrder(BB->getBasicBlock())) ScheduleDAGMILive::schedule();
  }
};

/// For functions without such a block exactly what LLVM would take.
llvm::ScheduleDAGInstrs* SchedulerFor(llvm::MachineSchedContext* context) {
  for (const llvm::BasicBlock& block : context->MF->getFunction()) {
    if (KeepsOrder(&block)) return new Scheduler(context);
  }
  if (llvm::ScheduleDAGInstrs* usual = context->PassConfig->createMachineScheduler(context)) return usual;
  return llvm::createGenericSchedLive(context);
}

}  // namespace

void KeepOrder(llvm::Instruction* instruction) {
  instruction->setMetadata(kMark, llvm::MDNode::get(instruction->getContext(), {}));
}

void InstallScheduler() {
  constexpr char kName[] = "tunesmith";
  // Never destroyed: when the process ends, LLVM's own tables may be gone before it.
  static const auto* const registry =
      new llvm::MachineSchedRegistry(kName, "LLVM's, but for blocks whose order is kept", SchedulerFor);
  (void)registry;
  // The choice among the registered ones is an option of LLVM's command line and nothing else.
  llvm::cl::getRegisteredOptions()["misched"]->addOccurrence(0, "misched", kName);
}

}  // namespace tunesmith::codegen
