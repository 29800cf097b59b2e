// SPDX-License-Identifier: Apache-2.0
// tune show of what was recorded.
#include <gtest/gtest.h>

#include "database/sqlite.h"
#include "support/strings.h"
#include "tests/cli/tune_command.h"

namespace tunesmith::cli {
namespace {

constexpr char kScale[] = "op scale(X: f32[N]) -> (Y: f32[N]) { Y[i] = X[i] * 3 }\n";

/// The id of the only trial's record.
std::string OnlyId(const Sandbox& sandbox) {
  std::vector<std::string> lines =
      Lines(sandbox.Tune({"db", "sql", "SELECT id FROM records WHERE processes = 1"}).output);
  EXPECT_EQ(lines.size(), 2u);
  return lines.size() == 2 ? lines[1] : "";
}

/// The text under each "== FORM", in order.
std::vector<std::pair<std::string, std::string>> Forms(const std::string& output) {
  std::vector<std::pair<std::string, std::string>> forms;
  for (const std::string& line : Lines(output)) {
    if (line.starts_with("== ")) {
      forms.emplace_back(line.substr(3), "");
    } else if (!forms.empty()) {
      StrAppend(&forms.back().second, line, "\n");
    }
  }
  return forms;
}

TEST(Show, OfARecordPrintsEveryForm) {
  Sandbox sandbox;
  ASSERT_EQ(sandbox.Tune({"run", "matmul", "M=8", "N=8", "K=8", "--trials", "1"}).status.code, 0);
  std::string id = OnlyId(sandbox);
  std::string trace = sandbox.Tune({"db", "sql", "SELECT trace FROM records"}).output;
  CommandOutput output = sandbox.Tune(
      {"show", "--record", id.substr(0, 8), "--as", "stages,trace,plan,ir,llvm,optimised-llvm,assembly"});
  EXPECT_EQ(output.status.code, 0) << output.error_output;
  std::vector<std::pair<std::string, std::string>> forms = Forms(output.output);
  ASSERT_EQ(forms.size(), 7u);
  const std::pair<const char*, const char*> kHolds[] = {{"stages", "C[i, j] = sum(k) A[i, k] * B[k, j]\n"},
                                                        {"trace", "names A B | C(i j k)\n"},
                                                        {"plan", "C["},
                                                        {"ir", "main("},
                                                        {"llvm", "define "},
                                                        {"optimised-llvm", "@kernel_main("},
                                                        {"assembly", "ret"}};
  for (size_t i = 0; i < forms.size(); ++i) {
    EXPECT_EQ(forms[i].first, kHolds[i].first);
    EXPECT_NE(forms[i].second.find(kHolds[i].second), std::string::npos) << forms[i].first << "\n"
                                                                         << forms[i].second;
  }
  // It is the record's own trace, not the best one's or the default.
  EXPECT_NE(trace.find(forms[1].second.substr(0, forms[1].second.find_last_not_of('\n'))), std::string::npos);
}

constexpr char kStages[] =
    "== stages\n# tolerance: rounding errors independent, sqrt(n) u\nY[i] = X[i] * 3\n";

TEST(Show, OfARecordOfAFileNeedsTheFileOnlyWhereTheRecordHasNoDefinition) {
  Sandbox sandbox;
  sandbox.Write("scale.te", kScale);
  sandbox.Write("other.te", "op scale(X: f32[N]) -> (Y: f32[N]) { Y[i] = X[i] * 4 }\n");
  ASSERT_EQ(sandbox.Tune({"run", "scale.te", "N=100", "--trials", "1"}).status.code, 0);
  std::string id = OnlyId(sandbox).substr(0, 12);

  CommandOutput another = sandbox.Tune({"show", "relu", "--record", id});
  EXPECT_EQ(another.status.code, 2);
  EXPECT_EQ(another.error_output,
            StrCat("tune: record ", id, " is of scale, not of relu; leave the operator out\n"));

  CommandOutput alone = sandbox.Tune({"show", "--record", id, "--as", "stages"});
  EXPECT_EQ(alone.status.code, 0) << alone.error_output;
  EXPECT_EQ(alone.output, kStages);
  {
    auto connection = database::Connection::Open(sandbox.Path("data/tunesmith/tuning.db"),
                                                 database::Connection::Access::kReadWrite, 0);
    ASSERT_TRUE(connection.ok()) << connection.status();
    ASSERT_TRUE((*connection)->Execute("DELETE FROM definition").ok());
  }
  alone = sandbox.Tune({"show", "--record", id});
  EXPECT_EQ(alone.status.code, 2);
  EXPECT_EQ(alone.error_output,
            StrCat("tune: record ", id,
                   " is of scale, which is no standard operator; name its file: tune show FILE.te --record ",
                   id, "\n"));
  CommandOutput wrong = sandbox.Tune({"show", "other.te", "--record", id});
  EXPECT_EQ(wrong.status.code, 2);
  EXPECT_EQ(wrong.error_output,
            StrCat("tune: record ", id,
                   " is of another computation than other.te N=100; name the operator that "
                   "it was made for\n"));
  CommandOutput right = sandbox.Tune({"show", "scale.te", "--record", id, "--as", "stages"});
  EXPECT_EQ(right.status.code, 0) << right.error_output;
  EXPECT_EQ(right.output, kStages);
}

TEST(Show, OfNoSuchRecord) {
  Sandbox sandbox;
  ASSERT_EQ(
      sandbox.Tune({"run", "matmul", "M=4", "N=4", "K=4", "--trials", "2", "--policy", "random"}).status.code,
      0);
  CommandOutput several = sandbox.Tune({"db", "show", ""});
  EXPECT_EQ(several.status.code, 2);
  EXPECT_EQ(several.error_output,
            "tune: '' is not the beginning of an id: digits 0 to 9 and a to f, 32 at most\n");
  CommandOutput wrong = sandbox.Tune({"show", "--record", "xyz"});
  EXPECT_EQ(wrong.status.code, 2);
  EXPECT_EQ(wrong.error_output,
            "tune: 'xyz' is not the beginning of an id: digits 0 to 9 and a to f, 32 at most\n");
  CommandOutput none = sandbox.Tune({"show", "--record", std::string(32, '0')});
  EXPECT_EQ(none.status.code, 2);
  EXPECT_EQ(none.error_output, StrCat("tune: no record's id begins with ", std::string(32, '0'), "\n"));
}

}  // namespace
}  // namespace tunesmith::cli
