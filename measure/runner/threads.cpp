// SPDX-License-Identifier: Apache-2.0
#ifndef _GNU_SOURCE
#define _GNU_SOURCE  // sched_getcpu
#endif
#include "measure/runner/threads.h"

#include <algorithm>

namespace tunesmith::measure::runner {

Threads::Threads() {
  CPU_ZERO(&allowed_);
  if (sched_getaffinity(0, sizeof allowed_, &allowed_) != 0) CPU_SET(0, &allowed_);
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &allowed_)) cpus_.push_back(cpu);
  }
}

Threads::~Threads() { tunesmith_pool_destroy(pool_); }

void Threads::Unpin() {
  if (pinned_) sched_setaffinity(0, sizeof allowed_, &allowed_);
  pinned_ = false;
}

const tunesmith_threads* Threads::Use(uint32_t threads, bool pinned) {
  if (pool_ != nullptr && threads_ == threads && pinned_ == pinned) return tunesmith_pool_threads(pool_);
  tunesmith_pool_destroy(pool_);
  Unpin();
  if (!pinned) {
    pool_ = tunesmith_pool_create(static_cast<int32_t>(threads), nullptr);
  } else {
    const auto here = std::find(cpus_.begin(), cpus_.end(), sched_getcpu());
    const size_t first = here == cpus_.end() ? 0 : static_cast<size_t>(here - cpus_.begin());
    std::vector<int32_t> places(threads);
    for (size_t n = 0; n < places.size(); ++n) places[n] = cpus_[(first + n) % cpus_.size()];
    pool_ = tunesmith_pool_create(static_cast<int32_t>(threads), places.data());
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(cpus_[first], &one);
    sched_setaffinity(0, sizeof one, &one);
    pinned_ = true;
  }
  threads_ = threads;
  return pool_ == nullptr ? nullptr : tunesmith_pool_threads(pool_);
}

}  // namespace tunesmith::measure::runner
