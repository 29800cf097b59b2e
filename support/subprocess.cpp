// SPDX-License-Identifier: Apache-2.0
#include "support/subprocess.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <system_error>
#include <utility>

#include "support/process_start.h"
#include "support/strings.h"

namespace tunesmith {
namespace {

constexpr size_t kErrorOutputKept = 16 << 10;
constexpr size_t kOutputKeptWhileWriting = 64 << 20;

Status TooLate(std::string_view what) {
  return absl::DeadlineExceededError(StrCat("the process did not ", what, " in time"));
}

/// For poll: -1 without a deadline. Rounded up, so that poll does not return just before it.
int MillisecondsUntil(Deadline deadline) {
  if (deadline == kNoDeadline) return -1;
  auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
  return static_cast<int>(std::clamp<int64_t>(left.count(), 0, 1 << 30));
}

/// Appends what can be read now, up to `limit` bytes in all; closes the descriptor at its end.
void TakeIn(FileDescriptor* fd, size_t limit, std::string* text) {
  char chunk[64 << 10];
  while (fd->valid() && text->size() < limit) {
    ssize_t got = read(fd->get(), chunk, std::min(sizeof chunk, limit - text->size()));
    if (got > 0) {
      text->append(chunk, static_cast<size_t>(got));
    } else if (got < 0 && errno == EINTR) {
      continue;
    } else {
      if (got == 0 || errno != EAGAIN) fd->Reset();
      return;
    }
  }
}

}  // namespace

std::string Command::ToString() const {
  return StrJoin(args, " ", [](std::string* out, const std::string& arg) {
    constexpr std::string_view kPlain =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=./:,@%";
    if (!arg.empty() && arg.find_first_not_of(kPlain) == std::string::npos) {
      out->append(arg);
      return;
    }
    out->push_back('\'');
    for (char c : arg) c == '\'' ? out->append("'\\''") : out->append(1, c);
    out->push_back('\'');
  });
}

std::string ExitStatus::ToString() const {
  if (signal == 0) return StrCat("exit code ", code);
  const char* name = sigdescr_np(signal);
  return StrCat("signal ", signal, name ? StrCat(" (", name, ")") : std::string());
}

Result<Subprocess> Subprocess::Start(const Command& command) {
  TS_ASSIGN_OR_RETURN(internal::StartedProcess started, internal::StartProcess(command));
  Subprocess process;
  process.pid_ = started.pid;
  process.exit_ = std::move(started.exit);
  process.input_ = std::move(started.input);
  process.output_ = std::move(started.output);
  process.error_ = std::move(started.error);
  return process;
}

Subprocess::Subprocess(Subprocess&& other) noexcept { *this = std::move(other); }

Subprocess& Subprocess::operator=(Subprocess&& other) noexcept {
  std::swap(pid_, other.pid_);
  std::swap(exit_, other.exit_);
  std::swap(input_, other.input_);
  std::swap(output_, other.output_);
  std::swap(error_, other.error_);
  std::swap(buffered_output_, other.buffered_output_);
  std::swap(error_output_, other.error_output_);
  std::swap(ended_, other.ended_);
  std::swap(status_, other.status_);
  return *this;
}

Subprocess::~Subprocess() {
  if (pid_ < 0 || status_) return;
  Kill();
  while (waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

Status Subprocess::Pump(std::string_view* input, size_t output_limit, Deadline deadline) {
  pollfd polls[4];
  nfds_t count = 0;
  auto watch = [&](const FileDescriptor& fd, short events) { polls[count++] = {fd.get(), events, 0}; };
  if (!ended_) watch(exit_, POLLIN);
  if (error_.valid()) watch(error_, POLLIN);
  if (output_.valid() && buffered_output_.size() < output_limit) watch(output_, POLLIN);
  if (input && input_.valid()) watch(input_, POLLOUT);
  int ready = poll(polls, count, MillisecondsUntil(deadline));
  if (ready < 0 && errno != EINTR)
    return Unavailable(StrCat("poll: ", std::generic_category().message(errno)));
  if (ready > 0 && !ended_ && polls[0].revents != 0) {
    Kill();  // its group; not reaped yet, the child keeps the group's number from being used again
    ended_ = true;
  }
  TakeErrorOutput();
  TakeIn(&output_, output_limit, &buffered_output_);
  if (input && input_.valid() && !input->empty()) {
    ssize_t sent = send(input_.get(), input->data(), input->size(), MSG_NOSIGNAL);
    if (sent > 0) {
      input->remove_prefix(static_cast<size_t>(sent));
    } else if (sent < 0 && errno != EAGAIN && errno != EINTR) {
      input_.Reset();
    }
  }
  return absl::OkStatus();
}

Status Subprocess::FillOutput(size_t bytes, size_t output_limit, Deadline deadline) {
  while (buffered_output_.size() < bytes && output_.valid()) {
    bool last = std::chrono::steady_clock::now() >= deadline;  // what has already come is taken even then
    TS_RETURN_IF_ERROR(Pump(nullptr, output_limit, deadline));
    if (last && buffered_output_.size() < bytes && output_.valid()) return TooLate("answer");
  }
  return absl::OkStatus();
}

void Subprocess::TakeErrorOutput() {
  TakeIn(&error_, 2 * kErrorOutputKept, &error_output_);
  if (error_output_.size() > kErrorOutputKept) {
    error_output_.erase(0, error_output_.size() - kErrorOutputKept);
  }
}

Status Subprocess::Write(std::string_view bytes, Deadline deadline) {
  while (!bytes.empty()) {
    if (!input_.valid()) return Unavailable("the process has closed its input");
    if (std::chrono::steady_clock::now() >= deadline) return TooLate("read its input");
    TS_RETURN_IF_ERROR(Pump(&bytes, kOutputKeptWhileWriting, deadline));
  }
  return absl::OkStatus();
}

void Subprocess::CloseInput() { input_.Reset(); }

Result<std::string> Subprocess::Read(size_t max_bytes, Deadline deadline) {
  if (max_bytes == 0) return std::string();
  TS_RETURN_IF_ERROR(FillOutput(1, max_bytes, deadline));
  std::string part = buffered_output_.substr(0, max_bytes);
  buffered_output_.erase(0, part.size());
  return part;
}

Result<std::string> Subprocess::ReadExactly(size_t bytes, Deadline deadline) {
  TS_RETURN_IF_ERROR(FillOutput(bytes, bytes, deadline));
  if (buffered_output_.size() < bytes) {
    return Unavailable(
        StrCat("the process ended its output after ", buffered_output_.size(), " of ", bytes, " bytes"));
  }
  std::string part = buffered_output_.substr(0, bytes);
  buffered_output_.erase(0, bytes);
  return part;
}

Result<ExitStatus> Subprocess::Wait(Deadline deadline) {
  if (status_) return *status_;
  while (!ended_) {
    bool last = std::chrono::steady_clock::now() >= deadline;
    buffered_output_.clear();
    TS_RETURN_IF_ERROR(Pump(nullptr, kOutputKeptWhileWriting, deadline));
    if (last && !ended_) return TooLate("end");
  }
  int raw = 0;
  while (waitpid(pid_, &raw, 0) < 0) {
    if (errno != EINTR) return Internal(StrCat("process ", pid_, " was reaped elsewhere"));
  }
  TakeErrorOutput();
  status_ = WIFSIGNALED(raw) ? ExitStatus{0, WTERMSIG(raw)} : ExitStatus{WEXITSTATUS(raw), 0};
  return *status_;
}

void Subprocess::Kill() {
  if (pid_ > 0 && !status_) kill(-pid_, SIGKILL);
}

Result<CommandOutput> RunCommand(const Command& command, std::string_view input, Deadline deadline,
                                 size_t output_limit) {
  TS_ASSIGN_OR_RETURN(Subprocess process, Subprocess::Start(command));
  // A program that ends without reading all of its input has not failed.
  if (Status written = process.Write(input, deadline); absl::IsDeadlineExceeded(written)) return written;
  process.CloseInput();
  CommandOutput result;
  for (;;) {
    TS_ASSIGN_OR_RETURN(std::string part, process.Read(1 << 20, deadline));
    if (part.empty()) break;
    result.output += part;
    if (result.output.size() > output_limit) {
      return Invalid(StrCat(command.args[0], " put out more than ", output_limit, " bytes and was stopped"));
    }
  }
  TS_ASSIGN_OR_RETURN(result.status, process.Wait(deadline));
  result.error_output = process.error_output();
  return result;
}

Result<std::string> FindProgram(std::string_view name) {
  auto is_program = [](const std::string& path) {
    std::error_code ignored;
    return std::filesystem::is_regular_file(path, ignored) && access(path.c_str(), X_OK) == 0;
  };
  if (name.find('/') != std::string_view::npos) {
    std::error_code error;
    std::string path = std::filesystem::absolute(std::string(name), error).string();
    if (!error && is_program(path)) return path;
    return NotFound(StrCat(name, " is not a program; check the path and its permissions"));
  }
  const char* path = std::getenv("PATH");
  for (std::string_view folders :
       {std::string_view(path ? path : ""), std::string_view("/usr/local/bin:/usr/bin:/bin")}) {
    for (std::string_view folder : StrSplit(folders, ':')) {
      if (folder.empty() || folder[0] != '/') continue;  // never a program of whatever folder we stand in
      std::string candidate = StrCat(folder, "/", name);
      if (!name.empty() && is_program(candidate)) return candidate;
    }
  }
  return NotFound(StrCat("there is no program '", name, "' in PATH; install it or give its path"));
}

}  // namespace tunesmith
