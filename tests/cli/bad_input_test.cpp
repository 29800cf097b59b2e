// SPDX-License-Identifier: Apache-2.0
// Bad input that a text case cannot hold: huge, binary, generated.
#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <regex>

#include "database/record_json.h"
#include "support/files.h"
#include "support/strings.h"
#include "support/units.h"
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
database::Record TrueRecord(const Sandbox& sandbox,
                            std::vector<std::string> workload = {"matmul", "M=4", "N=4", "K=4"}) {
  workload.insert(workload.begin(), "run");
  workload.insert(workload.end(), {"--trials", "1"});
  CommandOutput run = sandbox.Tune(workload);
  EXPECT_EQ(run.status.code, 0) << run.error_output;
  std::vector<std::string> lines = Lines(sandbox.Tune({"db", "export"}).output);
  EXPECT_GE(lines.size(), 1u);
  Result<database::Record> record = database::FromJsonLine(lines.at(0));
  EXPECT_TRUE(record.ok()) << record.status();
  return record.value_or(database::Record());
}

// Five sets of tensors must fit, not only one.
TEST(Run, OfTensorsThatCannotBeCheckedHere) {
  Sandbox sandbox;
  sandbox.Write("copy.te", "op copy(X: f32[N]) -> (Y: f32[N]) { Y[i] = X[i] }\n");
  const int64_t memory = MemoryBytes();
  const int64_t n = memory / 3 / 8;
  sandbox.Write("two.tsv", StrCat("small\tcopy.te\tN=4\nlarge\tcopy.te\tN=", n, "\n"));
  const std::string reason =
      StrCat(": its tensors need ", FormatBytes(n * 8), ", and checking a kernel five times that; this ",
             "machine has ", FormatBytes(memory), "; bind smaller extents\n");
  ExpectUsageError(sandbox.Tune({"run", "copy.te", StrCat("N=", n)}), StrCat("tune: copy.te N=", n, reason));
  ExpectUsageError(sandbox.Tune({"run", "--suite", "two.tsv"}), StrCat("tune: large", reason));
  EXPECT_TRUE(std::regex_match(reason, std::regex(".* need [0-9.]{1,4} .iB, .* has [0-9.]{1,4} .iB; .*\n")));
}

/// Imports the record with `change` made to it, and an id that fits, as somebody who lies would write it.
CommandOutput ImportForged(const Sandbox& sandbox, database::Record record,
                           const std::function<void(database::Record*)>& change) {
  change(&record);
  record.id = database::IdOf(record);
  sandbox.Write("forged.jsonl", database::ToJsonLine(record) + "\n");
  return sandbox.Tune({"db", "import", "forged.jsonl", "--db", "other.db"});
}

/// `finding` ends with "…" where the names of the loops that there are depend on this machine's vectors.
void ExpectRefused(const Sandbox& sandbox, CommandOutput output, const std::string& finding) {
  output.error_output = Normalised(output.error_output, sandbox);
  if (finding.ends_with("…")) {
    const std::string before = finding.substr(0, finding.size() - std::string_view("…").size());
    size_t at = output.error_output.find(before);
    ASSERT_NE(at, std::string::npos) << output.error_output;
    at += before.size();
    output.error_output.replace(at, output.error_output.find('\n', at) - at, "…");
  }
  ExpectUsageError(output, StrCat("tune: forged.jsonl:1: ", finding,
                                  "\nnothing was imported; remove the line or export the records again\n"));
  EXPECT_FALSE(std::filesystem::exists(sandbox.folder() / "other.db"));  // it would be made for nothing
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
  EXPECT_EQ(output.output, "forged.jsonl: 1 record added, 0 there already\n");
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
  ExpectRefused(sandbox,
                import([](auto* r) { ReplaceInTrace(r, "\norder ", "\nsplit C.zz 4 mask\norder "); }),
                "trace: 'split C.zz 4 mask': no loop is called 'C.zz'; there are: C…");
}

TEST(ImportedRecord, OfAnOperatorOfOnesOwnIsCheckedByItsDefinition) {
  Sandbox sandbox;
  sandbox.Write("own.te",
                "# mine\nfn twice(x) = x + x\nop other(X: f32[N]) -> (Y: f32[N]) { Y[i] = X[i] }\n"
                "op mine(X: f32[M, N]) -> (Y: f32[N]) { Y[n] = sum(m) twice(X[m, n]) }\n");
  database::Record record = TrueRecord(sandbox, {"own.te:mine", "M=4", "N=4"});
  auto import = [&](const std::function<void(database::Record*)>& change) {
    return ImportForged(sandbox, record, change);
  };
  ExpectRefused(sandbox,
                import([](auto* r) { ReplaceInTrace(r, "\norder ", "\nsplit Y.zz 4 mask\norder "); }),
                "trace: 'split Y.zz 4 mask': no loop is called 'Y.zz'; there are: Y…");
  ExpectRefused(sandbox,
                import([](auto* r) { r->definition.replace(r->definition.find("x + x"), 5, "x * x"); }),
                "workload: its hash is not that of the operator with these bindings");
  ExpectRefused(sandbox, import([](auto* r) { r->key.workload[0] ^= 1; }),
                "workload: its hash is not that of the operator with these bindings");
  ExpectRefused(sandbox, import([](auto* r) { r->operator_name = "yours"; }),
                "definition: it defines no operator yours");
  ExpectRefused(sandbox, import([](auto* r) { r->definition = "op"; }),
                "definition: mine:1:3: expected the operator's name, found the end of the file\n  op\n    "
                "^\n  to fix: write a name: a letter or _, then letters, digits and _");
  ExpectRefused(sandbox, import([](auto* r) { r->definition = ""; }),
                "definition: missing, and mine is no standard operator, so that its trace cannot be checked");
  CommandOutput output = import([](database::Record*) {});
  EXPECT_EQ(output.status.code, 0) << output.error_output;
  EXPECT_EQ(output.output, "forged.jsonl: 1 record added, 0 there already\n");
  // What was imported can be looked at without the file.
  std::filesystem::remove(sandbox.folder() / "own.te");
  output = sandbox.Tune({"show", "--record", record.id.substr(0, 12), "--as", "stages", "--db", "other.db"});
  EXPECT_EQ(output.status.code, 0) << output.error_output;
  EXPECT_EQ(output.output.substr(0, 10), "== stages\n");
}

TEST(ImportedRecord, OfAFailureMustReplayToo) {
  Sandbox sandbox;
  database::Record record = TrueRecord(sandbox);
  auto failed = [](database::Record* r) {
    r->outcome = {};
    r->outcome.kind = measure::OutcomeKind::kTimeout;
    r->processes = 1;
  };
  CommandOutput output = ImportForged(sandbox, record, failed);
  EXPECT_EQ(output.output, "forged.jsonl: 1 record added, 0 there already\n") << output.error_output;
  std::filesystem::remove(sandbox.folder() / "other.db");
  ExpectRefused(sandbox,
                ImportForged(sandbox, record,
                             [&](database::Record* r) {
                               failed(r);
                               ReplaceInTrace(r, "\norder ", "\nsplit C.zz 4 mask\norder ");
                             }),
                "trace: 'split C.zz 4 mask': no loop is called 'C.zz'; there are: C…");
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
