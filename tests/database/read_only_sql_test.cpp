// SPDX-License-Identifier: Apache-2.0
#include "database/read_only_sql.h"

#include <gtest/gtest.h>

#include "database/database.h"
#include "support/strings.h"
#include "tests/database/fixtures.h"

namespace tunesmith::database {
namespace {

class ReadOnlySqlTest : public FolderTest {
 protected:
  ReadOnlySqlTest() {
    std::vector<Record> records = {TimedRecord(1), TimedRecord(2), FailedRecord(3)};
    EXPECT_EQ(Value(Value(OpenDatabase(Path("t.db")))->Insert(records)).added, 3);
  }

  // The answer as text: columns, then rows; or the error.
  std::string Ask(std::string_view sql, const std::string& name = "t.db") {
    std::string text;
    Status status =
        RunReadOnlySql(Path(name), sql,
                       {.columns =
                            [&](std::span<const std::string> names) {
                              StrAppend(&text, StrJoin(names, "|"), "\n");
                              return Status();
                            },
                        .row =
                            [&](std::span<const SqlValue> values) {
                              for (const SqlValue& value : values) {
                                if (const auto* integer = std::get_if<int64_t>(&value))
                                  StrAppend(&text, *integer, " ");
                                if (const auto* real = std::get_if<double>(&value))
                                  StrAppend(&text, *real, "r ");
                                if (const auto* string = std::get_if<std::string>(&value))
                                  StrAppend(&text, *string, " ");
                                if (const auto* bytes = std::get_if<std::vector<std::byte>>(&value))
                                  StrAppend(&text, bytes->size(), "b ");
                                if (std::holds_alternative<std::monostate>(value)) text.append("null ");
                              }
                              text.append("\n");
                              return Status();
                            }});
    return status.ok() ? text : MessageOf(status);
  }
};

TEST_F(ReadOnlySqlTest, ValuesKeepTheirTypes) {
  EXPECT_EQ(Ask("SELECT 1 AS a, 2.5 AS b, 'x' AS c, x'0102' AS d, NULL AS e;"),
            "a|b|c|d|e\n1 2.5r x 2b null \n");
}

TEST_F(ReadOnlySqlTest, TheViewHasARowARecord) {
  EXPECT_EQ(Ask("SELECT operator, outcome, median_ns, created, bindings ->> 'M' AS m FROM records ORDER BY "
                "created"),
            "operator|outcome|median_ns|created|m\n"
            "matmul ok 101000r 2026-01-01T00:00:01Z 1024 \n"
            "matmul ok 102000r 2026-01-01T00:00:02Z 1024 \n"
            "matmul timeout null 2026-01-01T00:00:03Z 1024 \n");
  EXPECT_EQ(Ask("SELECT count(*) AS n FROM records WHERE id = '" + TimedRecord(1).id + "'"), "n\n1 \n");
}

TEST_F(ReadOnlySqlTest, ReadingInAllItsForms) {
  EXPECT_EQ(Ask("VALUES (1), (2)"), "column1\n1 \n2 \n");
  EXPECT_EQ(
      Ask("WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 3) SELECT i FROM n"),
      "i\n1 \n2 \n3 \n");
  EXPECT_EQ(Ask("PRAGMA user_version"), "user_version\n3 \n");
  EXPECT_EQ(Ask("SELECT count(*) AS n FROM pragma_table_info('payload')"), "n\n4 \n");
}

TEST_F(ReadOnlySqlTest, NothingCanBeWritten) {
  WriteBytes(Path("extension.so"), "");
  const std::string bytes = ReadBytes(Path("t.db"));
  Ask("SELECT 1");  // a reader leaves the files of the log behind, empty
  const std::vector<std::string> names = NamesIn(folder_);
  const std::string refusal =
      "; only reading is allowed here, give one SELECT (see also: tune db delete, tune db gc)";
  for (std::string sql : {
           "DELETE FROM record",
           "UPDATE record SET median_ns = 1",
           "INSERT INTO operation (name, bindings) VALUES ('a', '{}')",
           "REPLACE INTO operation VALUES (1, 'a', '{}')",
           "DROP TABLE record",
           "CREATE TABLE t (x)",
           "CREATE TEMP TABLE t (x)",
           "CREATE VIEW v AS SELECT 1",
           "CREATE INDEX i ON record (outcome)",
           "ALTER TABLE record ADD COLUMN x",
           "PRAGMA user_version = 9",
           "PRAGMA journal_mode = DELETE",
           "PRAGMA query_only = OFF",
           "PRAGMA wal_checkpoint",
           "PRAGMA writable_schema = ON",
           "PRAGMA incremental_vacuum",
           "PRAGMA optimize",
           "REINDEX",
           "ANALYZE",
           "BEGIN IMMEDIATE",
           "COMMIT",
           "SAVEPOINT a",
           "DETACH main",
           "CREATE VIRTUAL TABLE f USING fts5(x)",
           "SELECT load_extension('extension.so')",
           "EXPLAIN DELETE FROM record",
           "DELETE FROM records",
           "UPDATE records SET median_ns = 1",
           "INSERT INTO records (operator) VALUES ('a')",
           "WITH a AS (SELECT 1) DELETE FROM records",
           "DELETE FROM sqlite_master",
           "WITH a AS (SELECT 1) DELETE FROM record",
       }) {
    std::string answer = Ask(sql);
    EXPECT_TRUE(answer.starts_with("sql: ") && answer.ends_with(refusal)) << sql << " -> " << answer;
  }
  EXPECT_EQ(Ask(StrCat("ATTACH '", Path("new.db"), "' AS other")), "sql: not authorized" + refusal);
  const std::string would_write = "sql: the statement would write" + refusal;
  EXPECT_EQ(Ask("DELETE FROM records"), would_write);  // not that it is a view
  EXPECT_EQ(Ask("DELETE FROM sqlite_master"), would_write);
  EXPECT_EQ(Ask("VACUUM"), would_write);
  EXPECT_EQ(Ask(StrCat("VACUUM INTO '", Path("copy.db"), "'")), would_write);
  EXPECT_EQ(Ask("SELECT 1; DELETE FROM record"), "sql: more than one statement; give one SELECT");
  EXPECT_EQ(ReadBytes(Path("t.db")), bytes);
  EXPECT_EQ(NamesIn(folder_), names);
}

TEST_F(ReadOnlySqlTest, WhatIsNotAQuery) {
  const std::string hint =
      "; the table to ask is `records`, its columns: SELECT name FROM pragma_table_info('records')";
  EXPECT_EQ(Ask("SELEC 1"), "sql: near \"SELEC\": syntax error" + hint);
  EXPECT_EQ(Ask("SELECT latency FROM records"), "sql: no such column: latency" + hint);
  EXPECT_EQ(Ask("SELECT * FROM trials"), "sql: no such table: trials" + hint);
  EXPECT_EQ(Ask(""), "sql: no statement; give one SELECT");
  EXPECT_EQ(Ask(" ; -- nothing"), "sql: no statement; give one SELECT");
  EXPECT_EQ(Ask(std::string_view("SELECT 1\0", 9)), "sql: contains a NUL byte; give one SELECT");
  EXPECT_EQ(Ask("SELECT json_extract('{', '$')"),
            "sql: malformed JSON; it failed on the values of a row, correct the statement");
  EXPECT_EQ(Ask("SELECT zeroblob(2000000000)"),
            "sql: string or blob too big; it failed on the values of a row, correct the statement");
}

TEST_F(ReadOnlySqlTest, OnlyOnOurFiles) {
  EXPECT_EQ(Ask("SELECT 1", "none.db"),
            "none.db: no such file; give the path of a database, or make one with: tune run");
  WriteBytes(Path("x.db"), "x");
  EXPECT_EQ(Ask("SELECT 1", "x.db"),
            "x.db: not a Tunesmith database (no SQLite file); it was left as it is; choose another path");
}

TEST_F(ReadOnlySqlTest, AVisitorsErrorEndsTheQuery) {
  int rows = 0;
  Status status = RunReadOnlySql(Path("t.db"), "SELECT * FROM records",
                                 {.columns = [](auto) { return Status(); },
                                  .row =
                                      [&](auto) {
                                        ++rows;
                                        return Unavailable("enough");
                                      }});
  EXPECT_EQ(MessageOf(status), "enough");
  EXPECT_EQ(rows, 1);
}

}  // namespace
}  // namespace tunesmith::database
