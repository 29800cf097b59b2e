// SPDX-License-Identifier: Apache-2.0
// Bad input that a text case cannot hold: huge, binary, generated.
#include <gtest/gtest.h>

#include <functional>

#include "database/record_json.h"
#include "support/strings.h"
#include "tests/cli/tune_command.h"

namespace tunesmith::cli {
namespace {

void ExpectUsageError(const CommandOutput& output, const std::string& message) {
  EXPECT_EQ(output.status.ToString(), "exit code 2");
  EXPECT_EQ(output.output, "");
  EXPECT_EQ(output.error_output, message);
}

TEST(Source, OfBinaryBytes) {
  Sandbox sandbox;
  sandbox.Write("a.te", std::string_view("\x7f\x45LF\0\x01\x02", 7));
  for (const char* command : {"check", "run", "fmt"})
    ExpectUsageError(sandbox.Tune({command, "a.te"}),
                     "tune: a.te: the file is binary: byte 0 is 127\n"
                     "  to fix: give a text file in the .te language\n");
}

TEST(Source, ThatIsNotUtf8) {
  Sandbox sandbox;
  sandbox.Write("a.te", "# caf\xe9\nop copy(X: f32[N]) -> (Y: f32[N]) { Y[i] = X[i] }\n");
  for (const char* command : {"check", "run", "fmt"})
    ExpectUsageError(sandbox.Tune({command, "a.te"}),
                     "tune: a.te: the file is not UTF-8: byte 5 begins no character\n"
                     "  to fix: save the file as UTF-8\n");
}

TEST(Source, LongerThanAMebibyte) {
  Sandbox sandbox;
  sandbox.Write("a.te", std::string((1 << 20) + 1, '#'));
  for (const char* command : {"check", "run", "fmt"})
    ExpectUsageError(
        sandbox.Tune({command, "a.te"}),
        "tune: cannot read a.te: it is longer than the 1048576 bytes allowed here; split it or check "
        "that it is the right file\n");
}

TEST(Source, NestedTwoHundredThousandDeep) {
  Sandbox sandbox;
  constexpr int kDepth = 200000;
  sandbox.Write("a.te", StrCat("op f(X: f32[N]) -> (Y: f32[N]) { Y[i] = ", std::string(kDepth, '('), "X[i]",
                               std::string(kDepth, ')'), " }\n"));
  for (const char* command : {"check", "run", "fmt"})
    ExpectUsageError(
        sandbox.Tune({command, "a.te"}),
        StrCat("tune: a.te:1:240: nested more than 200 levels deep\n  ", std::string(100, '('), "\n",
               std::string(52, ' '), "^\n", "  to fix: name inner parts as stages of their own\n"));
}

/// A record of a small run, as it was exported.
database::Record TrueRecord(const Sandbox& sandbox) {
  CommandOutput run = sandbox.Tune({"run", "matmul", "M=4", "N=4", "K=4", "--trials", "1"});
  EXPECT_EQ(run.status.code, 0) << run.error_output;
  std::vector<std::string> lines = Lines(sandbox.Tune({"db", "export"}).output);
  EXPECT_GE(lines.size(), 1u);
  Result<database::Record> record = database::FromJsonLine(lines.at(0));
  EXPECT_TRUE(record.ok()) << record.status();
  return record.value_or(database::Record());
}

/// Imports the record with `change` made to it, and an id that fits, as somebody who lies would write it.
CommandOutput ImportForged(const Sandbox& sandbox, database::Record record,
                           const std::function<void(database::Record*)>& change) {
  change(&record);
  record.id = database::IdOf(record);
  sandbox.Write("forged.jsonl", database::ToJsonLine(record) + "\n");
  return sandbox.Tune({"db", "import", "forged.jsonl", "--db", "other.db"});
}

void ExpectRefused(const Sandbox& sandbox, CommandOutput output, const std::string& finding) {
  output.error_output = Normalised(output.error_output, sandbox);
  ExpectUsageError(output, StrCat("tune: forged.jsonl:1: ", finding,
                                  "\nnothing was imported; remove the line or export the records again\n"));
  CommandOutput count = sandbox.Tune({"db", "sql", "SELECT count(*) FROM records", "--db", "other.db"});
  EXPECT_EQ(count.output, "count(*)\n0\n");
}

void ReplaceInTrace(database::Record* record, std::string_view from, std::string_view to) {
  size_t at = record->trace.find(from);
  ASSERT_NE(at, std::string::npos) << record->trace;
  record->trace.replace(at, from.size(), to);
}

TEST(ImportedRecord, WithoutALieIsAdded) {
  Sandbox sandbox;
  CommandOutput output = ImportForged(sandbox, TrueRecord(sandbox), [](database::Record*) {});
  EXPECT_EQ(output.status.code, 0) << output.error_output;
  EXPECT_EQ(output.output, "forged.jsonl: 1 records added, 0 were there\n");
}

TEST(ImportedRecord, LiesAboutItsWorkload) {
  Sandbox sandbox;
  database::Record record = TrueRecord(sandbox);
  ExpectRefused(sandbox, ImportForged(sandbox, record, [](database::Record* r) { r->key.workload[0] ^= 1; }),
                "workload: its hash is not that of the operator with these bindings");
  ExpectRefused(sandbox, ImportForged(sandbox, record, [](database::Record* r) { r->bindings["M"] = "8"; }),
                "workload: its hash is not that of the operator with these bindings");
  ExpectRefused(sandbox, ImportForged(sandbox, record, [](database::Record* r) { r->bindings["M"] = "-8"; }),
                "bindings: matmul: M=-8 is a negative extent; write 0 or more");
}

TEST(ImportedRecord, LiesAboutItsLatency) {
  Sandbox sandbox;
  CommandOutput output = ImportForged(sandbox, TrueRecord(sandbox), [](database::Record* r) {
    r->outcome.samples_ns = {1e-6};
    r->outcome.median_ns = 1e-6;
    r->outcome.spread_ns = 0;
  });
  ExpectRefused(sandbox, output, "median_ns: # is less than any machine needs (#); it was not measured");
}

TEST(ImportedRecord, HasATraceThatCannotBe) {
  Sandbox sandbox;
  database::Record record = TrueRecord(sandbox);
  auto import = [&](const std::function<void(database::Record*)>& change) {
    return ImportForged(sandbox, record, change);
  };
  const std::string not_begun = "trace: trace line 1: it must begin with 'trace 1'";
  ExpectRefused(sandbox, import([](auto* r) { r->trace = "split everything"; }), not_begun);
  ExpectRefused(sandbox, import([](auto* r) { r->trace = std::string(300000, '('); }), not_begun);
  ExpectRefused(sandbox, import([](auto* r) { ReplaceInTrace(r, "target ", "target x"); }),
                "trace: it is for the target x<native>, the record for <native>");
  // The names of the loops that there are depend on this machine's vectors.
  CommandOutput output = import([](auto* r) { ReplaceInTrace(r, "order ", "split C.zz 4 mask\norder "); });
  size_t list = output.error_output.find("C.i", output.error_output.find("there are: "));
  ASSERT_NE(list, std::string::npos) << output.error_output;
  output.error_output.replace(list, output.error_output.find('\n') - list, "C…");
  ExpectRefused(sandbox, output, "trace: 'split C.zz 4 mask': no loop is called 'C.zz'; there are: C…");
}

/// A record of an operator that is no standard one can be checked only in form. What it claims must do no
/// harm to the workload that it names.
TEST(ImportedRecord, OfAnUnknownOperatorDoesNoHarm) {
  Sandbox sandbox;
  database::Record record = TrueRecord(sandbox);
  CommandOutput import = ImportForged(sandbox, record, [](database::Record* r) {
    r->operator_name = "mine";
    ReplaceInTrace(r, "order ", "split C.zz 4 mask\norder ");
  });
  ASSERT_EQ(import.status.code, 0) << import.error_output;
  CommandOutput run =
      sandbox.Tune({"run", "matmul", "M=4", "N=4", "K=4", "--trials", "2", "--db", "other.db"});
  EXPECT_EQ(run.status.ToString(), "exit code 0") << run.error_output;
  EXPECT_EQ(run.error_output, "");
  for (const char* command : {"show", "bench"}) {
    CommandOutput output = sandbox.Tune({command, "matmul", "M=4", "N=4", "K=4", "--db", "other.db"});
    EXPECT_EQ(output.status.signal, 0) << command;
    EXPECT_LE(output.status.code, 2) << command;
  }
}

TEST(ImportedRecord, WasChangedWithoutANewId) {
  Sandbox sandbox;
  database::Record record = TrueRecord(sandbox);
  record.limit_share = 0.99;
  sandbox.Write("forged.jsonl", database::ToJsonLine(record) + "\n");
  ExpectRefused(sandbox, sandbox.Tune({"db", "import", "forged.jsonl", "--db", "other.db"}),
                "id: does not match the content; the record was changed");
}

}  // namespace
}  // namespace tunesmith::cli
