// SPDX-License-Identifier: Apache-2.0
// What `tune run --log` writes, and that it never stands in the way.
#include <gtest/gtest.h>
#include <signal.h>

#include <fstream>
#include <regex>

#include "support/strings.h"
#include "tests/cli/running.h"

namespace tunesmith::cli {
namespace {

std::vector<std::string> RunWords(const std::string& log, int trials = 2) {
  return {"run", "softmax", "R=8", "C=32", "--format", "json", "--trials", StrCat(trials), "--log", log};
}

/// The events, without their dates and times; numbers, and the commas behind them, as #.
std::vector<std::string> EventsOf(const Sandbox& sandbox) {
  static const std::regex time(R"(^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} [+-]\d\d:\d\d )");
  static const std::regex number(R"([0-9][0-9.,]*( (ns|us|ms|s)\b|%)?)");
  std::vector<std::string> events;
  for (const std::string& line : Lines(sandbox.Read("log"))) {
    EXPECT_TRUE(std::regex_search(line, time)) << line;
    events.push_back(std::regex_replace(std::regex_replace(line, time, ""), number, "#"));
  }
  return events;
}

bool Holds(const std::vector<std::string>& events, std::string_view text) {
  return std::any_of(events.begin(), events.end(),
                     [&](const std::string& event) { return event.find(text) != std::string::npos; });
}

TEST(Log, TellsWhatARunDidAndHowLongItTook) {
  Sandbox sandbox;
  const CommandOutput output = sandbox.Tune(RunWords("log"));
  ASSERT_EQ(output.status.ToString(), "exit code 0") << output.error_output;
  EXPECT_EQ(output.error_output, "");
  const std::vector<std::string> events = EventsOf(sandbox);
  ASSERT_GE(events.size(), 9u);
  EXPECT_EQ(events[0], "info tune # code generator # LLVM #: run with seed # policy evolution");
  EXPECT_TRUE(events[1].starts_with("info limits of this CPU, ")) << events[1];
  EXPECT_EQ(events[2],
            "info softmax R=# C=#: default schedule found in #, inputs and expected outputs made in #");
  EXPECT_EQ(events[3], "info softmax R=# C=#: # earlier trials, learned from in #");
  EXPECT_EQ(events[4], "info softmax R=# C=#: # choices; ready to search after #");
  EXPECT_EQ(events[5], "info runner # started");
  EXPECT_EQ(events[6],
            "info softmax R=# C=#: # trials, # in all: proposed in #, built in #, checked and timed in #, "
            "learned from "
            "in #; best #");
  EXPECT_EQ(events[7], "info softmax R=# C=#: stopped by: trials");
  EXPECT_TRUE(Holds(events, "info softmax R=# C=#: finals of #: built in #, timed in # processes in #; "));
  EXPECT_EQ(events.back(), "info ended after #");
}

TEST(Log, IsAppendedTo) {
  Sandbox sandbox;
  sandbox.Tune(RunWords("log"));
  const std::string first = sandbox.Read("log");
  sandbox.Tune(RunWords("log"));
  const std::string both = sandbox.Read("log");
  EXPECT_TRUE(both.starts_with(first));
  EXPECT_TRUE(Holds(EventsOf(sandbox), ": # earlier trials, "));
  EXPECT_GT(both.size(), first.size());
}

TEST(Log, WarnsOfARunnerThatWasKilledAndOfItsTrial) {
  Sandbox sandbox;
  std::vector<std::string> words = RunWords("log", 12);
  words[1] = "layer_norm", words[2] = "R=512", words[3] = "C=768";
  RunningTune run(sandbox, words);
  run.AwaitTrials(2);
  for (const int child : ChildrenOf(run.pid())) kill(child, SIGKILL);
  EXPECT_EQ(run.Finish().ToString(), "exit code 0");
  std::ifstream log(sandbox.Path("log"));
  const std::string text((std::istreambuf_iterator<char>(log)), {});
  EXPECT_TRUE(
      std::regex_search(text, std::regex("warning runner [0-9]+ was killed by SIGKILL from outside\n")))
      << text;
  EXPECT_TRUE(std::regex_search(text, std::regex("warning layer_norm R=512 C=768: crash: [^\n]*\n  trace ")))
      << text;
}

TEST(Log, SaysHowARunFailed) {
  Sandbox sandbox;
  std::vector<std::string> words = RunWords("log");
  words.insert(words.end(), {"--db", "no/folder.db"});
  EXPECT_EQ(sandbox.Tune(words).status.ToString(), "exit code 2");
  const std::vector<std::string> events = EventsOf(sandbox);
  EXPECT_TRUE(events.back().starts_with("warning ended after #: ")) << events.back();
  EXPECT_NE(events.back().find("no/folder.db"), std::string::npos) << events.back();
}

TEST(Log, ThatCannotBeOpenedIsRefusedBeforeAnythingIsDone) {
  Sandbox sandbox;
  const CommandOutput output = sandbox.Tune(RunWords("no/log"));
  EXPECT_EQ(output.status.ToString(), "exit code 2");
  EXPECT_EQ(
      output.error_output,
      "tune: the log: cannot open no/log: No such file or directory; check the path, and that its folder "
      "exists\n");
  EXPECT_EQ(output.output, "");
  EXPECT_TRUE(sandbox.Names().empty());
}

TEST(Log, OnAFullDiskCostsNothingButTheLog) {
  Sandbox sandbox;
  const CommandOutput output = sandbox.Tune(RunWords("/dev/full"));
  EXPECT_EQ(output.status.ToString(), "exit code 0");
  EXPECT_EQ(output.error_output,
            "tune: the log is incomplete: cannot write /dev/full: No space left on device; free some space "
            "or choose "
            "another disk\n");
  EXPECT_EQ(CountTrials(sandbox), 2);
}

}  // namespace
}  // namespace tunesmith::cli
