// SPDX-License-Identifier: Apache-2.0
#include "measure/runner_process.h"

#include <cstdio>
#include <cstring>
#include <string_view>
#include <utility>

#include "support/log.h"
#include "support/strings.h"

namespace tunesmith::measure {
namespace {

constexpr std::chrono::milliseconds kStartLimit{10000};
// A runner that has closed its output is ending; one that does not end then is killed.
constexpr std::chrono::milliseconds kEndLimit{2000};

std::string_view AsText(const std::vector<uint8_t>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::span<const uint8_t> AsBytes(const std::string& text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

}  // namespace

std::string SignalName(int signal) {
  const char* name = sigabbrev_np(signal);
  return name == nullptr ? StrCat("signal ", signal) : StrCat("SIG", name);
}

std::string RunnerEnd::ToString(std::chrono::milliseconds limit) const {
  if (timed_out) return StrCat("did not answer within ", limit.count(), " ms");
  if (!protocol_error.empty()) return StrCat("does not speak the runner's protocol: ", protocol_error);
  if (crash) {
    char address[40];
    std::snprintf(address, sizeof address, " at address 0x%llx",
                  static_cast<unsigned long long>(crash->address));
    return SignalName(static_cast<int>(crash->signal)) + (crash->address != 0 ? address : "");
  }
  if (status.signal != 0) return StrCat("was killed by ", SignalName(status.signal), " from outside");
  return StrCat("exited with status ", status.code);
}

Result<RunnerProcess> RunnerProcess::Start(const std::string& program, uint64_t memory_limit_bytes) {
  Command command;
  command.args = {program};
  if (memory_limit_bytes != 0) {
    command.args.insert(command.args.end(), {"--memory-limit", StrCat(memory_limit_bytes)});
  }
  Result<Subprocess> process = Subprocess::Start(command);
  if (!process.ok()) {
    return Annotate(process.status(), "the runner (it belongs beside the program that uses it)");
  }
  RunnerProcess runner(*std::move(process));
  const std::optional<Frame> reply = runner.Exchange(Encode(Hello()), kStartLimit);
  if (!reply) {
    return Unavailable(StrCat("the runner ", program, " ", runner.end().ToString(kStartLimit),
                              "; check that it was built together with this program"));
  }
  if (!Decode(*reply, &runner.greeting_)) {
    return Unavailable(StrCat(program, " does not greet as a runner does",
                              "; check that it was built together with this program"));
  }
  Log("runner ", runner.pid(), " started");
  return runner;
}

Result<Frame> RunnerProcess::ReadFrame(Deadline deadline) {
  FrameDecoder decoder;
  Frame frame;
  for (;;) {
    switch (decoder.Next(&frame)) {
      case FrameDecoder::State::kFrame:
        return frame;
      case FrameDecoder::State::kBroken:
        return Invalid(decoder.error());
      case FrameDecoder::State::kNeedMore:
        break;
    }
    TS_ASSIGN_OR_RETURN(const std::string bytes, process_.ReadExactly(decoder.MissingBytes(), deadline));
    decoder.Append(AsBytes(bytes));
  }
}

std::optional<Frame> RunnerProcess::Exchange(const std::vector<uint8_t>& request,
                                             std::chrono::milliseconds limit) {
  if (!alive_) return std::nullopt;
  const Deadline deadline = After(limit);
  // A runner that no longer listens may still have said why: so its output is read even if writing fails.
  const Status written = process_.Write(AsText(request), deadline);
  Result<Frame> reply =
      written.code() == absl::StatusCode::kDeadlineExceeded ? Result<Frame>(written) : ReadFrame(deadline);
  if (reply.ok() && reply->type != MessageType::kCrash) return *std::move(reply);

  alive_ = false;
  Crash crash;
  if (reply.ok()) {
    if (Decode(*reply, &crash)) end_.crash = crash;
  } else if (reply.status().code() == absl::StatusCode::kDeadlineExceeded) {
    end_.timed_out = true;
  } else if (reply.status().code() == absl::StatusCode::kInvalidArgument) {
    end_.protocol_error = MessageOf(reply.status());
  }
  if (end_.timed_out || !end_.protocol_error.empty()) process_.Kill();
  const Result<ExitStatus> status = process_.Wait(After(kEndLimit));
  if (status.ok()) {
    end_.status = *status;
  } else {
    // It closed its output and runs on.
    end_.timed_out = !end_.crash;
    process_.Kill();
  }
  LogWarning("runner ", pid(), " ", end_.ToString(limit));
  return std::nullopt;
}

}  // namespace tunesmith::measure
