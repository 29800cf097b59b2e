// SPDX-License-Identifier: Apache-2.0
// Full disks: what was committed stays, what was not leaves no trace, and the same command continues.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>

#include "database/database.h"
#include "database/database_file.h"
#include "database/row.h"
#include "database/schema.h"
#include "support/strings.h"
#include "tests/database/fixtures.h"

namespace tunesmith::database {
namespace {

constexpr std::string_view kFull =
    "t.db: the disk is full; everything written before is safe, this write was not made; free some space and "
    "run the same command again";
constexpr std::string_view kLimited =
    "t.db: the limit of a file's length (ulimit -f) is reached; everything written before is safe, this "
    "write was not made; raise the limit and run the same command again";

// From now on this process cannot make a file longer than that: the system then refuses a write just as it
// does on a full disk, in the middle of a page if it comes so.
void LimitFiles(rlim_t bytes) {
  signal(SIGXFSZ, SIG_IGN);
  rlimit limit{bytes, bytes};
  setrlimit(RLIMIT_FSIZE, &limit);
}

using FaultTest = FolderTest;

TEST_F(FaultTest, DiskFullWhileInserting) {
  Value(OpenDatabase(Path("t.db")));
  int from = 0;
  for (rlim_t limit = 70'001; limit < 400'000; limit += 33'333) {
    std::string answer = InChild([&] {
      LimitFiles(limit);
      auto database = OpenDatabase(Path("t.db"));
      if (!database.ok()) return StrCat("0 ", MessageOf(database.status()));
      for (int i = from;; i += 2) {
        std::vector<Record> batch = {TimedRecord(i), TimedRecord(i + 1)};
        auto inserted = (*database)->Insert(batch);
        if (!inserted.ok()) return StrCat(i - from, " ", MessageOf(inserted.status()));
      }
    });
    size_t blank = answer.find(' ');
    ASSERT_NE(blank, std::string::npos) << answer;
    EXPECT_EQ(answer.substr(blank + 1), kLimited);
    from += static_cast<int>(ParseInteger(answer.substr(0, blank)).value_or(-1));
    auto database = Value(OpenDatabase(Path("t.db")));
    EXPECT_OK(database->CheckIntegrity());
    std::vector<Record> records = Value(database->Find(Where({"order=oldest"})));
    ASSERT_EQ(records.size(), static_cast<size_t>(from));
    for (int i = 0; i < from; ++i) EXPECT_EQ(records[static_cast<size_t>(i)], TimedRecord(i));
  }
  EXPECT_GT(from, 100);
}

TEST_F(FaultTest, AfterAFullDiskTheSameConnectionGoesOn) {
  auto connection = Value(OpenFile(Path("t.db"), {}, SchemaSteps()));
  int64_t pages = Value(connection->QueryInteger("PRAGMA page_count"));
  EXPECT_OK(connection->Execute(StrCat("PRAGMA max_page_count = ", pages)));
  Record large = TimedRecord(1);
  large.trace.append(100'000, 'x');
  large = Resealed(large);
  {
    auto transaction = Value(Transaction::Begin(*connection, Transaction::Kind::kWrite));
    EXPECT_EQ(MessageOf(InsertRow(*connection, large).status()), kFull);
  }
  EXPECT_EQ(Value(connection->QueryInteger("SELECT count(*) FROM record")), 0);
  EXPECT_OK(connection->Execute("PRAGMA max_page_count = 100000"));
  auto transaction = Value(Transaction::Begin(*connection, Transaction::Kind::kWrite));
  EXPECT_TRUE(Value(InsertRow(*connection, large)));
  EXPECT_OK(transaction.Commit());
}

TEST_F(FaultTest, DiskFullWhileMakingTheFileLeavesNone) {
  for (rlim_t limit : {0, 100, 4096, 20'000, 45'000}) {
    EXPECT_EQ(InChild([&] {
                LimitFiles(limit);
                return MessageOf(OpenDatabase(Path("t.db")).status());
              }),
              "cannot make t.db: File too large; raise the limit of a file's length (ulimit -f)")
        << limit;
    EXPECT_EQ(NamesIn(folder_), std::vector<std::string>{}) << limit;
  }
}

TEST_F(FaultTest, DiskFullWhileDeletingKeepsTheRecords) {
  {
    auto database = Value(OpenDatabase(Path("t.db")));
    std::vector<Record> records;
    for (int i = 0; i < 300; ++i) records.push_back(TimedRecord(i));
    EXPECT_EQ(Value(database->Insert(records)).added, 300);
  }
  EXPECT_EQ(InChild([&] {
              LimitFiles(40'000);
              auto database = Value(OpenDatabase(Path("t.db")));
              return MessageOf(database->Delete(Where({"operator=matmul"})).status());
            }),
            kLimited);
  auto database = Value(OpenDatabase(Path("t.db")));
  EXPECT_EQ(Value(database->GetStats()).records(), 300);
  EXPECT_OK(database->CheckIntegrity());
}

}  // namespace
}  // namespace tunesmith::database
