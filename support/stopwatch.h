// SPDX-License-Identifier: Apache-2.0
// How long something takes, by the clock that nobody sets.
#pragma once

#include <chrono>
#include <utility>

namespace tunesmith {

/// Runs from when it is made.
class Stopwatch {
 public:
  double seconds() const { return std::chrono::duration<double>(Clock::now() - start_).count(); }
  double nanoseconds() const { return 1e9 * seconds(); }
  /// The nanoseconds until now; begins anew.
  double LapNanoseconds() {
    const Clock::time_point now = Clock::now();
    return std::chrono::duration<double, std::nano>(now - std::exchange(start_, now)).count();
  }

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point start_ = Clock::now();
};

}  // namespace tunesmith
