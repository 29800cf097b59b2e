// SPDX-License-Identifier: Apache-2.0
#include "support/process_start.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <condition_variable>
#include <csignal>
#include <deque>
#include <functional>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "support/strings.h"

extern char** environ;

namespace tunesmith::internal {
namespace {

/// A thread that runs jobs until the process ends.
class StartingThread {
 public:
  /// The one of this process. A fork of this process has no threads but its own, so it makes another one.
  static StartingThread& Get() {
    static std::mutex mutex;
    static StartingThread* instance = nullptr;
    static pid_t owner = 0;
    std::lock_guard lock(mutex);
    if (owner != getpid()) {
      instance = new StartingThread;  // lives as long as the process: its end would kill the children
      owner = getpid();
    }
    return *instance;
  }

  /// Runs the job on the thread and waits for its end.
  void Run(const std::function<void()>& job) {
    std::unique_lock lock(mutex_);
    bool done = false;
    jobs_.push_back([&] {
      job();
      std::lock_guard done_lock(mutex_);
      done = true;
      finished_.notify_all();
    });
    arrived_.notify_one();
    finished_.wait(lock, [&] { return done; });
  }

 private:
  StartingThread() {
    // The thread takes no signal meant for the process: a handler there would surprise its owner.
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    std::thread([this] { Loop(); }).detach();
    pthread_sigmask(SIG_SETMASK, &old, nullptr);
  }

  [[noreturn]] void Loop() {
    for (;;) {
      std::unique_lock lock(mutex_);
      arrived_.wait(lock, [&] { return !jobs_.empty(); });
      std::function<void()> job = std::move(jobs_.front());
      jobs_.pop_front();
      lock.unlock();
      job();
    }
  }

