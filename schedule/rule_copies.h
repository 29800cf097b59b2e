// SPDX-License-Identifier: Apache-2.0
// Copies of operands in the order in which a contraction's tiles read them: panels as wide as a tile, lanes
// side by side.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "schedule/rules.h"

namespace tunesmith::schedule {

/// Where an operand is copied: nowhere; whole, before the stage that reads it, or ahead of time if it is a
/// weight; or what a tile of the lane axis needs (or a block of that), where it is used.
enum class CopyPlace : uint8_t { kNone, kWhole, kInTiles };

/// An operand that is read along the lane axis. Dimensions are numbers.
struct CopiedOperand {
  int tensor;
  std::string name;            // of the copy
  std::vector<int64_t> shape;  // of both
  int lane_dim;                // that the lane axis walks
  int shared_dim;              // that the axis walks which shares the lanes; -1 if there is none
  int long_dim;                // that the longest reduced axis walks; -1 if it is none alone
  bool weight;                 // copied ahead of time
  bool needed;                 // lanes do not lie side by side in the operand
  size_t hole;                 // its values are of CopyPlace
};

/// What decides how a copy lies.
struct CopyForm {
  int64_t tile;   // of the dimension of the lanes, or of that which shares them
  int64_t lanes;  // of a vector
  int64_t group;  // neighbours of long_dim side by side, for dot products; 1: none
};

/// The stage that copies; to come before the reader's loops are changed. A whole copy is laid out, and placed
/// if it is a weight's.
StageId AddCopy(const CopiedOperand& operand, CopyPlace place, const CopyForm& form, StageId reader,
                Draft* draft);

/// How a copy at run time is made, and where: inside `tile`, a loop of the reader, if it is one in tiles. To
/// come when the reader has its loops.
void MakeCopy(const CopiedOperand& operand, CopyPlace place, const CopyForm& form, StageId copy, NodeId tile,
              Draft* draft);

}  // namespace tunesmith::schedule
