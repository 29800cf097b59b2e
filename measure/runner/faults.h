// SPDX-License-Identifier: Apache-2.0
// What ends the runner: a kernel's fault, told to the measurer before the process dies; a measurer that is
// gone; a call that never returns.
#pragma once

#include "measure/runner/buffers.h"

namespace tunesmith::measure::runner {

/// From now on SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP and SIGABRT write a Crash frame to `reply_fd` and end
/// the process. `buffers` outlives the process's last kernel.
void ReportFaults(int reply_fd, const Buffers* buffers);

/// From now on the process ends as soon as the other end of the pipe or socket `request_fd` is closed, even
/// while a kernel runs. (PR_SET_PDEATHSIG would do it when the *thread* that started the runner ends.)
/// False if the system has no thread left for this.
bool EndWithMeasurer(int request_fd);

/// While one lives, a fault is a kernel's.
class InKernel {
 public:
  InKernel();
  ~InKernel();
};

}  // namespace tunesmith::measure::runner
