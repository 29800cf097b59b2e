// SPDX-License-Identifier: Apache-2.0
#include "search/tuner.h"

#include <algorithm>

#include "absl/container/flat_hash_map.h"
#include "support/log.h"
#include "support/stopwatch.h"
#include "support/strings.h"
#include "support/units.h"

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
  m.dots = target.dots;
  return m;
}

/// A candidate on its way to being a trial.
struct Tuner::Attempt {
  schedule::Trace trace;
  BuildPart part = BuildPart::kLowering;  // that refused, if one did
  Result<Build> build = absl::CancelledError("not built");
};

Result<std::unique_ptr<Tuner>> Tuner::Create(const te::Workload& workload, const codegen::Target& target,
                                             const measure::Scenario& scenario,
                                             std::shared_ptr<const measure::Expectation> expectation,
                                             const TuneOptions& options, measure::Measurer* measurer,
                                             ThreadPool* pool, Report report) {
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
  Result<std::unique_ptr<costmodel::CostModel>> learned = costmodel::XgboostModel(options.xgboost);
  if (!learned.ok()) {
    tuner->result_.model_notice = std::string(MessageOf(learned.status()));
    LogWarning(options.name, ": ", tuner->result_.model_notice);
  }
  tuner->model_ = learned.ok() ? *std::move(learned) : costmodel::AnalyticModel();
  tuner->result_.model = tuner->model_->name();
  TS_ASSIGN_OR_RETURN(tuner->policy_,
                      PolicyNamed(options.policy, &tuner->problem_, tuner->model_.get(), options.seed, pool));
  if (options.default_schedule) {
    TS_ASSIGN_OR_RETURN(const Candidate candidate, tuner->problem_.FromTrace(*options.default_schedule));
    tuner->default_ = Contender{candidate.algorithm, candidate.hash, *options.default_schedule};
  }
  return tuner;
}

Tuner::~Tuner() = default;

Status Tuner::Resume(const std::vector<EarlierTrial>& earlier) {
  std::vector<Tried> tried;
  std::optional<Contender> best;                // as the database says (database/filter.h)
  absl::flat_hash_map<uint64_t, size_t> place;  // of a plan in `tried`
  for (const EarlierTrial& e : earlier) {
    Result<Candidate> candidate = problem_.FromTrace(e.trace);
    if (!candidate.ok()) continue;
    Contender contender{candidate->algorithm, candidate->hash, e.trace, e.latency_ns, e.finalist};
    const auto [at, fresh] = place.try_emplace(candidate->hash, tried.size());
    if (fresh) {
      ++trials_;
      elsewhere_ += e.pooled ? 0 : 1;
      tried.push_back({*std::move(candidate), e.ok, e.latency_ns});
    } else {
      tried[at->second].ok = e.ok;
      tried[at->second].latency_ns = e.latency_ns;
    }
    finals_hold_ = e.finalist;
    if (e.ok) {
      if (!best || e.finalist || e.latency_ns < best->latency_ns) best = contender;
      Enter(std::move(contender));
    } else {
      Exclude(contender.hash);
      if (best && best->hash == contender.hash) best.reset();
    }
  }
  if (!best && !contenders_.empty()) best = contenders_[0];
  if (best) Choose(*best);
  const Stopwatch watch;
  TS_RETURN_IF_ERROR(policy_->Learn(tried));
  Log(options_.name, ": ", trials_, " earlier trials, learned from in ", FormatLatency(watch.nanoseconds()));
  return absl::OkStatus();
}

void Tuner::Enter(Contender contender) {
  constexpr size_t kMost = 32;  // far more than ever are timed again
  Leave(contender.hash);
  if (default_ && default_->hash == contender.hash) default_ = contender;
  auto at =
      std::upper_bound(contenders_.begin(), contenders_.end(), contender,
                       [](const Contender& a, const Contender& b) { return a.latency_ns < b.latency_ns; });
  contenders_.insert(at, std::move(contender));
  if (contenders_.size() > kMost) contenders_.pop_back();
}

