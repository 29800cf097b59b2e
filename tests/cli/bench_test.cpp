// SPDX-License-Identifier: Apache-2.0
// tune bench without peers: what it says of records, default schedules, several threads and cold caches.
#include <gtest/gtest.h>

#include <set>

#include "nlohmann/json.hpp"
#include "support/strings.h"
#include "support/thread_pool.h"
#include "tests/cli/tune_command.h"

namespace tunesmith::cli {
namespace {

const std::vector<std::string> kProduct = {"matmul", "M=24", "N=24", "K=24"};

CommandOutput TuneProduct(const Sandbox& sandbox, const std::string& command, std::vector<std::string> more) {
  std::vector<std::string> words = {command};
  words.insert(words.end(), kProduct.begin(), kProduct.end());
  words.insert(words.end(), more.begin(), more.end());
  CommandOutput output = sandbox.Tune(words);
  EXPECT_EQ(output.status.ToString(), "exit code 0") << output.error_output;
  EXPECT_EQ(output.error_output, "");
  return output;
}

nlohmann::json BenchJson(const Sandbox& sandbox, std::vector<std::string> more = {}) {
  for (const char* word : {"--format", "json", "--seconds", "0"}) more.emplace_back(word);
  return nlohmann::json::parse(TuneProduct(sandbox, "bench", more).output);
}

TEST(Bench, HasTheFieldsThatAreDocumented) {
  Sandbox sandbox;
  nlohmann::json line = BenchJson(sandbox);
  std::set<std::string> fields;
  for (const auto& [name, value] : line.items()) fields.insert(name);
  EXPECT_EQ(fields, (std::set<std::string>{"id", "threads", "tuned_ns", "default_ns", "recorded", "peers",
                                           "ratio", "limit", "limit_provisional", "limit_share", "checked"}));
  EXPECT_EQ(line["id"], "matmul M=24 N=24 K=24");
  EXPECT_EQ(line["threads"], 1);
  EXPECT_GT(line["default_ns"], 0);
  EXPECT_EQ(line["peers"], nlohmann::json::object());
  EXPECT_TRUE(line["ratio"].is_null());
  EXPECT_GT(line["limit_share"], 0);
  EXPECT_TRUE(line["limit"].is_string());
  EXPECT_EQ(line["checked"], true);
}

TEST(Bench, TakesTheDefaultScheduleForTunedUntilThereIsARecord) {
  Sandbox sandbox;
  nlohmann::json line = BenchJson(sandbox);
  EXPECT_EQ(line["recorded"], false);
  EXPECT_EQ(line["tuned_ns"], line["default_ns"]);
  CommandOutput text = TuneProduct(sandbox, "bench", {"--seconds", "0"});
  EXPECT_EQ(
      Normalised(text.output, sandbox),
      "workload  threads  tuned  default  best peer  ratio  share of this CPU's limit  checked  the best "
      "peer\n"
      "matmul M=24 N=24 K=24  1  -  #  -  -  #% of <limit>  yes\n"
      "Medians of turns in one run. ratio: best peer / tuned, above 1 is ahead. Where tuned is -, ratio "
      "and share are the default schedule's.\n");

  TuneProduct(sandbox, "run", {"--trials", "2"});
  line = BenchJson(sandbox);
  EXPECT_EQ(line["recorded"], true);
  EXPECT_GT(line["tuned_ns"], 0);
  text = TuneProduct(sandbox, "bench", {"--seconds", "0"});
  EXPECT_EQ(
      Normalised(text.output, sandbox),
      "workload  threads  tuned  default  best peer  ratio  share of this CPU's limit  checked  the best "
      "peer\n"
      "matmul M=24 N=24 K=24  1  #  #  -  -  #% of <limit>  yes\n"
      "Medians of turns in one run. ratio: best peer / tuned, above 1 is ahead.\n");
}

TEST(Bench, HasALineOfTsvForAWorkload) {
  Sandbox sandbox;
  std::vector<std::string> lines =
      Lines(TuneProduct(sandbox, "bench", {"--format", "tsv", "--seconds", "0"}).output);
  ASSERT_EQ(lines.size(), 1u);
  std::vector<std::string_view> cells = StrSplit(lines[0], '\t');
  ASSERT_EQ(cells.size(), 7u) << lines[0];
  EXPECT_EQ(cells[0], "matmul M=24 N=24 K=24");
  EXPECT_EQ(cells[1], "1");
  EXPECT_EQ(cells[2], cells[3]);
  EXPECT_EQ(cells[4], "-");
  EXPECT_EQ(cells[6], "checked");
}

TEST(Bench, HasALineForAWorkloadThatFailed) {
  Sandbox sandbox;
  TuneProduct(sandbox, "run", {"--trials", "1", "--db", "a.db"});
  std::string bytes = sandbox.Read("a.db");
  for (size_t at = 0; (at = bytes.find("trace 1\n", at)) != std::string::npos;) bytes[at] = 'T';
  sandbox.Write("a.db", bytes);
  sandbox.Write("two.tsv", "damaged\tmatmul\tM=24 N=24 K=24\nunknown\tmatmul\tM=4 N=4 K=4\n");
  auto bench = [&](const std::string& format) {
    CommandOutput output =
        sandbox.Tune({"bench", "--suite", "two.tsv", "--db", "a.db", "--seconds", "0", "--format", format});
    EXPECT_EQ(output.status.ToString(), "exit code 1");
    EXPECT_TRUE(output.error_output.starts_with("tune: damaged: a.db: ")) << output.error_output;
    EXPECT_EQ(Lines(output.error_output).size(), 1u);
    return Lines(output.output);
  };
  std::vector<std::string> lines = bench("json");
  ASSERT_EQ(lines.size(), 2u);
  const auto failed = nlohmann::json::parse(lines[0]);
  EXPECT_EQ(failed.size(), 3u);
  EXPECT_EQ(failed["id"], "damaged");
  EXPECT_EQ(failed["threads"], 1);
  EXPECT_NE(failed["error"].get<std::string>().find("the file is damaged"), std::string::npos) << lines[0];
  EXPECT_EQ(nlohmann::json::parse(lines[1])["checked"], true);
  lines = bench("tsv");
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[0], "damaged\t1\t-\t-\t-\t-\tFAILED");
  lines = bench("text");
  ASSERT_GE(lines.size(), 4u);  // notes on limits that are provisional may follow
  EXPECT_EQ(Normalised(lines[1], sandbox), "damaged  1  -  -  -  -  -  FAILED");
}

TEST(Bench, TimesKernelsOnTwoThreads) {
  if (UsableCpus() < 2) GTEST_SKIP() << "one CPU";
  Sandbox sandbox;
  nlohmann::json line = BenchJson(sandbox, {"--threads", "2"});
  EXPECT_EQ(line["threads"], 2);
  EXPECT_GT(line["tuned_ns"], 0);
  EXPECT_EQ(line["checked"], true);
}

TEST(Bench, TimesKernelsWithColdCaches) {
  Sandbox sandbox;
  // Records of the other scenario do not count.
  TuneProduct(sandbox, "run", {"--trials", "1"});
  nlohmann::json line = BenchJson(sandbox, {"--scenario", "cold"});
  EXPECT_EQ(line["recorded"], false);
  EXPECT_GT(line["tuned_ns"], 0);
  EXPECT_EQ(line["checked"], true);
}

}  // namespace
}  // namespace tunesmith::cli