  std::mutex mutex_;
  std::condition_variable arrived_, finished_;
  std::deque<std::function<void()>> jobs_;
};

std::vector<char*> Pointers(const std::vector<std::string>& strings) {
  std::vector<char*> pointers;
  for (const std::string& s : strings) pointers.push_back(const_cast<char*>(s.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

/// What the child needs between fork and exec, prepared before: there it may only make system calls.
struct ChildPlan {
  char* const* args;
  char* const* environment;
  const char* folder;  // null: stay
  int input, output, error, report;
  pid_t parent;
};

enum FailedAt : int { kFolder, kExec };
struct ChildFailure {
  FailedAt where;
  int error;
};

/// Puts the three files at 0, 1 and 2. They may lie there already, in any order, if this process started
/// without its standard files; so they are first moved out of the way.
bool PlaceStandardFiles(const ChildPlan& plan) {
  int files[] = {plan.input, plan.output, plan.error};
  for (int& file : files) {
    file = fcntl(file, F_DUPFD_CLOEXEC, 3);
    if (file < 0) return false;
  }
  for (int i = 0; i < 3; ++i) {
    if (dup2(files[i], i) < 0) return false;
  }
  return true;
}

[[noreturn]] void BecomeChild(const ChildPlan& plan) {
  auto fail = [&](FailedAt where) {
    ChildFailure failure{where, errno};
    // If even this fails, the parent sees a child that ended at once with 127.
    [[maybe_unused]] ssize_t written = write(plan.report, &failure, sizeof failure);
    _exit(127);
  };
  LeadGroupAndDieWith(plan.parent);
  // exec keeps ignored signals ignored and blocked ones blocked.
  for (int signal = 1; signal < NSIG; ++signal) std::signal(signal, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  rlimit no_core{0, 0};
  setrlimit(RLIMIT_CORE, &no_core);
  if (!PlaceStandardFiles(plan)) fail(kExec);
  // All our files are close-on-exec, but a library's need not be. An old kernel refuses; then those are
  // enough.
  syscall(SYS_close_range, 3u, ~0u, CLOSE_RANGE_CLOEXEC);
  if (plan.folder && chdir(plan.folder) != 0) fail(kFolder);
  execve(plan.args[0], plan.args, plan.environment);
  fail(kExec);
  __builtin_unreachable();
}

Status SystemRefused(std::string_view what, int error) {
  return Unavailable(StrCat("cannot start a process: ", what, ": ", std::generic_category().message(error),
                            "; close other programs or raise the limits (ulimit -a)"));
}

struct Channels {
  FileDescriptor child_input, child_output, child_error, child_report;
  FileDescriptor input, output, error, report;
};

Result<Channels> OpenChannels() {
  Channels channels;
  // A socket rather than a pipe: a write to an input that the child has closed is then an error value
  // (MSG_NOSIGNAL) without touching the process's SIGPIPE.
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    return SystemRefused("socketpair", errno);
  channels.child_input.Reset(ends[0]);
  channels.input.Reset(ends[1]);
  for (auto [ours, theirs] : {std::pair{&channels.output, &channels.child_output},
                              std::pair{&channels.error, &channels.child_error},
                              std::pair{&channels.report, &channels.child_report}}) {
    if (pipe2(ends, O_CLOEXEC) != 0) return SystemRefused("pipe", errno);
    ours->Reset(ends[0]);
    theirs->Reset(ends[1]);
  }
  // The child must not be able to read what we write ahead, nor we to block.
  shutdown(channels.child_input.get(), SHUT_WR);
  for (const FileDescriptor* fd : {&channels.input, &channels.output, &channels.error}) {
    if (fcntl(fd->get(), F_SETFL, O_NONBLOCK) != 0) return SystemRefused("fcntl", errno);
  }
  return channels;
}

Status DescribeFailure(const Command& command, const ChildFailure& failure) {
  if (failure.where == kFolder) return FileError("start a process in", command.folder, failure.error);
  if (failure.error == ENOENT || failure.error == EACCES || failure.error == ENOEXEC) {
    std::string message =
        StrCat("cannot execute ", command.args[0], ": ", std::generic_category().message(failure.error),
               "; check that it exists and is a program for this machine");
    return failure.error == ENOENT ? NotFound(message) : Unavailable(message);
  }
  return FileError("execute", command.args[0], failure.error);
}

Result<StartedProcess> Fork(const Command& command) {
  TS_ASSIGN_OR_RETURN(Channels channels, OpenChannels());
  std::vector<char*> args = Pointers(command.args);
  std::vector<char*> environment;
  if (command.environment) environment = Pointers(*command.environment);
  ChildPlan plan{args.data(),
                 command.environment ? environment.data() : environ,
                 command.folder.empty() ? nullptr : command.folder.c_str(),
                 channels.child_input.get(),
                 channels.child_output.get(),
                 channels.child_error.get(),
                 channels.child_report.get(),
                 getpid()};
  pid_t pid = fork();
  if (pid < 0) return SystemRefused("fork", errno);
  if (pid == 0) BecomeChild(plan);
  setpgid(pid, pid);  // the child does it too; whoever is first, the group exists from here on

  StartedProcess process;
  process.pid = pid;
  process.exit.Reset(static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  int pidfd_error = errno;
  channels.child_report.Reset();
  ChildFailure failure;
  ssize_t got;
  do {
    got = read(channels.report.get(), &failure, sizeof failure);  // 0: exec closed it
  } while (got < 0 && errno == EINTR);
  if (got == sizeof failure || !process.exit.valid()) {
    kill(pid, SIGKILL);
    while (waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
    }
    if (got == sizeof failure) return DescribeFailure(command, failure);
    return SystemRefused("pidfd_open (needs Linux 5.3)", pidfd_error);
  }
  process.input = std::move(channels.input);
  process.output = std::move(channels.output);
  process.error = std::move(channels.error);
  return process;
}

}  // namespace

void LeadGroupAndDieWith(pid_t parent) {
  setpgid(0, 0);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(127);  // it died before the line above
}

Result<StartedProcess> StartProcess(const Command& command) {
  if (command.args.empty() || command.args[0].empty() || command.args[0][0] != '/') {
    return Invalid(StrCat("cannot execute '", command.args.empty() ? "" : command.args[0],
                          "': not an absolute path; look the program up with FindProgram"));
  }
  Result<StartedProcess> result = Internal("the starting thread did not run");
  StartingThread::Get().Run([&] { result = Fork(command); });
  return result;
}

}  // namespace tunesmith::internal
