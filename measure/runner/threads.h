// SPDX-License-Identifier: Apache-2.0
// The runner's pools of threads: one at a time, made anew when another number or place is asked for.
#pragma once

#include <sched.h>

#include <cstdint>

#include "codegen/runtime/threads.h"

namespace tunesmith::measure::runner {

class Threads {
 public:
  /// Notes which CPUs the process may use.
  Threads();
  ~Threads();
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;

  /// The table for a kernel on so many threads; null if they cannot be started. Pinned: the calling thread
  /// stays on the CPU where the system has put it, the others each on one of the next.
  const tunesmith_threads* Use(uint32_t threads, bool pinned);

  uint32_t cpus() const { return static_cast<uint32_t>(CPU_COUNT(&allowed_)); }

 private:
  void Unpin();

  cpu_set_t allowed_;
  tunesmith_pool* pool_ = nullptr;
  uint32_t threads_ = 0;
  bool pinned_ = false;
};

}  // namespace tunesmith::measure::runner
