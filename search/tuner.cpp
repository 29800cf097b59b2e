// SPDX-License-Identifier: Apache-2.0
#include "search/tuner.h"

#include <algorithm>

#include "codegen/llvm/compile.h"
#include "ir/lower.h"
#include "support/strings.h"

namespace tunesmith::search {

schedule::Machine MachineOf(const codegen::Target& target, int threads) {
  schedule::Machine m;
  m.vector_bytes = target.vector_bytes;
  m.vector_registers = target.vector_registers;
  m.masks = target.masks;
  m.l1_bytes = target.l1_bytes;
  m.l2_bytes = target.l2_bytes;
  m.l3_bytes = target.l3_bytes;
  m.threads = threads;
  return m;
}

struct Tuner::Built {
  schedule::Trace trace;
  Result<codegen::Kernel> kernel = Internal("not built");
  Result<measure::Signature> signature = Internal("not built");
};

Result<std::unique_ptr<Tuner>> Tuner::Create(const te::Workload& workload, const codegen::Target& target,
                                             const measure::Scenario& scenario,
                                             std::shared_ptr<const measure::Expectation> expectation,
                                             const TuneOptions& options, measure::Measurer* measurer,
                                             ThreadPool* pool,
                                             std::function<Status(const TrialReport&)> report) {
  std::unique_ptr<Tuner> tuner(new Tuner());
  tuner->problem_ = Problem::Of(workload, MachineOf(target, scenario.threads), target.name);
  tuner->definition_ = workload.definition();
  tuner->target_ = target;
  tuner->scenario_ = scenario;
  tuner->expectation_ = std::move(expectation);
  tuner->options_ = options;
  tuner->measurer_ = measurer;
  tuner->pool_ = pool;
  tuner->report_ = std::move(report);
  Result<std::unique_ptr<costmodel::CostModel>> learned = costmodel::XgboostModel();
  tuner->model_ = learned.ok() ? *std::move(learned) : costmodel::AnalyticModel();
  TS_ASSIGN_OR_RETURN(tuner->policy_,
                      PolicyNamed(options.policy, &tuner->problem_, tuner->model_.get(), options.seed));
  tuner->start_ = std::chrono::steady_clock::now();
  return tuner;
}

Tuner::~Tuner() = default;

Status Tuner::Resume(const std::vector<EarlierTrial>& earlier) {
  std::vector<Tried> tried;
  for (const EarlierTrial& e : earlier) {
    Result<Candidate> candidate = problem_.FromTrace(e.trace);
    if (!candidate.ok()) continue;
    ++trials_;
    tried.push_back({*std::move(candidate), e.ok, e.latency_ns});
    if (e.ok && (!result_.found || e.latency_ns < result_.best_ns)) {
      result_.found = true;
      result_.best = e.trace;
      result_.best_ns = e.latency_ns;
    }
  }
  return policy_->Learn(tried);
}

void Tuner::Note(const Candidate&, const schedule::Trace& trace, const measure::Outcome& outcome) {
  ++trials_;
  ++result_.trials;
  ++result_.outcomes[std::string(measure::NameOf(outcome.kind))];
  ++since_gain_;
  if (!outcome.ok()) return;
  if (result_.first_ns == 0) result_.first_ns = outcome.median_ns;
  if (result_.found && outcome.median_ns >= result_.best_ns) return;
  constexpr double kWorthwhile = 0.995;
  if (!result_.found || outcome.median_ns < kWorthwhile * result_.best_ns) since_gain_ = 0;
  result_.found = true;
  result_.best = trace;
  result_.best_ns = outcome.median_ns;
}

Result<bool> Tuner::Step(const std::atomic<bool>& interrupted) {
  auto stop = [&](std::string_view why) {
    result_.stopped = std::string(why);
    return false;
  };
  double elapsed = std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  if (interrupted) return stop("interrupted");
  if (trials_ >= options_.trials) return stop("trials");
  if (options_.seconds > 0 && elapsed >= options_.seconds) return stop("seconds");
  // At the limit, or after long without gain, more trials only spend time. The numbers are generous: a third
  // of the budget, at least six batches.
  constexpr double kAtLimit = 0.985;
  int64_t patience = std::max<int64_t>(6 * static_cast<int64_t>(options_.batch), options_.trials / 3);
  bool at_limit = result_.found && options_.limit_ns > 0 && options_.limit_ns / result_.best_ns >= kAtLimit;
  if (at_limit || since_gain_ >= patience) return stop("nothing left to win");

  size_t count = std::min(options_.batch, static_cast<size_t>(options_.trials - trials_));
  std::vector<Candidate> candidates = policy_->Propose(count);
  if (candidates.empty()) return stop("space exhausted");
  std::vector<Built> built(candidates.size());
  bool all = ParallelFor(pool_, candidates.size(), [&](size_t i) {
    Built& b = built[i];
    b.trace = problem_.TraceOf(candidates[i]);
    Result<schedule::Plan> plan = problem_.PlanOf(candidates[i]);
    Result<ir::Program> program = plan.ok() ? ir::Lower(*plan) : Result<ir::Program>(plan.status());
    if (!program.ok()) {
      b.kernel = program.status();
      return;
    }
    b.signature = measure::SignatureOf(*program, definition_);
    b.kernel = b.signature.ok() ? codegen::Compile(*program, target_)
                                : Result<codegen::Kernel>(b.signature.status());
  });
  if (!all) return stop("interrupted");

  double before = result_.best_ns;
  std::vector<Tried> tried;
  for (size_t i = 0; i < built.size(); ++i) {
    if (interrupted) break;
    measure::Outcome outcome;
    if (built[i].kernel.ok()) {
      measure::Job job;
      job.id = i;
      job.kernel = *std::move(built[i].kernel);
      job.signature = *std::move(built[i].signature);
      job.expectation = expectation_;
      job.tolerance_factor =
          problem_.algorithms()[static_cast<size_t>(candidates[i].algorithm)].tolerance_factor;
      job.scenario = scenario_;
      job.timing.best_ns = result_.found ? result_.best_ns : 0;
      TS_RETURN_IF_ERROR(measurer_->Submit(std::move(job)));
      TS_ASSIGN_OR_RETURN(measure::Trial trial, measurer_->Wait());
      outcome = std::move(trial.outcome);
    } else {
      outcome.kind = measure::OutcomeKind::kCompileError;
      outcome.detail = std::string(MessageOf(built[i].kernel.status()));
    }
    Note(candidates[i], built[i].trace, outcome);
    TS_RETURN_IF_ERROR(report_({built[i].trace, outcome, candidates[i].hash}));
    tried.push_back({candidates[i], outcome.ok(), outcome.median_ns});
  }
  TS_RETURN_IF_ERROR(policy_->Learn(tried));
  double gain = before > 0 ? before - result_.best_ns : result_.best_ns;
  constexpr double kFading = 0.5;
  recent_gain_ns_ = kFading * recent_gain_ns_ + (1 - kFading) * gain;
  if (interrupted) return stop("interrupted");
  return true;
}

double Tuner::ExpectedGainNs() const {
  if (!result_.found) return std::numeric_limits<double>::max();  // every workload is tried once first
  double possible =
      options_.limit_ns > 0 ? std::max(0.0, result_.best_ns - options_.limit_ns) : result_.best_ns;
  return std::min(recent_gain_ns_, possible);
}

}  // namespace tunesmith::search
