// SPDX-License-Identifier: Apache-2.0
#include "measure/runner/probes.h"

#include <algorithm>
#include <atomic>
#include <numeric>
#include <vector>

#include "measure/runner/clock.h"

namespace tunesmith::measure::runner {
namespace {

// A round of several threads must be long beside their start and end, of some microseconds.
constexpr uint64_t kRepetitionNs = 200'000;

/// What the threads of a probe share.
struct Loops {
  ProbeLoop loop;
  uint8_t* memory;
  uint64_t bytes;
  uint64_t rounds;
  std::atomic<uint64_t> cpu_ns;  // used by all of them
};

}  // namespace

bool GoesOverMemory(ProbeKind kind) { return kind >= ProbeKind::kRead; }

Rate RunProbe(const Probe& probe, uint8_t* memory, const tunesmith_threads& threads) {
  Loops loops{LoopOf(probe.kind), memory, probe.bytes, 1, 0};
  if (loops.loop.run == nullptr) return {};
  const auto body = [](void* closure, int64_t first, int64_t last, int32_t) {
    auto& given = *static_cast<Loops*>(closure);
    const uint64_t begin = ThreadCpuNs();
    for (int64_t n = first; n < last; ++n) {
      given.loop.run(given.memory + static_cast<uint64_t>(n) * given.bytes, given.bytes, given.rounds);
    }
    given.cpu_ns += ThreadCpuNs() - begin;
  };
  const auto elapsed_ns = [&] {
    const uint64_t begin = NowNs();
    threads.run(threads.context, body, &loops, threads.threads, 1);
    return std::max<uint64_t>(NowNs() - begin, 1);
  };
  const double a_round =
      (GoesOverMemory(probe.kind) ? static_cast<double>(probe.bytes) : loops.loop.operations_a_round) *
      threads.threads;
  const uint64_t end = NowNs() + probe.duration_ns;
  // Doubling the rounds until a repetition is long enough also brings the clock up to speed.
  while (elapsed_ns() < kRepetitionNs) loops.rounds *= 2;
  // A single pass over much memory may be all that the time allows, and that one disturbed: some more are
  // made.
  constexpr size_t kFewestPasses = 4;
  std::vector<uint64_t> passes_ns;
  loops.cpu_ns = 0;
  while (passes_ns.size() < kFewestPasses || NowNs() < end) passes_ns.push_back(elapsed_ns());
  const double in_all = std::accumulate(passes_ns.begin(), passes_ns.end(), 0.0);
  std::sort(passes_ns.begin(), passes_ns.end());
  const auto shortest = static_cast<double>(passes_ns.front());
  Rate rate;
  rate.a_second = a_round * static_cast<double>(loops.rounds) / shortest * 1e9;
  rate.cpu_share = static_cast<double>(loops.cpu_ns) / (in_all * threads.threads);
  rate.spread = static_cast<double>(passes_ns[passes_ns.size() / 2]) / shortest - 1;
  return rate;
}

}  // namespace tunesmith::measure::runner
