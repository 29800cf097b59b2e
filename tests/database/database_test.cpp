// SPDX-License-Identifier: Apache-2.0
// What the database answers: insert, best, query, delete, gc, stats.
#include "database/database.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <filesystem>

#include "support/strings.h"
#include "tests/database/fixtures.h"

namespace tunesmith::database {
namespace {

class DatabaseTest : public FolderTest {
 protected:
  DatabaseTest() : database_(Value(OpenDatabase(Path("t.db")))) {}

  InsertCounts Insert(std::vector<Record> records) { return Value(database_->Insert(records)); }
  // The traces of the filter's records without "trace 1 matmul ", as in "3 1 2".
  std::string Numbers(const Filter& filter) {
    return StrJoin(Value(database_->Find(filter)), " ", [](std::string* out, const Record& record) {
      out->append(record.trace.substr(record.trace.rfind(' ') + 1));
    });
  }
  std::string Matching(std::vector<std::string> terms) { return Numbers(Where(terms)); }

  std::unique_ptr<Database> database_;
};

TEST_F(DatabaseTest, GivesBackWhatWasPutIn) {
  std::vector<Record> records = {TimedRecord(2), FailedRecord(1)};
  records[0].trace.assign(3 << 20, 'x');  // larger than any page
  records[0] = Resealed(records[0]);
  EXPECT_EQ(Insert(records).added, 2);
  EXPECT_EQ(Value(database_->Find(Filter())), records);
}

TEST_F(DatabaseTest, ADefinitionIsOfAWorkloadAsItWasNamed) {
  Record with = TimedRecord(2), other_name = TimedRecord(3), other_workload = TimedRecord(4);
  with.definition = "op matmul";
  other_name.operator_name = "product";
  other_workload.key.workload[0] = 'f';
  // The first is from before there were definitions.
  Insert({TimedRecord(1), with, Resealed(other_name), Resealed(other_workload)});
  std::vector<std::string> definitions;
  for (const Record& record : Value(database_->Find(Where({"order=oldest"}))))
    definitions.push_back(record.definition);
  EXPECT_EQ(definitions, (std::vector<std::string>{"op matmul", "op matmul", "", ""}));
}

TEST_F(DatabaseTest, ARecordThatIsThereGetsItsDefinition) {
  Insert({TimedRecord(1)});
  Record with = TimedRecord(1);
  with.definition = "op matmul";
  EXPECT_EQ(Insert({with}).already, 1);
  EXPECT_EQ(Value(database_->Best(with.key)), with);
}

TEST_F(DatabaseTest, ARecordIsThereOnce) {
  Insert({TimedRecord(1)});
  InsertCounts counts = Insert({TimedRecord(1), TimedRecord(2), TimedRecord(2)});
  EXPECT_EQ(counts.added, 1);
  EXPECT_EQ(counts.already, 2);
  EXPECT_EQ(Numbers(Filter()), "2 1");
}

TEST_F(DatabaseTest, ABadRecordAmongGoodOnesAddsNone) {
  Record bad = TimedRecord(2);
  bad.trace += "!";
  std::vector<Record> records = {TimedRecord(1), bad};
  EXPECT_EQ(MessageOf(database_->Insert(records).status()),
            StrCat("t.db: record ", bad.id,
                   " cannot be added: id: does not match the content; the record was changed"));
  EXPECT_EQ(Numbers(Filter()), "");
}

TEST_F(DatabaseTest, BestIsTheFastestTimedRecordOfTheKey) {
  Insert({TimedRecord(5), FailedRecord(0), TimedRecord(3), TimedRecord(4)});
  EXPECT_EQ(Value(database_->Best(TimedRecord(0).key)), TimedRecord(3));
}

TEST_F(DatabaseTest, BestIsWhatWonTheLastFinalsWhateverTrialsSaidBefore) {
  // The trials of 2, 3 and 4 took 102, 103 and 104 us; the last finals were won by 3 with 106 us.
  const Record winner = FinalistRecord(3, 20, 106e3);
  Insert({TimedRecord(2), TimedRecord(3), TimedRecord(4), FinalistRecord(4, 10, 101e3),
          FinalistRecord(2, 19, 105e3), winner});
  EXPECT_EQ(Value(database_->Best(winner.key)), winner);
}

TEST_F(DatabaseTest, BestIsATrialSinceTheFinalsOnlyIfItWasFaster) {
  const Record winner = FinalistRecord(3, 20, 121.5e3);
  Insert({TimedRecord(3), winner, TimedRecord(22)});  // 122 us, two seconds later
  EXPECT_EQ(Value(database_->Best(winner.key)), winner);
  Insert({TimedRecord(21)});  // 121 us, one second later
  EXPECT_EQ(Value(database_->Best(winner.key)), TimedRecord(21));
}

TEST_F(DatabaseTest, FinalsOfAnotherKeyDoNotMatter) {
  Record other = FinalistRecord(3, 20, 500e3);
  other.key.scenario.threads = 2;
  Insert({TimedRecord(1), Resealed(other)});
  EXPECT_EQ(Value(database_->Best(TimedRecord(1).key)), TimedRecord(1));
}

TEST_F(DatabaseTest, GcKeepsFinalists) {
  const Record winner = FinalistRecord(3, 20, 500e3);
  Insert({TimedRecord(1), TimedRecord(2), TimedRecord(3), winner});
  GcPolicy policy;
  policy.keep_best = 0;
  policy.keep_since_ns = kStartNs + 1000 * kSecondNs;
  EXPECT_EQ(Value(database_->Gc(policy)).dropped_timed, 3);
  EXPECT_EQ(Value(database_->Best(winner.key)), winner);
}

TEST_F(DatabaseTest, GcKeepsTheBestWhateverWasFasterBeforeTheFinals) {
  // The only trial since the finals is the best, with 122 us; three before them took 101 to 103 us.
  Insert({TimedRecord(1), TimedRecord(2), TimedRecord(3), FinalistRecord(3, 20, 130e3), TimedRecord(22)});
  GcPolicy policy;
  policy.keep_best = 1;
  policy.keep_since_ns = kStartNs + 1000 * kSecondNs;
  EXPECT_EQ(Value(database_->Gc(policy)).dropped_timed, 3);
  EXPECT_EQ(Value(database_->Best(TimedRecord(22).key)), TimedRecord(22));
}

TEST_F(DatabaseTest, BestOfAnUnknownOrFailedKeyIsNothing) {
  EXPECT_EQ(Value(database_->Best(TimedRecord(0).key)), std::nullopt);
  Insert({FailedRecord(1)});
  EXPECT_EQ(Value(database_->Best(TimedRecord(0).key)), std::nullopt);
}

TEST_F(DatabaseTest, EveryPartOfTheKeyTellsRecordsApart) {
  Record original = TimedRecord(1);
  Insert({original});
  const std::function<void(Key&)> changes[] = {
      [](Key& k) { k.workload[0] = 'f'; },
      [](Key& k) { k.layouts = "a"; },
      [](Key& k) { k.target = "x86-64-avx2"; },
      [](Key& k) { k.features = "beef"; },
      [](Key& k) { k.scenario.cold = true; },
      [](Key& k) { k.scenario.threads = 2; },
      [](Key& k) { k.scenario.pinning = "each thread on a core"; },
      [](Key& k) { k.scenario.page_bytes = 2 << 20; },
      [](Key& k) { k.codegen = "2"; },
      [](Key& k) { k.llvm = "20.0.0"; },
  };
  for (const auto& change : changes) {
    Record other = original;
    change(other.key);
    EXPECT_EQ(Value(database_->Best(other.key)), std::nullopt);
    other = Resealed(other);
    Insert({other});
    EXPECT_EQ(Value(database_->Best(other.key)), other);
  }
  EXPECT_EQ(Value(database_->Best(original.key)), original);
}

TEST_F(DatabaseTest, EquallyFastRecordsAnswerTheSameInAnyOrderOfInsertion) {
  std::vector<Record> records;
  for (int i = 0; i < 6; ++i) {
    Record record = TimedRecord(1);
    record.trace = StrCat("trace ", i);
    records.push_back(Resealed(record));
  }
  const std::string smallest = std::ranges::min_element(records, {}, &Record::id)->id;
  Insert(records);
  EXPECT_EQ(Value(database_->Best(records[0].key))->id, smallest);
  std::vector<Record> three = Value(database_->Find(Where({"best=3", "order=best"})));
  std::ranges::sort(records, {}, &Record::id);
  EXPECT_EQ(three, std::vector<Record>(records.begin(), records.begin() + 3));
  auto other = Value(OpenDatabase(Path("other.db")));
  std::reverse(records.begin(), records.end());
  EXPECT_TRUE(other->Insert(records).ok());
  EXPECT_EQ(Value(other->Best(records[0].key))->id, smallest);
}

TEST_F(DatabaseTest, QueryByConditions) {
  Record cold = TimedRecord(7), wide = TimedRecord(8);
  cold.key.scenario.cold = true;
  cold.key.target = "x86-64-avx2";
  wide.operator_name = "softmax";
  wide.bindings = {{"R", "128"}, {"M", "1"}};
  wide.key.workload[0] = 'a';
  wide.key.scenario.threads = 2;
  Insert({TimedRecord(1), TimedRecord(2), FailedRecord(3), FailedRecord(4, measure::OutcomeKind::kCrash),
          Resealed(cold), Resealed(wide)});
  EXPECT_EQ(Matching({"operator=softmax"}), "8");
  EXPECT_EQ(Matching({"operator=matmul", "M=1024", "K=1024"}), "7 4 3 2 1");
  EXPECT_EQ(Matching({"M=1024", "K=1"}), "");
  EXPECT_EQ(Matching({"M=1"}), "8");
  EXPECT_EQ(Matching({"target=x86-64-avx2"}), "7");
  EXPECT_EQ(Matching({"cache=cold"}), "7");
  EXPECT_EQ(Matching({"cache=warm", "outcome=ok"}), "8 2 1");
  EXPECT_EQ(Matching({"threads=2"}), "8");
  EXPECT_EQ(Matching({"workload=a"}), "8");
  EXPECT_EQ(Matching({"workload=0123456789abcdef0123456789abcdef", "outcome=failed"}), "4 3");
  EXPECT_EQ(Matching({"outcome=crash"}), "4");
  EXPECT_EQ(Matching({"latency<107us"}), "2 1");
  EXPECT_EQ(Matching({"latency<=107us", "latency>=102us"}), "7 2");
  EXPECT_EQ(Matching({"since=2026-01-01T00:00:04"}), "8 7 4");
  EXPECT_EQ(Matching({"until=2026-01-01T00:00:02"}), "1");
  EXPECT_EQ(Matching({"id=" + TimedRecord(2).id.substr(0, 9)}), "2");
  EXPECT_EQ(Matching({"llvm=20"}), "");
  EXPECT_EQ(Matching({"codegen=1", "limit=1"}), "8");
}

TEST_F(DatabaseTest, QueryByKeyHasTheFailuresToo) {
  Record other = TimedRecord(3);
  other.key.llvm = "20";
  Insert({TimedRecord(1), FailedRecord(2), Resealed(other)});
  Filter filter;
  filter.key = TimedRecord(1).key;
  EXPECT_EQ(Numbers(filter), "2 1");
}

TEST_F(DatabaseTest, QueryInEachOrder) {
  Record late_but_fast = TimedRecord(9);
  late_but_fast.outcome.samples_ns = {5};
  late_but_fast.outcome.median_ns = 5;
  Insert({TimedRecord(1), TimedRecord(2), FailedRecord(3), Resealed(late_but_fast)});
  EXPECT_EQ(Matching({"order=newest"}), "9 3 2 1");
  EXPECT_EQ(Matching({"order=oldest"}), "1 2 3 9");
  EXPECT_EQ(Matching({"order=fastest"}), "9 1 2");
  EXPECT_EQ(Matching({"order=slowest", "limit=2"}), "2 1");
}

TEST_F(DatabaseTest, QueryForTheBestOfEachKey) {
  std::vector<Record> records = {FailedRecord(0)};
  for (int i = 1; i <= 6; ++i) {
    Record record = TimedRecord(i);
    if (i % 2 == 0) record.key.scenario.threads = 2;
    records.push_back(Resealed(record));
  }
  Insert(records);
  EXPECT_EQ(Matching({"best=1", "order=fastest"}), "1 2");
  EXPECT_EQ(Matching({"best=2", "order=slowest"}), "4 3 2 1");
  EXPECT_EQ(Matching({"best=1", "threads=1"}), "1");
  EXPECT_EQ(Matching({"best=1", "latency>=102us", "order=fastest"}), "2 3");
}

TEST_F(DatabaseTest, TheBestFewAreThoseThatFinalsLeftFirst) {
  // The finals came after the trials of 2, 3 and 4 and were won by 3; 21 is a faster trial since, 22 a
  // slower.
  Insert({TimedRecord(2), TimedRecord(3), TimedRecord(4), FinalistRecord(4, 10, 101e3),
          FinalistRecord(3, 20, 121.5e3), TimedRecord(21), TimedRecord(22)});
  EXPECT_EQ(Matching({"best=1"}), "21");
  EXPECT_EQ(Matching({"best=3", "order=best"}), "21 3 22");
  EXPECT_EQ(Matching({"best=5", "order=best"}), "21 3 22 4 2");
  EXPECT_EQ(Matching({"best=9", "order=best", "limit=6"}), "21 3 22 4 2 3");
  EXPECT_EQ(Matching({"best=2", "order=fastest"}), "21 3");
}

TEST_F(DatabaseTest, TheBestAmongRecordsOfConditionsIsThatOfTheirOwnFinals) {
  Record cold = FinalistRecord(5, 30, 90e3);
  cold.key.scenario.cold = true;
  Insert({TimedRecord(2), TimedRecord(9), FinalistRecord(4, 10, 105e3), TimedRecord(3),
          FinalistRecord(8, 20, 130e3), Resealed(cold), FailedRecord(40)});
  EXPECT_EQ(Matching({"best=1", "order=best"}), "5 8");
  EXPECT_EQ(Matching({"best=1", "cache=warm"}), "8");
  EXPECT_EQ(Matching({"best=1", "cache=warm", "until=2026-01-01T00:00:20"}), "4");
  EXPECT_EQ(Matching({"best=1", "cache=warm", "latency<104us"}), "2");
  EXPECT_EQ(Matching({"best=1", "M=1024", "order=best"}), "5 8");
  EXPECT_EQ(Matching({"best=1", "M=1"}), "");
}

TEST_F(DatabaseTest, TheOrderOfTheBestIsFirstThatOfPlaces) {
  std::vector<Record> records;
  for (int i = 1; i <= 6; ++i) {
    Record record = TimedRecord(i);
    record.key.scenario.threads = i <= 3 ? 2 : 1;
    records.push_back(Resealed(record));
  }
  Insert(records);
  EXPECT_EQ(Matching({"best=2", "order=best"}), "1 4 2 5");
}

TEST_F(DatabaseTest, AVisitorMayUseTheDatabaseAndSeesASnapshot) {
  Insert({TimedRecord(1), TimedRecord(2)});
  int seen = 0;
  EXPECT_OK(database_->Query(Filter(), [&](const Record&) -> Status {
    std::vector<Record> more = {TimedRecord(10 + seen++)};
    return ToStatus(database_->Insert(more));
  }));
  EXPECT_EQ(seen, 2);
  EXPECT_EQ(Matching({"order=oldest"}), "1 2 10 11");
}

TEST_F(DatabaseTest, AVisitorsErrorEndsTheWalk) {
  Insert({TimedRecord(1), TimedRecord(2)});
  int seen = 0;
  Status status = database_->Query(Filter(), [&](const Record&) {
    ++seen;
    return Unavailable("enough");
  });
  EXPECT_EQ(MessageOf(status), "enough");
  EXPECT_EQ(seen, 1);
}

TEST_F(DatabaseTest, DeletesTheRecordsOfTheFilter) {
  Insert({TimedRecord(1), TimedRecord(2), FailedRecord(3), TimedRecord(4)});
  Filter failed;
  failed.outcomes = {measure::OutcomeKind::kTimeout};
  EXPECT_EQ(Value(database_->Delete(failed)), 1);
  EXPECT_EQ(Numbers(Filter()), "4 2 1");
  Filter slowest;
  slowest.operator_name = "matmul";
  slowest.order = Order::kSlowest;
  slowest.limit = 2;
  EXPECT_EQ(Value(database_->Delete(slowest)), 2);
  EXPECT_EQ(Numbers(Filter()), "1");
  EXPECT_OK(database_->CheckIntegrity());
}

TEST_F(DatabaseTest, DeleteWithoutAConditionIsRefused) {
  Insert({TimedRecord(1)});
  Filter filter;
  filter.limit = 5;
  filter.order = Order::kFastest;
  EXPECT_EQ(MessageOf(database_->Delete(filter).status()),
            "t.db: delete without a condition would delete every record; give one, such as operator=matmul, "
            "or remove the file");
  EXPECT_EQ(Numbers(Filter()), "1");
}

TEST_F(DatabaseTest, GcKeepsTheBestOfEachKeyAndWhatIsNew) {
  std::vector<Record> records;
  for (int i = 1; i <= 6; ++i) records.push_back(TimedRecord(i));
  Record other = TimedRecord(7);
  other.key.scenario.threads = 2;
  records.push_back(Resealed(other));
  records.push_back(FailedRecord(8));
  records.push_back(FailedRecord(20));
  records.push_back(TimedRecord(21));
  Insert(records);
  GcPolicy policy;
  policy.keep_best = 2;
  policy.keep_since_ns = kStartNs + 20 * kSecondNs;
  policy.dry_run = true;
  for (bool dry_run : {true, false}) {
    policy.dry_run = dry_run;
    GcCounts counts = Value(database_->Gc(policy));
    EXPECT_EQ(counts.dropped_timed, 4);
    EXPECT_EQ(counts.dropped_failures, 1);
    EXPECT_EQ(counts.kept, 5);
    EXPECT_EQ(Matching({"order=oldest"}), dry_run ? "1 2 3 4 5 6 7 8 20 21" : "1 2 7 20 21");
  }
  EXPECT_OK(database_->CheckIntegrity());
}

TEST_F(DatabaseTest, GcGivesSpaceBackAndForgetsWhatNobodyUses) {
  std::vector<Record> records;
  for (int i = 0; i < 50; ++i) {
    Record record = TimedRecord(i);
    record.trace.append(20000, 'x');
    record.environment = StrCat("{\"seed\":", i, "}");
    record.key.llvm = StrCat("19.1.", i);
    record.key.workload.replace(0, 2, StrCat(10 + i));
    record.definition = StrCat("op numbered", i);
    records.push_back(Resealed(record));
  }
  Insert(records);
  int64_t before = Value(database_->GetStats()).file_bytes;
  GcPolicy policy;
  policy.keep_best = 0;
  policy.keep_since_ns = kStartNs + 49 * kSecondNs;
  EXPECT_EQ(Value(database_->Gc(policy)).dropped_timed, 49);
  Stats stats = Value(database_->GetStats());
  EXPECT_GT(before, 50 * 20000);
  EXPECT_LT(stats.file_bytes, 200000);
  EXPECT_EQ(stats.keys, 1);
  EXPECT_EQ(ReadBytes(Path("t.db")).find("19.1.48"), std::string::npos);
  EXPECT_EQ(ReadBytes(Path("t.db")).find("numbered48"), std::string::npos);
}

TEST_F(DatabaseTest, Statistics) {
  Stats stats = Value(database_->GetStats());
  EXPECT_EQ(stats.records(), 0);
  EXPECT_EQ(stats.oldest_ns, 0);
  EXPECT_EQ(stats.schema_version, 3);
  Record other = TimedRecord(9);
  other.operator_name = "softmax";
  other.key.workload[0] = 'a';
  Record wide = TimedRecord(5);
  wide.key.scenario.threads = 2;
  Insert({TimedRecord(1), FailedRecord(2), FailedRecord(3, measure::OutcomeKind::kCrash), Resealed(other),
          Resealed(wide)});
  stats = Value(database_->GetStats());
  EXPECT_EQ(stats.records(), 5);
  EXPECT_EQ(stats.by_outcome, (std::array<int64_t, 7>{3, 0, 0, 1, 1, 0, 0}));
  EXPECT_EQ(stats.by_operator, (std::map<std::string, int64_t>{{"matmul", 4}, {"softmax", 1}}));
  EXPECT_EQ(stats.keys, 3);
  EXPECT_EQ(stats.workloads, 2);
  EXPECT_EQ(stats.oldest_ns, kStartNs + kSecondNs);
  EXPECT_EQ(stats.newest_ns, kStartNs + 9 * kSecondNs);
  EXPECT_GT(stats.file_bytes, 4096);
}

TEST_F(DatabaseTest, NamesOfWhatItHolds) {
  EXPECT_TRUE(Value(database_->GetNames()).parameters.empty());
  Record other = TimedRecord(9), none = TimedRecord(5);
  other.bindings = {{"M", "2"}, {"act", "relu"}};
  other.key.target = "x86-64-avx2";
  none.operator_name = "nothing";
  none.bindings = {};
  Insert({TimedRecord(1), Resealed(other), Resealed(none)});
  Names names = Value(database_->GetNames());
  EXPECT_EQ(names.parameters, (std::map<std::string, std::set<std::string>>{
                                  {"matmul", {"K", "M", "N", "act"}}, {"nothing", {}}}));
  EXPECT_EQ(names.targets, (std::set<std::string>{"x86-64-avx2", "x86-64-avx512"}));
}

TEST_F(DatabaseTest, QueriesAgreeWithAPlainLoopOverTheRecords) {
  std::vector<Record> records;
  for (int i = 0; i < 60; ++i) {
    Record record = i % 5 == 0 ? FailedRecord(i) : TimedRecord(i * 37 % 60);
    record.created_ns = kStartNs + i % 7 * kSecondNs;
    record.key.scenario.threads = 1 + i % 3;
    record.bindings["K"] = StrCat(i % 4);
    records.push_back(Resealed(record));
  }
  Insert(records);
  EXPECT_TRUE(rc::check("Query(filter) is what a loop finds", [&] {
    Filter filter;
    if (*rc::gen::arbitrary<bool>()) filter.threads = *rc::gen::inRange(1, 4);
    if (*rc::gen::arbitrary<bool>()) filter.bindings["K"] = StrCat(*rc::gen::inRange(0, 5));
    if (*rc::gen::arbitrary<bool>()) filter.since_ns = kStartNs + *rc::gen::inRange(0, 8) * kSecondNs;
    if (*rc::gen::arbitrary<bool>()) filter.until_ns = kStartNs + *rc::gen::inRange(0, 8) * kSecondNs;
    if (*rc::gen::arbitrary<bool>()) filter.max_latency_ns = 100'000 + 1000.0 * *rc::gen::inRange(0, 60);
    filter.order = *rc::gen::element(Order::kNewest, Order::kOldest, Order::kFastest, Order::kSlowest);
    bool by_latency = filter.order == Order::kFastest || filter.order == Order::kSlowest;

    std::vector<Record> expected;
    for (const Record& record : records) {
      bool wanted = (!filter.threads || record.key.scenario.threads == *filter.threads) &&
                    (filter.bindings.empty() || record.bindings.at("K") == filter.bindings["K"]) &&
                    (!filter.since_ns || record.created_ns >= *filter.since_ns) &&
                    (!filter.until_ns || record.created_ns < *filter.until_ns) &&
                    (!filter.max_latency_ns ||
                     (record.outcome.ok() && record.outcome.median_ns <= *filter.max_latency_ns)) &&
                    (!by_latency || record.outcome.ok());
      if (wanted) expected.push_back(record);
    }
    bool down = filter.order == Order::kNewest || filter.order == Order::kSlowest;
    std::ranges::sort(expected, [&](const Record& a, const Record& b) {
      double x = by_latency ? a.outcome.median_ns : static_cast<double>(a.created_ns - kStartNs);
      double y = by_latency ? b.outcome.median_ns : static_cast<double>(b.created_ns - kStartNs);
      if (x != y) return down ? x > y : x < y;
      return a.id < b.id;
    });
    if (*rc::gen::arbitrary<bool>()) {
      filter.limit = *rc::gen::inRange(0, 70);
      if (expected.size() > static_cast<size_t>(*filter.limit))
        expected.resize(static_cast<size_t>(*filter.limit));
    }
    RC_ASSERT(Value(database_->Find(filter)) == expected);
  }));
}

}  // namespace
}  // namespace tunesmith::database
