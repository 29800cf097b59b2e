// SPDX-License-Identifier: Apache-2.0
// Loops that do one thing as fast as the processor can: what kernels are measured against.
#pragma once

#include "codegen/runtime/tunesmith_kernel.h"
#include "measure/protocol.h"

namespace tunesmith::measure::runner {

/// False for the kinds that stay in registers.
bool GoesOverMemory(ProbeKind kind);

/// The best rate seen within about the probe's duration, in four passes at least, and how quiet it was. All
/// zero if the processor lacks the instructions. `memory` holds probe.bytes for each thread.
Rate RunProbe(const Probe& probe, uint8_t* memory, const tunesmith_threads& threads);

/// One thread's loop: goes `rounds` times over its memory or, in registers, through its body.
struct ProbeLoop {
  void (*run)(uint8_t* memory, uint64_t bytes, uint64_t rounds) = nullptr;  // null: not on this processor
  double operations_a_round = 0;  // of the kinds that stay in registers
};

/// The fastest loop of this kind that this processor can run.
ProbeLoop LoopOf(ProbeKind kind);

}  // namespace tunesmith::measure::runner
