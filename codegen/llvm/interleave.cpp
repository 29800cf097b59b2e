// SPDX-License-Identifier: Apache-2.0
#include "codegen/llvm/interleave.h"

#include <algorithm>
#include <tuple>
#include <utility>
#include <vector>

#include "codegen/llvm/scheduler.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/IR/Instructions.h"

namespace tunesmith::codegen {
namespace {

using Instructions = std::vector<llvm::Instruction*>;

/// What need not stay where it is for its effects' sake. Loads are looked at apart.
bool MayMove(const llvm::Instruction& i) {
  const auto* load = llvm::dyn_cast<llvm::LoadInst>(&i);
  if (load) return load->isSimple();
  return !llvm::isa<llvm::AllocaInst>(i) && !i.mayReadOrWriteMemory() && !i.mayThrow() && i.willReturn();
}

bool IsVectorStore(const llvm::Instruction& i) {
  const auto* store = llvm::dyn_cast<llvm::StoreInst>(&i);
  return store && store->isSimple() && store->getValueOperand()->getType()->isVectorTy();
}

bool IsVectorOperation(const llvm::Instruction* i) {
  return i->getType()->isVectorTy() && !llvm::isa<llvm::LoadInst>(i);
}

/// A run of instructions that ends with a store, and the chains that it is made of.
class Group {
 public:
  /// `stores` lie in `range`, the last of them at its end.
  Group(Instructions range, Instructions stores) : range_(std::move(range)), stores_(std::move(stores)) {
    for (size_t n = 0; n < range_.size(); ++n) place_[range_[n]] = n;
    owner_.assign(range_.size(), kNobody);
    for (size_t chain = 0; chain < stores_.size(); ++chain) Claim(stores_[chain], chain);
    // What no store needs goes with the next one.
    size_t chain = 0;
    for (size_t n = 0; n < range_.size(); ++n) {
      if (owner_[n] == kNobody) owner_[n] = chain;
      if (range_[n] == stores_[chain]) ++chain;
    }
    chains_.resize(stores_.size());
    for (size_t n = 0; n < range_.size(); ++n) chains_[owner_[n]].push_back(n);
  }

  /// The vector operations of the shortest chain.
  size_t Length() const {
    size_t shortest = range_.size();
    for (const std::vector<size_t>& chain : chains_) shortest = std::min(shortest, Operations(chain));
    return shortest;
  }

  /// How many of the last chain's vectors live at a time. (The first one also makes what they share.)
  int Alive() const {
    const std::vector<size_t>& chain = chains_.back();
    llvm::DenseMap<const llvm::Instruction*, size_t> last_use;
    for (size_t n : chain) {
      for (const llvm::Value* operand : range_[n]->operands()) {
        const auto* made = llvm::dyn_cast<llvm::Instruction>(operand);
        if (made && Owns(chains_.size() - 1, made)) last_use[made] = n;
      }
    }
    std::vector<int> end(range_.size());  // so many vectors are used for the last time here
    for (const auto& [made, last] : last_use) end[last] += made->getType()->isVectorTy();
    int alive = 0, most = 0;
    for (size_t n : chain) {
      alive -= end[n];
      if (range_[n]->getType()->isVectorTy() && last_use.contains(range_[n])) most = std::max(most, ++alive);
    }
    return most;
  }

  bool MayInterleave(llvm::AAResults* aliases) const {
    for (const llvm::Instruction* i : range_) {
      const auto* load = llvm::dyn_cast<llvm::LoadInst>(i);
      if (!load || load->hasMetadata(llvm::LLVMContext::MD_invariant_load)) continue;
      for (const llvm::Instruction* store : stores_) {
        if (!aliases->isNoAlias(llvm::MemoryLocation::get(load), llvm::MemoryLocation::get(store)))
          return false;
      }
    }
    return true;
  }

