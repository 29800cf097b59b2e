// SPDX-License-Identifier: Apache-2.0
#include "support/subprocess.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <thread>

namespace tunesmith {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// Long enough for a loaded machine; only a failing test waits for it.
Deadline Soon() { return After(seconds(60)); }

Command Shell(std::string script) { return {{"/bin/sh", "-c", std::move(script)}, {}, ""}; }

/// Waits until the process is gone or a zombie that init has yet to reap.
bool IsGone(int pid) {
  for (int i = 0; i < 6000; ++i) {
    Result<std::string> stat = ReadFile("/proc/" + std::to_string(pid) + "/stat", 4096);
    if (!stat.ok() || stat->find(") Z ") != std::string::npos) return true;
    std::this_thread::sleep_for(milliseconds(10));
  }
  return false;
}

std::string Line(Subprocess* process) {
  std::string line;
  for (;;) {
    Result<std::string> c = process->ReadExactly(1, Soon());
    if (!c.ok() || *c == "\n") return line;
    line += *c;
  }
}

TEST(RunCommand, GivesOutputErrorOutputAndExitCode) {
  Result<CommandOutput> result = RunCommand(Shell("cat; echo oops >&2; exit 3"), "hello", Soon());
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->output, "hello");
  EXPECT_EQ(result->error_output, "oops\n");
  EXPECT_EQ(result->status.ToString(), "exit code 3");
  EXPECT_FALSE(result->status.ok());
}

TEST(RunCommand, MoreThanAPipeHoldsBothWays) {
  std::string input(3 << 20, 'x');
  Result<CommandOutput> result = RunCommand({{"/bin/cat"}, {}, ""}, input, Soon());
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->output, input);
  EXPECT_TRUE(result->status.ok());
}

TEST(RunCommand, InputThatNobodyReadsIsNoFailure) {
  Result<CommandOutput> result = RunCommand(Shell("exec <&-; echo done"), std::string(3 << 20, 'x'), Soon());
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->output, "done\n");
}

TEST(RunCommand, KeepsTheEndOfALongErrorOutput) {
  Result<CommandOutput> result =
      RunCommand(Shell("i=0; while [ $i -lt 5000 ]; do echo 0123456789 >&2; i=$((i+1)); done; echo end >&2"),
                 "", Soon());
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_LE(result->error_output.size(), 16u << 10);
  EXPECT_EQ(result->error_output.substr(result->error_output.size() - 15), "0123456789\nend\n");
}

TEST(RunCommand, TooMuchOutput) {
  EXPECT_EQ(MessageOf(RunCommand({{"/bin/cat", "/dev/zero"}, {}, ""}, "", Soon(), 1 << 20).status()),
            "/bin/cat put out more than 1048576 bytes and was stopped");
}

TEST(RunCommand, TooSlow) {
  Status status = RunCommand({{"/bin/sleep", "1000"}, {}, ""}, "", After(milliseconds(50))).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(MessageOf(status), "the process did not answer in time");
}

TEST(RunCommand, EnvironmentAndFolderAreThoseAsked) {
  Command command = Shell("echo $COLOUR; pwd");
  command.environment = {{"COLOUR=green"}};
  command.folder = "/usr";
  EXPECT_EQ(RunCommand(command, "", Soon()).value().output, "green\n/usr\n");
}

TEST(RunCommand, DoesNotHangOnWhatTheChildLeavesBehind) {
  Result<CommandOutput> result = RunCommand(Shell("sleep 1000 & echo $!"), "", Soon());
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_TRUE(IsGone(std::atoi(result->output.c_str())));
}

