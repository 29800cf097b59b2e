// SPDX-License-Identifier: Apache-2.0
#include "support/forked_child.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <string>
#include <thread>

#include "support/process_start.h"

namespace tunesmith {
namespace {

/// What comes out of a pipe until its other ends are closed; fails where a minute passes without a byte.
std::string ReadToEnd(int fd) {
  std::string text;
  for (;;) {
    pollfd ready{fd, POLLIN, 0};
    int found = poll(&ready, 1, 60'000);
    if (found < 0 && errno == EINTR) continue;
    if (found <= 0) {
      ADD_FAILURE() << "nothing comes and nobody closes the pipe, after: " << text;
      return text;
    }
    char buffer[256];
    ssize_t got = read(fd, buffer, sizeof buffer);
    if (got <= 0) return text;
    text.append(buffer, static_cast<size_t>(got));
  }
}

void WriteText(int fd, const std::string& text) {
  EXPECT_EQ(write(fd, text.data(), text.size()), static_cast<ssize_t>(text.size()));
}

/// Lives, and holds its files open, for longer than a test waits.
[[noreturn]] void Linger() {
  sleep(600);
  _exit(1);
}

TEST(ForkChild, TheChildReadsAndWrites) {
  Result<ForkedChild> child = ForkChild([](int in, int out) {
    char c = 0;
    while (read(in, &c, 1) == 1 && c != '.') WriteText(out, std::string(2, c));
  });
  ASSERT_TRUE(child.ok()) << child.status();
  WriteText(child->to(), "ab.");
  EXPECT_EQ(ReadToEnd(child->from()), "aabb");
}

TEST(ForkChild, TheChildLeadsAGroupOfItsOwn) {
  Result<ForkedChild> child =
      ForkChild([](int, int out) { WriteText(out, getpgrp() == getpid() ? "leads" : "follows"); });
  ASSERT_TRUE(child.ok()) << child.status();
  EXPECT_EQ(ReadToEnd(child->from()), "leads");
}

TEST(ForkChild, APausedChildsThreadsStandStill) {
  auto* steps = static_cast<std::atomic<int64_t>*>(
      mmap(nullptr, sizeof(std::atomic<int64_t>), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  ASSERT_NE(steps, MAP_FAILED);
  Result<ForkedChild> child = ForkChild([&](int, int) {
    std::thread other([&] {
      for (;;) ++*steps;
    });
    for (;;) ++*steps;
  });
  ASSERT_TRUE(child.ok()) << child.status();
  auto wait_for_steps = [&](int64_t seen) {
    while (*steps == seen) std::this_thread::yield();
  };
  wait_for_steps(0);
  for (int round = 0; round < 20; ++round) {
    child->Pause();
    const int64_t seen = *steps;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    EXPECT_EQ(*steps, seen);
    child->Continue();
    wait_for_steps(seen);
  }
  munmap(steps, sizeof *steps);
}

TEST(ForkChild, OneThatHasEndedIsNotWaitedForWhenPaused) {
  Result<ForkedChild> child = ForkChild([](int, int) { _exit(7); });
  ASSERT_TRUE(child.ok()) << child.status();
  EXPECT_EQ(ReadToEnd(child->from()), "");
  child->Pause();
  EXPECT_EQ(child->End().code, 7);
}

TEST(ForkChild, TheGroupEndsWithTheValue) {
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  FileDescriptor from(ends[0]), to(ends[1]);
  {
    Result<ForkedChild> child = ForkChild([&](int, int) {
      if (fork() == 0) Linger();
      WriteText(to.get(), "grandchild\n");
      Linger();
    });
    ASSERT_TRUE(child.ok()) << child.status();
    char first = 0;
    ASSERT_EQ(read(from.get(), &first, 1), 1);
  }
  to.Reset();
  EXPECT_EQ(ReadToEnd(from.get()), "randchild\n");  // both hold the other end as long as they live
}

TEST(ForkChild, TheChildDiesWithItsParent) {
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  FileDescriptor from(ends[0]), to(ends[1]);
  pid_t parent = fork();
  if (parent == 0) {
    Result<ForkedChild> child = ForkChild([&](int, int) {
      WriteText(to.get(), "ready");
      Linger();
    });
    Linger();
  }
  to.Reset();
  char first = 0;
  ASSERT_EQ(read(from.get(), &first, 1), 1);
  kill(parent, SIGKILL);
  waitpid(parent, nullptr, 0);
  EXPECT_EQ(ReadToEnd(from.get()), "eady");
}

TEST(LeadGroupAndDieWith, AChildWhoseParentIsGoneAlreadyEnds) {
  pid_t child = fork();
  if (child == 0) {
    internal::LeadGroupAndDieWith(getppid() + 1);  // another process has adopted it
    _exit(0);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 127);
}

}  // namespace
}  // namespace tunesmith