void Tuner::Leave(uint64_t hash) {
  std::erase_if(contenders_, [&](const Contender& c) { return c.hash == hash; });
}

void Tuner::Exclude(uint64_t hash) {
  Leave(hash);
  if (default_ && default_->hash == hash) default_.reset();
}

void Tuner::Choose(const Contender& contender) {
  result_.found = true;
  result_.best = contender.trace;
  result_.best_ns = contender.latency_ns;
}

void Tuner::Note(const Candidate& candidate, const schedule::Trace& trace, const measure::Outcome& outcome) {
  ++trials_;
  ++result_.trials;
  ++result_.outcomes[std::string(measure::NameOf(outcome.kind))];
  ++since_gain_;
  finals_hold_ = false;
  if (!outcome.ok()) {
    LogWarning(options_.name, ": ", measure::NameOf(outcome.kind), ": ", outcome.detail, "\n",
               schedule::ToString(trace));
    return Exclude(candidate.hash);
  }
  Contender contender{candidate.algorithm, candidate.hash, trace, outcome.median_ns, false};
  constexpr double kWorthwhile = 0.995;
  if (!result_.found || outcome.median_ns < kWorthwhile * result_.best_ns) since_gain_ = 0;
  if (!result_.found || outcome.median_ns < result_.best_ns) Choose(contender);
  Enter(std::move(contender));
}

void Tuner::Stop(std::string_view why) {
  if (!result_.stopped.empty()) return;
  result_.stopped = std::string(why);
  Log(options_.name, ": stopped by: ", why);
}

double Tuner::LimitNs() const {
  // A limit is measured, and a model of what binds the kernel decides which: caches that hold a part of the
  // data make both err. Beyond this share, more than what noise does, the limit is refuted.
  constexpr double kRefuted = 1.03;
  return result_.found && options_.limit_ns > kRefuted * result_.best_ns ? 0 : options_.limit_ns;
}

std::string_view Tuner::ReasonToStop() const {
  // At the limit, or after long without gain, more trials only spend time. The numbers are generous: a third
  // of the budget, at least six batches.
  constexpr double kAtLimit = 0.985;
  int64_t patience = std::max<int64_t>(6 * static_cast<int64_t>(options_.batch), options_.trials / 3);
  bool at_limit = result_.found && LimitNs() / result_.best_ns >= kAtLimit;
  return at_limit || since_gain_ >= patience ? "nothing left to win" : "";
}

void Tuner::BuildAll(const std::vector<Candidate>& candidates, const std::atomic<bool>& interrupted,
                     std::vector<Attempt>* attempts) {
  ParallelFor(pool_, candidates.size(), [&](size_t i) {
    Attempt& attempt = (*attempts)[i];
    attempt.trace = problem_.TraceOf(candidates[i]);
    if (interrupted) return;
    Result<schedule::Plan> plan = problem_.PlanOf(candidates[i]);
    attempt.build =
        plan.ok() ? BuildPlan(*plan, definition_, target_, &attempt.part) : Result<Build>(plan.status());
  });
}

measure::Job Tuner::JobFor(uint64_t id, int algorithm, Build build) const {
  measure::Job job;
  job.id = id;
  job.kernel = std::move(build.kernel);
  job.signature = std::move(build.signature);
  job.expectation = expectation_;
  job.tolerance_factor = problem_.algorithms()[static_cast<size_t>(algorithm)].tolerance_factor;
  job.scenario = scenario_;
  job.timing.best_ns = result_.found ? result_.best_ns : 0;
  return job;
}

