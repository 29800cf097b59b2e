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
  // Instructions of SQLite's machine that one question takes.
  int StepsOfBest() {
    auto statement = Value(connection_->Prepare(BestNumberSql()));
    BindKey(TimedRecord(0).key, statement);
    sqlite3_stmt_status(statement.handle(), SQLITE_STMTSTATUS_VM_STEP, 1);
    EXPECT_TRUE(Value(statement.Step()));
    return sqlite3_stmt_status(statement.handle(), SQLITE_STMTSTATUS_VM_STEP, 0);
  }

  std::unique_ptr<Connection> connection_;
};

TEST_F(PlanTest, BestIsTheFirstEntryOfAnIndex) {
  EXPECT_EQ(
      PlanOf(BestNumberSql()),
      "SEARCH record USING COVERING INDEX record_best (key=? AND outcome=?)\n"
      "SCALAR SUBQUERY 2\n"
      "MATERIALIZE one\n"
      "SEARCH record_key USING COVERING INDEX sqlite_autoindex_record_key_1 (workload=? AND target=? AND "
      "features=? AND layouts=? AND cache=? AND threads=? AND pinning=? AND page_bytes=? AND codegen=? AND "
      "llvm=?)\n"
      "SCAN one\n"
      "SCALAR SUBQUERY 4\n"
      "SEARCH record USING INDEX record_finalist (key=?)\n"
      "SCALAR SUBQUERY 3\n"
      "SCAN one\n");
}

TEST_F(PlanTest, BestTakesTheSameStepsInALargerFile) {
  Insert(0, 50);
  int steps = StepsOfBest();
  Insert(50, 3000);
  EXPECT_EQ(StepsOfBest(), steps);
}

TEST_F(PlanTest, BestAfterFinalsTakesTheSameStepsInALargerFile) {
  Insert(0, 50);
  EXPECT_TRUE(Value(InsertRow(*connection_, FinalistRecord(1, 5000, 102.5e3))));
  int steps = StepsOfBest();
  Insert(50, 3000);
  EXPECT_EQ(StepsOfBest(), steps);
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
