// SPDX-License-Identifier: Apache-2.0
#include "support/forked_child.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "support/process_start.h"
#include "support/strings.h"

namespace tunesmith {

ExitStatus ForkedChild::End() {
  ExitStatus ended;
  if (pid_ <= 0) return ended;
  kill(-pid_, SIGKILL);  // one that has ended already keeps the end that it had
  int status = 0;
  while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
  if (WIFSIGNALED(status)) ended.signal = WTERMSIG(status);
  if (WIFEXITED(status)) ended.code = WEXITSTATUS(status);
  return ended;
}

void ForkedChild::Pause() const {
  kill(-pid_, SIGSTOP);
  // The signal is on its way when kill returns; a thread on another CPU may run on for a while.
  siginfo_t state;
  while (waitid(P_PID, static_cast<id_t>(pid_), &state, WSTOPPED | WEXITED | WNOWAIT) < 0 && errno == EINTR) {
  }
}

void ForkedChild::Continue() const { kill(-pid_, SIGCONT); }

Result<ForkedChild> ForkChild(const std::function<void(int in, int out)>& body) {
  auto refused = [] {
    return Unavailable(StrCat("a process cannot be started: ", std::string_view(std::strerror(errno))));
  };
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return refused();
  FileDescriptor child_in(ends[0]), to(ends[1]);
  if (pipe2(ends, O_CLOEXEC) != 0) return refused();
  FileDescriptor from(ends[0]), child_out(ends[1]);
  const pid_t parent = getpid();
  pid_t pid = fork();
  if (pid < 0) return refused();
  if (pid == 0) {
    internal::LeadGroupAndDieWith(parent);
    to.Reset();
    from.Reset();
    body(child_in.get(), child_out.get());
    _exit(0);
  }
  setpgid(pid, pid);  // the child does it too; whoever is first, the group exists from here on
  return ForkedChild(pid, std::move(to), std::move(from));
}

}  // namespace tunesmith
