// SPDX-License-Identifier: Apache-2.0
// Several processes and threads on one file, and processes that are killed.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <thread>

#include "database/database.h"
#include "support/strings.h"
#include "tests/database/fixtures.h"

namespace tunesmith::database {
namespace {

class ProcessTest : public FolderTest {
 protected:
  // Adds `count` records in batches of three; "" or what went wrong.
  std::string InsertFrom(int first, int count) {
    auto database = OpenDatabase(Path("t.db"));
    if (!database.ok()) return MessageOf(database.status());
    for (int i = first; i < first + count; i += 3) {
      std::vector<Record> batch = {TimedRecord(i), TimedRecord(i + 1), FailedRecord(i + 2)};
      auto inserted = (*database)->Insert(batch);
      if (!inserted.ok()) return MessageOf(inserted.status());
      auto best = (*database)->Best(batch[0].key);
      if (!best.ok()) return MessageOf(best.status());
      if (!best->has_value()) return "no best record";
    }
    return "";
  }
};

TEST_F(ProcessTest, ManyMakeAndWriteOneFileAtOnce) {
  constexpr int kProcesses = 4, kEach = 90;
  EXPECT_EQ(InChildren(kProcesses, [&](int i) { return InsertFrom(1000 * i, kEach); }),
            std::vector<std::string>(kProcesses, ""));
  auto database = Value(OpenDatabase(Path("t.db")));
  EXPECT_EQ(Value(database->GetStats()).records(), kProcesses * kEach);
  EXPECT_OK(database->CheckIntegrity());
  database.reset();
  EXPECT_EQ(NamesIn(folder_), std::vector<std::string>{"t.db"});
}

TEST_F(ProcessTest, ManyThreadsShareOneDatabase) {
  auto database = Value(OpenDatabase(Path("t.db")));
  std::atomic<int> problems = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 30; ++i) {
        std::vector<Record> batch = {TimedRecord(100 * t + i)};
        if (!database->Insert(batch).ok()) ++problems;
        auto best = database->Best(batch[0].key);
        if (!best.ok() || !best->has_value() || (*best)->outcome.median_ns > batch[0].outcome.median_ns)
          ++problems;
        auto newest = database->Find(Where({"limit=2"}));
        if (!newest.ok() || newest->empty()) ++problems;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(problems, 0);
  EXPECT_EQ(Value(database->GetStats()).records(), 120);
}

TEST_F(ProcessTest, AKilledProcessLosesNothingItHasCommitted) {
  int kept = 0;
  for (int round = 0; round < 5; ++round) {
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
      auto database = Value(OpenDatabase(Path("t.db")));
      for (int i = 1000 * round;; ++i) {
        std::vector<Record> batch = {TimedRecord(i)};
        if (!database->Insert(batch).ok() || write(ends[1], &i, sizeof i) != sizeof i) _exit(1);
      }
    }
    close(ends[1]);
    int last = -1;
    for (int acknowledged = 0; acknowledged < 5 + 7 * round; ++acknowledged) {
      ASSERT_EQ(read(ends[0], &last, sizeof last), static_cast<ssize_t>(sizeof last));
    }
    kill(child, SIGKILL);
    int status = 0;
    waitpid(child, &status, 0);
    EXPECT_TRUE(WIFSIGNALED(status));
    while (read(ends[0], &last, sizeof last) == static_cast<ssize_t>(sizeof last)) continue;
    close(ends[0]);

    auto database = Value(OpenDatabase(Path("t.db")));
    EXPECT_OK(database->CheckIntegrity());
    Filter filter = Where({"order=oldest"});
    filter.since_ns = TimedRecord(1000 * round).created_ns;
    std::vector<Record> records = Value(database->Find(filter));
    // The record after the last acknowledged one may have been committed or not; nothing lies beyond it.
    int expected = last - 1000 * round + 1;
    ASSERT_GE(static_cast<int>(records.size()), expected);
    ASSERT_LE(static_cast<int>(records.size()), expected + 1);
    for (size_t i = 0; i < records.size(); ++i) {
      EXPECT_EQ(records[i], TimedRecord(1000 * round + static_cast<int>(i)));
    }
    kept += static_cast<int>(records.size());
    EXPECT_EQ(Value(database->GetStats()).records(), kept);
  }
}

TEST_F(ProcessTest, OpeningAFileTwiceKeepsTheFirstConnectionsLocks) {
  auto database = Value(OpenDatabase(Path("t.db")));
  std::vector<Record> records = {TimedRecord(1)};
  EXPECT_EQ(Value(database->Insert(records)).added, 1);
  Value(OpenDatabase(Path("t.db")));  // opened and closed: POSIX locks of a file go with any descriptor of it
  // The last process on the file removes the log when it closes; the child must see that it is not the last.
  EXPECT_EQ(InChild([&] { return InsertFrom(10, 3); }), "");
  EXPECT_TRUE(std::filesystem::exists(Path("t.db-wal")));
  EXPECT_EQ(Value(database->GetStats()).records(), 4);
}

}  // namespace
}  // namespace tunesmith::database
