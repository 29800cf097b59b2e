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

/// Judges parts and remembers what it found, as long as there is room. Calls may come from several threads at
/// once (those that ask for the same new part at the same time each find it out).
class PartJudge {
 public:
  static constexpr size_t kMostKept = 1 << 15;  // some 30 MB

  /// The space lives as long as this. Of each part its share of `most_kept` is remembered; then it begins
  /// anew.
  PartJudge(const schedule::Space& space, const schedule::Machine& machine, size_t most_kept = kMostKept);

  std::shared_ptr<const JudgedPart> Judge(size_t part, const schedule::Choice& choice);

 private:
  std::shared_ptr<const JudgedPart> JudgeAnew(size_t part, const schedule::Choice& choice) const;

  const schedule::Space& space_;
  const schedule::Machine machine_;
  const size_t most_kept_;  // of a part
  std::mutex mutex_;
  // Of each part, by the values of its holes.
  std::vector<absl::flat_hash_map<schedule::Choice, std::shared_ptr<const JudgedPart>>> known_;
};

}  // namespace tunesmith::search
