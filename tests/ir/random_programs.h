// SPDX-License-Identifier: Apache-2.0
// Random loop nests such as lowering makes: tiles with masked tails, padded reads, sums in registers that
// begin in the first iteration, extents that end early; and small damages to them.
#pragma once

#include <vector>

#include "ir/ir.h"
#include "support/status.h"
#include "te/value.h"
#include "tests/ir/property.h"

namespace tunesmith::ir::testing {

/// A valid function of A (read) and B (written); every element of B is stored to.
Function RandomProgram(Choices* choices);

/// The function with one thing changed: a condition dropped, widened or turned round, an index moved, a loop
/// longer or parallel, statements swapped or lost, an Alloc lost, a buffer shorter.
Function Damaged(const Function& function, Choices* choices);

/// B, after running on an A of small integers; or the error.
Result<te::Value> RunOnIntegers(const Function& function);

}  // namespace tunesmith::ir::testing
