// SPDX-License-Identifier: Apache-2.0
// From a plan to a program. Lowering takes no decision: whatever could be otherwise is said by the plan.
#pragma once

#include "ir/ir.h"
#include "schedule/plan.h"
#include "support/status.h"

namespace tunesmith::ir {

/// The passes, in order:
///   nest       loops, addresses, start values, kept accumulators; each leaf under its guards
///   simplify   proves guards from the loops' ranges
///   partition  divides the loops that the plan marks, so that their steady part has no guards
///   hoist      moves what is left of the guards as far out as they go; serial loops end early instead
///   verify     refuses what is not valid loop IR (ir/verify.h)
/// Calls of mathematical functions are left as they are; code generators run ExpandMath (ir/math.h) first.
/// Fails if the plan asks for what a program cannot say; the message names the stage or the rule.
Result<Program> Lower(const schedule::Plan& plan);

/// Moves conditions outwards: an `if` that is all that a loop contains leaves the loop, if that is not
/// parallel, where it does not depend on its variable, and shortens the loop where it bounds a serial loop's
/// variable. Conjuncts move one by one.
Stmt HoistConditions(const Stmt& statement);

}  // namespace tunesmith::ir
