// SPDX-License-Identifier: Apache-2.0
// Files that are missing, not ours, not usable or damaged: each is told apart, and not a byte of it changes.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/stat.h>

#include <filesystem>

#include "database/database.h"
#include "database/schema.h"
#include "database/sqlite.h"
#include "support/strings.h"
#include "tests/database/fixtures.h"

namespace tunesmith::database {
namespace {

namespace fs = std::filesystem;

constexpr OpenOptions kRead = {.mode = OpenMode::kReadOnly};
constexpr OpenOptions kChange = {.mode = OpenMode::kChange};

class FileTest : public FolderTest {
 protected:
  std::string OpenError(const std::string& path, OpenOptions options = {}) {
    return MessageOf(OpenDatabase(path, options).status());
  }
  // What both ways of opening say, which must be the same and leave the file and its folder alone.
  std::string RefusalOf(std::string_view name) {
    const std::string bytes = ReadBytes(Path(name));
    const std::vector<std::string> names = NamesIn(folder_);
    std::string message = OpenError(Path(name));
    EXPECT_EQ(OpenError(Path(name), kRead), message);
    EXPECT_EQ(ReadBytes(Path(name)), bytes);
    EXPECT_EQ(NamesIn(folder_), names);
    return message;
  }
  void Sql(std::string_view name, const std::string& sql) {
    if (!fs::exists(Path(name))) WriteBytes(Path(name), "");  // SQLite's own empty database
    auto connection = Value(Connection::Open(Path(name), Connection::Access::kReadWrite, 0));
    EXPECT_OK(connection->Execute(sql));
  }
  void MakeDatabase(std::string_view name, int records) {
    auto database = Value(OpenDatabase(Path(name)));
    std::vector<Record> batch;
    for (int i = 0; i < records; ++i) batch.push_back(TimedRecord(i));
    EXPECT_EQ(Value(database->Insert(batch)).added, records);
  }
};

TEST_F(FileTest, ANewFileIsMadeWhole) {
  Value(OpenDatabase(Path("t.db")));
  EXPECT_EQ(NamesIn(folder_), std::vector<std::string>{"t.db"});
  EXPECT_EQ(ReadBytes(Path("t.db")).substr(0, 16), std::string("SQLite format 3\0", 16));
  EXPECT_TRUE(Value(OpenDatabase(Path("t.db"), kRead))->CheckIntegrity().ok());
}

TEST_F(FileTest, NamesThatSqliteWouldInterpretAreFiles) {
  fs::current_path(folder_);
  for (std::string name : {":memory:", "file:a?mode=memory", "with blank%20.db", "-x", "\xc3\xa9.db"}) {
    {
      auto database = Value(OpenDatabase(name));
      std::vector<Record> records = {TimedRecord(1)};
      EXPECT_TRUE(database->Insert(records).ok());
    }
    EXPECT_EQ(Value(OpenDatabase(name, kRead))->Find(Filter())->size(), 1u) << name;
    EXPECT_TRUE(fs::exists(Path(name))) << name;
  }
  fs::current_path("/");
}

TEST_F(FileTest, NothingThere) {
  for (OpenOptions options : {kRead, kChange}) {
    EXPECT_EQ(OpenError(Path("t.db"), options),
              "t.db: no such file; give the path of a database, or make one with: tune run");
  }
  EXPECT_EQ(NamesIn(folder_), std::vector<std::string>{});
  EXPECT_EQ(OpenError(""), "the path of the database is empty; give the path of a file");
}

TEST_F(FileTest, WhatIsThereCanBeChanged) {
  Value(OpenDatabase(Path("t.db")));
  std::vector<Record> records = {TimedRecord(1)};
  EXPECT_EQ(Value(Value(OpenDatabase(Path("t.db"), kChange))->Insert(records)).added, 1);
}

TEST_F(FileTest, TheFolderIsMissing) {
  EXPECT_EQ(OpenError(Path("a/b/t.db")), "a/b/t.db: its folder does not exist; make it with: mkdir -p a/b");
}

TEST_F(FileTest, NotAFile) {
  fs::create_directory(Path("folder"));
  EXPECT_EQ(OpenError(Path("folder")), "cannot open folder: Is a directory; name a file, not a folder");
  EXPECT_EQ(OpenError("/dev/full"), "/dev/full: not a regular file; choose another path");
  EXPECT_EQ(OpenError("/dev/null", kRead), "/dev/null: not a regular file; choose another path");
  mkfifo(Path("pipe").c_str(), 0600);
  EXPECT_EQ(OpenError(Path("pipe")), "pipe: not a regular file; choose another path");
  fs::create_symlink(Path("nowhere"), Path("link"));
  EXPECT_EQ(OpenError(Path("link")), "link: a symbolic link to nothing; remove it, or choose another path");
  WriteBytes(Path("text"), "a");
  EXPECT_EQ(OpenError(Path("text/t.db")), "text/t.db: text is not a folder; choose another path");
}

TEST_F(FileTest, NotADatabase) {
  WriteBytes(Path("empty.db"), "");
  EXPECT_EQ(RefusalOf("empty.db"),
            "empty.db: an empty file, not a Tunesmith database; remove it and a new one is made there, or "
            "choose another path");
  for (std::string bytes :
       {std::string("op copy(A: f32[N]) -> (B: f32[N])"), std::string(10000, '\0'), std::string("SQLite")}) {
    WriteBytes(Path("other.te"), bytes);
    EXPECT_EQ(
        RefusalOf("other.te"),
        "other.te: not a Tunesmith database (no SQLite file); it was left as it is; choose another path");
  }
}

TEST_F(FileTest, AnotherProgramsDatabase) {
  Sql("mail.db", "CREATE TABLE mail (text); INSERT INTO mail VALUES ('hello')");
  EXPECT_EQ(RefusalOf("mail.db"),
            "mail.db: a SQLite database of another program (application id 0); it was left as it is; choose "
            "another path");
  Sql("map.gpkg", "PRAGMA application_id = 1196444487; PRAGMA journal_mode = WAL; CREATE TABLE map (x)");
  EXPECT_EQ(RefusalOf("map.gpkg"),
            "map.gpkg: a SQLite database of another program (application id 1196444487); it was left as it "
            "is; choose another path");
}

TEST_F(FileTest, AnotherProgramsDatabaseThatIsInUse) {
  Sql("mail.db", "PRAGMA journal_mode = WAL; CREATE TABLE mail (text)");
  auto other = Value(Connection::Open(Path("mail.db"), Connection::Access::kReadWrite, 0));
  EXPECT_OK(other->Execute("INSERT INTO mail VALUES ('hello')"));
  const std::string log = ReadBytes(Path("mail.db-wal"));
  EXPECT_NE(log, "");
  EXPECT_EQ(RefusalOf("mail.db"),
            "mail.db: a SQLite database of another program (application id 0); it was left as it is; choose "
            "another path");
  EXPECT_EQ(ReadBytes(Path("mail.db-wal")), log);
}

TEST_F(FileTest, ANewerVersionsDatabase) {
  MakeDatabase("t.db", 1);
  Sql("t.db", "PRAGMA user_version = 7");
  EXPECT_EQ(RefusalOf("t.db"),
            "t.db: written by a newer Tunesmith (schema version 7, this program knows 3); it was left as it "
            "is; update this program or choose another path");
}

TEST_F(FileTest, ANewerVersionWhoseUpgradeIsStillInTheLog) {
  MakeDatabase("t.db", 1);
  auto newer = Value(Connection::Open(Path("t.db"), Connection::Access::kReadWrite, 0));
  EXPECT_OK(newer->Execute("PRAGMA user_version = 7"));
  const std::string bytes = ReadBytes(Path("t.db")), log = ReadBytes(Path("t.db-wal"));
  const std::string message =
      "t.db: written by a newer Tunesmith (schema version 7, this program knows 3); it was left as it is; "
      "update this program or choose another path";
  EXPECT_EQ(OpenError(Path("t.db")), message);
  EXPECT_EQ(OpenError(Path("t.db"), kRead), message);
  EXPECT_EQ(ReadBytes(Path("t.db")), bytes);
  EXPECT_EQ(ReadBytes(Path("t.db-wal")), log);
}

TEST_F(FileTest, ANewerVersionWhoseUpgradeAKilledProcessLeftInTheLog) {
  MakeDatabase("t.db", 1);
  EXPECT_EQ(InChild([&] {
              auto newer = Value(Connection::Open(Path("t.db"), Connection::Access::kReadWrite, 0));
              EXPECT_OK(newer->Execute("PRAGMA user_version = 7"));
              (void)newer.release();  // never closed
              return "";
            }),
            "");
  const std::string bytes = ReadBytes(Path("t.db")), log = ReadBytes(Path("t.db-wal"));
  EXPECT_NE(log, "");
  for (OpenOptions options : {OpenOptions(), kRead, kChange}) {
    EXPECT_EQ(
        OpenError(Path("t.db"), options),
        "t.db: written by a newer Tunesmith (schema version 7, this program knows 3); it was left as it "
        "is; update this program or choose another path");
    EXPECT_EQ(ReadBytes(Path("t.db")), bytes);
    EXPECT_EQ(ReadBytes(Path("t.db-wal")), log);
  }
}

TEST_F(FileTest, UpgradedByANewerProgramWhileOpen) {
  auto database = Value(OpenDatabase(Path("t.db")));
  Sql("t.db", "PRAGMA user_version = 4");
  std::vector<Record> records = {TimedRecord(1)};
  EXPECT_EQ(MessageOf(database->Insert(records).status()),
            "t.db: written by a newer Tunesmith (schema version 4, this program knows 3); it was left as it "
            "is; update this program or choose another path");
}

TEST_F(FileTest, RemovedOrReplacedWhileOpen) {
  std::vector<Record> one = {TimedRecord(1)}, two = {TimedRecord(2)};
  const std::string message =
      "t.db: the file was removed, moved or replaced while it was in use, and what was written since is not "
      "there; put it back, or run the same command again";
  auto database = Value(OpenDatabase(Path("t.db")));
  EXPECT_EQ(Value(database->Insert(one)).added, 1);
  fs::rename(Path("t.db"), Path("moved.db"));
  EXPECT_EQ(MessageOf(database->Insert(two).status()), message);
  MakeDatabase("other.db", 1);
  fs::rename(Path("other.db"), Path("t.db"));
  EXPECT_EQ(MessageOf(database->Delete(Where({"operator=matmul"})).status()), message);
  fs::rename(Path("moved.db"), Path("t.db"));
  EXPECT_EQ(Value(database->Insert(one)).added, 1);
}

TEST_F(FileTest, ALogWithoutItsDatabase) {
  WriteBytes(Path("t.db-wal"), "what is left");
  EXPECT_EQ(OpenError(Path("t.db")),
            "t.db: the database is gone, but t.db-wal is left of it; put the database back, or remove that "
            "file to start a new one");
  EXPECT_EQ(NamesIn(folder_), std::vector<std::string>{"t.db-wal"});
}

TEST_F(FileTest, AnEmptyLogIsNoHindrance) {
  WriteBytes(Path("t.db-wal"), "");
  EXPECT_EQ(OpenError(Path("t.db")), "");
}

TEST_F(FileTest, CutOff) {
  MakeDatabase("t.db", 100);
  fs::resize_file(Path("t.db"), fs::file_size(Path("t.db")) / 2);
  const std::string bytes = ReadBytes(Path("t.db"));
  for (OpenMode mode : {OpenMode::kReadWrite, OpenMode::kReadOnly}) {
    EXPECT_EQ(OpenError(Path("t.db"), {.mode = mode}),
              "t.db: the file is damaged (database disk image is malformed); make a copy of it, then save "
              "what can be read with: sqlite3 t.db .recover | sqlite3 saved.db");
  }
  EXPECT_EQ(ReadBytes(Path("t.db")), bytes);
}

TEST_F(FileTest, OverwrittenInTheMiddle) {
  MakeDatabase("t.db", 200);
  std::string bytes = ReadBytes(Path("t.db"));
  std::fill(bytes.begin() + static_cast<std::ptrdiff_t>(bytes.size() / 3), bytes.end(), '\xab');
  WriteBytes(Path("t.db"), bytes);
  const std::string message =
      "t.db: the file is damaged (database disk image is malformed); make a copy of it, then save what can "
      "be read with: sqlite3 t.db .recover | sqlite3 saved.db";
  {
    auto database = Value(OpenDatabase(Path("t.db")));
    EXPECT_EQ(MessageOf(database->Find(Filter()).status()), message);
    std::vector<Record> records = {TimedRecord(1000)};
    EXPECT_EQ(MessageOf(database->Insert(records).status()), message);
    EXPECT_FALSE(database->CheckIntegrity().ok());
  }
  EXPECT_EQ(ReadBytes(Path("t.db")), bytes);
}

TEST_F(FileTest, ARecordChangedByHandIsDamage) {
  MakeDatabase("t.db", 2);
  Sql("t.db", "UPDATE payload SET trace = 'trace 1 another' WHERE number = 2");
  auto database = Value(OpenDatabase(Path("t.db")));
  EXPECT_EQ(
      MessageOf(database->Find(Filter()).status()),
      "t.db: the file is damaged (record number 2: id: does not match the content; the record was changed); "
      "make a copy of it, then save what can be read with: sqlite3 t.db .recover | sqlite3 saved.db");
  EXPECT_EQ(Value(database->Best(TimedRecord(0).key)), TimedRecord(0));
  Sql("t.db", "DELETE FROM payload WHERE number < 3");
  EXPECT_EQ(MessageOf(database->Best(TimedRecord(0).key).status()),
            "t.db: the file is damaged (record number 1: a part of it is missing); make a copy of it, then "
            "save what can be read with: sqlite3 t.db .recover | sqlite3 saved.db");
}

TEST_F(FileTest, BindingsThatAreNoJsonAreDamage) {
  MakeDatabase("t.db", 2);
  Sql("t.db", "UPDATE operation SET bindings = '{\"M\":'");
  const std::string message =
      "t.db: the file is damaged (malformed JSON); make a copy of it, then save what can be read with: "
      "sqlite3 t.db .recover | sqlite3 saved.db";
  auto database = Value(OpenDatabase(Path("t.db")));
  Filter filter;
  filter.bindings = {{"M", "64"}};
  EXPECT_EQ(MessageOf(database->GetNames().status()), message);
  EXPECT_EQ(MessageOf(database->Find(filter).status()), message);
  EXPECT_EQ(MessageOf(database->Delete(filter).status()), message);
}

TEST_F(FileTest, ADamagedIndexIsNotTakenForAMissingRecord) {
  MakeDatabase("t.db", 2);
  Key other = TimedRecord(0).key;
  other.target = "another target";
  EXPECT_EQ(Value(Value(OpenDatabase(Path("t.db")))->Best(other)), std::nullopt);
  // Wherever the key is written, in its table or in an index, a record whose key is changed is not "none".
  const Key key = TimedRecord(0).key;
  const std::string bytes = ReadBytes(Path("t.db"));
  int places = 0;
  for (size_t at = bytes.find(key.target); at != std::string::npos; at = bytes.find(key.target, at + 1)) {
    std::string damaged = bytes;
    damaged[at] ^= 1;
    WriteBytes(Path("t.db"), damaged);
    const Result<std::optional<Record>> best = Value(OpenDatabase(Path("t.db")))->Best(key);
    EXPECT_TRUE(MessageOf(best.status()).starts_with("t.db: the file is damaged (")) << best.status();
    ++places;
  }
  EXPECT_EQ(places, 2);
}

TEST_F(FileTest, IntegrityNamesTheFirstFinding) {
  MakeDatabase("t.db", 2);
  Sql("t.db", "DELETE FROM operation");
  EXPECT_EQ(MessageOf(Value(OpenDatabase(Path("t.db")))->CheckIntegrity()),
            "t.db: the file is damaged (a row of record refers to none of operation); make a copy of it, "
            "then save what can be read with: sqlite3 t.db .recover | sqlite3 saved.db");
}

TEST_F(FileTest, AWriterIsWaitedForAndThenNamed) {
  MakeDatabase("t.db", 1);
  auto database = Value(OpenDatabase(Path("t.db"), {.busy_timeout_ms = 20}));
  auto writer = Value(Connection::Open(Path("t.db"), Connection::Access::kReadWrite, 0));
  {
    auto transaction = Value(Transaction::Begin(*writer, Transaction::Kind::kWrite));
    std::vector<Record> records = {TimedRecord(2)};
    EXPECT_EQ(
        MessageOf(database->Insert(records).status()),
        "t.db: another process held its lock for 20 ms; wait until that ends, or find it with: fuser t.db");
    EXPECT_EQ(Value(database->Best(TimedRecord(1).key)), TimedRecord(0));  // readers are not kept out
    EXPECT_EQ(Value(OpenDatabase(Path("t.db"), {.busy_timeout_ms = 20}))->Find(Filter())->size(), 1u);
  }
  std::vector<Record> records = {TimedRecord(2)};
  EXPECT_EQ(Value(database->Insert(records)).added, 1);
}

TEST_F(FileTest, AFileLockedAsAWhole) {
  MakeDatabase("t.db", 1);
  const std::string bytes = ReadBytes(Path("t.db"));
  auto owner = Value(Connection::Open(Path("t.db"), Connection::Access::kReadWrite, 0));
  EXPECT_OK(owner->Execute("PRAGMA locking_mode = EXCLUSIVE; BEGIN IMMEDIATE"));
  for (OpenMode mode : {OpenMode::kReadWrite, OpenMode::kReadOnly}) {
    EXPECT_EQ(
        OpenError(Path("t.db"), {.mode = mode, .busy_timeout_ms = 20}),
        "t.db: another process held its lock for 20 ms; wait until that ends, or find it with: fuser t.db");
  }
  EXPECT_EQ(ReadBytes(Path("t.db")), bytes);
}

TEST_F(FileTest, WithoutPermission) {
  MakeDatabase("t.db", 1);
  const std::string bytes = ReadBytes(Path("t.db"));
  auto open = [&](const char* name, OpenOptions options) {
    return InChildWithoutPrivileges([&] { return OpenError(Path(name), options); });
  };
  // The file may be read, and the folder not be written.
  fs::permissions(Path("t.db"), fs::perms(0444));
  fs::permissions(folder_, fs::perms(0555));
  EXPECT_EQ(open("new.db", {}),
            "new.db: cannot be made: Permission denied; make its folder writable, or choose another path");
  EXPECT_EQ(open("t.db", {}), "t.db: the file cannot be written; make it writable, or choose another path");
  EXPECT_EQ(InChildWithoutPrivileges([&] {
              return StrCat(Value(OpenDatabase(Path("t.db"), kRead))->Find(Filter())->size(), " record");
            }),
            "1 record");
  // The file may be written, but not its folder, where the log belongs.
  fs::permissions(Path("t.db"), fs::perms(0666));
  EXPECT_EQ(open("t.db", {}),
            "t.db: cannot be written (attempt to write a readonly database); make the file and its folder "
            "writable, or choose another path");
  fs::permissions(Path("t.db"), fs::perms(0));
  EXPECT_EQ(open("t.db", kRead),
            "t.db: cannot be read: Permission denied; make it readable, or choose another path");
  fs::permissions(folder_, fs::perms(0755));
  fs::permissions(Path("t.db"), fs::perms(0644));
  EXPECT_EQ(ReadBytes(Path("t.db")), bytes);
  EXPECT_EQ(NamesIn(folder_), std::vector<std::string>{"t.db"});
}

TEST_F(FileTest, ASymbolicLinkLeadsToTheDatabase) {
  fs::create_directory(Path("real"));
  MakeDatabase("real/t.db", 1);
  fs::create_symlink(Path("real/t.db"), Path("link.db"));
  {
    auto database = Value(OpenDatabase(Path("link.db")));
    std::vector<Record> records = {TimedRecord(7)};
    EXPECT_EQ(Value(database->Insert(records)).added, 1);
    EXPECT_EQ(NamesIn(Path("real")), (std::vector<std::string>{"t.db", "t.db-shm", "t.db-wal"}));
  }
  EXPECT_EQ(Value(OpenDatabase(Path("real/t.db"), kRead))->Find(Filter())->size(), 2u);
}

TEST_F(FileTest, ReadingChangesNoByte) {
  MakeDatabase("t.db", 20);
  const std::string bytes = ReadBytes(Path("t.db"));
  {
    auto database = Value(OpenDatabase(Path("t.db"), kRead));
    EXPECT_EQ(database->Find(Filter())->size(), 20u);
    EXPECT_EQ(Value(database->Best(TimedRecord(0).key)), TimedRecord(0));
    EXPECT_OK(database->CheckIntegrity());
    std::vector<Record> records = {TimedRecord(100)};
    EXPECT_EQ(MessageOf(database->Insert(records).status()),
              "t.db: cannot be written (attempt to write a readonly database); make the file and its folder "
              "writable, or choose another path");
  }
  EXPECT_EQ(ReadBytes(Path("t.db")), bytes);
}

}  // namespace
}  // namespace tunesmith::database
