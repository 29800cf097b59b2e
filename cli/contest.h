// SPDX-License-Identifier: Apache-2.0
// A contest: contenders that compute the same thing, each in a process of its own, take turns being timed. So
// no contender's spinning threads, heap or loaded libraries disturb another's turn, and all see the same
// machine.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "support/status.h"

namespace tunesmith::cli {

/// What a contender's process does once it stands.
class Contender {
 public:
  virtual ~Contender() = default;
  virtual void Run() = 0;
  /// Copies the inputs (outputs) of the last run, one tensor after the other, for the checks.
  virtual std::vector<std::vector<uint8_t>> Inputs() = 0;
  virtual std::vector<std::vector<uint8_t>> Outputs() = 0;
  virtual std::string name() const = 0;
};

/// Makes a contender, in its own process. `threads` CPUs are its affinity already. `inputs` are those of the
/// first contender, or empty if this is the first.
using MakeContender =
    std::function<Result<std::unique_ptr<Contender>>(const std::vector<std::vector<uint8_t>>& inputs)>;

struct Entrant {
  int threads = 1;
  MakeContender make;
};

struct Standing {
  Status status;  // why it did not take part, or died
  std::string name;
  double median_ns = 0;
  double spread_ns = 0;  // median absolute deviation
  std::vector<double> samples_ns;
  std::vector<std::vector<uint8_t>> inputs, outputs;
};

/// Runs the contest: at least 5 and at most 51 rounds, as many as fit `seconds` for each entrant. A turn is
/// one untimed run (with several threads, untimed ones for some milliseconds) and then timed ones for two
/// milliseconds, or a single longer one; between turns a contender's process is stopped. Standings are in the
/// entrants' order. Once Interrupted(), it ends after the turn, and no standing is ok.
std::vector<Standing> HoldContest(const std::vector<Entrant>& entrants, double seconds);

}  // namespace tunesmith::cli
