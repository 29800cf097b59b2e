// SPDX-License-Identifier: Apache-2.0
#include "measure/runner/probes.h"

#include <algorithm>
#include <atomic>

#include "measure/runner/clock.h"

namespace tunesmith::measure::runner {
namespace {

// A round of several threads must be long beside their start and end, of some microseconds.
constexpr uint64_t kRepetitionNs = 200'000;

struct Share {
  ProbeLoop loop;
  uint8_t* memory;
  uint64_t bytes;
  uint64_t rounds;
};

}  // namespace

bool GoesOverMemory(ProbeKind kind) { return kind >= ProbeKind::kRead; }

double RunProbe(const Probe& probe, uint8_t* memory, const tunesmith_threads& threads) {
  Share share{LoopOf(probe.kind), memory, probe.bytes, 1};
  if (share.loop.run == nullptr) return 0;
  const auto body = [](void* closure, int64_t first, int64_t last, int32_t) {
    const auto& given = *static_cast<const Share*>(closure);
    for (int64_t n = first; n < last; ++n) {
      given.loop.run(given.memory + static_cast<uint64_t>(n) * given.bytes, given.bytes, given.rounds);
    }
  };
  const auto elapsed_ns = [&] {
    const uint64_t begin = NowNs();
    threads.run(threads.context, body, &share, threads.threads, 1);
    return std::max<uint64_t>(NowNs() - begin, 1);
  };
  const double a_round =
      (GoesOverMemory(probe.kind) ? static_cast<double>(probe.bytes) : share.loop.operations_a_round) *
      threads.threads;
  const uint64_t end = NowNs() + probe.duration_ns;
  // Doubling the rounds until a repetition is long enough also brings the clock up to speed.
  uint64_t elapsed = elapsed_ns();
  while (elapsed < kRepetitionNs) {
    share.rounds *= 2;
    elapsed = elapsed_ns();
  }
  // A single pass over much memory may be all that the time allows, and that one disturbed: some more are
  // made.
  constexpr int kFewestPasses = 4;
  uint64_t shortest = elapsed;
  for (int pass = 1; pass < kFewestPasses || NowNs() < end; ++pass)
    shortest = std::min(shortest, elapsed_ns());
  return a_round * static_cast<double>(share.rounds) / static_cast<double>(shortest) * 1e9;
}

}  // namespace tunesmith::measure::runner
