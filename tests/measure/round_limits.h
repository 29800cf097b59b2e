// SPDX-License-Identifier: Apache-2.0
// The limits of a machine that is easy to reckon with.
#pragma once

#include "measure/limits.h"

namespace tunesmith::measure {

/// Round numbers: one core computes 100 operations and moves 10, 4, 2 or 1 bytes a nanosecond.
inline Limits RoundLimits() {
  Limits limits;
  limits.cpu = "abacus";
  limits.cpus = 4;
  limits.measured_at = 1700000000;
  limits.l1_bytes = 1000;
  limits.l2_bytes = 10000;
  limits.l3_bytes = 100000;
  for (int threads : {1, 2, 4}) {
    const double n = threads;
    ThreadLimits at;
    at.threads = threads;
    at.fma_f32 = n * 100e9;
    at.fma_f64 = n * 50e9;
    at.dot_u8s8 = n * 400e9;
    at.l1 = {n * 10e9, n * 5e9, n * 10e9};
    at.l2 = {n * 4e9, n * 2e9, n * 4e9};
    at.l3 = {n * 2e9, n * 1e9, n * 2e9};
    at.memory = {1e9, 0.5e9, 1e9};
    limits.by_threads.push_back(at);
  }
  return limits;
}

}  // namespace tunesmith::measure
