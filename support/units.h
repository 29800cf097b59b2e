// SPDX-License-Identifier: Apache-2.0
// Numbers as people read them. Three significant digits, so that columns of results compare at a glance; not
// for files, which hold exact numbers.
#pragma once

#include <cstdint>
#include <string>

namespace tunesmith {

/// A measured time: "850 ns", "12.3 us", "1.05 ms", "2.50 s". NaN and negative values print as "?".
std::string FormatLatency(double nanoseconds);
/// A time that somebody waits for: "8 s", "3 min 05 s", "2 h 10 min". Rounded to what is printed.
std::string FormatWait(double seconds);
/// "640 B", "1.50 KiB", "48 KiB", "2.25 GiB"; powers of 1024, trailing zeros of whole numbers left out.
std::string FormatBytes(int64_t bytes);
/// A rate of floating-point operations: "117 GFLOP/s".
std::string FormatFlops(double flops_per_second);
/// "12,345".
std::string FormatCount(int64_t count);
/// A ratio as "94.2%"; "?" if it is not finite.
std::string FormatShare(double ratio);

}  // namespace tunesmith