TEST(Start, ProgramThatIsNotThere) {
  Status status = Subprocess::Start({{"/none/program"}, {}, ""}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(
      MessageOf(status),
      "cannot execute /none/program: No such file or directory; check that it exists and is a program for "
      "this machine");
}

TEST(Start, FileThatIsNoProgram) {
  TemporaryFolder folder = TemporaryFolder::Make().value();
  std::string path = (folder.path() / "data").string();
  ASSERT_TRUE(WriteFile(path,
                        "\x7f"
                        "ELF?")
                  .ok());
  std::filesystem::permissions(path, std::filesystem::perms(0755));
  EXPECT_EQ(MessageOf(Subprocess::Start({{path}, {}, ""}).status()),
            "cannot execute " + path +
                ": Exec format error; check that it exists and is a program for this machine");
}

TEST(Start, FolderThatIsNotThere) {
  EXPECT_EQ(MessageOf(Subprocess::Start({{"/bin/true"}, {}, "/none"}).status()),
            "cannot start a process in /none: No such file or directory; check the path, and that its folder "
            "exists");
}

TEST(Start, OnlyAbsolutePaths) {
  EXPECT_EQ(MessageOf(Subprocess::Start({{"true"}, {}, ""}).status()),
            "cannot execute 'true': not an absolute path; look the program up with FindProgram");
  EXPECT_EQ(MessageOf(Subprocess::Start({}).status()),
            "cannot execute '': not an absolute path; look the program up with FindProgram");
}

TEST(Subprocess, SpeaksBackAndForth) {
  Subprocess process = Subprocess::Start({{"/bin/cat"}, {}, ""}).value();
  for (std::string word : {"one", "two", "three"}) {
    ASSERT_TRUE(process.Write(word, Soon()).ok());
    EXPECT_EQ(process.ReadExactly(word.size(), Soon()).value(), word);
  }
  process.CloseInput();
  EXPECT_EQ(process.Read(10, Soon()).value(), "");
  EXPECT_TRUE(process.Wait(Soon()).value().ok());
  EXPECT_TRUE(process.Wait(Soon()).value().ok());
}

TEST(Subprocess, SilenceIsADeadlineAndTheChildLivesOn) {
  Subprocess process = Subprocess::Start({{"/bin/cat"}, {}, ""}).value();
  ASSERT_TRUE(process.Write("ab", Soon()).ok());
  Status late = process.ReadExactly(3, After(milliseconds(200))).status();
  EXPECT_EQ(late.code(), absl::StatusCode::kDeadlineExceeded);
  ASSERT_TRUE(process.Write("c", Soon()).ok());
  EXPECT_EQ(process.ReadExactly(3, Soon()).value(), "abc");
  EXPECT_EQ(MessageOf(process.Wait(After(milliseconds(10))).status()), "the process did not end in time");
}

TEST(Subprocess, EndInTheMiddleOfAnAnswer) {
  Subprocess process = Subprocess::Start(Shell("printf abc")).value();
  EXPECT_EQ(MessageOf(process.ReadExactly(8, Soon()).status()),
            "the process ended its output after 3 of 8 bytes");
}

TEST(Subprocess, WriteToADeadChildIsAnError) {
  Subprocess process = Subprocess::Start({{"/bin/true"}, {}, ""}).value();
  Status status = process.Write(std::string(8 << 20, 'x'), Soon());  // and no SIGPIPE ends this test
  EXPECT_EQ(MessageOf(status), "the process has closed its input");
}

TEST(Subprocess, TellsTheSignalOfACrash) {
  Subprocess process = Subprocess::Start(Shell("kill -SEGV $$")).value();
  EXPECT_EQ(process.Wait(Soon()).value().ToString(), "signal 11 (Segmentation fault)");
}

TEST(Subprocess, KillTakesTheWholeGroup) {
  Subprocess process = Subprocess::Start(Shell("sleep 1000 & echo $!; wait")).value();
  int grandchild = std::stoi(Line(&process));
  process.Kill();
  EXPECT_EQ(process.Wait(Soon()).value().signal, SIGKILL);
  EXPECT_TRUE(IsGone(grandchild));
}

TEST(Subprocess, DestructorKillsAndReaps) {
  int pid;
  {
    Subprocess process = Subprocess::Start({{"/bin/sleep", "1000"}, {}, ""}).value();
    pid = process.pid();
  }
  EXPECT_EQ(kill(pid, 0), -1) << "the process is still there, or a zombie";
}

TEST(Subprocess, OutlivesTheThreadThatStartedIt) {
  std::optional<Subprocess> process;
  std::thread([&] { process = Subprocess::Start({{"/bin/cat"}, {}, ""}).value(); }).join();
  ASSERT_TRUE(process->Write("still here", Soon()).ok());
  EXPECT_EQ(process->ReadExactly(10, Soon()).value(), "still here");
}

TEST(Subprocess, DiesWithItsParent) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  pid_t parent = fork();
  ASSERT_GE(parent, 0);
  if (parent == 0) {
    Result<Subprocess> process = Subprocess::Start({{"/bin/sleep", "1000"}, {}, ""});
    int pid = process.ok() ? process->pid() : -1;
    bool told = write(ends[1], &pid, sizeof pid) == sizeof pid;
    if (!told) _exit(1);
    raise(SIGKILL);  // no destructor, no handler: only the kernel can clean up
  }
  int child = -1;
  ASSERT_EQ(read(ends[0], &child, sizeof child), static_cast<ssize_t>(sizeof child));
  close(ends[0]);
  close(ends[1]);
  ASSERT_EQ(waitpid(parent, nullptr, 0), parent);
  ASSERT_GT(child, 0);
  EXPECT_TRUE(IsGone(child));
}

TEST(Subprocess, InheritsOnlyItsThreeStandardFiles) {
  FileDescriptor leak(fcntl(STDERR_FILENO, F_DUPFD, 50));  // not close-on-exec
  ASSERT_TRUE(leak.valid());
  std::string path = "/proc/$$/fd/" + std::to_string(leak.get());
  EXPECT_EQ(RunCommand(Shell("test -e " + path + " && echo inherited"), "", Soon()).value().output, "");
}

TEST(Subprocess, StartsWithDefaultSignals) {
  auto old = std::signal(SIGTERM, SIG_IGN);
  Result<CommandOutput> result = RunCommand(Shell("kill -TERM $$; echo survived"), "", Soon());
  std::signal(SIGTERM, old);
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->status.signal, SIGTERM);
  EXPECT_EQ(result->output, "");
}

TEST(Command, PrintsAsAShellWouldReadIt) {
  EXPECT_EQ((Command{{"/bin/echo", "a b", "it's", "", "x=1"}, {}, ""}).ToString(),
            "/bin/echo 'a b' 'it'\\''s' '' x=1");
}

TEST(FindProgram, WorksWithAnEmptyPath) {
  std::string old = std::getenv("PATH") ? std::getenv("PATH") : "";
  for (const char* path : {"", ".", "/none"}) {
    setenv("PATH", path, 1);
    Result<std::string> found = FindProgram("cat");
    ASSERT_TRUE(found.ok()) << found.status();
    EXPECT_TRUE(*found == "/bin/cat" || *found == "/usr/bin/cat") << *found;
  }
  setenv("PATH", old.c_str(), 1);
}

TEST(FindProgram, SaysWhatIsMissing) {
  EXPECT_EQ(MessageOf(FindProgram("no-such-tool").status()),
            "there is no program 'no-such-tool' in PATH; install it or give its path");
  EXPECT_EQ(MessageOf(FindProgram("/etc/passwd").status()),
            "/etc/passwd is not a program; check the path and its permissions");
  EXPECT_EQ(MessageOf(FindProgram("").status()),
            "there is no program '' in PATH; install it or give its path");
}

}  // namespace
}  // namespace tunesmith
