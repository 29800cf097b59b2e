// SPDX-License-Identifier: Apache-2.0
// What this machine can do at best, measured: every latency is also told as a share of the limit that binds
// it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "codegen/target.h"
#include "measure/protocol.h"
#include "support/status.h"

namespace tunesmith::measure {

/// What a level of the memory hierarchy moves, bytes a second, all threads together.
struct LevelRates {
  double read = 0;
  double write = 0;
  double copy = 0;  // read and written in equal parts, the sum of both
  friend bool operator==(const LevelRates&, const LevelRates&) = default;
};

/// The limits of so many threads.
struct ThreadLimits {
  int threads = 1;
  // Operations a second, all threads together; a multiply-add is two. 0: the processor lacks the
  // instructions.
  double fma_f32 = 0;
  double fma_f64 = 0;
  double dot_u8s8 = 0;
  double dot_bf16 = 0;
  LevelRates l1, l2, l3, memory;
  friend bool operator==(const ThreadLimits&, const ThreadLimits&) = default;
};

struct Limits {
  std::string cpu;                       // CpuModel() of where they were measured
  int cpus = 1;                          // that the runner could use
  int64_t measured_at = 0;               // seconds since 1970
  bool provisional = false;              // something else ran meanwhile: they may be too low
  int64_t l1_bytes = 0;                  // of each core
  int64_t l2_bytes = 0;                  // of each core
  int64_t l3_bytes = 0;                  // of all; at most l2_bytes if there is no third level
  std::vector<ThreadLimits> by_threads;  // ascending: 1, powers of two, and `cpus`

  /// The limits of so many threads. Where that number was not measured: no more than the next measured one
  /// above reaches, and no more a thread than the one below, as threads only get into each other's way.
  ThreadLimits For(int threads) const;
  friend bool operator==(const Limits&, const Limits&) = default;
};

struct LimitsPlan {
  std::string runner;  // as in LocalMeasurer::Options
  double seconds = 2;  // about, for everything
  int64_t l1_bytes = 32 << 10;
  int64_t l2_bytes = 1 << 20;
  int64_t l3_bytes = 8 << 20;
  // Gone over to see the memory behind all caches, at most: handing out more takes longer than measuring.
  int64_t memory_bytes = int64_t{512} << 20;
};
/// The caches of a target that is this machine.
LimitsPlan PlanFor(const codegen::Target& target);

/// Whether a probe had the machine for itself, as far as the runner can see.
bool WasQuiet(const Rate& rate);

/// Measures now, arithmetic and what was disturbed a second time at the end. What was disturbed then, too,
/// makes the limits provisional. No rate is below that of fewer threads. Errors: no runner can be started;
/// memory is short.
Result<Limits> MeasureLimits(const LimitsPlan& plan);

/// How long limits are kept in a file, in seconds.
inline constexpr int64_t kKeptSeconds = 24 * 3600;
/// Provisional ones: long enough that commands that follow each other do not measure each time.
inline constexpr int64_t kKeptProvisionalSeconds = 300;

/// The limits from the file `path`, if it holds some of this CPU that are not too old; otherwise those of
/// RenewLimits. A file that cannot be read is replaced. Errors: those of MeasureLimits.
Result<Limits> CachedLimits(const std::filesystem::path& path, const LimitsPlan& plan);

/// Measures, and keeps in the file for the next time. What was reached before can be reached: of each rate
/// the larger counts, where the file holds limits of this CPU of the last 24 hours. A file that cannot be
/// written is done without. Errors: those of MeasureLimits.
Result<Limits> RenewLimits(const std::filesystem::path& path, const LimitsPlan& plan);
/// limits.json in the user's cache folder.
Result<std::filesystem::path> LimitsFile();

/// As JSON, one object; and back. Errors: not JSON, a number missing or not one, no threads.
std::string ToJson(const Limits& limits);
Result<Limits> LimitsFromJson(const std::string& text);

/// The processor's name, family, model and stepping, as the system tells them.
std::string CpuModel();

}  // namespace tunesmith::measure
