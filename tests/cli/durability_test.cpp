// SPDX-License-Identifier: Apache-2.0
// Whatever ends a run, no finished trial is lost and the same command goes on; what else happens to it costs
// little.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>

#include <algorithm>
#include <fstream>

#include "database/database.h"
#include "database/record_json.h"
#include "nlohmann/json.hpp"
#include "support/strings.h"
#include "tests/cli/running.h"

namespace tunesmith::cli {
namespace {

// Kernels of some 100 us, far from what the hardware allows: trials that can be interrupted, many a second,
// and that no good kernel ends early.
std::vector<std::string> RunWords(int trials) {
  return {"run", "layer_norm", "R=512", "C=768", "--format", "json", "--trials", StrCat(trials)};
}

nlohmann::json LastResult(const CommandOutput& output) {
  EXPECT_EQ(output.status.ToString(), "exit code 0") << output.error_output;
  std::vector<std::string> lines = Lines(output.output);
  EXPECT_FALSE(lines.empty());
  return lines.empty() ? nlohmann::json() : nlohmann::json::parse(lines.back());
}

/// The same command once more: it must make exactly the trials that are missing.
void ExpectResumes(const Sandbox& sandbox, int trials) {
  int recorded = CountTrials(sandbox);
  CommandOutput output = sandbox.Tune(RunWords(trials));
  nlohmann::json result = LastResult(output);
  EXPECT_EQ(result["trials"], trials);
  EXPECT_EQ(result["new_trials"], trials - recorded);
  EXPECT_EQ(result["stopped"], "trials");
  EXPECT_EQ(CountTrials(sandbox), trials);
}

TEST(Run, KilledAtAnyMomentLosesNoTrialAndResumes) {
  for (int trials_before : {1, 2, 9}) {
    Sandbox sandbox;
    RunningTune run(sandbox, RunWords(12));
    run.AwaitTrials(trials_before);
    ASSERT_EQ(kill(run.pid(), SIGKILL), 0);
    EXPECT_EQ(run.Finish().signal, SIGKILL);
    // A trial is recorded before it is told, so the one in between may be there too.
    int recorded = CountTrials(sandbox);
    int told = static_cast<int>(run.outcomes().size());
    EXPECT_GE(recorded, told);
    EXPECT_LE(recorded, told + 1);
    ExpectResumes(sandbox, 12);
  }
}

TEST(Run, InterruptedEndsWithItsResultsAndResumes) {
  for (int signal : {SIGINT, SIGTERM}) {
    Sandbox sandbox;
    RunningTune run(sandbox, RunWords(12));
    run.AwaitTrials(2);
    ASSERT_EQ(kill(run.pid(), signal), 0);
    EXPECT_EQ(run.Finish().ToString(), "exit code 130");
    EXPECT_EQ(run.error_output(), "");
    EXPECT_EQ(CountTrials(sandbox), static_cast<int>(run.outcomes().size()));
    EXPECT_LT(CountTrials(sandbox), 12);
    ExpectResumes(sandbox, 12);
  }
}

TEST(Run, ASpentPoolOfASuiteStaysSpent) {
  Sandbox sandbox;
  // The second has fewer kernels than trials, and leaves some of them to the first.
  sandbox.Write("s.tsv", "long\tlayer_norm\tR=512 C=768\nsmall\trelu\tR=1 C=64\n");
  const std::vector<std::string> words = {"run", "--suite", "s.tsv", "--trials", "20", "--format", "json"};
  for (const bool again : {false, true}) {
    int64_t trials = 0, made = 0;
    for (const std::string& line : Lines(sandbox.Tune(words).output)) {
      const nlohmann::json json = nlohmann::json::parse(line);
      if (json["event"] != "result") continue;
      trials += json["trials"].get<int64_t>();
      made += json["new_trials"].get<int64_t>();
      if (json["id"] == "long") {
        EXPECT_GT(json["trials"], 20);
      }
    }
    EXPECT_EQ(trials, 40);
    EXPECT_EQ(made, again ? 0 : 40);
  }
}

/// Whether the process has a handler for the signal.
bool Handles(int pid, int signal) {
  std::ifstream status(StrCat("/proc/", pid, "/status"));
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("SigCgt:"))
      return (std::stoull(line.substr(7), nullptr, 16) >> (signal - 1) & 1) != 0;
  }
  return false;
}

