// SPDX-License-Identifier: Apache-2.0
// tune doctor on this machine: what it looks at, and what it says where something is wrong.
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <regex>

#include "nlohmann/json.hpp"
#include "support/strings.h"
#include "tests/cli/tune_command.h"

namespace tunesmith::cli {
namespace {

struct Report {
  int exit_code = 0;
  std::map<std::string, nlohmann::json> findings;  // by name
  nlohmann::json limits;
};

Report ReportOf(const CommandOutput& output) {
  Report report;
  EXPECT_EQ(output.error_output, "");
  report.exit_code = output.status.code;
  for (const std::string& line : Lines(output.output)) {
    nlohmann::json json = nlohmann::json::parse(line);
    if (json["event"] == "limits") {
      report.limits = json["limits"];
    } else {
      EXPECT_EQ(json["event"], "finding");
      EXPECT_EQ(json["cure"] == "", json["state"] == "ok") << line;
      EXPECT_TRUE(report.findings.emplace(json["name"], json).second) << line;
    }
  }
  return report;
}

TEST(Doctor, LooksAtEverythingAndFindsThisMachineFit) {
  Sandbox sandbox;
  Report report = ReportOf(sandbox.Tune({"doctor", "--format", "json"}));
  EXPECT_EQ(report.exit_code, 0);
  std::vector<std::string> names;
  for (const auto& [name, finding] : report.findings) {
    names.push_back(name);
    EXPECT_NE(finding["state"], "problem") << finding;
  }
  EXPECT_EQ(
      StrJoin(names, ", "),
      "CPU, CPU quota, XGBoost, clock, clock source, database, disk, governor, huge pages, kernel, limits, "
      "load, memory, program, runner");
  EXPECT_EQ(report.findings["database"]["text"],
            StrCat(sandbox.Path("data/tunesmith/tuning.db"), " is not there yet; tune run makes it"));
  EXPECT_FALSE(report.limits["by_threads"].empty());
  EXPECT_GT(report.limits["by_threads"][0]["fma_f32"], 0);
}

TEST(Doctor, OpensTheDatabase) {
  Sandbox sandbox;
  ASSERT_EQ(sandbox.Tune({"run", "matmul", "M=4", "N=4", "K=4", "--trials", "1"}).status.code, 0);
  Report report = ReportOf(sandbox.Tune({"doctor", "--format", "json"}));
  EXPECT_EQ(report.exit_code, 0);
  EXPECT_EQ(report.findings["database"]["state"], "ok");
  std::string text = Normalised(report.findings["database"]["text"], sandbox);
  EXPECT_TRUE(std::regex_match(
      text, std::regex("<folder>/data/tunesmith/tuning\\.db: [1-9] records, #, schema [0-9]+, sound")))
      << text;
}

TEST(Doctor, SaysWhatIsWrongWithTheDatabaseAndTheCure) {
  Sandbox sandbox;
  sandbox.Write("notes.db", "These are notes.\n");
  Report report = ReportOf(sandbox.Tune({"doctor", "--format", "json", "--db", "notes.db"}));
  EXPECT_EQ(report.exit_code, 1);
  EXPECT_EQ(report.findings["database"]["state"], "problem");
  EXPECT_EQ(report.findings["database"]["text"],
            "notes.db: not a Tunesmith database (no SQLite file); it was left as it is; choose another path");
  EXPECT_EQ(report.findings["database"]["cure"], "name another file with --db FILE");
  report = ReportOf(sandbox.Tune({"doctor", "--format", "json", "--db", "missing/tuning.db"}));
  EXPECT_EQ(report.exit_code, 1);
  EXPECT_EQ(report.findings["database"]["text"],
            StrCat("cannot make a database in ", sandbox.Path("missing"),
                   ": No such file or directory; check the path, and that its folder exists"));
}

TEST(Doctor, MissesTheRunner) {
  Sandbox sandbox;
  std::filesystem::copy_file(TUNE_PROGRAM, sandbox.folder() / "tune");
  Command command = sandbox.TuneCommand({"doctor", "--format", "json"});
  command.args[0] = sandbox.Path("tune");
  // Limits that were measured by another program, with a runner, are no help here.
  for (std::string& variable : *command.environment) {
    if (variable.starts_with("XDG_CACHE_HOME=")) variable = StrCat("XDG_CACHE_HOME=", sandbox.Path("cache"));
  }
  Result<CommandOutput> output = RunCommand(command, "", After(std::chrono::minutes(2)));
  ASSERT_TRUE(output.ok()) << output.status();
  Report report = ReportOf(*output);
  EXPECT_EQ(report.exit_code, 1);
  for (const char* name : {"runner", "kernel", "limits"})
    EXPECT_EQ(report.findings[name]["state"], "problem") << name;
  EXPECT_EQ(report.findings["runner"]["cure"],
            "build it beside tune: cmake --build build --target tunesmith-runner");
  std::string text = report.findings["runner"]["text"];
  EXPECT_TRUE(text.starts_with("the runner (it belongs beside the program that uses it): ")) << text;
  EXPECT_NE(text.find(sandbox.Path("tunesmith-runner")), std::string::npos) << text;
}

TEST(Doctor, PrintsForPeopleOneFindingALineAndATable) {
  Sandbox sandbox;
  CommandOutput output = sandbox.Tune({"doctor"});
  EXPECT_EQ(output.status.code, 0);
  std::vector<std::string> lines = Lines(output.output);
  ASSERT_GT(lines.size(), 17u);
  EXPECT_TRUE(lines[0].starts_with("ok       program       tune ")) << lines[0];
  EXPECT_NE(output.output.find("\nthreads "), std::string::npos);
  EXPECT_TRUE(lines.back().starts_with("0 problems, ")) << lines.back();
  for (size_t i = 0; i < lines.size(); ++i) {
    if (!lines[i].starts_with("warning")) continue;
    ASSERT_LT(i + 1, lines.size());
    EXPECT_TRUE(lines[i + 1].starts_with("                       cure: ")) << lines[i];
  }
}

}  // namespace
}  // namespace tunesmith::cli
