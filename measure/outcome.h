// SPDX-License-Identifier: Apache-2.0
// What became of one trial: latency samples, or a typed failure. Shared by the runner (which makes outcomes),
// the database (which keeps them) and the search (which learns from them).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tunesmith::measure {

/// Why a trial ended. The values are written to databases: append, never renumber.
enum class OutcomeKind : uint8_t {
  kOk = 0,            ///< built, checked, timed
  kCompileError = 1,  ///< lowering, verification or code generation refused it
  kWrongResult = 2,   ///< ran, but an element differs from the definition
  kCrash = 3,         ///< died by a signal
  kTimeout = 4,       ///< did not end within its time limit
  kOutOfMemory = 5,   ///< its buffers or its code did not fit
  kOutOfBounds = 6,   ///< wrote into a red zone around a buffer
};

/// The names used in texts, in JSON and on the command line; index is the enum's value.
inline constexpr std::array<std::string_view, 7> kOutcomeNames = {
    "ok", "compile_error", "wrong_result", "crash", "timeout", "out_of_memory", "out_of_bounds"};

/// "ok", "compile_error", ...; an enumerator of OutcomeKind always has a name.
constexpr std::string_view NameOf(OutcomeKind kind) { return kOutcomeNames[static_cast<size_t>(kind)]; }

/// The inverse of NameOf; nothing for any other text.
constexpr std::optional<OutcomeKind> ParseOutcomeKind(std::string_view name) {
  for (size_t i = 0; i < kOutcomeNames.size(); ++i) {
    if (kOutcomeNames[i] == name) return static_cast<OutcomeKind>(i);
  }
  return std::nullopt;
}

/// A trial's result. Samples, median and spread mean something only when `kind` is kOk.
struct Outcome {
  OutcomeKind kind = OutcomeKind::kOk;
  /// For people: the compiler's message, the first wrong index with both values, the signal's name. Empty
  /// when ok.
  std::string detail;
  std::vector<double> samples_ns;  ///< every raw sample, nanoseconds a run, in the order taken
  double median_ns = 0;            ///< what candidates are ranked by
  double spread_ns = 0;            ///< interquartile range of the samples

  bool ok() const { return kind == OutcomeKind::kOk; }
  friend bool operator==(const Outcome&, const Outcome&) = default;
};

}  // namespace tunesmith::measure
