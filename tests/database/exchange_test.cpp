// SPDX-License-Identifier: Apache-2.0
#include "database/exchange.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <thread>

#include "database/record_json.h"
#include "support/strings.h"
#include "tests/database/fixtures.h"

namespace tunesmith::database {
namespace {

Status Trust(const Record&) { return Status(); }

Result<InsertCounts> ImportFile(Database& database, const std::string& path, const Verifier& verify = Trust) {
  TS_ASSIGN_OR_RETURN(std::vector<CheckedFile> files, CheckFiles(std::vector<std::string>{path}, verify));
  return Import(database, files[0]);
}

class ExchangeTest : public FolderTest {
 protected:
  ExchangeTest() : database_(Value(OpenDatabase(Path("t.db")))) {}

  int64_t WriteExport(const Filter& filter) {
    std::string text;
    int64_t count = Value(Export(*database_, filter, [&](std::string_view line) {
      text += line;
      return Status();
    }));
    WriteBytes(Path("r.jsonl"), text);
    return count;
  }

  std::string ImportError(std::string_view bytes, const Verifier& verify = Trust) {
    WriteBytes(Path("r.jsonl"), bytes);
    Status status = ImportFile(*database_, Path("r.jsonl"), verify).status();
    EXPECT_EQ(Value(database_->GetStats()).records(), 0);
    return MessageOf(status);
  }

