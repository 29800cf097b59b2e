// SPDX-License-Identifier: Apache-2.0
// What tune does with limits that are not right.
#include <gtest/gtest.h>

#include <ctime>

#include "nlohmann/json.hpp"
#include "support/files.h"
#include "support/strings.h"
#include "tests/cli/tune_command.h"

namespace tunesmith::cli {
namespace {

class LimitsKept : public testing::Test {
 protected:
  /// Runs tune where `change` was made to this machine's limits.
  template <class Change>
  CommandOutput TuneWith(const std::vector<std::string>& words, const Change& change) {
    nlohmann::json limits;
    for (const std::string& line : Lines(sandbox_.Tune({"doctor", "--format", "json"}).output)) {
      nlohmann::json json = nlohmann::json::parse(line);
      if (json["event"] == "limits") limits = json["limits"];
    }
    limits["provisional"] = false;
    change(&limits);
    EXPECT_TRUE(MakeFolder(sandbox_.folder() / "cache/tunesmith").ok());
    sandbox_.Write("cache/tunesmith/limits.json", limits.dump());
    Command command = sandbox_.TuneCommand(words);
    for (std::string& variable : *command.environment) {
      if (variable.starts_with("XDG_CACHE_HOME="))
        variable = StrCat("XDG_CACHE_HOME=", sandbox_.Path("cache"));
    }
    Result<CommandOutput> output = RunCommand(command, "", After(std::chrono::minutes(2)));
    EXPECT_TRUE(output.ok()) << output.status();
    return *std::move(output);
  }
  nlohmann::json NowKept() {
    return nlohmann::json::parse(
        ReadFile(sandbox_.folder() / "cache/tunesmith/limits.json", 1 << 20).value());
  }
  Sandbox sandbox_;
};

/// A million times too low.
void TooLow(nlohmann::json* limits) {
  for (nlohmann::json& at : (*limits)["by_threads"]) at["fma_f32"] = at["fma_f32"].get<double>() / 1e6;
}

void Provisional(nlohmann::json* limits) {
  (*limits)["provisional"] = true;
  (*limits)["measured_at"] = std::time(nullptr) - 60;
}

const std::vector<std::string> kProduct = {"matmul", "M=32", "N=32", "K=32", "--format", "json"};

TEST_F(LimitsKept, ThatATunedKernelBeatsAreMeasuredAnew) {
  std::vector<std::string> words = {"run", "--trials", "1"};
  words.insert(words.end(), kProduct.begin(), kProduct.end());
  const nlohmann::json result = nlohmann::json::parse(Lines(TuneWith(words, TooLow).output).back());
  EXPECT_EQ(result["event"], "result");
  EXPECT_LT(result["limit_share"], 100);  // against some hundred thousand
  EXPECT_GT(NowKept()["by_threads"][0]["fma_f32"], 1e8);
}

TEST_F(LimitsKept, ThatABenchedKernelBeatsAreMeasuredAnew) {
  std::vector<std::string> words = {"bench"};
  words.insert(words.end(), kProduct.begin(), kProduct.end());
  const nlohmann::json result = nlohmann::json::parse(Lines(TuneWith(words, TooLow).output).back());
  EXPECT_EQ(result["id"], "matmul M=32 N=32 K=32");
  EXPECT_LT(result["limit_share"], 100);
  EXPECT_GT(NowKept()["by_threads"][0]["fma_f32"], 1e8);
}

TEST_F(LimitsKept, ThatAreProvisionalAreSaidToBe) {
  const std::string notice =
      "This CPU's limits are provisional: something else ran while they were measured, so they may be too "
      "low "
      "and the shares too large. Cure: end what else runs, then: tune doctor\n";
  const std::vector<std::string> product = {"matmul", "M=4", "N=4", "K=4"};
  for (std::vector<std::string> words : {std::vector<std::string>{"run", "--trials", "1"}, {"bench"}}) {
    words.insert(words.end(), product.begin(), product.end());
    const std::string output = TuneWith(words, Provisional).output;
    EXPECT_TRUE(output.ends_with(notice)) << output;
    words.insert(words.end(), {"--format", "json"});
    const nlohmann::json result = nlohmann::json::parse(Lines(TuneWith(words, Provisional).output).back());
    EXPECT_EQ(result["limit_provisional"], true);
  }
}

TEST_F(LimitsKept, ThatAreProvisionalDoctorMeasuresAnew) {
  const std::time_t before = std::time(nullptr);
  TuneWith({"doctor"}, Provisional);
  EXPECT_GE(NowKept()["measured_at"], before);
}

}  // namespace
}  // namespace tunesmith::cli
