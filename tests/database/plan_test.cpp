// SPDX-License-Identifier: Apache-2.0
// How SQLite answers: by index, with work that does not grow with the file.
#include <gtest/gtest.h>
#include <sqlite3.h>

#include "database/database_file.h"
#include "database/row.h"
#include "database/schema.h"
#include "database/selection.h"
#include "support/strings.h"
#include "tests/database/fixtures.h"

namespace tunesmith::database {
namespace {

class PlanTest : public FolderTest {
 protected:
  PlanTest() : connection_(Value(OpenFile(Path("t.db"), {}, SchemaSteps()))) {}

  std::string PlanOf(std::string_view sql) {
    std::string plan;
    auto statement = Value(connection_->Prepare(StrCat("EXPLAIN QUERY PLAN ", sql)));
    while (Value(statement.Step())) StrAppend(&plan, statement.Text(3), "\n");
    return plan;
  }
  std::string PlanOf(const Filter& filter) { return PlanOf(Value(SelectionOf(filter)).sql); }

  void Insert(int first, int last) {
    auto transaction = Value(Transaction::Begin(*connection_, Transaction::Kind::kWrite));
    for (int i = first; i < last; ++i) {
      Record record = i % 3 == 0 ? FailedRecord(i) : TimedRecord(i);
      record.key.scenario.threads = 1 + i % 7;
      EXPECT_TRUE(Value(InsertRow(*connection_, Resealed(record))));
    }
    EXPECT_OK(transaction.Commit());
  }
  static Filter BestOf(const Key& key) {
    Filter filter;
    filter.key = key;
    filter.best_per_key = 1;
    return filter;
  }
  // Instructions of SQLite's machine that one question takes.
  int StepsOf(const Filter& filter) {
    Selection selection = Value(SelectionOf(filter));
    auto statement = Value(connection_->Prepare(selection.sql));
    selection.BindTo(statement);
    sqlite3_stmt_status(statement.handle(), SQLITE_STMTSTATUS_VM_STEP, 1);
    EXPECT_TRUE(Value(statement.Step()));
    return sqlite3_stmt_status(statement.handle(), SQLITE_STMTSTATUS_VM_STEP, 0);
  }

  std::unique_ptr<Connection> connection_;
};

TEST_F(PlanTest, BestIsTheFirstEntryOfAnIndex) {
  // The first entry of those since the finals and the first of those before; at the end two rows are sorted.
  EXPECT_EQ(
      PlanOf(BestOf(TimedRecord(0).key)),
      "CO-ROUTINE record\n"
      "CO-ROUTINE (subquery-11)\n"
      "MATERIALIZE finals\n"
      "SEARCH record_key USING COVERING INDEX sqlite_autoindex_record_key_1 (workload=? AND target=? AND "
      "features=? AND layouts=? AND cache=? AND threads=? AND pinning=? AND page_bytes=? AND codegen=? AND "
      "llvm=?)\n"
      "CORRELATED SCALAR SUBQUERY 3\n"
      "SEARCH record USING INDEX record_finalist (key=?)\n"
      "SCAN finals\n"
      "SEARCH record USING INTEGER PRIMARY KEY (rowid=?)\n"
      "CORRELATED LIST SUBQUERY 8\n"
      "COMPOUND QUERY\n"
      "LEFT-MOST SUBQUERY\n"
      "CO-ROUTINE (subquery-5)\n"
      "SEARCH record USING COVERING INDEX record_best (key=? AND outcome=?)\n"
      "SCAN (subquery-5)\n"
      "UNION ALL\n"
      "CO-ROUTINE (subquery-7)\n"
      "SEARCH record USING COVERING INDEX record_best (key=? AND outcome=?)\n"
      "SCAN (subquery-7)\n"
      "USE TEMP B-TREE FOR ORDER BY\n"
      "SCAN (subquery-11)\n"
      "SCAN record\n"
      "USE TEMP B-TREE FOR ORDER BY\n");
}

TEST_F(PlanTest, BestTakesTheSameStepsInALargerFile) {
  Filter of_each_key;
  of_each_key.best_per_key = 1;
  for (const Filter& filter : {BestOf(TimedRecord(0).key), of_each_key}) {
    int first = filter.key ? 0 : 5000;
    Insert(first, first + 50);
    int steps = StepsOf(filter);
    Insert(first + 50, first + 3000);
    EXPECT_EQ(StepsOf(filter), steps);
  }
}

TEST_F(PlanTest, BestAfterFinalsTakesTheSameStepsInALargerFile) {
  Insert(0, 50);
  EXPECT_TRUE(Value(InsertRow(*connection_, FinalistRecord(1, 5000, 102.5e3))));
  int steps = StepsOf(BestOf(TimedRecord(0).key));
  Insert(50, 3000);
  EXPECT_EQ(StepsOf(BestOf(TimedRecord(0).key)), steps);
}

TEST_F(PlanTest, TheBestOfAnOperatorLookOnlyAtKeysThatItHas) {
  Filter filter;
  filter.best_per_key = 1;
  filter.operator_name = "matmul";
  std::string plan = PlanOf(filter);
  EXPECT_NE(plan.find("SEARCH record USING INDEX record_operation (operation=?)\n"), std::string::npos)
      << plan;
  EXPECT_EQ(plan.find("SCAN record_key\n"), std::string::npos) << plan;
}

TEST_F(PlanTest, AKeysFastestRecordsNeedNoSort) {
  Filter filter;
  filter.key = TimedRecord(1).key;
  filter.order = Order::kFastest;
  filter.limit = 10;
  EXPECT_EQ(PlanOf(filter),
            "SEARCH record USING COVERING INDEX record_best (key=? AND outcome=?)\n"
            "SCALAR SUBQUERY 1\n"
            "SEARCH record_key USING COVERING INDEX sqlite_autoindex_record_key_1 (workload=? AND target=? "
            "AND features=? AND layouts=? AND cache=? AND threads=? AND pinning=? AND page_bytes=? AND "
            "codegen=? AND llvm=?)\n");
}

TEST_F(PlanTest, TheNewestRecordsComeFromTheIndexOfDates) {
  Filter filter;
  filter.since_ns = kStartNs;
  EXPECT_EQ(PlanOf(filter),
            "SEARCH record USING INDEX record_created (created_ns>?)\n"
            "USE TEMP B-TREE FOR RIGHT PART OF ORDER BY\n");
}

TEST_F(PlanTest, ALatencyRangeOfAWorkloadIsARangeOfTheIndex) {
  Filter filter;
  filter.workload = "01";
  filter.order = Order::kFastest;
  filter.max_latency_ns = 1e6;
  std::string plan = PlanOf(filter);
  EXPECT_EQ(plan.substr(0, plan.find('\n')),
            "SEARCH record USING COVERING INDEX record_best (key=? AND outcome=? AND median_ns<?)");
}

TEST_F(PlanTest, AnIdIsFoundByItsPrefix) {
  Filter filter;
  filter.id = "3f";
  std::string plan = PlanOf(filter);
  EXPECT_EQ(plan.substr(0, plan.find('\n')),
            "SEARCH record USING INDEX sqlite_autoindex_record_1 (id>? AND id<?)");
}

}  // namespace
}  // namespace tunesmith::database