  void Interleave() {
    // How far along its chain each instruction is: the share of the vector operations before it. Addresses do
    // not count, as one of the first chain is often simpler.
    std::vector<std::pair<double, size_t>> order;
    for (const std::vector<size_t>& chain : chains_) {
      const auto operations = static_cast<double>(Operations(chain));
      double before = 0;
      for (size_t n : chain) {
        order.emplace_back(before / operations, n);
        before += IsVectorOperation(range_[n]);
      }
    }
    std::stable_sort(order.begin(), order.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    llvm::Instruction* end = range_.back()->getNextNode();
    std::vector<bool> moved(range_.size());
    for (const auto& [along, n] : order) {
      Move(n, end, &moved);
      if (IsVectorOperation(range_[n])) KeepOrder(range_[n]);
    }
  }

 private:
  static constexpr size_t kNobody = ~size_t{0};

  /// The instruction and what it is computed from, as far as no earlier chain has it.
  void Claim(llvm::Instruction* root, size_t chain) {
    Instructions open = {root};
    while (!open.empty()) {
      const auto found = place_.find(open.back());
      open.pop_back();
      if (found == place_.end() || owner_[found->second] != kNobody) continue;
      owner_[found->second] = chain;
      for (llvm::Value* operand : found->first->operands()) {
        if (auto* made = llvm::dyn_cast<llvm::Instruction>(operand)) open.push_back(made);
      }
    }
  }

  size_t Operations(const std::vector<size_t>& chain) const {
    return static_cast<size_t>(
        std::count_if(chain.begin(), chain.end(), [&](size_t n) { return IsVectorOperation(range_[n]); }));
  }

  bool Owns(size_t chain, const llvm::Instruction* i) const {
    const auto found = place_.find(i);
    return found != place_.end() && owner_[found->second] == chain;
  }

  /// Moves the instruction before `end`, after its operands.
  void Move(size_t n, llvm::Instruction* end, std::vector<bool>* moved) {
    if ((*moved)[n]) return;
    (*moved)[n] = true;
    for (llvm::Value* operand : range_[n]->operands()) {
      const auto found = place_.find(llvm::dyn_cast<llvm::Instruction>(operand));
      if (found != place_.end()) Move(found->second, end, moved);
    }
    range_[n]->moveBefore(end);
  }

  Instructions range_, stores_;
  llvm::DenseMap<const llvm::Instruction*, size_t> place_;  // in the range
  std::vector<size_t> owner_;                               // by place: the number of a chain
  std::vector<std::vector<size_t>> chains_;                 // places, in order
};

constexpr size_t kAtOnce = 4;
constexpr size_t kLong = 8;  // shorter chains overlap by themselves

/// Interleaves the chains of a run of instructions all of which may move.
void InterleaveRun(const Instructions& run, llvm::AAResults* aliases, const Target& target) {
  // First two of them, to see how many registers one takes; then as many as fit.
  auto group_from = [&](size_t begin, size_t stores) {
    Instructions range, ends;
    for (size_t n = begin; n < run.size() && ends.size() < stores; ++n) {
      range.push_back(run[n]);
      if (IsVectorStore(*run[n])) ends.push_back(run[n]);
    }
    while (!range.empty() && !IsVectorStore(*range.back())) range.pop_back();
    return std::pair(std::move(range), std::move(ends));
  };
  size_t begin = 0;
  while (begin < run.size()) {
    auto [range, ends] = group_from(begin, 2);
    if (ends.size() < 2) return;
    const Group pair(range, ends);
    size_t at_once = 1;
    if (pair.Length() >= kLong) {
      constexpr int kShared = 4;  // registers for constants and what all chains read
      at_once = static_cast<size_t>((target.vector_registers - kShared) / std::max(1, pair.Alive()));
      at_once = std::clamp<size_t>(at_once, 1, kAtOnce);
    }
    std::tie(range, ends) = group_from(begin, at_once);
    begin += range.size();
    if (ends.size() < 2) continue;
    Group group(std::move(range), std::move(ends));
    if (group.Length() >= kLong && group.MayInterleave(aliases)) group.Interleave();
  }
}

}  // namespace

void InterleaveChains(llvm::Function* function, llvm::AAResults* aliases, const Target& target) {
  std::vector<Instructions> runs;
  for (llvm::BasicBlock& block : *function) {
    runs.emplace_back();
    for (llvm::Instruction& i : block) {
      if (llvm::isa<llvm::PHINode>(i) || i.isTerminator()) continue;
      if (IsVectorStore(i) || MayMove(i)) {
        runs.back().push_back(&i);
      } else {
        runs.emplace_back();
      }
    }
  }
  for (const Instructions& run : runs) InterleaveRun(run, aliases, target);
}

}  // namespace tunesmith::codegen
