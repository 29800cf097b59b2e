// SPDX-License-Identifier: Apache-2.0
// A child process that runs a function of this program, between two pipes. For work that needs an address
// space and libraries of its own; programs are started by support/subprocess.h.
#pragma once

#include <sys/types.h>

#include <functional>

#include "support/files.h"
#include "support/status.h"
#include "support/subprocess.h"

namespace tunesmith {

class ForkedChild {
 public:
  ForkedChild(pid_t pid, FileDescriptor to, FileDescriptor from)
      : pid_(pid), to_(std::move(to)), from_(std::move(from)) {}
  ForkedChild(ForkedChild&& other) noexcept
      : pid_(std::exchange(other.pid_, -1)), to_(std::move(other.to_)), from_(std::move(other.from_)) {}
  ForkedChild& operator=(ForkedChild&&) = delete;
  ~ForkedChild() { End(); }

  /// Kills the child and its process group, if they still run, and waits for the child's end. How it ended,
  /// the first time it is asked.
  ExitStatus End();

  /// Stops all threads of the child and of its process group, and lets them go on. The child's have stopped,
  /// or the child has ended, when Pause returns.
  void Pause() const;
  void Continue() const;

  int to() const { return to_.get(); }      // what is written here, the child reads
  int from() const { return from_.get(); }  // what the child writes

 private:
  pid_t pid_;
  FileDescriptor to_, from_;
};

/// Forks. The child leads a process group of its own, calls `body(in, out)` and ends without running
/// destructors or exit handlers; it dies with the thread that made it. To be called while this process has
/// one thread: locks that others hold would stay locked in the child.
Result<ForkedChild> ForkChild(const std::function<void(int in, int out)>& body);

}  // namespace tunesmith
