// SPDX-License-Identifier: Apache-2.0
#include "codegen/llvm/strength_reduction.h"

#include <algorithm>
#include <vector>

#include "llvm/ADT/DenseMap.h"
#include "llvm/Analysis/ScalarEvolutionExpressions.h"
#include "llvm/IR/DataLayout.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/Instructions.h"
#include "llvm/IR/Module.h"
#include "llvm/Transforms/Utils/Local.h"
#include "llvm/Transforms/Utils/ScalarEvolutionExpander.h"

namespace tunesmith::codegen {
namespace {

/// Of x86's sixteen registers some hold the stack, counters and bounds.
constexpr size_t kMostPointers = 8;

/// Where an instruction takes an address: `bytes` behind the group's first one.
struct Place {
  llvm::Use* use = nullptr;
  llvm::Instruction* before = nullptr;  // where the address can be computed
  int64_t bytes = 0;
};

/// Addresses of one loop that differ by constants.
struct Group {
  const llvm::SCEVAddRecExpr* first = nullptr;
  std::vector<Place> places;
};

/// An address as what it is without its constant, which most addresses of an unrolled body differ by.
struct Split {
  llvm::Value* root = nullptr;
  int64_t bytes = 0;
};

class Reduction {
 public:
  Reduction(llvm::Function* function, llvm::LoopInfo* loops, llvm::ScalarEvolution* evolution)
      : layout_(function->getDataLayout()),
        loops_(*loops),
        evolution_(*evolution),
        expander_(*evolution, layout_, "") {}

  void Run() {
    // A loop comes before the loops in it.
    llvm::SmallVector<llvm::Loop*, 4> loops = loops_.getLoopsInPreorder();
    for (llvm::Loop* loop : loops) {
      for (llvm::BasicBlock* block : loop->blocks()) {
        if (loops_.getLoopFor(block) != loop) continue;
        for (llvm::Instruction& user : *block) Collect(&user);
      }
    }
    // Inner loops first: where their pointers start is an address of the loops around them.
    std::reverse(loops.begin(), loops.end());
    for (llvm::Loop* loop : loops) {
      Advance(loop);
      CompareNext(*loop);
    }
    llvm::RecursivelyDeleteTriviallyDeadInstructionsPermissive(replaced_);
  }

 private:
  void Collect(llvm::Instruction* user) {
    if (!llvm::isa<llvm::LoadInst, llvm::StoreInst, llvm::CallBase, llvm::PtrToIntInst>(user)) return;
    for (llvm::Use& use : user->operands()) {
      if (!use->getType()->isPointerTy() || !llvm::isa<llvm::Instruction>(use)) continue;
      const Split split = SplitOf(use);
      auto [at, fresh] = expressions_.try_emplace(split.root);
      if (fresh) at->second = evolution_.getSCEV(split.root);
      Add(at->second, {&use, user, split.bytes});
    }
  }

  Split SplitOf(llvm::Value* address) const {
    llvm::APInt bytes(layout_.getIndexTypeSizeInBits(address->getType()), 0);
    llvm::Value* root = address->stripAndAccumulateConstantOffsets(layout_, bytes, true);
    return {root, bytes.getSExtValue()};
  }

  /// Notes a place of the address expression + place.bytes, if some loop around it can advance to it.
  bool Add(const llvm::SCEV* expression, Place place) {
    const auto* address = llvm::dyn_cast<llvm::SCEVAddRecExpr>(expression);
    if (!address || !address->isAffine() ||
        !llvm::isa<llvm::SCEVConstant>(address->getStepRecurrence(evolution_)))
      return false;
    const llvm::Loop* loop = address->getLoop();
    if (!loop->contains(place.before) || !loop->getLoopPreheader() || !loop->getLoopLatch()) return false;
    std::vector<Group>& groups = groups_[loop];
    for (Group& group : groups) {
      if (const std::optional<int64_t> apart = BytesBetween(*group.first, *address)) {
        place.bytes += *apart;
        group.places.push_back(place);
        return true;
      }
    }
    groups.push_back({address, {place}});
    return true;
  }

  std::optional<int64_t> BytesBetween(const llvm::SCEVAddRecExpr& from, const llvm::SCEVAddRecExpr& to) {
    if (&from == &to) return 0;
    if (evolution_.getPointerBase(&from) != evolution_.getPointerBase(&to)) return std::nullopt;
    const auto* apart = llvm::dyn_cast<llvm::SCEVConstant>(evolution_.getMinusSCEV(&to, &from));
    if (!apart) return std::nullopt;
    return apart->getAPInt().getSExtValue();
  }

  /// Gives each of the loop's groups its pointer.
  void Advance(llvm::Loop* loop) {
    std::vector<Group> groups = std::move(groups_[loop]);
    std::stable_sort(groups.begin(), groups.end(),
                     [](const Group& a, const Group& b) { return a.places.size() > b.places.size(); });
    for (size_t i = 0; i < groups.size() && i < kMostPointers; ++i) Advance(loop, groups[i]);
    for (size_t i = kMostPointers; i < groups.size(); ++i) Expand(groups[i]);
  }

