// SPDX-License-Identifier: Apache-2.0
// The tuning of one workload: propose, build on all cores, then check and time alone, learn; in the end time
// the best few against each other.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "codegen/target.h"
#include "costmodel/cost_model.h"
#include "measure/measurer.h"
#include "search/build.h"
#include "search/drops.h"
#include "search/search_policy.h"
#include "support/thread_pool.h"

namespace tunesmith::search {

struct TuneOptions {
  std::string name;      // the workload's, in the log
  int64_t trials = 300;  // those of earlier runs included; over several workloads pooled (search/scheduler.h)
  double seconds = 0;    // finals included; pooled too; 0: no limit
  uint64_t seed = 1;
  std::string policy = "evolution";
  size_t batch = 16;     // candidates between two trainings of the model
  double limit_ns = 0;   // what the hardware allows (measure/limits.h); 0: unknown
  size_t finalists = 4;  // the best so many are timed again, against each other; 0: there are no finals
  /// What the result is compared with: takes part in the finals however slow it is, so that both are timed in
  /// turn.
  std::optional<schedule::Trace> default_schedule;
  std::string xgboost = std::string(costmodel::kXgboostLibrary);  // the learned model's library
};

/// One finished trial, or what finals said of one finalist, as it is recorded.
struct TrialReport {
  schedule::Trace trace;
  measure::Outcome outcome;
  uint64_t plan_hash = 0;
  bool finalist = false;
  int processes = 1;  // that the samples come from: 1 for a trial and for a failure
};

/// Takes one finished trial, or all that finals said.
using Report = std::function<Status(std::span<const TrialReport>)>;

/// An earlier trial of the same workload, target and scenario.
struct EarlierTrial {
  schedule::Trace trace;
  bool ok = false;
  double latency_ns = 0;
  bool finalist = false;  // as in TrialReport
  bool pooled = false;    // made by a run over the same workloads as this one, from their common budget
};

/// How the finals went (measure/finalists.h).
struct Finals {
  int finalists = 0;  // that were timed against each other; 0: there were no finals
  int processes = 0;  // fresh ones, in each of which those were timed that could still win
  int tied = 0;       // of them could not be told from the winner
  double noise = 0;   // relative difference between a kernel and its own copy
};

struct TuneResult {
  int64_t trials = 0;                       // of this run
  std::map<std::string, int64_t> outcomes;  // how many ended how
  /// What was looked at and dropped before it was a trial, and ("refused by lowering", "refused by the code
  /// generator") which trials failed to build.
  Drops drops;
  bool found = false;
  schedule::Trace best;
  double best_ns = 0;  // after finals, the winner's median in them
  Finals finals;
  /// Why: "trials", "seconds", "nothing left to win", "space exhausted", "interrupted", "error".
  std::string stopped;
  std::string model;         // "xgboost" or "analytic": what ranks candidates
  std::string model_notice;  // why it is not the learned one, and how to get that; else empty
};

/// What one step may spend.
struct StepLimits {
  int64_t trials = std::numeric_limits<int64_t>::max();
  /// No kernel is measured after it, but the first of the step.
  std::chrono::steady_clock::time_point deadline = std::chrono::steady_clock::time_point::max();
};

/// A workload being tuned. Steps are taken one batch at a time, so that a scheduler can divide trials and
/// time among several.
class Tuner {
 public:
  /// `measurer` and `pool` outlive the tuner. `report` is called for every finished trial, in order, before
  /// the next begins, and once for finals, with all that they said, the winner last; what one call is given
  /// is recorded as a whole or not at all. An error from it ends the tuning.
  static Result<std::unique_ptr<Tuner>> Create(const te::Workload& workload, const codegen::Target& target,
                                               const measure::Scenario& scenario,
                                               std::shared_ptr<const measure::Expectation> expectation,
                                               const TuneOptions& options, measure::Measurer* measurer,
                                               ThreadPool* pool, Report report);
  ~Tuner();

  /// Makes earlier trials, in the order in which they were made, known: they are not repeated, the model
  /// learns from them, and they count, each candidate once. What was said last of a candidate holds, so that
  /// a finalist's later measurement replaces its trial's. The result is the best of them as the database
  /// knows it: the last finals' winner, or a trial since that was faster. Those that do not replay are left
  /// out.
  Status Resume(const std::vector<EarlierTrial>& earlier);

