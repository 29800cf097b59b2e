// SPDX-License-Identifier: Apache-2.0
// Starting a child, for support/subprocess.cpp: fork, and what happens between fork and exec. What every
// child does first is here for support/forked_child.cpp as well.
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

/// To be called by a child of `parent` directly after fork(): from here on it leads a process group of its
/// own and dies with the thread that forked it. If that has happened already, it ends now, with exit code
/// 127.
void LeadGroupAndDieWith(pid_t parent);

}  // namespace tunesmith::internal
