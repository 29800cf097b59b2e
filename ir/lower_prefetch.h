// SPDX-License-Identifier: Apache-2.0
// Prefetching as statements.
#pragma once

#include "ir/lower_storage.h"

namespace tunesmith::ir {

/// Asks for each cache line of what a stage touches in a later iteration of p.loop, of which `loops` gives
/// the one at hand. What lies outside of the tensor then is asked for too: that has no effect. Adds the
/// variables of its loops to the function.
Stmt PrefetchRegion(const schedule::Plan& plan, schedule::StageId stage, const schedule::Prefetched& p,
                    const Storage& storage, const LoopValues& loops, Function* function);

}  // namespace tunesmith::ir