TEST(Bench, InterruptedEndsInTheMiddleOfAContest) {
  Sandbox sandbox;
  Result<Subprocess> bench = Subprocess::Start(
      sandbox.TuneCommand({"bench", "matmul", "M=192", "N=192", "K=192", "--seconds", "600"}));
  ASSERT_TRUE(bench.ok()) << bench.status();
  Deadline soon = After(std::chrono::minutes(2));
  ASSERT_TRUE(bench->Read(1, soon).ok());  // the heading: what follows is the contest
  while (ChildrenOf(bench->pid()).size() < 1 && std::chrono::steady_clock::now() < soon) usleep(1000);
  ASSERT_EQ(kill(bench->pid(), SIGINT), 0);
  Result<ExitStatus> status = bench->Wait(soon);
  ASSERT_TRUE(status.ok()) << status.status();
  EXPECT_EQ(status->ToString(), "exit code 130");
  EXPECT_EQ(bench->error_output(), "");
}

TEST(Command, ThatHasNothingToSaveIsEndedByTheFirstSignal) {
  for (int signal : {SIGINT, SIGTERM}) {
    Sandbox sandbox;
    // It waits for somebody to write into the pipe.
    ASSERT_EQ(mkfifo(sandbox.Path("pipe.te").c_str(), 0600), 0);
    Result<Subprocess> check = Subprocess::Start(sandbox.TuneCommand({"check", "pipe.te"}));
    ASSERT_TRUE(check.ok()) << check.status();
    Deadline soon = After(std::chrono::minutes(2));
    while (!Handles(check->pid(), signal) && std::chrono::steady_clock::now() < soon) usleep(1000);
    ASSERT_EQ(kill(check->pid(), signal), 0);
    Result<ExitStatus> status = check->Wait(soon);
    ASSERT_TRUE(status.ok()) << status.status();
    EXPECT_EQ(status->ToString(), "exit code 130");
  }
}

