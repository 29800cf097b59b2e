// SPDX-License-Identifier: Apache-2.0
// How much memory the runner may still take. Linux hands out more than there is and kills whoever touches it,
// so what does not fit is refused beforehand.
#pragma once

#include <cstdint>

namespace tunesmith::measure::runner {

/// Bytes that the system could give now without swapping: the smaller of MemAvailable (/proc/meminfo) and
/// what the control group leaves; half of the address space where neither is known.
uint64_t AvailableBytes();

}  // namespace tunesmith::measure::runner
