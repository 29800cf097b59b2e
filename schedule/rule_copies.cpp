// SPDX-License-Identifier: Apache-2.0
#include "schedule/rule_copies.h"

namespace tunesmith::schedule {
namespace {

/// The dimension of which a tile is a part.
int TiledDim(const CopiedOperand& operand) {
  return operand.shared_dim >= 0 ? operand.shared_dim : operand.lane_dim;
}

std::vector<int> DimsBut(const CopiedOperand& operand, int dim) {
  std::vector<int> others;
  for (int i = 0; i < static_cast<int>(operand.shape.size()); ++i) {
    if (i != dim) others.push_back(i);
  }
  return others;
}

}  // namespace

StageId AddCopy(const CopiedOperand& operand, CopyPlace place, const CopyForm& form, StageId reader,
                Draft* draft) {
  // Padded to whole tiles: what lies in lanes that nobody asks for is computed with all the same, and
  // whatever memory held before may be numbers that processors are slow with.
  std::vector<int64_t> multiples(operand.shape.size(), 1);
  const int tiled = TiledDim(operand);
  multiples[static_cast<size_t>(tiled)] = form.tile;
  if (place == CopyPlace::kInTiles) return draft->Cache(operand.tensor, reader, operand.name, multiples);
  if (form.group > 1) multiples[static_cast<size_t>(operand.long_dim)] = form.group;
  const StageId copy = draft->Cache(operand.tensor, reader, operand.name, multiples);
  if (operand.weight) draft->Pack(copy);
  std::vector<int> order = DimsBut(operand, tiled);
  order.insert(order.begin(), tiled);
  std::vector<Piece> blocks = {{tiled, form.tile}};
  if (operand.shared_dim >= 0)
    blocks.push_back({operand.lane_dim, operand.shape[static_cast<size_t>(operand.lane_dim)]});
  if (form.group > 1) blocks.push_back({operand.long_dim, form.group});
  draft->SetLayout(copy, order, blocks);
  return copy;
}

void MakeCopy(const CopiedOperand& operand, CopyPlace place, const CopyForm& form, StageId copy, NodeId tile,
              Draft* draft) {
  if (operand.weight) return;
  const int last = static_cast<int>(operand.shape.size()) - 1;
  const int tiled = TiledDim(operand);
  const std::vector<int> others = DimsBut(operand, tiled);
  if (place == CopyPlace::kInTiles) {
    draft->ComputeAt(copy, tile, Scope::kThread);
    std::vector<int> layout = others;
    layout.push_back(operand.lane_dim);
    draft->SetLayout(copy, layout, {});
  }
  const NodeId tiles = draft->LoopOf(copy, tiled);
  NodeId inside = tiles;  // of a tile
  NodeIds order;
  if (place == CopyPlace::kWhole) {
    inside = draft->Split(tiles, form.tile, Tail::kMask);
    order.push_back(tiles);
  }
  for (int i : others) order.push_back(draft->LoopOf(copy, i));
  // Neighbours in the copy that come from several places are not vectors.
  if (operand.shared_dim >= 0 || form.group > 1) {
    order.push_back(inside);
    draft->Reorder(order);
  } else {
    const NodeId lanes = draft->Split(inside, form.lanes, Tail::kMask);
    if (operand.lane_dim == last) {
      order.push_back(inside);
      draft->Unroll(inside);
    } else {
      // What lies together is read together: squares are transposed in registers, but not at the edges, where
      // lanes or rows are guarded.
      const NodeId rest = order.back(), rows = draft->Split(rest, form.lanes, Tail::kMask);
      draft->Unroll(rows);
      order.insert(order.end() - 1, inside);
      order.push_back(rows);
      if (operand.shape.back() % form.lanes != 0) draft->Partition(rest);
      if (place == CopyPlace::kWhole && operand.shape[static_cast<size_t>(tiled)] % form.tile != 0)
        draft->Partition(tiles);
    }
    order.push_back(lanes);
    draft->Reorder(order);
    draft->Vector(lanes);
  }
  if (place == CopyPlace::kWhole) draft->Parallel(tiles);
}

}  // namespace tunesmith::schedule
