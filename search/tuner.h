// SPDX-License-Identifier: Apache-2.0
// The tuning loop of one workload: propose, build on all cores, then check and time alone, learn.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "codegen/target.h"
#include "costmodel/cost_model.h"
#include "measure/measurer.h"
#include "search/search_policy.h"
#include "support/thread_pool.h"

namespace tunesmith::search {

struct TuneOptions {
  int64_t trials = 300;  // at most, those of earlier runs included
  double seconds = 0;    // stop proposing after this long; 0: no limit
  uint64_t seed = 1;
  std::string policy = "evolution";
  size_t batch = 16;    // candidates between two trainings of the model
  double limit_ns = 0;  // what the hardware allows (measure/limits.h); 0: unknown
};

/// One finished trial, as it is recorded.
struct TrialReport {
  schedule::Trace trace;
  measure::Outcome outcome;
  uint64_t plan_hash = 0;
};

/// An earlier trial of the same workload, target and scenario.
struct EarlierTrial {
  schedule::Trace trace;
  bool ok = false;
  double latency_ns = 0;
};

struct TuneResult {
  int64_t trials = 0;                       // of this run
  std::map<std::string, int64_t> outcomes;  // how many ended how
  bool found = false;
  schedule::Trace best;
  double best_ns = 0;
  double first_ns = 0;  // of the model's first proposal: the default schedule
  std::string stopped;  // why: "trials", "seconds", "nothing left to win", "space exhausted", "interrupted"
};

/// A workload being tuned. Steps are taken one batch at a time, so that a scheduler can divide time among
/// several.
class Tuner {
 public:
  /// `measurer` and `pool` outlive the tuner. `report` is called for every finished trial, in order, before
  /// the next begins; an error from it ends the tuning.
  static Result<std::unique_ptr<Tuner>> Create(const te::Workload& workload, const codegen::Target& target,
                                               const measure::Scenario& scenario,
                                               std::shared_ptr<const measure::Expectation> expectation,
                                               const TuneOptions& options, measure::Measurer* measurer,
                                               ThreadPool* pool,
                                               std::function<Status(const TrialReport&)> report);
  ~Tuner();

  /// Makes earlier trials known: they are not repeated, the model learns from them, and they count.
  /// Those that do not replay are left out.
  Status Resume(const std::vector<EarlierTrial>& earlier);

  /// Tries one batch. False when there is nothing more to do.
  Result<bool> Step(const std::atomic<bool>& interrupted);

  const TuneResult& result() const { return result_; }
  /// Trials of earlier runs and this one.
  int64_t trials() const { return trials_; }
  /// By how much the next batch may be expected to shorten the kernel, in ns: what recent batches did,
  /// fading.
  double ExpectedGainNs() const;
  const Problem& problem() const { return problem_; }

 private:
  Tuner() = default;

  struct Built;
  void Note(const Candidate& candidate, const schedule::Trace& trace, const measure::Outcome& outcome);

  Problem problem_;
  te::Graph definition_;
  codegen::Target target_;
  measure::Scenario scenario_;
  std::shared_ptr<const measure::Expectation> expectation_;
  TuneOptions options_;
  measure::Measurer* measurer_ = nullptr;
  ThreadPool* pool_ = nullptr;
  std::function<Status(const TrialReport&)> report_;
  std::unique_ptr<costmodel::CostModel> model_;
  std::unique_ptr<SearchPolicy> policy_;
  TuneResult result_;
  int64_t trials_ = 0;
  int64_t since_gain_ = 0;  // trials since the best became at least half a per cent better
  double recent_gain_ns_ = 0;
  std::chrono::steady_clock::time_point start_;
};

/// The plan's view of a target and a number of threads.
schedule::Machine MachineOf(const codegen::Target& target, int threads);

}  // namespace tunesmith::search
