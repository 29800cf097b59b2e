// SPDX-License-Identifier: Apache-2.0
#include "codegen/llvm/transposition.h"

#include <algorithm>
#include <bit>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "llvm/ADT/SmallVector.h"
#include "llvm/IR/DataLayout.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/Instructions.h"
#include "llvm/Transforms/Utils/Local.h"

namespace tunesmith::codegen {
namespace {

using llvm::Value;
using Vectors = llvm::SmallVector<Value*, 64>;

/// A vector of which each lane is loaded: lane n from `base` + `offsets[n]` bytes.
struct Gathered {
  llvm::InsertElementInst* vector;
  Value* base = nullptr;
  size_t number = 0;  // of the base, in the order in which they appear
  std::vector<int64_t> offsets;
  std::vector<llvm::LoadInst*> loads;
  bool taken = false;
};

std::optional<Gathered> GatheredInto(llvm::InsertElementInst* vector) {
  const auto* type = llvm::dyn_cast<llvm::FixedVectorType>(vector->getType());
  const llvm::DataLayout& layout = vector->getDataLayout();
  if (!type) return std::nullopt;
  const size_t lanes = type->getNumElements();
  if (!std::has_single_bit(lanes) || lanes < 2 || !type->getElementType()->isSized()) return std::nullopt;
  if (layout.getTypeSizeInBits(type->getElementType()) % 8 != 0) return std::nullopt;
  Gathered g{vector, nullptr, 0, std::vector<int64_t>(lanes), std::vector<llvm::LoadInst*>(lanes)};
  Value* whole = vector;
  for (size_t filled = 0; filled < lanes; ++filled) {
    auto* insert = llvm::dyn_cast<llvm::InsertElementInst>(whole);
    if (!insert || insert->getParent() != vector->getParent()) return std::nullopt;
    if (insert != vector && !insert->hasOneUse()) return std::nullopt;
    const auto* lane = llvm::dyn_cast<llvm::ConstantInt>(insert->getOperand(2));
    auto* load = llvm::dyn_cast<llvm::LoadInst>(insert->getOperand(1));
    if (!lane || lane->getZExtValue() >= lanes || g.loads[lane->getZExtValue()]) return std::nullopt;
    if (!load || !load->isSimple() || !load->hasOneUse() || load->getParent() != vector->getParent() ||
        !load->hasMetadata(llvm::LLVMContext::MD_invariant_load))
      return std::nullopt;
    Value* address = load->getPointerOperand();
    llvm::APInt offset(layout.getIndexTypeSizeInBits(address->getType()), 0);
    Value* base = address->stripAndAccumulateConstantOffsets(layout, offset, true);
    if (g.base && base != g.base) return std::nullopt;
    g.base = base;
    g.offsets[lane->getZExtValue()] = offset.getSExtValue();
    g.loads[lane->getZExtValue()] = load;
    whole = insert->getOperand(0);
  }
  return g;
}

/// By their bases' numbers and their first lanes' offsets.
using Places = std::multimap<std::pair<size_t, int64_t>, Gathered*>;

/// The vectors of a tile, each one element further than the one before.
using Tile = std::vector<Gathered*>;

/// The rest of the tile that begins with `first`, if all of it is there.
std::optional<Tile> TileFrom(Gathered* first, int64_t bytes, const Places& places) {
  Tile tile = {first};
  for (size_t k = 1; k < first->offsets.size(); ++k) {
    const int64_t distance = static_cast<int64_t>(k) * bytes;
    auto [at, end] = places.equal_range({first->number, first->offsets[0] + distance});
    for (; at != end; ++at) {
      const Gathered& g = *at->second;
      bool fits = !g.taken && g.vector->getType() == first->vector->getType();
      for (size_t lane = 0; fits && lane < first->offsets.size(); ++lane)
        fits = g.offsets[lane] == first->offsets[lane] + distance;
      if (fits) break;
    }
    if (at == end) return std::nullopt;
    tile.push_back(at->second);
  }
  return tile;
}

/// Transposes square tiles: blocks of 16 bytes by interleaving, then the blocks. Nothing crosses a block but
/// in the last step, as the machine's instructions have it.
class Turner {
 public:
  Turner(llvm::IRBuilder<>* b, size_t lanes, size_t bits)
      : b_(*b), lanes_(lanes), width_(std::min<size_t>(128 / bits, lanes)), blocks_(lanes / width_) {}

