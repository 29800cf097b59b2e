// SPDX-License-Identifier: Apache-2.0
// The one place where a process is started. A child
//  - is named by an absolute path, so that an empty PATH changes nothing;
//  - leads a process group of its own; when it ends or is killed the whole group is killed, so nothing that
//  it
//    started stays behind;
//  - is killed by the kernel when this process dies, however it dies (PR_SET_PDEATHSIG);
//  - inherits no file of ours but its standard input, output and error, blocks no signal, and dumps no core;
//  - is always reaped, at the latest by the destructor.
// Needs Linux 5.3 (pidfd_open).
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "support/files.h"
#include "support/status.h"

namespace tunesmith {

/// A moment on the monotonic clock by which something must have happened.
using Deadline = std::chrono::steady_clock::time_point;
inline constexpr Deadline kNoDeadline = Deadline::max();
/// The moment that lies this far ahead.
inline Deadline After(std::chrono::nanoseconds time) { return std::chrono::steady_clock::now() + time; }

struct Command {
  std::vector<std::string> args;                        // args[0] is the program's absolute path
  std::optional<std::vector<std::string>> environment;  // "NAME=value"; this process's own if absent
  std::string folder;                                   // to start in; this process's own if empty

  /// Quoted as one would type it into a shell.
  std::string ToString() const;
};

/// How a process ended.
struct ExitStatus {
  int code = 0;    // what it returned, if signal is 0
  int signal = 0;  // what killed it, or 0

  bool ok() const { return code == 0 && signal == 0; }
  /// "exit code 3" or "signal 11 (Segmentation fault)".
  std::string ToString() const;
};

/// A running child whose standard input is written and whose standard output is read. What it writes to its
/// standard error is taken in while any of these functions waits; the last 16 KiB are kept. Not for use by
/// two threads at once.
class Subprocess {
 public:
  /// Fails, with the system's reason, if the program cannot be executed.
  static Result<Subprocess> Start(const Command& command);
  Subprocess(Subprocess&&) noexcept;
  Subprocess& operator=(Subprocess&&) noexcept;
  /// Kills the group and reaps the child if it has not been reaped.
  ~Subprocess();

  int pid() const { return pid_; }

  /// Writes all bytes to the child's input, and meanwhile keeps up to 64 MiB of what it puts out for Read.
  /// Fails with kUnavailable if the child has closed its input or ended, with kDeadlineExceeded when too
  /// late.
  Status Write(std::string_view bytes, Deadline deadline);
  /// Ends the child's input.
  void CloseInput();
  /// Waits until there is output and returns up to `max_bytes` of it; an empty string when the output has
  /// ended. kDeadlineExceeded when too late.
  Result<std::string> Read(size_t max_bytes, Deadline deadline);
  /// Exactly this many bytes. kUnavailable if the output ends before, kDeadlineExceeded when too late; what
  /// had arrived then stays for the next Read.
  Result<std::string> ReadExactly(size_t bytes, Deadline deadline);

  /// Waits for the child's end, dropping its further output. kDeadlineExceeded when too late; the child then
  /// runs on. May be called again after success.
  Result<ExitStatus> Wait(Deadline deadline);
  /// Kills the child and all processes of its group. Wait says how it ended.
  void Kill();

  /// The end of what the child wrote to its standard error so far.
  const std::string& error_output() const { return error_output_; }

 private:
  Subprocess() = default;
  /// Waits for any of: output (while less than `output_limit` is buffered), error output, room for input, the
  /// child's end. Takes in what is there and writes what fits of `input`, which may be null.
  Status Pump(std::string_view* input, size_t output_limit, Deadline deadline);
  /// Pumps until `bytes` of output are buffered or the output has ended.
  Status FillOutput(size_t bytes, size_t output_limit, Deadline deadline);
  void TakeErrorOutput();

  int pid_ = -1;
  FileDescriptor exit_;  // a pidfd: readable when the child has ended
  FileDescriptor input_, output_, error_;
  std::string buffered_output_;
  std::string error_output_;
  bool ended_ = false;  // the child has ended, and its group has been killed
  std::optional<ExitStatus> status_;
};

/// What a whole run of a command gave.
struct CommandOutput {
  ExitStatus status;
  std::string output;
  std::string error_output;  // the last 16 KiB
};

/// Runs the command with this input until it ends. An exit code other than 0 is no failure here.
/// kDeadlineExceeded when it does not end in time, and kInvalidArgument when it puts out more than
/// `output_limit` bytes; in both cases it has been killed.
Result<CommandOutput> RunCommand(const Command& command, std::string_view input, Deadline deadline,
                                 size_t output_limit = 64 << 20);

/// The absolute path of a program: looked for in PATH, then in /usr/local/bin, /usr/bin and /bin, so that the
/// usual tools are found with an empty PATH too. A name with a slash is checked where it is. NotFound
/// otherwise.
Result<std::string> FindProgram(std::string_view name);

}  // namespace tunesmith
