// SPDX-License-Identifier: Apache-2.0
// Requests to a runner, one function each; what goes wrong with them is an outcome.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "measure/outcome.h"
#include "measure/runner_process.h"
#include "te/value.h"

/// Returns a failed outcome from the calling function.
#define TS_RETURN_IF_FAILED(expression)                      \
  do {                                                       \
    ::tunesmith::measure::Outcome ts_outcome = (expression); \
    if (!ts_outcome.ok()) return ts_outcome;                 \
  } while (false)

namespace tunesmith::measure {

/// For requests that run no kernel: only a machine that is at its end is slower.
inline constexpr std::chrono::milliseconds kTransferLimit{60000};

Outcome Failure(OutcomeKind kind, std::string detail);

class RunnerClient {
 public:
  explicit RunnerClient(RunnerProcess runner) : runner_(std::move(runner)) {}

  /// False once the runner is gone, or a kernel may have spoilt its memory.
  bool usable() const { return usable_ && runner_.alive(); }
  void Condemn() { usable_ = false; }
  int pid() const { return runner_.pid(); }

  /// One request and its reply. Fails with what a refusal says, or with how the runner ended; `conditions`
  /// ("inputs uniform, threads 2") are added to the latter.
  template <class Request, class Reply>
  Outcome Ask(const Request& request, Reply* reply, std::chrono::milliseconds limit,
              const std::string& conditions = {}) {
    const std::optional<Frame> frame = runner_.Exchange(Encode(request), limit);
    if (!frame) return OutcomeOfEnd(limit, conditions);
    return Decode(*frame, reply) ? Outcome() : OutcomeOfOther(*frame);
  }

  /// The number of a new buffer; `name` ("input A of 64 bytes") is for messages. Allocate makes it.
  uint32_t NewBuffer(std::string name);
  std::string NameOf(uint32_t buffer) const;
  Outcome Allocate(uint32_t buffer, int64_t bytes, int64_t alignment, Placement placement);
  Outcome Upload(uint32_t buffer, const te::Value& value);
  Outcome Copy(uint32_t from, uint32_t to);
  /// The whole of a buffer.
  Outcome Download(uint32_t buffer, int64_t bytes, std::vector<uint8_t>* data);
  /// All buffers; their numbers are given out again.
  Outcome FreeAll();

 private:
  Outcome OutcomeOfEnd(std::chrono::milliseconds limit, const std::string& conditions);
  Outcome OutcomeOfOther(const Frame& frame);

  RunnerProcess runner_;
  bool usable_ = true;
  std::vector<std::string> buffer_names_;  // by number
};

}  // namespace tunesmith::measure
