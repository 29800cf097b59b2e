// SPDX-License-Identifier: Apache-2.0
// tune run and tune show of operators with further algorithms.
#include <gtest/gtest.h>

#include <map>

#include "nlohmann/json.hpp"
#include "support/strings.h"
#include "tests/cli/tune_command.h"

namespace tunesmith::cli {
namespace {

/// The stages of "twice" have the names and loops of the definition's, those of "split" do not.
constexpr char kSource[] =
    "op row_sum(X: f32[R, C]) -> (Y: f32[R], Z: f32[R]) {\n"
    "  Y[r] = sum(c) X[r, c]\n"
    "  Z[r] = X[r, 0] * 2\n"
    "}\n"
    "algorithm split tolerance 2 if C % 8 == 0 {\n"
    "  p[r, s < 8] = sum(c < C/8) X[r, s*(C/8) + c]\n"
    "  Y[r]        = sum(s) p[r, s]\n"
    "  Z[r]        = X[r, 0] * 2\n"
    "}\n"
    "algorithm twice tolerance 1 {\n"
    "  Y[r] = sum(c) X[r, c]\n"
    "  Z[r] = X[r, 0] + X[r, 0]\n"
    "}\n";

constexpr char kTolerance[] = "# tolerance: rounding errors independent, sqrt(n) u";
const std::map<std::string, std::string> kStages = {
    {"", StrCat(kTolerance, "\nY[r] = sum(c) X[r, c]\nZ[r] = X[r, 0] * 2\n")},
    {"split", StrCat(kTolerance, ", times 2\np[r, s] = sum(c) X[r, s*8 + c]\nY[r] = sum(s) p[r, s]\n",
                     "Z[r] = X[r, 0] * 2\n")},
    {"twice", StrCat(kTolerance, "\nY[r] = sum(c) X[r, c]\nZ[r] = X[r, 0] + X[r, 0]\n")}};

/// What the line of a trace says, or nothing.
std::string AlgorithmOf(const std::string& trace) {
  for (const std::string& line : Lines(trace)) {
    if (line.starts_with("algorithm ")) return line.substr(10);
  }
  return "";
}

struct Recorded {
  std::string id, trace;
};

/// The trials, finals left out.
std::vector<Recorded> Trials(const Sandbox& sandbox) {
  std::vector<Recorded> trials;
  CommandOutput output = sandbox.Tune({"db", "export"});
  for (const std::string& line : Lines(output.output)) {
    nlohmann::json record = nlohmann::json::parse(line, nullptr, false);
    EXPECT_TRUE(record.is_object()) << line;
    if (record.is_object() && record["processes"] == 1) trials.push_back({record["id"], record["trace"]});
  }
  return trials;
}

TEST(Algorithms, AreAllTriedAndRecordsShowTheirOwn) {
  Sandbox sandbox;
  sandbox.Write("sums.te", kSource);
  const std::vector<std::string> run = {"run", "sums.te", "R=16", "C=64", "--format", "json", "--trials"};
  auto with = [&](const std::string& trials) {
    std::vector<std::string> words = run;
    words.push_back(trials);
    return words;
  };
  CommandOutput output = sandbox.Tune(with("6"));
  ASSERT_EQ(output.status.code, 0) << output.error_output;
  std::map<std::string, int> seen;
  for (const Recorded& r : Trials(sandbox)) {
    const std::string algorithm = AlgorithmOf(r.trace);
    ++seen[algorithm];
    CommandOutput shown = sandbox.Tune({"show", "--record", r.id, "--as", "stages"});
    EXPECT_EQ(shown.status.code, 0) << shown.error_output;
    EXPECT_EQ(shown.output, StrCat("== stages\n", kStages.at(algorithm))) << r.trace;
  }
  EXPECT_EQ(seen.size(), 3u) << "all algorithms are among the first six trials";
  // The best one's stages are those of its algorithm.
  nlohmann::json result = nlohmann::json::parse(Lines(output.output).back(), nullptr, false);
  ASSERT_EQ(result["event"], "result") << output.output;
  EXPECT_EQ(result["checked"], true);
  EXPECT_EQ(result["tolerance"]["factor"], AlgorithmOf(result["trace"]) == "split" ? 2 : 1);
  CommandOutput best = sandbox.Tune({"show", "sums.te", "R=16", "C=64", "--as", "stages"});
  EXPECT_EQ(best.output, StrCat("== stages\n", kStages.at(AlgorithmOf(result["trace"]))))
      << best.error_output;

  // The same command goes on: nothing is tried twice, under whichever algorithm.
  ASSERT_EQ(sandbox.Tune(with("9")).status.code, 0);
  std::map<std::string, int> traces;
  for (const Recorded& r : Trials(sandbox)) ++traces[r.trace];
  for (const auto& [trace, times] : traces) EXPECT_EQ(times, 1) << trace;
  EXPECT_EQ(traces.size(), 9u);
}

TEST(Algorithms, ThatDoNotApplyAreNotTried) {
  Sandbox sandbox;
  sandbox.Write("sums.te", kSource);
  ASSERT_EQ(sandbox.Tune({"run", "sums.te", "R=16", "C=63", "--trials", "6"}).status.code, 0);
  const std::vector<Recorded> trials = Trials(sandbox);
  EXPECT_EQ(trials.size(), 6u);
  for (const Recorded& r : trials) EXPECT_NE(AlgorithmOf(r.trace), "split");
}

TEST(Algorithms, ThatComputeSomethingElseAreFoundOut) {
  Sandbox sandbox;
  sandbox.Write("wrong.te",
                "op copy(X: f32[N]) -> (Y: f32[N]) { Y[i] = X[i] * 1.5 }\n"
                "algorithm wrong tolerance 4 { Y[i] = X[i] * 1.501 }\n");
  ASSERT_EQ(sandbox.Tune({"run", "wrong.te", "N=1000", "--trials", "4"}).status.code, 0);
  int wrong = 0;
  for (const std::string& line : Lines(sandbox.Tune({"db", "export"}).output)) {
    nlohmann::json record = nlohmann::json::parse(line);
    const bool of_wrong = AlgorithmOf(record["trace"]) == "wrong";
    wrong += of_wrong;
    EXPECT_EQ(record["outcome"], of_wrong ? "wrong_result" : "ok") << line;
  }
  EXPECT_GE(wrong, 1);
}

}  // namespace
}  // namespace tunesmith::cli
