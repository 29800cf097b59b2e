// SPDX-License-Identifier: Apache-2.0
#include "codegen/llvm/reloads.h"

#include <algorithm>
#include <limits>
#include <vector>

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/SmallPtrSet.h"
#include "llvm/IR/CFG.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/Instructions.h"

namespace tunesmith::codegen {
namespace {

using Position = uint32_t;  // in a block: the number of instructions before
constexpr Position kNever = std::numeric_limits<Position>::max();

/// A vector that lives in the block.
struct Vector {
  llvm::Value* value = nullptr;    // as it was first
  llvm::Value* current = nullptr;  // equal, loaded later
  int registers = 1;
  std::vector<Position> uses;  // in the block; each once
  unsigned operands = 0;       // so many uses in the block, an instruction's every operand for itself
  size_t used = 0;             // so many of them lie behind
  bool comes_in = false;       // lives before the block's first instruction
  bool lives_on = false;       // lives after its last
  bool elsewhere = false;      // other blocks have it from their own loads
  bool held = false;           // in registers
  Position loadable = 0;       // may be loaded again up to here; 0: is not loaded from memory at all

  Position NextUse() const { return used < uses.size() ? uses[used] : kNever; }
  bool Dead() const { return used == uses.size() && (!lives_on || elsewhere); }
  /// Whether the block can do without keeping it.
  bool Repeatable() const { return loadable > 0 && (comes_in || !lives_on); }
  /// Whether the next use can load it again.
  bool MayGo() const { return Repeatable() && NextUse() < loadable; }
};

/// The load behind a vector that is loaded as it is, or that is a loaded scalar in all lanes; or null.
llvm::LoadInst* LoadBehind(llvm::Value* value) {
  auto* load = llvm::dyn_cast<llvm::LoadInst>(value);
  if (auto* shuffle = llvm::dyn_cast<llvm::ShuffleVectorInst>(value)) {
    auto* insert = llvm::dyn_cast<llvm::InsertElementInst>(shuffle->getOperand(0));
    if (!insert || !shuffle->isZeroEltSplat()) return nullptr;
    auto* lane = llvm::dyn_cast<llvm::ConstantInt>(insert->getOperand(2));
    if (!lane || !lane->isZero()) return nullptr;
    load = llvm::dyn_cast<llvm::LoadInst>(insert->getOperand(1));
  }
  return load && load->isSimple() ? load : nullptr;
}

/// The same once more, before `user`.
llvm::Value* LoadAgain(llvm::Value* value, llvm::Instruction* user) {
  auto* again = llvm::cast<llvm::LoadInst>(LoadBehind(value)->clone());
  again->insertBefore(user);
  again->setVolatile(true);
  if (!llvm::isa<llvm::ShuffleVectorInst>(value)) return again;
  llvm::IRBuilder<> builder(user);
  return builder.CreateVectorSplat(llvm::cast<llvm::FixedVectorType>(value->getType())->getElementCount(),
                                   again);
}

/// Whether this product becomes a part of the sum that uses it.
bool IsFused(const llvm::Value* value) {
  auto* product = llvm::dyn_cast<llvm::BinaryOperator>(value);
  if (!product || product->getOpcode() != llvm::Instruction::FMul || !product->hasAllowContract() ||
      !product->hasOneUse())
    return false;
  auto* sum = llvm::dyn_cast<llvm::BinaryOperator>(*product->user_begin());
  return sum &&
         (sum->getOpcode() == llvm::Instruction::FAdd || sum->getOpcode() == llvm::Instruction::FSub) &&
         sum->getParent() == product->getParent();
}

using Values = llvm::SmallPtrSet<const llvm::Value*, 16>;
using LiveOut = llvm::DenseMap<const llvm::BasicBlock*, Values>;

/// The vectors that live at the end of each block.
LiveOut VectorsThatLiveOut(llvm::Function* function) {
  LiveOut live;
  llvm::SmallVector<const llvm::BasicBlock*> reached;
  for (llvm::Instruction& value : llvm::instructions(function)) {
    if (!value.getType()->isVectorTy()) continue;
    auto lives_at_end = [&](const llvm::BasicBlock* block) {
      if (live[block].insert(&value).second && block != value.getParent()) reached.push_back(block);
    };
    auto lives_at_start = [&](const llvm::BasicBlock* block) {
      for (const llvm::BasicBlock* before : llvm::predecessors(block)) lives_at_end(before);
    };
    for (const llvm::Use& use : value.uses()) {
      auto* user = llvm::cast<llvm::Instruction>(use.getUser());
      if (auto* phi = llvm::dyn_cast<llvm::PHINode>(user)) {
        lives_at_end(phi->getIncomingBlock(use));
      } else if (user->getParent() != value.getParent()) {
        lives_at_start(user->getParent());
      }
    }
    while (!reached.empty()) lives_at_start(reached.pop_back_val());
  }
  return live;
}

class Block {
 public:
  Block(llvm::BasicBlock* block, const Values& live_out, const Target& target)
      : block_(block), live_out_(live_out), target_(target) {
    Number();
    Collect();
  }

