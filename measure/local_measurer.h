// SPDX-License-Identifier: Apache-2.0
// Measures on this machine, one kernel at a time: nothing that it starts runs beside a kernel that is timed.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "measure/finalists.h"
#include "measure/measurer.h"
#include "measure/workbench.h"

namespace tunesmith::measure {

class LocalMeasurer : public Measurer {
 public:
  struct Options {
    std::string runner;  // the program's absolute path; "": `tunesmith-runner` beside this program
    uint64_t memory_limit_bytes = 0;  // for a workload's buffers; 0: the machine's memory
  };
  /// Starts nothing yet. Errors: it is not known where this program lies.
  static Result<LocalMeasurer> Create(Options options);

  Status Submit(Job job) override;
  /// Checks and times the oldest job, in the calling thread, then returns its outcome. A runner that a kernel
  /// has taken down is replaced for the next one.
  Result<Trial> Wait() override;
  size_t pending() const override { return jobs_.size(); }
  /// Ends the runner that is alive first: nothing may be beside those that are timed.
  Result<FinalistsResult> TimeAgain(const std::vector<Job>& jobs, FinalistsPlan plan) override;

  /// Submit and Wait of one job, when nothing is pending.
  Result<Outcome> Measure(Job job);

  int runners_started() const { return runners_started_; }
  /// Of the runner that is alive now; 0 if there is none.
  int runner_pid() const { return workbench_ && workbench_->usable() ? workbench_->runner_pid() : 0; }

 private:
  explicit LocalMeasurer(Options options) : options_(std::move(options)) {}
  Outcome Perform(const Job& job);

  Options options_;
  std::deque<Job> jobs_;
  // On the heap: the workbench points to it, and the measurer may be moved.
  std::unique_ptr<AcceptedOutputs> accepted_ = std::make_unique<AcceptedOutputs>();
  std::optional<Workbench> workbench_;
  int runners_started_ = 0;
};

/// The runner that lies beside the running program. Errors: the system does not say where that is.
Result<std::string> RunnerBesideThisProgram();

/// Fills in the median and the spread of an outcome's samples.
void Summarize(Outcome* outcome);

/// What a job says about itself must fit together: sources in range, sizes not negative, alignments powers of
/// two up to 4096. Errors say what does not.
Status Validate(const Job& job);

}  // namespace tunesmith::measure
