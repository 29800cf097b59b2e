// SPDX-License-Identifier: Apache-2.0
// Runs loop IR statement by statement: the proof, without the hardware, that lowering kept the meaning.
// Floating values are computed in double and rounded where they are stored; accesses outside a buffer, reads
// of undefined elements, races between iterations of parallel loops (two touch one element, one writes),
// events that never fire and buffers used beyond their life are reported as errors that name the statement.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "ir/ir.h"
#include "support/status.h"
#include "te/value.h"

namespace tunesmith::ir {

/// Called for each element touched: (buffer, flat index, is a store). For tests that count footprints.
using Observer = std::function<void(int buffer, int64_t index, bool store)>;

/// Runs the function on the parameters' values in order; those that are `written` are undefined at first (to
/// read one before it is stored to is an error), and updated where they were stored to.
/// Parallel and bound loops run their iterations in an order that is neither forwards nor backwards; each of
/// these iterations counts events for itself. Asynchronous copies happen as late as their waits allow.
/// Fails, naming the statement and the values of the loops' variables, with what the page above lists.
Status Interpret(const Function& function, std::vector<te::Value>* parameters,
                 const Observer& observe = nullptr);

/// Runs pack (if any), then main, on plain parameters; returns the outputs, in order, each as a flat array.
/// `weights` are the positions of the parameters that pack takes. Fails also if an element of an output is
/// never stored to. Elements of packed weights that pack leaves out are NaN, or an unlikely integer, for
/// main.
Result<std::vector<te::Value>> Interpret(const Program& program, const std::vector<te::Value>& parameters,
                                         const std::vector<int>& weights);

}  // namespace tunesmith::ir