  std::unique_ptr<Database> database_;
};

TEST_F(ExchangeTest, WhatIsExportedCanBeImported) {
  std::vector<Record> records;
  for (int i = 0; i < 600; ++i) records.push_back(i % 4 == 0 ? FailedRecord(i) : TimedRecord(i));
  EXPECT_EQ(Value(database_->Insert(records)).added, 600);
  EXPECT_EQ(WriteExport(Where({"order=oldest"})), 600);
  auto other = Value(OpenDatabase(Path("other.db")));
  EXPECT_EQ(Value(ImportFile(*other, Path("r.jsonl"))).added, 600);
  EXPECT_EQ(Value(other->Find(Where({"order=oldest"}))), records);
  InsertCounts again = Value(ImportFile(*other, Path("r.jsonl")));
  EXPECT_EQ(again.added, 0);
  EXPECT_EQ(again.already, 600);
}

TEST_F(ExchangeTest, ExportHasTheFiltersRecordsOnly) {
  std::vector<Record> records = {TimedRecord(1), FailedRecord(2)};
  EXPECT_EQ(Value(database_->Insert(records)).added, 2);
  EXPECT_EQ(WriteExport(Where({"outcome=timeout"})), 1);
  EXPECT_EQ(ReadBytes(Path("r.jsonl")), ToJsonLine(FailedRecord(2)) + "\n");
}

TEST_F(ExchangeTest, AnErrorOfTheOutputEndsTheExport) {
  std::vector<Record> records = {TimedRecord(1), FailedRecord(2)};
  EXPECT_EQ(Value(database_->Insert(records)).added, 2);
  int lines = 0;
  EXPECT_EQ(MessageOf(Export(*database_, {},
                             [&](std::string_view) {
                               ++lines;
                               return Unavailable("no paper");
                             })
                          .status()),
            "no paper");
  EXPECT_EQ(lines, 1);
}

TEST_F(ExchangeTest, EmptyLinesAndWindowsLinesAreRead) {
  WriteBytes(Path("r.jsonl"),
             StrCat("\n", ToJsonLine(TimedRecord(1)), "\r\n\r\n", ToJsonLine(TimedRecord(2))));
  EXPECT_EQ(Value(ImportFile(*database_, Path("r.jsonl"))).added, 2);
}

TEST_F(ExchangeTest, ABadLineIsNamedAndNothingIsImported) {
  Record changed = TimedRecord(2);
  changed.outcome.median_ns -= 10;
  EXPECT_EQ(ImportError(StrCat(ToJsonLine(TimedRecord(1)), "\n\n", ToJsonLine(changed),
                               "\n{\"tunesmith_record\":1\n")),
            "r.jsonl:3: id: does not match the content; the record was changed\n"
            "r.jsonl:4: not JSON; is the line cut off?\n"
            "nothing was imported; remove the lines or export the records again");
  EXPECT_EQ(ImportError("SQLite format 3"),
            "r.jsonl:1: not JSON; is the line cut off?\n"
            "nothing was imported; remove the line or export the records again");
}

TEST_F(ExchangeTest, ManyBadLinesAreCounted) {
  std::string bytes;
  for (int i = 0; i < 25; ++i) bytes.append("{}\n");
  std::string expected;
  for (int i = 1; i <= 10; ++i) {
    StrAppend(&expected, "r.jsonl:", i, ": tunesmith_record: missing; is this a line of `tune db export`?\n");
  }
  EXPECT_EQ(ImportError(bytes),
            expected + "and 15 more\nnothing was imported; remove the lines or export the records again");
}

TEST_F(ExchangeTest, AllFilesAreCheckedBeforeOneIsImported) {
  WriteBytes(Path("good.jsonl"), ToJsonLine(TimedRecord(1)));
  WriteBytes(Path("bad.jsonl"), "{\n");
  WriteBytes(Path("worse.jsonl"), "{\n{\n");
  const std::vector<std::string> paths = {Path("good.jsonl"), Path("bad.jsonl"), Path("worse.jsonl")};
  EXPECT_EQ(MessageOf(CheckFiles(paths, Trust).status()),
            "bad.jsonl:1: not JSON; is the line cut off?\n"
            "worse.jsonl:1: not JSON; is the line cut off?\n"
            "worse.jsonl:2: not JSON; is the line cut off?\n"
            "nothing was imported; remove the lines or export the records again");
  // A file that is not there is told of before the first line of another is verified.
  int verified = 0;
  auto count = [&](const Record&) {
    ++verified;
    return Status();
  };
  EXPECT_FALSE(CheckFiles(std::vector<std::string>{Path("good.jsonl"), Path("none")}, count).ok());
  EXPECT_EQ(verified, 0);
}

TEST_F(ExchangeTest, ATraceThatLiesIsRecognised) {
  auto verify = [](const Record& record) {
    return record.trace.ends_with("2") ? Invalid("trace: step 3 splits a loop that is not there") : Status();
  };
  EXPECT_EQ(ImportError(StrCat(ToJsonLine(TimedRecord(1)), "\n", ToJsonLine(TimedRecord(2)), "\n"), verify),
            "r.jsonl:2: trace: step 3 splits a loop that is not there\n"
            "nothing was imported; remove the line or export the records again");
}

TEST_F(ExchangeTest, ADateInTheFutureIsRefused) {
  constexpr int64_t kHourNs = 3600 * kSecondNs;
  Record ahead = TimedRecord(1), wrong = TimedRecord(2);
  ahead.created_ns = NowNs() + 23 * kHourNs;
  wrong.created_ns = NowNs() + 25 * kHourNs;
  EXPECT_EQ(ImportError(StrCat(ToJsonLine(Resealed(ahead)), "\n", ToJsonLine(Resealed(wrong)))),
            "r.jsonl:2: created_ns: more than a day in the future; the clock was wrong here or where it was "
            "made\nnothing was imported; remove the line or export the records again");
  WriteBytes(Path("r.jsonl"), ToJsonLine(Resealed(ahead)));
  EXPECT_EQ(Value(ImportFile(*database_, Path("r.jsonl"))).added, 1);
}

TEST_F(ExchangeTest, APipeIsReadLikeAFile) {
  std::string bytes;
  for (int i = 0; i < 600; ++i) StrAppend(&bytes, ToJsonLine(TimedRecord(i)), "\n");
  ASSERT_EQ(mkfifo(Path("pipe").c_str(), 0600), 0);
  auto import = [&](std::string_view sent) {
    std::thread writer([&] { WriteBytes(Path("pipe"), sent); });
    auto counts = ImportFile(*database_, Path("pipe"));
    writer.join();
    return counts;
  };
  EXPECT_EQ(MessageOf(import(bytes + "{\n").status()),
            "pipe:601: not JSON; is the line cut off?\n"
            "nothing was imported; remove the line or export the records again");
  EXPECT_EQ(Value(database_->GetStats()).records(), 0);
  EXPECT_EQ(Value(import(bytes)).added, 600);
}

TEST_F(ExchangeTest, WhatCannotBeRead) {
  EXPECT_EQ(MessageOf(ImportFile(*database_, Path("none")).status()),
            "cannot read none: No such file or directory; check the path, and that its folder exists");
  EXPECT_EQ(MessageOf(ImportFile(*database_, folder_ + "/.").status()),
            "cannot read .: Is a directory; name a file, not a folder");
  // Opens as a file, but its first byte cannot be read.
  EXPECT_EQ(MessageOf(ImportFile(*database_, "/proc/self/mem").status()),
            "cannot read /proc/self/mem: Input/output error; check the path and the disk");
}

}  // namespace
}  // namespace tunesmith::database
