// SPDX-License-Identifier: Apache-2.0
// A record: what one trial did, complete enough to be replayed alone years later. Records are immutable; the
// id is a hash of everything else, so a changed record is a damaged one.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "measure/outcome.h"
#include "support/status.h"

namespace tunesmith::database {

/// The circumstances of timing.
struct Scenario {
  bool cold = false;  ///< caches evicted before each sample
  int threads = 1;
  std::string pinning = "none";  ///< how threads were bound to cores; "none" if the system chose
  int64_t page_bytes = 4096;     ///< size of the pages under the buffers; a power of two

  friend bool operator==(const Scenario&, const Scenario&) = default;
};

/// "warm" or "cold": how a scenario's state of the caches is written everywhere.
constexpr std::string_view CacheName(bool cold) { return cold ? "cold" : "warm"; }

/// What must be equal for two latencies to be comparable and for one kernel to replace another.
struct Key {
  std::string workload;  ///< te::WorkloadHash: 32 lowercase hexadecimal digits
  std::string layouts;   ///< id of the interface layouts; empty: the plain row-major ones
  std::string target;    ///< its name, "x86-64-avx512"
  std::string features;  ///< a hash of the instruction set extensions in use
  Scenario scenario;
  std::string codegen;  ///< version of this program's code generator
  std::string llvm;     ///< "19.1.7"

  friend bool operator==(const Key&, const Key&) = default;
};

struct Record {
  std::string id;  ///< 32 lowercase hexadecimal digits: IdOf the rest
  Key key;
  std::string operator_name;                    ///< for people and queries; the key has the workload
  std::map<std::string, std::string> bindings;  ///< "M" -> "1024", "act" -> "relu"
  /// The operator as a .te file of its own, from which its workload can be made again: so whoever gets the
  /// record can check its trace. Empty where a record of an older format did not say it. No part of the id:
  /// the workload's hash vouches for it.
  std::string definition;
  std::string trace;  ///< the candidate, docs/formats/trace.md; never empty
  measure::Outcome outcome;
  /// In how many fresh processes the samples were taken: 1 for a trial and for a failure; more for a
  /// finalist, which was timed against its rivals when a search had ended.
  int processes = 1;
  double limit_share = 0;          ///< of the limit that binds the kernel, 1 is the limit; 0: not known
  std::string environment = "{}";  ///< a JSON object: CPU, limits, clocks, seed, date
  int64_t created_ns = 0;          ///< nanoseconds since 1970-01-01 UTC

  friend bool operator==(const Record&, const Record&) = default;
};

/// The longest definition of one record: that of a .te file.
inline constexpr int64_t kMaxDefinitionBytes = int64_t{1} << 20;
/// The largest trace, detail and samples of one record together.
inline constexpr int64_t kMaxPayloadBytes = int64_t{256} << 20;

/// The current time as `created_ns` wants it.
int64_t NowNs();

/// XXH3-128 over every field but `id` and `definition`, in the order and encoding that docs/formats/record.md
/// gives.
std::string IdOf(const Record& record);

/// Makes a record out of a trial: gives it its id, brings the environment into canonical form (no blanks,
/// keys sorted), and replaces bytes of the detail that are not UTF-8 (compilers and signals say anything).
/// Fails where Check would.
Result<Record> Seal(Record draft);

/// What every record satisfies. All texts are UTF-8 without NUL; a timed trial has samples, positive and
/// finite, with the median among them; a failure has none; the id is IdOf the rest. The message names the
/// field.
Status Check(const Record& record);

/// Whether `text` is UTF-8 (no surrogates, no overlong forms) without NUL.
bool IsText(std::string_view text);

/// Whether `text` is at most 32 lowercase hexadecimal digits: the beginning of an id or of a workload's hash.
bool IsHexPrefix(std::string_view text);

/// {"M": "1024"} as canonical JSON text, keys sorted: how bindings are kept and queried.
std::string BindingsJson(const std::map<std::string, std::string>& bindings);
/// The inverse; fails on anything but an object of strings.
Result<std::map<std::string, std::string>> ParseBindings(std::string_view json);

}  // namespace tunesmith::database
