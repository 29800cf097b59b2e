// SPDX-License-Identifier: Apache-2.0
// tune run and tune db import on a full disk, and on a file that is locked, damaged, newer or another
// program's: what they say, that all that was written stays, and that nothing else changes.
#include <gtest/gtest.h>

#include "database/database.h"
#include "database/record_json.h"
#include "database/sqlite.h"
#include "nlohmann/json.hpp"
#include "support/strings.h"
#include "support/units.h"
#include "tests/cli/tune_command.h"

namespace tunesmith::cli {
namespace {

using database::Connection;

std::vector<std::string> RunWords(int trials) {
  return {"run",  "matmul", "M=8",      "N=8",  "K=8",       "--trials", StrCat(trials),
          "--db", "a.db",   "--format", "json", "--seconds", "60"};
}
const std::vector<std::string> kImportWords = {"db", "import", "more.jsonl", "--db", "a.db"};

class FaultTest : public ::testing::Test {
 protected:
  /// `a.db` of one trial; `more.jsonl` with `count` records that it does not have.
  void Prepare(int count) {
    CommandOutput run = sandbox_.Tune(RunWords(1));
    ASSERT_EQ(run.status.code, 0) << run.error_output;
    Result<database::Record> record =
        database::FromJsonLine(Lines(sandbox_.Tune({"db", "export", "--db", "a.db"}).output).at(0));
    ASSERT_TRUE(record.ok()) << record.status();
    std::string lines;
    for (int i = 0; i < count; ++i) {
      ++record->created_ns;
      record->id = database::IdOf(*record);
      StrAppend(&lines, database::ToJsonLine(*record), "\n");
    }
    sandbox_.Write("more.jsonl", lines);
  }
  void Sql(const std::string& sql) {
    if (!std::filesystem::exists(sandbox_.folder() / "a.db")) sandbox_.Write("a.db", "");
    auto connection = Connection::Open(sandbox_.Path("a.db"), Connection::Access::kReadWrite, 0);
    ASSERT_TRUE(connection.ok()) << connection.status();
    EXPECT_TRUE((*connection)->Execute(sql).ok());
  }
  int64_t Records() {
    auto database = database::OpenDatabase(sandbox_.Path("a.db"));
    EXPECT_TRUE(database.ok()) << database.status();
    EXPECT_TRUE((*database)->CheckIntegrity().ok());
    return (*database)->GetStats()->records();
  }
  /// Both commands, to be refused with exit code 2 and this message; not a byte may change.
  void ExpectRefused(const std::string& message) {
    const std::string bytes = sandbox_.Read("a.db");
    for (const std::vector<std::string>& words : {RunWords(2), kImportWords}) {
      CommandOutput output = sandbox_.Tune(words);
      EXPECT_EQ(output.status.ToString(), "exit code 2") << words[0];
      EXPECT_EQ(output.output, "");
      EXPECT_EQ(output.error_output, "tune: " + message + "\n");
      EXPECT_TRUE(sandbox_.Read("a.db") == bytes);
    }
  }