  /// Whether more lives at a time than the registers hold, because of what is loaded: where the rest alone
  /// does not fit, LLVM's scheduler and allocator find a better order than the present one.
  bool HoldsTooMuch() {
    int most = 0, most_computed = 0;
    Run([&] {
      most = std::max(most, live_);
      most_computed = std::max(most_computed, computed_);
    });
    return most > target_.vector_registers && most_computed + kLoaded <= target_.vector_registers;
  }

  void Repeat() {
    for (Vector& v : vectors_) {
      // What was loaded elsewhere is loaded here too, before its first use.
      if (v.comes_in && v.Repeatable()) v.elsewhere = true;
    }
    Run([&] { Fit(); });
    for (Vector& v : vectors_) {
      if (v.loadable > 0 && v.value->use_empty()) Erase(llvm::cast<llvm::Instruction>(v.value));
    }
  }

 private:
  /// So many loaded vectors are kept at least, or each operation would load all its operands.
  static constexpr int kLoaded = 2;
  /// So many registers are left, for an operand that is loaded but is not its user's only one, and for a
  /// constant.
  static constexpr int kOthers = 2;

  /// The positions of instructions, and where memory is written.
  void Number() {
    Position at = 0;
    for (llvm::Instruction& i : *block_) {
      positions_[&i] = at;
      if (i.mayWriteToMemory()) writes_.push_back(at);
      ++at;
    }
  }

  int RegistersOf(llvm::Value* value) const {
    auto* type = llvm::dyn_cast<llvm::FixedVectorType>(value->getType());
    if (!type || llvm::isa<llvm::Constant>(value)) return 0;
    if (type->getElementType()->isIntegerTy(1) && target_.masks) return 0;
    // The half-made broadcast of a scalar.
    if (llvm::isa<llvm::InsertElementInst>(value) && value->hasOneUse() &&
        llvm::isa<llvm::ShuffleVectorInst>(*value->user_begin()))
      return 0;
    if (target_.fma && IsFused(value)) return 0;
    auto bytes = static_cast<int>(type->getPrimitiveSizeInBits().getFixedValue() / 8);
    return std::max(1, bytes / target_.vector_bytes);
  }

  Vector* Find(llvm::Value* value) {
    auto found = numbers_.find(value);
    return found == numbers_.end() ? nullptr : &vectors_[found->second];
  }

  /// Notes the vectors and their uses in the block.
  void Collect() {
    for (llvm::Instruction& i : *block_) {
      Add(&i);
      if (llvm::isa<llvm::PHINode>(i)) continue;
      Position at = positions_[&i];
      for (llvm::Value* operand : i.operands()) {
        Vector* v = Add(operand);
        if (!v) continue;
        ++v->operands;
        if (v->uses.empty() || v->uses.back() != at) v->uses.push_back(at);
      }
    }
    for (Vector& v : vectors_) {
      auto* definition = llvm::dyn_cast<llvm::Instruction>(v.value);
      bool here = definition && definition->getParent() == block_;
      v.comes_in = !here || llvm::isa<llvm::PHINode>(v.value);
      v.lives_on = live_out_.contains(v.value) && !(here && v.value->hasNUses(v.operands));
      llvm::LoadInst* load = LoadBehind(v.value);
      if (!load) continue;
      if (load->hasMetadata(llvm::LLVMContext::MD_invariant_load)) {
        v.loadable = kNever;
      } else if (here && load->getParent() == block_) {
        auto write = std::lower_bound(writes_.begin(), writes_.end(), positions_[load]);
        v.loadable = write == writes_.end() ? kNever : *write;
      }
    }
  }