  /// Tries one batch. False when there is nothing more to do; result().stopped then says why.
  Result<bool> Step(const std::atomic<bool>& interrupted, const StepLimits& limits = {});

  /// To be called once no more steps are taken: times the best few and the default schedule again, in fresh
  /// processes, within about `seconds`, reports them, the winner last, and makes the winner's measurement the
  /// result. Once the fewest processes are through, no other is started after half of the time that
  /// this run's search took: a small search does not wait for large finals. Where the seconds do not suffice,
  /// or it is interrupted, the result stays that of the trials; where nothing was tried since the last
  /// finals, that of those.
  Status TimeFinalists(const std::atomic<bool>& interrupted, double seconds);
  /// About how long TimeFinalists takes where nothing presses.
  double FinalsSeconds() const;

  /// Notes why no more steps are taken, where the reason lies outside (the budget); the first reason stays.
  void Stop(std::string_view why);

  const TuneResult& result() const { return result_; }
  const TuneOptions& options() const { return options_; }
  /// Candidates tried in earlier runs and this one.
  int64_t trials() const { return trials_; }
  /// Those of them that count against the budget: what the workload was given beyond its own trials by runs
  /// that did not share this one's pool is not taken from others.
  int64_t charged() const { return trials_ - std::max<int64_t>(0, elsewhere_ - options_.trials); }
  /// By how much the next batch may be expected to shorten the kernel, in ns: what recent batches did,
  /// fading, and never more than is left to the limit. Infinite before the first success.
  double ExpectedGainNs() const;
  const Problem& problem() const { return problem_; }

 private:
  Tuner() = default;

  /// One of the fastest kernels so far.
  struct Contender {
    int algorithm = 0;
    uint64_t hash = 0;
    schedule::Trace trace;
    double latency_ns = 0;
    bool finalist = false;  // the latency is that of finals
  };
  struct Attempt;

  Result<bool> TakeStep(const std::atomic<bool>& interrupted, const StepLimits& limits);

  /// What the hardware allows; 0 if that is not known, or a kernel has shown that it allows more.
  double LimitNs() const;
  /// Why no further batch is worth while; empty if one is.
  std::string_view ReasonToStop() const;
  void BuildAll(const std::vector<Candidate>& candidates, const std::atomic<bool>& interrupted,
                std::vector<Attempt>* attempts);
  Result<measure::Outcome> Measure(const Candidate& candidate, Attempt* attempt);
  measure::Job JobFor(uint64_t id, int algorithm, Build build) const;
  /// Adds a timed kernel to the contenders, fastest first, or changes its latency.
  void Enter(Contender contender);
  void Leave(uint64_t hash);
  /// A kernel that failed, in a trial or in finals.
  void Exclude(uint64_t hash);
  void Note(const Candidate& candidate, const schedule::Trace& trace, const measure::Outcome& outcome);
  /// Makes a contender the result.
  void Choose(const Contender& contender);
  /// The best, then the default schedule, then those that the best may turn out to be slower than; as many as
  /// options say.
  std::vector<Contender> Finalists() const;
  static std::vector<double> LatenciesOf(const std::vector<Contender>& contenders);

  Problem problem_;
  te::Graph definition_;
  codegen::Target target_;
  measure::Scenario scenario_;
  std::shared_ptr<const measure::Expectation> expectation_;
  TuneOptions options_;
  measure::Measurer* measurer_ = nullptr;
  ThreadPool* pool_ = nullptr;
  Report report_;
  std::unique_ptr<costmodel::CostModel> model_;
  std::unique_ptr<SearchPolicy> policy_;
  std::vector<Contender> contenders_;
  std::optional<Contender> default_;  // unless it failed; of latency 0 until it is tried
  Drops build_drops_;
  TuneResult result_;
  int64_t trials_ = 0;
  int64_t elsewhere_ = 0;      // of trials_, made by runs with another pool
  bool finals_hold_ = false;   // there were finals, and nothing was tried since
  double search_seconds_ = 0;  // that this run's steps took
  int64_t since_gain_ = 0;     // trials since the best became at least half a per cent better
  double recent_gain_ns_ = 0;
};

/// The plan's view of a target and a number of threads.
schedule::Machine MachineOf(const codegen::Target& target, int threads);

}  // namespace tunesmith::search
