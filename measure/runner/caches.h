// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>

namespace tunesmith::measure::runner {

/// Removes `bytes` bytes from every cache of every core, by instructions where a program may use them
/// (x86-64, AArch64).
void EvictFromCaches(const uint8_t* begin, size_t bytes);

}  // namespace tunesmith::measure::runner