  Vectors Turned(Vectors rows) {
    for (size_t group = 0; group < blocks_; ++group) {
      Value** r = rows.begin() + group * width_;
      for (size_t done = 1; done < width_; done *= 2) {
        Vectors next;
        for (size_t i = 0; i < width_ / 2; ++i) {
          next.push_back(Interleaved(r[i], r[i + width_ / 2], 0));
          next.push_back(Interleaved(r[i], r[i + width_ / 2], width_ / 2));
        }
        std::copy(next.begin(), next.end(), r);
      }
    }
    Vectors columns;
    for (size_t block = 0; block < blocks_; ++block) {
      for (size_t j = 0; j < width_; ++j) {
        Vectors of_groups;
        for (size_t group = 0; group < blocks_; ++group) of_groups.push_back(rows[group * width_ + j]);
        columns.push_back(Joined(std::move(of_groups), block));
      }
    }
    return columns;
  }

 private:
  /// Of each block of both the half that begins at `half`, element by element in turn.
  Value* Interleaved(Value* a, Value* c, size_t half) {
    llvm::SmallVector<int> choice;
    for (size_t block = 0; block < blocks_; ++block) {
      for (size_t i = 0; i < width_ / 2; ++i) {
        choice.push_back(static_cast<int>(block * width_ + half + i));
        choice.push_back(static_cast<int>(lanes_ + block * width_ + half + i));
      }
    }
    return b_.CreateShuffleVector(a, c, choice);
  }

  /// One block of each, after one another.
  Value* Joined(Vectors parts, size_t block) {
    for (size_t size = 1; parts.size() > 1; size *= 2) {
      Vectors next;
      for (size_t p = 0; p < parts.size(); p += 2) {
        // At first the block lies where it is, then what was joined lies in front.
        const size_t from = size == 1 ? block * width_ : 0;
        llvm::SmallVector<int> choice(lanes_, -1);
        for (size_t i = 0; i < size * width_; ++i) {
          choice[i] = static_cast<int>(from + i);
          choice[size * width_ + i] = static_cast<int>(lanes_ + from + i);
        }
        next.push_back(b_.CreateShuffleVector(parts[p], parts[p + 1], choice));
      }
      parts = std::move(next);
    }
    return parts[0];
  }

  llvm::IRBuilder<>& b_;
  size_t lanes_, width_, blocks_;
};

void Turn(const Tile& tile) {
  llvm::LoadInst* first = tile[0]->loads[0];
  for (const Gathered* g : tile) {
    for (llvm::LoadInst* load : g->loads) {
      if (load->comesBefore(first)) first = load;
    }
  }
  llvm::Type* type = tile[0]->vector->getType();
  llvm::IRBuilder<> b(first);
  Vectors rows;
  for (size_t lane = 0; lane < tile.size(); ++lane) {
    Value* address =
        b.CreateConstGEP1_64(b.getInt8Ty(), tile[0]->base, static_cast<uint64_t>(tile[0]->offsets[lane]));
    llvm::LoadInst* row = b.CreateAlignedLoad(type, address, tile[0]->loads[lane]->getAlign());
    row->setMetadata(llvm::LLVMContext::MD_invariant_load, llvm::MDNode::get(b.getContext(), {}));
    rows.push_back(row);
  }
  const Vectors columns = Turner(&b, tile.size(), type->getScalarSizeInBits()).Turned(std::move(rows));
  for (size_t k = 0; k < tile.size(); ++k) {
    tile[k]->vector->replaceAllUsesWith(columns[k]);
    llvm::RecursivelyDeleteTriviallyDeadInstructions(tile[k]->vector);
  }
}

}  // namespace

bool TurnTiles(llvm::Function* function) {
  bool changed = false;
  for (llvm::BasicBlock& block : *function) {
    std::vector<Gathered> gathered;
    for (llvm::Instruction& instruction : block) {
      auto* insert = llvm::dyn_cast<llvm::InsertElementInst>(&instruction);
      if (!insert) continue;
      if (std::optional<Gathered> g = GatheredInto(insert)) gathered.push_back(*std::move(g));
    }
    std::map<Value*, size_t> numbers;
    Places places;
    for (Gathered& g : gathered) {
      g.number = numbers.try_emplace(g.base, numbers.size()).first->second;
      places.emplace(std::pair(g.number, g.offsets[0]), &g);
    }
    for (auto& [place, first] : places) {
      if (first->taken) continue;
      const auto bytes = static_cast<int64_t>(first->vector->getType()->getScalarSizeInBits() / 8);
      const std::optional<Tile> tile = TileFrom(first, bytes, places);
      if (!tile) continue;
      for (Gathered* g : *tile) g->taken = true;
      Turn(*tile);
      changed = true;
    }
  }
  return changed;
}

}  // namespace tunesmith::codegen