  Vector* Add(llvm::Value* value) {
    int registers = RegistersOf(value);
    if (registers == 0) return nullptr;
    auto [at, added] = numbers_.try_emplace(value, vectors_.size());
    if (added) {
      Vector v;
      v.value = v.current = value;
      v.registers = registers;
      vectors_.push_back(std::move(v));
    }
    return &vectors_[at->second];
  }

  void Hold(Vector* v) { Count(v, true); }
  void Drop(Vector* v) { Count(v, false); }
  void Count(Vector* v, bool held) {
    int change = held ? v->registers : -v->registers;
    v->held = held;
    live_ += change;
    if (!v->Repeatable()) {
      computed_ += change;
    } else if (held) {
      loaded_.push_back(v);
    } else {
      std::erase(loaded_, v);
    }
  }

  /// Walks the block; calls `after` behind each instruction.
  template <typename After>
  void Run(After after) {
    live_ = computed_ = 0;
    loaded_.clear();
    for (Vector& v : vectors_) {
      v.used = 0;
      v.held = false;
      if (v.comes_in && !v.elsewhere) Hold(&v);
    }
    std::vector<llvm::Instruction*> instructions;
    for (auto i = block_->getFirstNonPHIIt(); i != block_->end(); ++i) instructions.push_back(&*i);
    for (llvm::Instruction* i : instructions) {
      Position at = positions_[i];
      for (llvm::Use& use : i->operands()) {
        Vector* v = Find(use.get());
        if (!v) continue;
        if (!v->held && v->NextUse() == at) {
          v->current = LoadAgain(v->value, i);
          Hold(v);
        }
        use.set(v->current);
        if (v->NextUse() == at) passed_.push_back(v);
      }
      for (Vector* v : passed_) {
        if (v->NextUse() != at) continue;  // an operand twice
        ++v->used;
        if (v->Dead()) Drop(v);
      }
      passed_.clear();
      if (Vector* v = Find(i); v && !v->Dead()) Hold(v);
      after();
    }
  }

  /// Drops loaded vectors, those first whose next use is furthest, until the others fit.
  void Fit() {
    int registers = std::max(target_.vector_registers - kOthers, computed_ + kLoaded);
    while (live_ > registers) {
      Vector* furthest = nullptr;
      for (Vector* v : loaded_) {
        if (v->MayGo() && (!furthest || v->NextUse() > furthest->NextUse())) furthest = v;
      }
      if (!furthest) return;
      Drop(furthest);
    }
  }

  void Erase(llvm::Instruction* unused) {
    llvm::SmallVector<llvm::Instruction*, 3> parts = {unused};
    while (!parts.empty()) {
      llvm::Instruction* part = parts.pop_back_val();
      llvm::SmallVector<llvm::Value*, 3> operands(part->operands());
      if (!part->use_empty()) continue;
      part->eraseFromParent();
      for (llvm::Value* operand : operands) {
        bool piece = llvm::isa<llvm::InsertElementInst>(operand) || llvm::isa<llvm::LoadInst>(operand);
        if (piece) parts.push_back(llvm::cast<llvm::Instruction>(operand));
      }
    }
  }

  llvm::BasicBlock* block_;
  const Values& live_out_;
  const Target& target_;
  llvm::DenseMap<const llvm::Instruction*, Position> positions_;
  std::vector<Position> writes_;
  std::vector<Vector> vectors_;
  llvm::DenseMap<const llvm::Value*, size_t> numbers_;
  int live_ = 0;                 // registers in use
  int computed_ = 0;             // those of vectors that are not repeatable
  std::vector<Vector*> loaded_;  // the repeatable ones in registers
  std::vector<Vector*> passed_;
};

}  // namespace

void RepeatLoads(llvm::Function* function, const Target& target) {
  LiveOut live_out = VectorsThatLiveOut(function);
  // Backwards, so that what a later block loads again does not live on in an earlier one.
  for (llvm::BasicBlock& each : llvm::reverse(*function)) {
    Block block(&each, live_out[&each], target);
    if (block.HoldsTooMuch()) block.Repeat();
  }
}

}  // namespace tunesmith::codegen
