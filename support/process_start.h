// SPDX-License-Identifier: Apache-2.0
// Starting a child, for support/subprocess.cpp only: fork, and what happens between fork and exec.
#pragma once

#include <sys/types.h>

#include "support/files.h"
#include "support/status.h"
#include "support/subprocess.h"

namespace tunesmith::internal {

struct StartedProcess {
  pid_t pid = -1;
  FileDescriptor exit;                  // pidfd
  FileDescriptor input, output, error;  // our ends, non-blocking; input is a socket
};

/// Starts the command. The child lives until it ends, is killed, or this process ends: the kernel's "signal
/// me when my parent dies" speaks of the parent's *thread*, so children are forked by one thread that stays.
Result<StartedProcess> StartProcess(const Command& command);

}  // namespace tunesmith::internal
