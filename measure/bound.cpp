// SPDX-License-Identifier: Apache-2.0
#include "measure/bound.h"

#include <algorithm>

namespace tunesmith::measure {
namespace {

double TimeNs(double amount, double rate) { return rate > 0 ? amount / rate * 1e9 : 0; }

double MovingNs(double read, double written, const LevelRates& rates) {
  const double both = std::min(read, written);
  return TimeNs(2 * both, rates.copy) + TimeNs(read - both, rates.read) + TimeNs(written - both, rates.write);
}

/// The least time for what does not fit `nearer` bytes.
double LeastMovingNs(const Work& work, bool cold, double nearer, const LevelRates& rates) {
  if (cold) return MovingNs(work.read_bytes, std::max(0.0, work.written_bytes - nearer), rates);
  const double moved = std::max(0.0, work.read_bytes + work.written_bytes - nearer);
  const double least_read = std::max(0.0, moved - work.written_bytes);
  const double most_read = std::min(moved, work.read_bytes);
  // The time is linear in what is read on either side of the half: its minimum lies at an end or there.
  double least_ns = MovingNs(least_read, moved - least_read, rates);
  for (double read : {most_read, std::clamp(moved / 2, least_read, most_read)})
    least_ns = std::min(least_ns, MovingNs(read, moved - read, rates));
  return least_ns;
}

}  // namespace

Bound BoundOf(const Limits& limits, const Work& work, const Scenario& scenario) {
  using Arithmetic = Work::Arithmetic;
  const ThreadLimits at = limits.For(scenario.threads);
  struct Peak {
    Arithmetic arithmetic;
    double rate;
    const char* name;
  };
  // They share the vector units, so their times add up; the bound is named after the one that takes most.
  Bound bound{0, "f32 arithmetic"};
  double most_ns = 0;
  for (const Peak& peak : {Peak{Arithmetic::kF32, at.fma_f32, "f32 arithmetic"},
                           Peak{Arithmetic::kF64, at.fma_f64, "f64 arithmetic"},
                           Peak{Arithmetic::kU8S8, at.dot_u8s8, "u8s8 arithmetic"},
                           Peak{Arithmetic::kBF16, at.dot_bf16, "bf16 arithmetic"}}) {
    const bool own = peak.arithmetic == Arithmetic::kF64 || peak.rate > at.fma_f32;
    const double ns = TimeNs(work.OperationsOf(peak.arithmetic), own ? peak.rate : at.fma_f32);
    bound.ns += ns;
    if (ns > most_ns) {
      most_ns = ns;
      bound.what = own ? peak.name : "f32 arithmetic";
    }
  }

  const double of_cores = at.threads;
  const bool three = limits.l3_bytes > limits.l2_bytes;
  const double l1 = of_cores * static_cast<double>(limits.l1_bytes);
  const double l2 = of_cores * static_cast<double>(limits.l2_bytes);
  const double l3 = three ? static_cast<double>(limits.l3_bytes) : 0;
  struct Level {
    double nearer;  // bytes that the levels between it and the cores hold
    const LevelRates* rates;
    const char* name;
  };
  for (const Level& level :
       {Level{0, &at.l1, "L1 bandwidth"}, Level{l1, &at.l2, "L2 bandwidth"},
        Level{l1 + l2, three ? &at.l3 : &at.memory, three ? "L3 bandwidth" : "memory bandwidth"},
        Level{l1 + l2 + l3, &at.memory, "memory bandwidth"}}) {
    const double ns = LeastMovingNs(work, scenario.cold, level.nearer, *level.rates);
    if (ns > bound.ns) bound = {ns, level.name};
  }
  return bound;
}

}  // namespace tunesmith::measure