TEST(Command, ThatWouldAskForEverIsEndedByTheFirstSignal) {
  Sandbox sandbox;
  ASSERT_EQ(sandbox.Tune({"run", "matmul", "M=4", "N=4", "K=4", "--trials", "1"}).status.code, 0);
  Result<Subprocess> sql = Subprocess::Start(sandbox.TuneCommand(
      {"db", "sql",
       "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"}));
  ASSERT_TRUE(sql.ok()) << sql.status();
  Deadline soon = After(std::chrono::minutes(2));
  while (!Handles(sql->pid(), SIGINT) && std::chrono::steady_clock::now() < soon) usleep(1000);
  usleep(200'000);  // into the query
  ASSERT_EQ(kill(sql->pid(), SIGINT), 0);
  Result<ExitStatus> status = sql->Wait(soon);
  ASSERT_TRUE(status.ok()) << status.status();
  EXPECT_EQ(status->ToString(), "exit code 130");
  EXPECT_EQ(sql->error_output(), "");
}

TEST(Run, GoesOnAfterItsRunnerWasKilled) {
  Sandbox sandbox;
  RunningTune run(sandbox, RunWords(16));
  run.AwaitTrials(2);
  std::vector<int> runners = ChildrenOf(run.pid());
  ASSERT_EQ(runners.size(), 1u);
  ASSERT_EQ(kill(runners[0], SIGKILL), 0);
  EXPECT_EQ(run.Finish().ToString(), "exit code 0") << run.error_output();
  const std::vector<std::string>& outcomes = run.outcomes();
  EXPECT_EQ(outcomes.size(), 16u);
  EXPECT_LE(std::count_if(outcomes.begin(), outcomes.end(), [](const auto& o) { return o != "ok"; }), 1);
  EXPECT_EQ(CountTrials(sandbox), 16);
}

TEST(Run, EndsWhenItsDatabaseIsRemoved) {
  Sandbox sandbox;
  RunningTune run(sandbox, RunWords(5000));
  run.AwaitTrials(1);
  const std::string file = sandbox.Path("data/tunesmith/tuning.db");
  ASSERT_TRUE(std::filesystem::remove(file));
  EXPECT_EQ(run.Finish().ToString(), "exit code 3");
  EXPECT_EQ(run.error_output(),
            StrCat("tune: ", file,
                   ": the file was removed, moved or replaced while it was in use, and what was "
                   "written since is not there; put it back, or run the same command again\n"));
}

TEST(Run, SharesItsDatabaseWithAnother) {
  Sandbox sandbox;
  std::vector<std::string> other = RunWords(8);
  other.insert(other.end(), {"--seed", "2"});
  RunningTune first(sandbox, RunWords(8));
  RunningTune second(sandbox, other);
  EXPECT_EQ(first.Finish().ToString(), "exit code 0") << first.error_output();
  EXPECT_EQ(second.Finish().ToString(), "exit code 0") << second.error_output();
  EXPECT_GE(first.outcomes().size(), 1u);
  EXPECT_GE(second.outcomes().size(), 1u);
  EXPECT_EQ(CountTrials(sandbox), static_cast<int>(first.outcomes().size() + second.outcomes().size()));
}

TEST(Run, OutdatesARecordFromTheFuture) {
  Sandbox sandbox;
  ASSERT_EQ(sandbox.Tune(RunWords(2)).status.code, 0);
  Result<database::Record> record =
      database::FromJsonLine(Lines(sandbox.Tune({"db", "export", "best=1"}).output).at(0));
  ASSERT_TRUE(record.ok()) << record.status();
  // Made by a clock that was wrong, and faster than it can be.
  record->created_ns = int64_t{1} << 62;
  record->processes = 2;
  record->outcome.samples_ns = {1000};
  record->outcome.median_ns = 1000;
  record->outcome.spread_ns = 0;
  record->id = database::IdOf(*record);
  auto best = [&] { return Lines(sandbox.Tune({"db", "export", "best=1"}).output).at(0); };
  {
    auto database = database::OpenDatabase(sandbox.Path("data/tunesmith/tuning.db"));
    ASSERT_TRUE(database.ok()) << database.status();
    ASSERT_TRUE((*database)->Insert(std::span(&*record, 1)).ok());
  }
  EXPECT_EQ(nlohmann::json::parse(best())["id"], record->id);
  ASSERT_EQ(sandbox.Tune(RunWords(4)).status.code, 0);
  nlohmann::json winner = nlohmann::json::parse(best());
  EXPECT_GT(winner["processes"], 1);
  EXPECT_GT(winner["median_ns"], 1000);
  EXPECT_GT(winner["created_ns"], record->created_ns);
}

TEST(Run, LeavesNoProcessBehind) {
  Sandbox sandbox;
  RunningTune run(sandbox, RunWords(12));
  run.AwaitTrials(1);
  std::vector<int> runners = ChildrenOf(run.pid());
  ASSERT_EQ(runners.size(), 1u);
  ASSERT_EQ(kill(run.pid(), SIGKILL), 0);
  run.Finish();
  // The kernel kills the runner when its parent dies; give it a moment to do so.
  Deadline deadline = After(std::chrono::seconds(30));
  auto gone = [&] { return !std::filesystem::exists(StrCat("/proc/", runners[0])); };
  auto zombie = [&] {
    std::ifstream stat(StrCat("/proc/", runners[0], "/stat"));
    std::string text((std::istreambuf_iterator<char>(stat)), {});
    return text.find(") Z ") != std::string::npos;
  };
  while (!gone() && !zombie() && std::chrono::steady_clock::now() < deadline) usleep(1000);
  EXPECT_TRUE(gone() || zombie());
}

TEST(Run, SameSeedAndOutcomesProposeTheSame) {
  auto traces = [](const char* jobs) {
    Sandbox sandbox;
    std::vector<std::string> found;
    // Random sampling, because evolution also depends on the latencies.
    for (const std::string& line : Lines(sandbox
                                             .Tune({"run", "softmax", "R=16", "C=32", "--trials", "6",
                                                    "--format", "json", "--seed", "5", "--jobs", jobs})
                                             .output)) {
      nlohmann::json json = nlohmann::json::parse(line);
      if (json["event"] == "trial") found.push_back(json["trace"]);
    }
    EXPECT_EQ(found.size(), 6u);
    return found;
  };
  EXPECT_EQ(traces("1"), traces("4"));
}

TEST(TrialLine, HasTheDocumentedFields) {
  Sandbox sandbox;
  CommandOutput output =
      sandbox.Tune({"run", "matmul", "M=4", "N=4", "K=4", "--trials", "1", "--format", "json"});
  std::vector<std::string> lines = Lines(output.output);
  ASSERT_GE(lines.size(), 2u) << output.error_output;
  nlohmann::json trial = nlohmann::json::parse(lines[0]);
  EXPECT_EQ(trial["event"], "trial");
  EXPECT_EQ(trial["id"], "matmul M=4 N=4 K=4");
  EXPECT_EQ(trial["workload"].get<std::string>().size(), 32u);
  EXPECT_EQ(trial["outcome"], "ok");
  EXPECT_GT(trial["latency_ns"], 0);
  EXPECT_GT(trial["limit_share"], 0);
  EXPECT_GT(trial["seconds"], 0);
  EXPECT_TRUE(trial["trace"].get<std::string>().starts_with("trace 1\n"));
  // What finals say of a kernel follows, and counts.
  nlohmann::json last = trial;
  for (size_t i = 1; i + 1 < lines.size(); ++i) {
    EXPECT_GE(nlohmann::json::parse(lines[i])["seconds"], last["seconds"]);
    last = nlohmann::json::parse(lines[i]);
    EXPECT_EQ(last["event"], "finalist");
    EXPECT_EQ(last["trace"], trial["trace"]);
    EXPECT_GE(last["processes"], 1);
  }
  nlohmann::json result = nlohmann::json::parse(lines.back());
  EXPECT_EQ(result["event"], "result");
  EXPECT_EQ(result["workload"], trial["workload"]);
  EXPECT_EQ(result["tuned_ns"], last["latency_ns"]);
  EXPECT_EQ(result["limit_share"], last["limit_share"]);
  EXPECT_GT(result["default_ns"], 0);
  EXPECT_EQ(result["outcomes"]["ok"], 1);
  EXPECT_EQ(result["trials"], 1);
  EXPECT_EQ(result["checked"], true);
  EXPECT_EQ(result["tolerance"].dump(), R"({"factor":1.0,"text":"rounding errors independent, sqrt(n) u"})");
}

TEST(Output, ThatDoesNotFitIsAnError) {
  Sandbox sandbox;
  sandbox.Write("a.te", "op copy(X: f32[N]) -> (Y: f32[N]) { Y[i] = X[i] }\n");
  const std::string full =
      "tune: cannot write to standard output: No space left on device; free some space or choose another "
      "place\n";
  for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{
           {"run", "matmul", "M=4", "N=4", "K=4", "--trials", "1"},
           {"run", "matmul", "M=4", "N=4", "K=4", "--trials", "2", "--format", "json"},
           {"db", "list"},
           {"db", "top", "--format", "json"},
           {"db", "stats"},
           {"db", "sql", "SELECT id FROM records"},
           {"db", "export"},
           {"show", "matmul", "M=4", "N=4", "K=4"},
           {"check", "a.te"},
           {"--help"},
           {"--version"}}) {
    CommandOutput output = sandbox.InShell("\"$@\" >/dev/full", words);
    EXPECT_EQ(output.status.ToString(), "exit code 3") << StrJoin(words, " ");
    EXPECT_EQ(output.error_output, full) << StrJoin(words, " ");
  }
  // What was tried before the output failed is recorded all the same.
  EXPECT_GE(CountTrials(sandbox), 1);
}

TEST(Output, ThatNobodyReadsAnyMoreEndsTheRun) {
  Sandbox sandbox;
  CommandOutput output =
      sandbox.InShell("{ \"$@\"; echo \"exit code $?\" >&2; } | { read -r line; }", RunWords(5000));
  EXPECT_EQ(output.error_output, "tune: cannot write to standard output: Broken pipe\nexit code 3\n");
  EXPECT_GE(CountTrials(sandbox), 1);
  EXPECT_LT(CountTrials(sandbox), 5000);
}

TEST(Output, ThatIsClosedFromTheStartIsAnError) {
  Sandbox sandbox;
  CommandOutput output =
      sandbox.InShell("\"$@\" >&-", {"run", "matmul", "M=4", "N=4", "K=4", "--trials", "1"});
  EXPECT_EQ(output.status.ToString(), "exit code 3");
  EXPECT_EQ(output.error_output,
            "tune: cannot write to standard output: Bad file descriptor; free some space or choose another "
            "place\n");
}

}  // namespace
}  // namespace tunesmith::cli