Result<measure::Outcome> Tuner::Measure(const Candidate& candidate, Attempt* attempt) {
  if (!attempt->build.ok()) {
    measure::Outcome outcome;
    outcome.kind = measure::OutcomeKind::kCompileError;
    outcome.detail = std::string(MessageOf(attempt->build.status()));
    for (Drops* drops : {&build_drops_, &result_.drops})
      drops->Add(StrCat(kRefusedBy, NameOf(attempt->part)), outcome.detail);
    return outcome;
  }
  TS_RETURN_IF_ERROR(
      measurer_->Submit(JobFor(candidate.hash, candidate.algorithm, *std::move(attempt->build))));
  TS_ASSIGN_OR_RETURN(measure::Trial trial, measurer_->Wait());
  return std::move(trial.outcome);
}

Result<bool> Tuner::Step(const std::atomic<bool>& interrupted, const StepLimits& limits) {
  const Stopwatch watch;
  Result<bool> more = TakeStep(interrupted, limits);
  search_seconds_ += watch.seconds();
  return more;
}

Result<bool> Tuner::TakeStep(const std::atomic<bool>& interrupted, const StepLimits& limits) {
  auto stop = [&](std::string_view why) {
    Stop(why);
    return false;
  };
  if (interrupted) return stop("interrupted");
  if (limits.trials <= 0) return stop("trials");
  if (std::string_view reason = ReasonToStop(); !reason.empty()) return stop(reason);

  Stopwatch watch;
  size_t count = static_cast<size_t>(std::min(static_cast<int64_t>(options_.batch), limits.trials));
  std::vector<Candidate> candidates = policy_->Propose(count);
  result_.drops = policy_->drops();
  result_.drops.Merge(build_drops_);
  if (candidates.empty()) return stop("space exhausted");
  const double proposing_ns = watch.LapNanoseconds();
  std::vector<Attempt> attempts(candidates.size());
  BuildAll(candidates, interrupted, &attempts);
  const double building_ns = watch.LapNanoseconds();

  const double before = result_.best_ns;
  std::vector<Tried> tried;
  for (size_t i = 0; i < attempts.size(); ++i) {
    if (interrupted || absl::IsCancelled(attempts[i].build.status())) break;
    if (i > 0 && std::chrono::steady_clock::now() >= limits.deadline) break;
    TS_ASSIGN_OR_RETURN(measure::Outcome outcome, Measure(candidates[i], &attempts[i]));
    const TuneResult known = result_;
    Note(candidates[i], attempts[i].trace, outcome);
    const TrialReport report{attempts[i].trace, outcome, candidates[i].hash};
    if (Status status = report_(std::span(&report, 1)); !status.ok()) {
      result_ = known;  // what is not recorded is not a result
      --trials_;
      return status;
    }
    tried.push_back({candidates[i], outcome.ok(), outcome.median_ns});
  }
  const double measuring_ns = watch.LapNanoseconds();
  TS_RETURN_IF_ERROR(policy_->Learn(tried));
  Log(options_.name, ": ", tried.size(), " trials, ", trials_, " in all: proposed in ",
      FormatLatency(proposing_ns), ", built in ", FormatLatency(building_ns), ", checked and timed in ",
      FormatLatency(measuring_ns), ", learned from in ", FormatLatency(watch.LapNanoseconds()), "; ",
      result_.found ? StrCat("best ", FormatLatency(result_.best_ns)) : "no kernel yet");
  const double gain = before > 0 ? before - result_.best_ns : result_.best_ns;
  constexpr double kFading = 0.5;
  recent_gain_ns_ = kFading * recent_gain_ns_ + (1 - kFading) * gain;
  if (interrupted) return stop("interrupted");
  if (std::string_view reason = ReasonToStop(); !reason.empty()) return stop(reason);
  return true;
}

double Tuner::ExpectedGainNs() const {
  if (!result_.found) return std::numeric_limits<double>::infinity();  // every workload is tried once first
  const double possible = std::max(0.0, result_.best_ns - LimitNs());
  return std::min(recent_gain_ns_, possible);
}

}  // namespace tunesmith::search
