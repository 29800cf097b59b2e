// SPDX-License-Identifier: Apache-2.0
// Which records to look at, and the text form in which a user says it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>

#include "database/record.h"
#include "measure/outcome.h"
#include "support/status.h"

namespace tunesmith::database {

enum class Order : uint8_t { kNewest, kOldest, kFastest, kSlowest, kBest };

/// A conjunction of conditions; an empty field is no condition. Latency conditions, the orders kFastest and
/// kSlowest, and `best_per_key` select records whose outcome is ok. Equal places are ordered by id.
///
/// The best record of a key is its newest finalist, which won the last finals, or a trial made since then
/// that was faster; without finals the fastest trial. (Of hundreds of trials the fastest is partly luck;
/// finals looked at all that was there before them.) The best few of a key are these, then those from before
/// the finals; each the fastest first. The order kBest is that of `best_per_key`: first the best of each key,
/// the fastest first, then the second of each, and so on.
struct Filter {
  std::string id;        ///< a prefix of the id, hexadecimal
  std::string workload;  ///< a prefix of the workload's hash, hexadecimal
  std::optional<Key> key;
  std::string operator_name;
  std::map<std::string, std::string> bindings;  ///< each must be bound to exactly this text
  std::string target;
  std::string codegen;
  std::string llvm;
  std::optional<bool> cold;
  std::optional<int> threads;
  std::set<measure::OutcomeKind> outcomes;
  std::optional<double> min_latency_ns;  ///< inclusive
  std::optional<double> max_latency_ns;  ///< inclusive
  std::optional<int64_t> since_ns;       ///< created, inclusive, UTC
  std::optional<int64_t> until_ns;       ///< created, exclusive, UTC
  std::optional<int64_t> best_per_key;   ///< only the n best of each key among those of the other conditions
  Order order = Order::kNewest;
  std::optional<int64_t> limit;  ///< at most so many records, the first in the order
};

/// Reads conditions as users write them, one a term:
///   operator=matmul  M=1024  act=relu       name and bindings (any other name is a binding;
///                                           binding.target=x for one named like a condition)
///   target=x86-64-avx512  cache=warm|cold  threads=2  codegen=…  llvm=19.1.7
///   id=3f2a…  workload=91c0…                prefixes, hexadecimal
///   outcome=ok|failed|timeout|crash,…       one or several
///   latency<2ms  latency>=10us              with ns, us, ms or s; also > and <=
///   since=2026-01-01  until=2026-02-01T12:30:00  since=7d
///                                           UTC; or a time ago in s, min, h, d, w
///   best=3                                  the best three of each key
///   order=newest|oldest|fastest|slowest|best  limit=20
/// `now_ns` is the moment that "7d" counts from. The message of an error quotes the term and shows a right
/// one.
Result<Filter> ParseFilter(std::span<const std::string> terms, int64_t now_ns);

}  // namespace tunesmith::database
