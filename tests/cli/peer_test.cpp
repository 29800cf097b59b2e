// SPDX-License-Identifier: Apache-2.0
// tune bench with peers: those that take part, those that refuse, are wrong, hang or die, libraries that are
// none.
#include <gtest/gtest.h>
#include <signal.h>

#include <thread>

#include "nlohmann/json.hpp"
#include "support/strings.h"
#include "support/thread_pool.h"
#include "tests/cli/tune_command.h"

namespace tunesmith::cli {
namespace {

/// tune bench on a small product with the sample peer as right.so and one with a fault as faulty.so.
class FaultyPeer : public ::testing::Test {
 protected:
  FaultyPeer() {
    std::filesystem::copy_file(SAMPLE_PEER, sandbox_.folder() / "right.so");
    std::filesystem::copy_file(FAULTY_PEER, sandbox_.folder() / "faulty.so");
  }

  Command BenchCommand(const std::string& fault, const std::vector<std::string>& more) const {
    std::vector<std::string> words = {"bench", "matmul", "M=16",      "N=16",      "K=16", "--format",
                                      "json",  "--peer", "faulty.so", "--seconds", "0"};
    words.insert(words.end(), more.begin(), more.end());
    Command command = sandbox_.TuneCommand(words);
    command.environment->push_back(StrCat("PEER_FAULT=", fault));
    return command;
  }

  /// The line of JSON; the command must succeed.
  nlohmann::json Bench(const std::string& fault, const std::vector<std::string>& more) const {
    Result<CommandOutput> output = RunCommand(BenchCommand(fault, more), "", After(std::chrono::minutes(2)));
    EXPECT_TRUE(output.ok()) << output.status();
    if (!output.ok()) return {};
    EXPECT_EQ(output->status.ToString(), "exit code 0") << output->error_output;
    return nlohmann::json::parse(output->output, nullptr, false);
  }