  void Advance(llvm::Loop* loop, const Group& group) {
    llvm::BasicBlock* preheader = loop->getLoopPreheader();
    llvm::BasicBlock* latch = loop->getLoopLatch();
    const auto* step = llvm::cast<llvm::SCEVConstant>(group.first->getStepRecurrence(evolution_));
    const int64_t least =
        std::min_element(group.places.begin(), group.places.end(), [](const Place& a, const Place& b) {
          return a.bytes < b.bytes;
        })->bytes;

    llvm::IRBuilder<> builder(&loop->getHeader()->front());
    llvm::Type* type = group.first->getType();
    llvm::PHINode* pointer = builder.CreatePHI(type, 2);
    builder.SetInsertPoint(latch->getTerminator());
    pointer->addIncoming(llvm::PoisonValue::get(type), preheader);
    pointer->addIncoming(builder.CreatePtrAdd(pointer, step->getValue()), latch);
    const Place start{&pointer->getOperandUse(0), preheader->getTerminator(), least};
    if (!Add(group.first->getStart(), start)) Expand(group.first->getStart(), start);

    for (const Place& place : group.places) {
      builder.SetInsertPoint(place.before);
      const int64_t bytes = place.bytes - least;
      Replace(place.use, bytes == 0 ? pointer : builder.CreatePtrAdd(pointer, builder.getInt64(bytes)));
    }
  }

  void Replace(llvm::Use* use, llvm::Value* address) {
    if (llvm::isa<llvm::Instruction>(*use)) replaced_.emplace_back(*use);
    use->set(address);
  }

  /// Computes the address where it is needed.
  void Expand(const llvm::SCEV* expression, const Place& place) {
    llvm::Value* root = expander_.expandCodeFor(expression, expression->getType(), place.before);
    llvm::IRBuilder<> builder(place.before);
    Replace(place.use, place.bytes == 0 ? root : builder.CreatePtrAdd(root, builder.getInt64(place.bytes)));
  }

  /// Leaves a group without a pointer. Only the places where pointers start have no address yet.
  void Expand(const Group& group) {
    for (const Place& place : group.places) {
      if (llvm::isa<llvm::PoisonValue>(*place.use)) Expand(group.first, place);
    }
  }

  /// Lets the loop's end be found by the counter's next value, so that the last is not needed beside it.
  /// Instruction combining has made `counter < 7` of `counter + 1 < 8`.
  static void CompareNext(const llvm::Loop& loop) {
    llvm::BasicBlock* latch = loop.getLoopLatch();
    auto* branch = latch ? llvm::dyn_cast<llvm::BranchInst>(latch->getTerminator()) : nullptr;
    auto* end =
        branch && branch->isConditional() ? llvm::dyn_cast<llvm::ICmpInst>(branch->getCondition()) : nullptr;
    auto* counter = end && end->hasOneUse() ? llvm::dyn_cast<llvm::PHINode>(end->getOperand(0)) : nullptr;
    auto* last = end ? llvm::dyn_cast<llvm::ConstantInt>(end->getOperand(1)) : nullptr;
    if (!counter || !last || counter->getParent() != loop.getHeader()) return;
    auto* next = llvm::dyn_cast<llvm::BinaryOperator>(counter->getIncomingValueForBlock(latch));
    if (!next || next->getOpcode() != llvm::Instruction::Add || next->getOperand(0) != counter) return;
    auto* step = llvm::dyn_cast<llvm::ConstantInt>(next->getOperand(1));
    const bool exact = end->isSigned() ? next->hasNoSignedWrap() : next->hasNoUnsignedWrap();
    if (!step || !exact || end->isEquality()) return;
    bool overflow = false;
    const llvm::APInt bound = end->isSigned() ? last->getValue().sadd_ov(step->getValue(), overflow)
                                              : last->getValue().uadd_ov(step->getValue(), overflow);
    if (overflow) return;
    llvm::IRBuilder<> builder(end);
    if (next->getParent() != end->getParent()) return;
    if (end->comesBefore(next)) builder.SetInsertPoint(branch);
    branch->setCondition(builder.CreateICmp(end->getPredicate(), next, builder.getInt(bound)));
    end->eraseFromParent();
  }

  const llvm::DataLayout& layout_;
  llvm::LoopInfo& loops_;
  llvm::ScalarEvolution& evolution_;
  llvm::SCEVExpander expander_;
  llvm::DenseMap<const llvm::Value*, const llvm::SCEV*> expressions_;
  llvm::DenseMap<const llvm::Loop*, std::vector<Group>> groups_;
  llvm::SmallVector<llvm::WeakTrackingVH, 32> replaced_;
};

}  // namespace

void ReduceStrength(llvm::Function* function, llvm::LoopInfo* loops, llvm::ScalarEvolution* evolution) {
  Reduction(function, loops, evolution).Run();
}

}  // namespace tunesmith::codegen
