// SPDX-License-Identifier: Apache-2.0
// An older file becomes a newer one, whole or not at all. The steps here are made up, but where a
// test names their versions.
#include "database/schema.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "database/database_file.h"
#include "database/read_only_sql.h"
#include "support/strings.h"
#include "tests/database/fixtures.h"

namespace tunesmith::database {
namespace {

constexpr std::string_view kFirst =
    "CREATE TABLE trial (ms REAL NOT NULL); INSERT INTO trial VALUES (1.5), (2.5)";
constexpr std::string_view kSecond =
    "ALTER TABLE trial ADD COLUMN ns REAL; UPDATE trial SET ns = ms * 1e6; ALTER TABLE trial DROP COLUMN ms";
constexpr std::string_view kThird = "CREATE INDEX trial_ns ON trial (ns)";

// TimedRecord(1) but for its row of `record`, in what all versions have.
constexpr char kOneRecordParts[] =
    "INSERT INTO record_key VALUES (1, '0123456789abcdef0123456789abcdef', 'x86-64-avx512', 'f00d', '', "
    "'warm', 1, 'none', 4096, '1', '19.1.7');"
    "INSERT INTO operation VALUES (1, 'matmul', '{\"K\":\"1024\",\"M\":\"1024\",\"N\":\"1024\"}');"
    "INSERT INTO environment VALUES (1, '{\"cpu\":\"AMD EPYC 9R14\",\"seed\":7}');"
    "INSERT INTO payload VALUES (1, 'trace 1 matmul 1', '', "
    "x'0000000000abf8400000000080a8f8400000000040a7f840')";

class SchemaTest : public FolderTest {
 protected:
  Result<std::unique_ptr<Connection>> Open(std::vector<std::string_view> steps,
                                           OpenMode mode = OpenMode::kReadWrite) {
    return OpenFile(Path("t.db"), {.mode = mode, .busy_timeout_ms = 5000}, steps);
  }
};

TEST_F(SchemaTest, ANewFileTakesEveryStep) {
  auto connection = Value(Open({kFirst, kSecond, kThird}));
  EXPECT_EQ(Value(connection->QueryInteger("PRAGMA user_version")), 3);
  EXPECT_EQ(Value(connection->QueryInteger("PRAGMA application_id")), int64_t{kApplicationId});
  EXPECT_EQ(Value(connection->QueryInteger("SELECT sum(ns) FROM trial")), 4000000);
}

TEST_F(SchemaTest, AnOlderFileTakesTheStepsItLacks) {
  Value(Open({kFirst}));
  auto connection = Value(Open({kFirst, kSecond, kThird}));
  EXPECT_EQ(Value(connection->QueryInteger("PRAGMA user_version")), 3);
  EXPECT_EQ(Value(connection->QueryInteger("SELECT sum(ns) FROM trial")), 4000000);
}

TEST_F(SchemaTest, AStepThatFailsLeavesTheOlderFile) {
  Value(Open({kFirst}));
  const std::string bytes = ReadBytes(Path("t.db"));
  EXPECT_EQ(MessageOf(Open({kFirst, kSecond, "CREATE INDEX trial_ns ON missing (ns)"}).status()),
            "t.db: SQLite: no such table: main.missing");
  EXPECT_EQ(ReadBytes(Path("t.db")), bytes);
  auto connection = Value(Open({kFirst}));
  EXPECT_EQ(Value(connection->QueryInteger("SELECT count(*) FROM trial WHERE ms > 1")), 2);
}

TEST_F(SchemaTest, AnOlderFileOpenedForReadingIsBroughtUpToDate) {
  Value(Open({kFirst}));
  auto connection = Value(Open({kFirst, kSecond}, OpenMode::kReadOnly));
  EXPECT_EQ(Value(connection->QueryInteger("PRAGMA user_version")), 2);
  EXPECT_EQ(Value(connection->QueryInteger("SELECT sum(ns) FROM trial")), 4000000);
  EXPECT_EQ(MessageOf(connection->Execute("DELETE FROM trial")),
            "t.db: cannot be written (attempt to write a readonly database); make the file and its folder "
            "writable, or choose another path");
}

TEST_F(SchemaTest, AnOlderFileThatCannotBeWrittenStaysAsItIs) {
  Value(Open({kFirst}));
  const std::string bytes = ReadBytes(Path("t.db"));
  auto refusal = [&] {
    return InChildWithoutPrivileges([&] {
      return MessageOf(Open({kFirst, kSecond}, OpenMode::kReadOnly).status());
    });
  };
  const std::string older =
      "t.db: written by an older Tunesmith (schema version 1, this program's is 2) and cannot be brought up "
      "to date, which reading needs, too: ";
  std::filesystem::permissions(Path("t.db"), std::filesystem::perms(0444));
  EXPECT_EQ(refusal(), older +
                           "the file cannot be written; make it writable, or choose another path; or "
                           "read a copy of it");
  std::filesystem::permissions(folder_, std::filesystem::perms(0555));
  std::filesystem::permissions(Path("t.db"), std::filesystem::perms(0666));
  EXPECT_EQ(refusal(), older +
                           "cannot be written (attempt to write a readonly database); make the file and "
                           "its folder writable, or choose another path; or read a copy of it");
  std::filesystem::permissions(folder_, std::filesystem::perms(0755));
  EXPECT_EQ(ReadBytes(Path("t.db")), bytes);
  EXPECT_EQ(NamesIn(folder_), std::vector<std::string>{"t.db"});
}

TEST_F(SchemaTest, SeveralProcessesUpgradeOnce) {
  Value(Open({kFirst}));
  // The second step would fail if it were run twice.
  EXPECT_EQ(InChildren(4,
                       [&](int) {
                         return MessageOf(Open({kFirst, kSecond}).status());
                       }),
            std::vector<std::string>(4, ""));
  EXPECT_EQ(Value(Value(Open({kFirst, kSecond}))->QueryInteger("SELECT sum(ns) FROM trial")), 4000000);
}

TEST_F(SchemaTest, AFileOfTheFirstVersionKeepsItsRecordsAndTakesFinalists) {
  {
    auto connection = Value(Open({SchemaSteps().begin(), SchemaSteps().begin() + 1}));
    EXPECT_OK(connection->Execute(kOneRecordParts));
    EXPECT_OK(connection->Execute(
        "INSERT INTO record (number, id, key, operation, environment, outcome, median_ns, spread_ns, "
        "limit_share, created_ns) VALUES (1, x'09f2da31c7ee4471d84d23749562800b', 1, 1, 1, 0, 101000, 30, "
        "0.875, 1767225601000000000)"));
  }
  {
    auto connection = Value(Open({SchemaSteps().begin(), SchemaSteps().begin() + 2}));
    EXPECT_EQ(Value(connection->QueryInteger("PRAGMA user_version")), 2);
    EXPECT_EQ(Value(connection->QueryInteger("SELECT processes FROM records WHERE median_ns = 101000")), 1);
    EXPECT_EQ(Value(connection->QueryInteger("SELECT count(*) FROM record INDEXED BY record_finalist WHERE "
                                             "processes > 1")),
              0);
  }
  auto database = Value(OpenDatabase(Path("t.db")));
  EXPECT_EQ(Value(database->Best(TimedRecord(1).key)), TimedRecord(1));
  Record final = FinalistRecord(1, 9, 105'000);
  EXPECT_EQ(Value(database->Insert(std::span(&final, 1))).added, 1);
  EXPECT_EQ(Value(database->Best(TimedRecord(1).key)), final);
  EXPECT_OK(database->CheckIntegrity());
}

TEST_F(SchemaTest, AFileOfTheSecondVersionKeepsItsRecordsAndTakesDefinitions) {
  {
    auto connection = Value(Open({SchemaSteps().begin(), SchemaSteps().begin() + 2}));
    EXPECT_OK(connection->Execute(kOneRecordParts));
    EXPECT_OK(connection->Execute(
        "INSERT INTO record VALUES (1, x'09f2da31c7ee4471d84d23749562800b', 1, 1, 1, 0, 101000, 30, 0.875, "
        "1767225601000000000, 1)"));
  }
  auto database = Value(OpenDatabase(Path("t.db")));
  EXPECT_EQ(Value(database->Best(TimedRecord(1).key)), TimedRecord(1));
  Record next = TimedRecord(2);
  next.definition = "op matmul";
  EXPECT_EQ(Value(database->Insert(std::span(&next, 1))).added, 1);
  EXPECT_EQ(Value(database->Best(TimedRecord(1).key))->definition, "op matmul");
  EXPECT_OK(database->CheckIntegrity());
}

TEST_F(SchemaTest, TheOutcomesOfTheViewHaveTheNamesOfTheProgram) {
  std::vector<Record> records;
  for (std::string_view name : measure::kOutcomeNames) {
    measure::OutcomeKind kind = *measure::ParseOutcomeKind(name);
    int number = static_cast<int>(kind);
    records.push_back(kind == measure::OutcomeKind::kOk ? TimedRecord(number) : FailedRecord(number, kind));
  }
  EXPECT_EQ(Value(Value(OpenDatabase(Path("t.db")))->Insert(records)).added, 7);
  std::vector<std::string> names;
  EXPECT_OK(RunReadOnlySql(Path("t.db"), "SELECT outcome FROM records ORDER BY created_ns",
                           {.columns = [](auto) { return Status(); },
                            .row =
                                [&](std::span<const SqlValue> values) {
                                  names.push_back(std::get<std::string>(values[0]));
                                  return Status();
                                }}));
  EXPECT_EQ(names, std::vector<std::string>(measure::kOutcomeNames.begin(), measure::kOutcomeNames.end()));
}

}  // namespace
}  // namespace tunesmith::database
