// SPDX-License-Identifier: Apache-2.0
#include "measure/runner/threads.h"

#include "codegen/runtime/timing.h"

namespace tunesmith::measure::runner {

Threads::Threads() {
  CPU_ZERO(&allowed_);
  if (sched_getaffinity(0, sizeof allowed_, &allowed_) != 0) CPU_SET(0, &allowed_);
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
  const auto count = static_cast<int32_t>(threads);
  pool_ = pinned ? tunesmith_timing_pool(count, &allowed_) : tunesmith_pool_create(count, nullptr);
  pinned_ = pinned;
  threads_ = threads;
  return pool_ == nullptr ? nullptr : tunesmith_pool_threads(pool_);
}

}  // namespace tunesmith::measure::runner
