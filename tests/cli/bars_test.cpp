// SPDX-License-Identifier: Apache-2.0
// The programs in bench/ that hold the lines of tune bench against the bars.
#include <gtest/gtest.h>

#include "nlohmann/json.hpp"
#include "support/strings.h"
#include "support/subprocess.h"

namespace tunesmith::cli {
namespace {

CommandOutput Program(const std::vector<std::string>& words, const std::string& input = "") {
  Command command;
  command.args = words;
  Result<CommandOutput> output = RunCommand(command, input, After(std::chrono::minutes(1)));
  EXPECT_TRUE(output.ok()) << output.status();
  return output.ok() ? *output : CommandOutput();
}

CommandOutput Judge(std::vector<std::string> words, const std::vector<nlohmann::json>& lines) {
  words.insert(words.begin(), {"/usr/bin/python3", TUNESMITH_SOURCE_DIR "/bench/judge"});
  std::string input;
  for (const nlohmann::json& line : lines) StrAppend(&input, line.dump(), "\n");
  return Program(words, input);
}

/// softmax_128, whose bar is 1.5.
nlohmann::json Softmax() {
  return nlohmann::json::parse(R"({"id":"softmax_128","threads":1,"tuned_ns":100.0,"default_ns":125.0,
      "recorded":true,"peers":{"slow":300.0,"fast":160.0},"ratio":1.6,"limit":"L2 bandwidth",
      "limit_share":0.25,"checked":true})");
}

TEST(Judge, PassesWhatReachesItsBars) {
  CommandOutput output = Judge({"--default", "0.6", "softmax_128"}, {Softmax()});
  EXPECT_EQ(output.output,
            "softmax_128     1  ratio 1.60 (bar 1.50)  default 0.80 (bar 0.60)  limit 0.25  checked  passes  "
            "best peer: fast\n");
  EXPECT_EQ(output.status.ToString(), "exit code 0") << output.error_output;
}

TEST(Judge, EndsWithOneIfABarIsMissed) {
  nlohmann::json slow = Softmax();
  slow["ratio"] = 1.4;
  nlohmann::json wrong = Softmax();
  wrong["checked"] = false;
  nlohmann::json slow_default = Softmax();
  slow_default["default_ns"] = 170.0;
  nlohmann::json never_tuned = Softmax();
  never_tuned["recorded"] = false;
  never_tuned["default_ns"] = never_tuned["tuned_ns"];
  for (const nlohmann::json& line : {slow, wrong, slow_default, never_tuned}) {
    CommandOutput output = Judge({"--default", "0.6", "softmax_128"}, {line, Softmax()});
    EXPECT_EQ(output.status.ToString(), "exit code 1") << output.error_output;
    EXPECT_NE(output.output.find("  MISSED  "), std::string::npos) << output.output;
    EXPECT_NE(output.output.find("  passes  "), std::string::npos) << output.output;
  }
}

TEST(Judge, SaysWhyNoPeerTookPart) {
  nlohmann::json alone = Softmax();
  alone["ratio"] = nullptr;
  alone["peers"] = nlohmann::json::object();
  alone["refusals"] = {{"a.so", "has no softmax"}};
  CommandOutput output = Judge({"softmax_128"}, {alone});
  EXPECT_EQ(output.output,
            "softmax_128     1  ratio    - (bar 1.50)  default 0.80 (no bar)  limit 0.25  checked  MISSED\n"
            "  a.so: has no softmax\n");
  EXPECT_EQ(output.status.ToString(), "exit code 1") << output.error_output;
}

TEST(Judge, WantsAnOperatorWithoutABarToBeRight) {
  nlohmann::json line = Softmax();
  line["id"] = "gemm_bf16";
  line["ratio"] = 0.1;
  EXPECT_EQ(Judge({"gemm_bf16"}, {line}).status.ToString(), "exit code 0");
  line["checked"] = false;
  line["tuned_ns"] = nullptr;
  line["ratio"] = nullptr;
  line["limit_share"] = nullptr;
  CommandOutput output = Judge({"gemm_bf16"}, {line});
  EXPECT_EQ(output.status.ToString(), "exit code 1") << output.error_output;
}

TEST(Judge, MissesWhatWasNotTimed) {
  CommandOutput output = Judge({"softmax_128", "gemm_odd"}, {Softmax()});
  EXPECT_NE(output.output.find("gemm_odd           was not timed  MISSED\n"), std::string::npos)
      << output.output;
  EXPECT_EQ(output.status.ToString(), "exit code 1") << output.error_output;
}

TEST(BenchPrograms, SayHowTheyAreCalled) {
  const std::pair<const char*, const char*> kPrograms[] = {
      {"bench/bars", "bench/bars DATABASE PEER.so…"},
      {"bench/hand/run", "bench/hand/run THREADS PEER.so…"},
  };
  for (const auto& [program, usage] : kPrograms) {
    CommandOutput output = Program({"/bin/sh", StrCat(TUNESMITH_SOURCE_DIR "/", program)});
    EXPECT_EQ(output.status.ToString(), "exit code 2") << program;
    EXPECT_NE(output.error_output.find(usage), std::string::npos) << output.error_output;
  }
}

}  // namespace
}  // namespace tunesmith::cli