  Sandbox sandbox_;
};

// A block has 512 bytes.
constexpr char kLimitedFile[] = "ulimit -f 400; exec \"$@\"";
constexpr char kFull[] =
    "tune: a.db: the limit of a file's length (ulimit -f) is reached; everything written before is safe, "
    "this write was not made; raise the limit and run the same command again\n";

TEST_F(FaultTest, ALimitedFileEndsARunWithWhatWasWritten) {
  Prepare(0);
  CommandOutput output = sandbox_.InShell(kLimitedFile, RunWords(1'000'000));
  EXPECT_EQ(output.status.ToString(), "exit code 3");
  EXPECT_EQ(output.error_output, kFull);
  std::vector<std::string> lines = Lines(output.output);
  ASSERT_GE(lines.size(), 2u);
  EXPECT_EQ(nlohmann::json::parse(lines.back())["stopped"], "error");
  // Every trial that was told is there.
  EXPECT_GE(Records(), static_cast<int64_t>(lines.size()));
  CommandOutput again = sandbox_.Tune(RunWords(1));
  EXPECT_EQ(again.status.ToString(), "exit code 0") << again.error_output;
}

TEST_F(FaultTest, ALimitedFileEndsAnImportWhichGoesOnLater) {
  Prepare(1500);
  const int64_t before = Records();
  CommandOutput output = sandbox_.InShell(kLimitedFile, kImportWords);
  EXPECT_EQ(output.status.ToString(), "exit code 3");
  EXPECT_EQ(output.error_output, kFull);
  const int64_t added = Records() - before;
  EXPECT_LT(added, 1500);
  output = sandbox_.Tune(kImportWords);
  EXPECT_EQ(output.status.ToString(), "exit code 0") << output.error_output;
  EXPECT_EQ(output.output, StrCat("more.jsonl: ", FormatCount(1500 - added), " records added, ",
                                  FormatCount(added), " there already\n"));
}

TEST_F(FaultTest, NothingIsLeftOfAFileThatTheLimitKeepsFromBeingMade) {
  Prepare(1500);
  ASSERT_EQ(sandbox_.Tune(kImportWords).status.code, 0);
  const std::string why = ": File too large; raise the limit of a file's length (ulimit -f)\n";
  for (const auto& [words, message] : std::vector<std::pair<std::vector<std::string>, std::string>>{
           {{"db", "import", "more.jsonl", "--db", "new.db"}, "cannot make new.db"},
           {{"db", "export", "--db", "a.db", "-o", "new.jsonl"}, "cannot write new.jsonl"}}) {
    CommandOutput output = sandbox_.InShell("ulimit -f 70; exec \"$@\"", words);
    EXPECT_EQ(output.status.ToString(), "exit code 3");
    EXPECT_EQ(output.error_output, "tune: " + message + why);
    for (const std::string& name : sandbox_.Names()) EXPECT_FALSE(name.starts_with("new.")) << name;
  }
}

TEST_F(FaultTest, ALockIsWaitedForAndThenNamed) {
  Prepare(1);
  const int64_t before = Records();
  auto owner = Connection::Open(sandbox_.Path("a.db"), Connection::Access::kReadWrite, 0);
  ASSERT_TRUE(owner.ok()) << owner.status();
  ASSERT_TRUE((*owner)->Execute("BEGIN IMMEDIATE").ok());
  std::vector<Subprocess> commands;  // both at once: each waits for ten seconds
  for (const std::vector<std::string>& words : {RunWords(2), kImportWords}) {
    Result<Subprocess> started = Subprocess::Start(sandbox_.TuneCommand(words));
    ASSERT_TRUE(started.ok()) << started.status();
    commands.push_back(*std::move(started));
  }
  // The run, which reads without waiting, had made its trial.
  Result<std::string> told = commands[0].Read(64 << 10, After(std::chrono::minutes(2)));
  ASSERT_TRUE(told.ok()) << told.status();
  std::vector<std::string> lines = Lines(*told);
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_EQ(nlohmann::json::parse(lines[0])["stopped"], "error");
  for (Subprocess& command : commands) {
    Result<ExitStatus> status = command.Wait(After(std::chrono::minutes(2)));
    ASSERT_TRUE(status.ok()) << status.status();
    EXPECT_EQ(status->ToString(), "exit code 3");
    EXPECT_EQ(
        command.error_output(),
        "tune: a.db: another process held its lock for 10000 ms; wait until that ends, or find it with: "
        "fuser a.db\n");
  }
  owner->reset();
  EXPECT_EQ(Records(), before);
}

TEST_F(FaultTest, ADamagedFileStaysAsItIs) {
  Prepare(1);
  Records();  // what is in the log goes into the file
  std::string bytes = sandbox_.Read("a.db");
  sandbox_.Write("a.db", bytes.substr(0, bytes.size() / 2));
  ExpectRefused(
      "a.db: the file is damaged (database disk image is malformed); make a copy of it, then save what can "
      "be "
      "read with: sqlite3 a.db .recover | sqlite3 saved.db");
}

TEST_F(FaultTest, ANewerFileStaysAsItIs) {
  Prepare(1);
  Sql("PRAGMA user_version = 99");
  ExpectRefused(
      "a.db: written by a newer Tunesmith (schema version 99, this program knows 3); it was left as it is; "
      "update this program or choose another path");
}

TEST_F(FaultTest, AnotherProgramsFileStaysAsItIs) {
  Prepare(1);
  std::filesystem::remove(sandbox_.folder() / "a.db");
  for (const char* left : {"a.db-wal", "a.db-shm"}) std::filesystem::remove(sandbox_.folder() / left);
  Sql("CREATE TABLE note (text)");
  ExpectRefused(
      "a.db: a SQLite database of another program (application id 0); it was left as it is; choose another "
      "path");
}

}  // namespace
}  // namespace tunesmith::cli
