// SPDX-License-Identifier: Apache-2.0
// A contest: contenders that compute the same thing, each in a process of its own, take turns being timed. So
// no contender's spinning threads, heap or loaded libraries disturb another's turn, and all see the same
// machine.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "cli/replies.h"
#include "support/status.h"

namespace tunesmith::cli {

/// What a contender's process does once it stands.
class Contender {
 public:
  virtual ~Contender() = default;
  virtual void Run() = 0;
  /// Copies of the inputs (outputs) of the last run, for the checks.
  virtual Blobs Inputs() = 0;
  virtual Blobs Outputs() = 0;
  virtual std::string name() const = 0;
};

struct Entrant {
  int threads = 1;
  /// Makes the contender, in its own process; `threads` CPUs are its affinity already. `inputs` are those
  /// that all compute with; empty in the process of the first, whose own they become.
  std::function<Result<std::unique_ptr<Contender>>(const Blobs& inputs)> make;
  /// Says what is wrong with the outputs, in this process.
  std::function<Status(const Blobs& inputs, const Blobs& outputs)> check;
};

struct ContestPlan {
  double seconds = 0.4;  // of turns, for each contender
  bool cold = false;     // its data leaves the caches before each timed run
  Patience patience;     // for each step of a contender: its set-up, a turn, its outputs
};

struct Standing {
  Status status;  // why it did not take part, or does not count
  std::string name;
  double median_ns = 0;                    // the median of:
  std::vector<double> process_medians_ns;  // of its turns in each of its processes
};

/// Runs the contest, in three heats. For each every contender gets a fresh process, and then turns until it
/// has used a third of its seconds, at least two. A turn is one untimed run (with several threads, untimed
/// ones for some milliseconds) and then timed ones for two milliseconds, or a single longer or cold one;
/// between turns a contender's process is stopped. At the end of each heat its outputs are checked.
///
/// A process may be slow as long as it lives (where its pages lie, what it shares a core with); the median of
/// three drops one such process, of whichever contender it is, and of all alike.
///
/// A contender that refuses, hangs, dies, has other inputs than the first or is wrong does not take part any
/// more; its standing says why, and the others go on. Standings are in the entrants' order. Errors:
/// kCancelled, interrupted.
Result<std::vector<Standing>> HoldContest(const std::vector<Entrant>& entrants, const ContestPlan& plan);

}  // namespace tunesmith::cli
