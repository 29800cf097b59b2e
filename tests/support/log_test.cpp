// SPDX-License-Identifier: Apache-2.0
#include "support/log.h"

#include <gtest/gtest.h>

#include <regex>
#include <thread>

#include "support/files.h"
#include "support/strings.h"

namespace tunesmith {
namespace {

std::string ContentsOf(const std::filesystem::path& path) { return ReadFile(path, 1 << 20).value(); }

/// With each event's date and time replaced by "<time>", after checking their form.
std::string WithoutTimes(const std::string& log) {
  static const std::regex time(R"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} [+-]\d\d:\d\d )");
  return std::regex_replace(log, time, "<time> ");
}

TEST(Log, HasALineAnEventWithTimeAndLevel) {
  const auto folder = TemporaryFolder::Make().value();
  const auto path = folder.path() / "log";
  ASSERT_TRUE(OpenLog(path).ok());
  Log("begun");
  LogWarning("a runner\nhas gone");
  Log("100 % {} done");  // no format
  EXPECT_EQ(WithoutTimes(ContentsOf(path)),
            "<time> info begun\n<time> warning a runner\n  has gone\n<time> info 100 % {} done\n");
  EXPECT_TRUE(CloseLog().ok());
}

TEST(Log, AppendsAndIsSilentWhileClosed) {
  const auto folder = TemporaryFolder::Make().value();
  const auto path = folder.path() / "log";
  Log("before");
  for (const char* text : {"one", "two"}) {
    ASSERT_TRUE(OpenLog(path).ok());
    Log(text);
    EXPECT_TRUE(CloseLog().ok());
    Log("between");
  }
  EXPECT_EQ(WithoutTimes(ContentsOf(path)), "<time> info one\n<time> info two\n");
}

TEST(Log, IsOneAtATime) {
  const auto folder = TemporaryFolder::Make().value();
  ASSERT_TRUE(OpenLog(folder.path() / "log").ok());
  EXPECT_EQ(OpenLog(folder.path() / "other").code(), absl::StatusCode::kInternal);
  EXPECT_FALSE(std::filesystem::exists(folder.path() / "other"));
  EXPECT_TRUE(CloseLog().ok());
}

TEST(Log, TakesEventsOfSeveralThreadsWhole) {
  const auto folder = TemporaryFolder::Make().value();
  const auto path = folder.path() / "log";
  ASSERT_TRUE(OpenLog(path).ok());
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([t] {
        for (int i = 0; i < 100; ++i) Log(StrCat("thread ", t, " event ", i));
      });
    }
  }
  EXPECT_TRUE(CloseLog().ok());
  const std::string log = WithoutTimes(ContentsOf(path));
  const std::regex line(R"(<time> info thread [0-3] event \d+)");
  size_t lines = 0;
  for (std::string_view each : StrSplit(log, '\n')) {
    if (each.empty()) continue;
    ++lines;
    EXPECT_TRUE(std::regex_match(std::string(each), line)) << each;
  }
  EXPECT_EQ(lines, 400u);
}

TEST(Log, SaysWhyItDoesNotOpen) {
  const auto folder = TemporaryFolder::Make().value();
  const Status missing = OpenLog(folder.path() / "no" / "log");
  EXPECT_EQ(missing.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(MessageOf(missing),
            StrCat("the log: cannot open ", (folder.path() / "no" / "log").string(),
                   ": No such file or directory; check the path, and that its folder exists"));
  EXPECT_EQ(OpenLog(folder.path()).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_FALSE(std::filesystem::exists(folder.path() / "no"));
}

TEST(Log, OnAFullDiskDisturbsNobodyUntilItIsClosed) {
  ASSERT_TRUE(OpenLog("/dev/full").ok());
  Log("lost");
  Log("lost too");
  const Status closed = CloseLog();
  EXPECT_EQ(closed.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(MessageOf(closed),
            "cannot write /dev/full: No space left on device; free some space or choose another disk");
  EXPECT_TRUE(CloseLog().ok());
}

}  // namespace
}  // namespace tunesmith