  Sandbox sandbox_;
};

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
  EXPECT_EQ(line["ratio"].get<double>(),
            line["peers"]["three loops"].get<double>() / line["tuned_ns"].get<double>());
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

TEST(Peer, TakesPartWithColdCaches) {
  Sandbox sandbox;
  CommandOutput output = Bench(sandbox, SAMPLE_PEER,
                               {"matmul", "M=16", "N=16", "K=16", "--format", "json", "--scenario", "cold"});
  EXPECT_EQ(output.status.ToString(), "exit code 0") << output.error_output;
  nlohmann::json line = nlohmann::json::parse(output.output);
  EXPECT_GT(line["peers"]["three loops"], 0);
  EXPECT_GT(line["ratio"], 0);
  EXPECT_EQ(line["checked"], true);
}

TEST(Peer, ThatRefusesAWorkloadSaysWhyOnce) {
  for (const char* threads : {"1", "2"}) {
    if (std::string_view(threads) == "2" && UsableCpus() < 2) continue;
    Sandbox sandbox;
    std::filesystem::copy_file(SAMPLE_PEER, sandbox.folder() / "mine.so");
    CommandOutput output = Bench(sandbox, "mine.so", {"matmul", "M=4", "N=4", "K=8", "--threads", threads});
    EXPECT_EQ(output.status.ToString(), "exit code 0") << output.error_output;
    EXPECT_EQ(Lines(output.output).at(2), "  mine.so: three loops: multiplies square matrices only");
  }
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

TEST_F(FaultyPeer, GivenTwiceIsWrongUsage) {
  Result<CommandOutput> output =
      RunCommand(BenchCommand("", {"--peer", "faulty.so"}), "", After(std::chrono::minutes(2)));
  ASSERT_TRUE(output.ok()) << output.status();
  EXPECT_EQ(output->status.ToString(), "exit code 2");
  EXPECT_EQ(output->error_output, "tune: --peer: faulty.so is given twice\n");
}

TEST_F(FaultyPeer, WithTheNameOfAnotherIsToldApartByItsFile) {
  nlohmann::json line = Bench("has the name of another", {"--peer", "right.so"});
  EXPECT_EQ(line["peers"].size(), 2u) << line;
  EXPECT_GT(line["peers"]["three loops (faulty.so)"], 0) << line;
  EXPECT_GT(line["peers"]["three loops (right.so)"], 0) << line;
}

TEST_F(FaultyPeer, ThatIsWrongIsNotInTheRatio) {
  nlohmann::json line = Bench("computes nothing", {});
  EXPECT_EQ(line["peers"], nlohmann::json::object());
  EXPECT_TRUE(line["ratio"].is_null()) << line;
  EXPECT_EQ(line["checked"], true);                 // of our kernels
  std::string why = line["refusals"]["faulty.so"];  // its C is -4, -3, … from the beginning
  EXPECT_TRUE(why.starts_with("C[0, 0] is -4, but must be 121 ± ")) << why;
}

TEST_F(FaultyPeer, LeavesTheOthersToGoOn) {
  const std::pair<const char*, const char*> kFaults[] = {
      {"hangs in open", "its set-up did not end within 2 s; --timeout allows more"},
      {"hangs in run", "its set-up did not end within 2 s; --timeout allows more"},
      {"hangs in fetch", "its last run did not end within 2 s; --timeout allows more"},
      {"crashes in run", "its process ended in its set-up: signal 6 (Aborted)"},
      {"exits in run", "its process ended in its set-up: exit code 7"},
      {"has two tensors", "it has 2 tensors, the operator 3"},
      {"has another shape",
       "its tensor 0, A, is the input f32[17, 16]; the operator's A is the input f32[16, 16]"},
  };
  for (const auto& [fault, why] : kFaults) {
    nlohmann::json line = Bench(fault, {"--peer", "right.so", "--timeout", "2"});
    EXPECT_EQ(line["refusals"], nlohmann::json({{"faulty.so", why}})) << fault;
    EXPECT_EQ(line["peers"].size(), 1u) << fault;
    EXPECT_GT(line["peers"]["three loops"], 0) << fault;
    EXPECT_GT(line["ratio"], 0) << fault;
    EXPECT_EQ(line["checked"], true) << fault;
  }
}

TEST_F(FaultyPeer, MustHaveTheInputsOfTheFirst) {
  nlohmann::json line = Bench("has other inputs", {"--peer", "right.so"});
  EXPECT_EQ(line["refusals"], nlohmann::json({{"right.so", "its inputs differ from those of faulty"}}));
  EXPECT_GT(line["peers"]["faulty"], 0);
  EXPECT_EQ(line["checked"], true);
}

TEST_F(FaultyPeer, ThatPrintsDoesNotDisturbTheResults) {
  nlohmann::json line = Bench("prints", {});
  ASSERT_TRUE(line.is_object());
  EXPECT_GT(line["peers"]["faulty"], 0);
}

TEST_F(FaultyPeer, ThatIsWrongOnTwoThreadsCountsOnOne) {
  if (UsableCpus() < 2) GTEST_SKIP() << "one CPU";
  nlohmann::json line = Bench("computes nothing on two threads", {"--threads", "2"});
  EXPECT_EQ(line["threads"], 2);
  EXPECT_GT(line["peers"]["faulty"], 0);
  EXPECT_GT(line["ratio"], 0);
  std::string why = line["refusals"]["faulty.so"];
  EXPECT_TRUE(why.starts_with("on 2 threads: C[0, ")) << why;
}

TEST_F(FaultyPeer, ThatCannotBeLoadedIsWrongUsage) {
  const std::pair<const char*, const char*> kFaults[] = {
      {"hangs when loaded", "was not loaded within 2 s"},
      {"crashes when loaded", "ended its process when it was loaded: signal 6 (Aborted)"},
  };
  for (const auto& [fault, why] : kFaults) {
    Result<CommandOutput> output =
        RunCommand(BenchCommand(fault, {"--timeout", "2"}), "", After(std::chrono::minutes(2)));
    ASSERT_TRUE(output.ok()) << output.status();
    EXPECT_EQ(output->status.ToString(), "exit code 2");
    EXPECT_EQ(output->output, "");
    EXPECT_EQ(output->error_output,
              StrCat("tune: --peer: faulty.so ", why, "; name a library behind the peers' interface\n"));
  }
}

TEST_F(FaultyPeer, ThatHangsIsNotWaitedForAfterTheFirstSignal) {
  for (const char* fault : {"hangs in run", "hangs when loaded"}) {
    for (int signal : {SIGINT, SIGTERM}) {
      std::filesystem::remove(sandbox_.folder() / "hanging");
      Result<Subprocess> bench = Subprocess::Start(BenchCommand(fault, {"--timeout", "3600"}));
      ASSERT_TRUE(bench.ok()) << bench.status();
      Deadline soon = After(std::chrono::minutes(2));
      while (!std::filesystem::exists(sandbox_.folder() / "hanging")) {
        ASSERT_LT(std::chrono::steady_clock::now(), soon);
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
      }
      ASSERT_EQ(kill(bench->pid(), signal), 0);
      Result<ExitStatus> status = bench->Wait(soon);
      ASSERT_TRUE(status.ok()) << status.status();
      EXPECT_EQ(status->ToString(), "exit code 130") << fault;
      EXPECT_EQ(bench->error_output(), "");
    }
  }
}

}  // namespace
}  // namespace tunesmith::cli
