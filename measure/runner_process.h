// SPDX-License-Identifier: Apache-2.0
// One runner as a child process: requests go in, replies come out, each within a time limit.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "measure/protocol.h"
#include "support/status.h"
#include "support/subprocess.h"

namespace tunesmith::measure {

/// How a runner ended.
struct RunnerEnd {
  bool timed_out = false;      // and was killed for it
  std::optional<Crash> crash;  // what it said last
  ExitStatus status;           // if neither of these
  std::string protocol_error;  // it spoke something else, and was killed for it

  /// For people: "did not answer within 200 ms", "SIGSEGV at address 0x10", "was killed by SIGKILL from
  /// outside", "exited with status 3".
  std::string ToString(std::chrono::milliseconds limit) const;
};

class RunnerProcess {
 public:
  /// Starts `program` (an absolute path) and exchanges greetings. `memory_limit_bytes` of 0 is no limit but
  /// the machine's. Errors: the program is not there, does not start, is no runner of this protocol's
  /// version.
  static Result<RunnerProcess> Start(const std::string& program, uint64_t memory_limit_bytes = 0);

  /// Sends a request (a whole frame) and waits for its reply. Nothing if the runner has not answered within
  /// `limit`, died or spoke nonsense: then it is gone, and end() says why.
  std::optional<Frame> Exchange(const std::vector<uint8_t>& request, std::chrono::milliseconds limit);

  bool alive() const { return alive_; }
  int pid() const { return process_.pid(); }
  const RunnerEnd& end() const { return end_; }
  const Greeting& greeting() const { return greeting_; }

 private:
  explicit RunnerProcess(Subprocess process) : process_(std::move(process)) {}
  Result<Frame> ReadFrame(Deadline deadline);

  Subprocess process_;
  bool alive_ = true;
  RunnerEnd end_;
  Greeting greeting_;
};

/// "SIGSEGV", "SIGKILL", …; "signal 42" for one without a name.
std::string SignalName(int signal);

}  // namespace tunesmith::measure
