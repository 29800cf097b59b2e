// SPDX-License-Identifier: Apache-2.0
// Takes the samples of one kernel. What they mean is decided elsewhere (measure/statistics.h).
#pragma once

#include <algorithm>
#include <cstdint>

#include "measure/protocol.h"
#include "measure/runner/clock.h"

namespace tunesmith::measure::runner {

inline constexpr uint32_t kMaxSamples = 1u << 20;

/// Calls that follow each other on the same data. The first calls only warm up (pages, caches, the clock of
/// cores that run wide vectors slower): the batch grows until it fills `sample_ns`, and from then on every
/// batch is a sample of as many calls.
template <class Call>
Samples TimeWarm(uint32_t samples, uint64_t sample_ns, uint64_t budget_ns, const Call& call) {
  Samples result;
  result.calls = 1;
  const uint64_t begin = NowNs();
  const auto time_batch = [&] {
    const uint64_t batch_begin = NowNs();
    for (uint64_t i = 0; i < result.calls; ++i) call();
    return NowNs() - batch_begin;
  };
  call();
  // A batch of half the length asked for is long enough: the aim is not to hit a number, but to make the
  // clock's 20 ns disappear.
  uint64_t elapsed = time_batch();
  while (elapsed < sample_ns / 2 && result.calls < (uint64_t{1} << 32)) {
    const uint64_t grow = elapsed == 0 ? 1000 : std::min<uint64_t>(sample_ns / elapsed + 1, 1000);
    result.calls *= grow;
    elapsed = time_batch();
  }
  for (;;) {
    result.ns.push_back(static_cast<double>(elapsed) / static_cast<double>(result.calls));
    if (result.ns.size() >= samples || NowNs() - begin > budget_ns) return result;
    elapsed = time_batch();
  }
}

/// Single calls, each after `evict`.
template <class Call, class Evict>
Samples TimeCold(uint32_t samples, uint64_t budget_ns, const Call& call, const Evict& evict) {
  Samples result;
  result.calls = 1;
  const uint64_t begin = NowNs();
  call();  // the code itself stays warm: it is small beside the data, and never evicted
  do {
    evict();
    const uint64_t call_begin = NowNs();
    call();
    result.ns.push_back(static_cast<double>(NowNs() - call_begin));
  } while (result.ns.size() < samples && NowNs() - begin <= budget_ns);
  return result;
}

}  // namespace tunesmith::measure::runner
