// SPDX-License-Identifier: Apache-2.0
// What becomes of the parts of a choice. Parts do not depend on each other, and most have few holes: a search
// asks for the same ones again and again, in ever new combinations.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "schedule/sketch.h"
#include "schedule/summary.h"

namespace tunesmith::search {

/// One part with values for its holes.
struct JudgedPart {
  Status refused;                        // by a step, which it names; the rest is empty then
  uint64_t hash = 0;                     // the sum of its nests' hashes
  std::vector<schedule::Summary> nests;  // in the order of execution
};

/// Judges each part once for the same values, as long as there is room to remember it. Calls may come from
/// several threads at once.
class PartJudge {
 public:
  /// The space lives as long as this.
  PartJudge(const schedule::Space& space, const schedule::Machine& machine);

  std::shared_ptr<const JudgedPart> Judge(size_t part, const schedule::Choice& choice);

 private:
  std::shared_ptr<const JudgedPart> Judged(size_t part, const schedule::Choice& choice) const;

  const schedule::Space& space_;
  const schedule::Machine machine_;
  std::mutex mutex_;
  // Of each part, by the values of its holes.
  std::vector<absl::flat_hash_map<schedule::Choice, std::shared_ptr<const JudgedPart>>> known_;
};

}  // namespace tunesmith::search
