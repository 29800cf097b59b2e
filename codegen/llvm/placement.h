// SPDX-License-Identifier: Apache-2.0
// Where each buffer of a function lies while it runs on a CPU.
#pragma once

#include <vector>

#include "codegen/kernel.h"
#include "ir/ir.h"
#include "support/status.h"

namespace tunesmith::codegen {

enum class Home : uint8_t {
  kArgument,  // the caller's pointer
  kShared,    // at `offset` of the workspace
  kWorker,    // at `offset` of the worker's share of the workspace, which follows the shared part
  kStack,     // in the frame of the function that allocates it (registers too: they become SSA values)
};

struct Placement {
  Home home = Home::kArgument;
  int64_t offset = 0;  // in bytes; a multiple of 64
  /// Iterations of the vector loop inside which the buffer is allocated: each has its own copy, and element e
  /// of iteration l lies at e * lanes + l. 1 outside of vector loops.
  int64_t lanes = 1;
  /// Elements that may be touched without harm: more than the buffer's own on the stack, where whole vectors
  /// are loaded at its end.
  int64_t readable = 0;
};

struct Placements {
  std::vector<Placement> buffers;
  Workspace workspace;
};

/// Buffers of one worker lie on the stack up to 64 KiB in all for one LLVM function, because stacks of
/// threads are small; what is beyond lies in the worker's share of the workspace. Fails for memory that a CPU
/// has not.
Result<Placements> Place(const ir::Function& function);

}  // namespace tunesmith::codegen
