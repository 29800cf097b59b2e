// SPDX-License-Identifier: Apache-2.0
// tune bench with peers: one that takes part, one that refuses a workload, libraries that are none.
#include <gtest/gtest.h>

#include "nlohmann/json.hpp"
#include "support/strings.h"
#include "tests/cli/tune_command.h"

namespace tunesmith::cli {
namespace {

CommandOutput Bench(const Sandbox& sandbox, const std::string& peer, std::vector<std::string> words) {
  words.insert(words.begin(), "bench");
  for (const char* word : {"--seconds", "0", "--peer"}) words.emplace_back(word);
  words.push_back(peer);
  return sandbox.Tune(words);
}

TEST(Peer, IsTimedInTurnWithTheKernels) {
  Sandbox sandbox;
  CommandOutput output = Bench(sandbox, SAMPLE_PEER, {"matmul", "M=16", "N=16", "K=16", "--format", "json"});
  EXPECT_EQ(output.status.ToString(), "exit code 0") << output.error_output;
  nlohmann::json line = nlohmann::json::parse(output.output);
  EXPECT_GT(line["peers"]["three loops"], 0);
  EXPECT_GT(line["ratio"], 0);
  EXPECT_EQ(line["checked"], true);
  EXPECT_FALSE(line.contains("refusals"));
}

TEST(Peer, IsFoundInTheWorkingFolder) {
  Sandbox sandbox;
  std::filesystem::copy_file(SAMPLE_PEER, sandbox.folder() / "mine.so");
  CommandOutput output = Bench(sandbox, "mine.so", {"matmul", "M=16", "N=16", "K=16", "--format", "json"});
  EXPECT_EQ(output.status.ToString(), "exit code 0") << output.error_output;
  EXPECT_GT(nlohmann::json::parse(output.output)["peers"]["three loops"], 0);
}

TEST(Peer, ThatRefusesAWorkloadSaysWhyOnce) {
  Sandbox sandbox;
  std::filesystem::copy_file(SAMPLE_PEER, sandbox.folder() / "mine.so");
  CommandOutput output = Bench(sandbox, "mine.so", {"matmul", "M=4", "N=4", "K=8"});
  EXPECT_EQ(output.status.ToString(), "exit code 0") << output.error_output;
  EXPECT_EQ(Lines(output.output).at(2), "  mine.so: three loops: multiplies square matrices only");
}

TEST(Peer, ThatIsNoneIsWrongUsageBeforeAnythingIsTimed) {
  Sandbox sandbox;
  std::filesystem::copy_file(NO_PEER, sandbox.folder() / "none.so");
  sandbox.Write("notes.so",
                "These are notes, longer than the header of a library.\n" + std::string(4096, '.'));
  CommandOutput output = Bench(sandbox, "none.so", {"matmul", "M=4", "N=4", "K=4"});
  EXPECT_EQ(output.status.ToString(), "exit code 2");
  EXPECT_EQ(output.output, "");
  EXPECT_EQ(
      output.error_output,
      "tune: --peer: none.so is no peer: it does not export peer_open, peer_tensors, peer_tensor, peer_run, "
      "peer_fetch, peer_close (docs/formats/peer.md); name a library behind the peers' interface\n");
  output = Bench(sandbox, "notes.so", {"matmul", "M=4", "N=4", "K=4"});
  EXPECT_EQ(output.status.ToString(), "exit code 2");
  EXPECT_EQ(output.output, "");
  EXPECT_EQ(output.error_output,
            "tune: --peer: notes.so cannot be loaded: invalid ELF header; name a library behind "
            "the peers' interface\n");
}

}  // namespace
}  // namespace tunesmith::cli
