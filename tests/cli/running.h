// SPDX-License-Identifier: Apache-2.0
// A `tune run --format json` while it runs.
#pragma once

#include <string>
#include <vector>

#include "tests/cli/tune_command.h"

namespace tunesmith::cli {

class RunningTune {
 public:
  RunningTune(const Sandbox& sandbox, const std::vector<std::string>& words);

  int pid() const { return process_.pid(); }
  /// The next line of standard output; empty at its end.
  std::string Line();
  /// Lines up to the one that brings the number of trials told to `count`.
  void AwaitTrials(int count);
  /// Reads what is left, then waits for the end. A test fails if that takes two minutes.
  ExitStatus Finish();
  void Kill() { process_.Kill(); }

  /// The outcome of each trial told so far.
  const std::vector<std::string>& outcomes() const { return outcomes_; }
  const std::string& error_output() const { return process_.error_output(); }

 private:
  Subprocess process_;
  std::string buffered_;
  std::vector<std::string> outcomes_;
};

/// The processes that `pid` started and that are there now.
std::vector<int> ChildrenOf(int pid);

/// How many records of trials (not of finals) the sandbox's database has.
int CountTrials(const Sandbox& sandbox);

}  // namespace tunesmith::cli
