// SPDX-License-Identifier: Apache-2.0
// Under which conditions a kernel is timed: part of a record's key, because the fastest kernel under one is
// not the fastest under another.
#pragma once

#include <string>
#include <string_view>

#include "support/status.h"

namespace tunesmith::measure {

struct Scenario {
  bool cold = false;       // data out of all caches before each call; else the calls follow each other
  int threads = 1;         // that the kernel runs on
  bool pinned = true;      // each thread on a CPU of its own
  bool huge_pages = true;  // the buffers lie on transparent huge pages
  friend bool operator==(const Scenario&, const Scenario&) = default;
};

/// "warm threads=2 pinned huge", "cold threads=1 unpinned small": a stable key.
std::string ToString(const Scenario& scenario);
/// The inverse of ToString. Errors: any other text.
Result<Scenario> ParseScenario(std::string_view text);

}  // namespace tunesmith::measure
