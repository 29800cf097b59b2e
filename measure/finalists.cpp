// SPDX-License-Identifier: Apache-2.0
#include "measure/finalists.h"

#include <algorithm>
#include <utility>

#include "measure/local_measurer.h"
#include "measure/statistics.h"
#include "measure/workbench.h"
#include "support/stopwatch.h"
#include "support/strings.h"

namespace tunesmith::measure {
namespace {

/// A kernel on the workbench: a finalist, or the copy of the first one.
struct Entrant {
  const Job* job = nullptr;
  int slot = 0;
  std::vector<double> process_medians_ns;
  std::vector<double> samples_ns;
  int failures = 0;
  Outcome failure;
  bool hopeless = false;

  bool in() const { return failure.ok(); }
};

Status Interrupted() { return absl::CancelledError("the finalists were not timed to the end: interrupted"); }

/// Times all entrants that are in, in one fresh process. False if one of them failed, or the runner with it:
/// then nothing of this process counts.
Result<bool> TimeInOneProcess(const FinalistsPlan& plan, int process, bool check, AcceptedOutputs* accepted,
                              std::vector<Entrant>* entrants) {
  TS_ASSIGN_OR_RETURN(Workbench workbench, Workbench::Start(plan.runner, plan.memory_limit_bytes, accepted));
  // A runner that is killed from outside takes down whichever kernel is running; who fails twice is guilty.
  const auto failed = [&](Entrant& entrant, const Outcome& outcome) {
    const bool perhaps_innocent = outcome.kind == OutcomeKind::kCrash;
    if (++entrant.failures >= (perhaps_innocent ? 2 : 1)) entrant.failure = outcome;
    return false;
  };
  const auto interrupted = [&] { return plan.interrupted != nullptr && *plan.interrupted; };
  for (Entrant& entrant : *entrants) {
    if (interrupted()) return Interrupted();
    if (!entrant.in()) continue;
    Outcome outcome =
        check ? workbench.Load(entrant.slot, *entrant.job) : workbench.LoadToTime(entrant.slot, *entrant.job);
    if (outcome.ok() && check) outcome = workbench.Check(entrant.slot, *entrant.job);
    if (!outcome.ok()) return failed(entrant, outcome);
  }
  std::vector<std::vector<double>> samples(entrants->size());
  const size_t count = entrants->size();
  for (int round = 0; round < plan.rounds; ++round) {
    for (size_t n = 0; n < count; ++n) {
      // Each comes first as often as the others, and after a different one in each process.
      const size_t which = (n + static_cast<size_t>(round + process)) % count;
      Entrant& entrant = (*entrants)[which];
      if (interrupted()) return Interrupted();
      if (!entrant.in() || (entrant.hopeless && round + 1 < plan.rounds)) continue;
      Outcome outcome =
          workbench.Sample(entrant.slot, *entrant.job, 1, entrant.job->timing.budget_ns, &samples[which]);
      // All write to the same outputs: once in each process they are compared before the next one does.
      if (outcome.ok() && round + 1 == plan.rounds) outcome = workbench.CompareTimed(*entrant.job);
      if (!outcome.ok()) return failed(entrant, outcome);
    }
  }
  for (size_t n = 0; n < count; ++n) {
    Entrant& entrant = (*entrants)[n];
    if (!entrant.in()) continue;
    entrant.process_medians_ns.push_back(Median(samples[n]));
    entrant.samples_ns.insert(entrant.samples_ns.end(), samples[n].begin(), samples[n].end());
  }
  return true;
}

/// The finalist with the smallest median that is still in; -1 if none is. The last entrant is the copy.
int BestOf(const std::vector<Entrant>& entrants) {
  int best = -1;
  double best_ns = 0;
  for (size_t n = 0; n + 1 < entrants.size(); ++n) {
    if (!entrants[n].in()) continue;
    const double median = Median(entrants[n].process_medians_ns);
    if (best < 0 || median < best_ns) {
      best = static_cast<int>(n);
      best_ns = median;
    }
  }
  return best;
}

/// Marks who is far behind the best.
void FindHopeless(const FinalistsPlan& plan, double best_ns, std::vector<Entrant>* entrants) {
  // The last one is the copy of the first, and goes with it.
  for (Entrant& entrant : *entrants)
    entrant.hopeless = Median(entrant.process_medians_ns) > plan.hopeless * best_ns;
  entrants->back().hopeless = entrants->front().hopeless;
}

bool TiedWith(const Entrant& winner, const Entrant& other, double noise) {
  return CompareInPairs(winner.process_medians_ns, other.process_medians_ns, noise) != Verdict::kFirstFaster;
}

}  // namespace

Result<FinalistsResult> TimeFinalists(const std::vector<Job>& given_jobs, const FinalistsPlan& given) {
  if (given_jobs.empty()) return Invalid("there are no finalists to time");
  std::vector<Job> jobs = given_jobs;
  for (Job& job : jobs) {
    job.timing.sample_ns = std::min(job.timing.sample_ns, given.sample_ns);
    TS_RETURN_IF_ERROR(Validate(job));
    if (job.expectation != jobs[0].expectation || !(job.scenario == jobs[0].scenario)) {
      return Invalid(
          StrCat("finalist ", job.id, " is of another workload or scenario than finalist ", jobs[0].id));
    }
  }
  FinalistsPlan plan = given;
  if (plan.runner.empty()) {
    TS_ASSIGN_OR_RETURN(plan.runner, RunnerBesideThisProgram());
  }
  std::vector<Entrant> entrants(jobs.size() + 1);
  for (size_t n = 0; n < entrants.size(); ++n) {
    entrants[n].job = n < jobs.size() ? &jobs[n] : &jobs[0];
    entrants[n].slot = static_cast<int>(n);
  }

  FinalistsResult result;
  AcceptedOutputs accepted;
  const Stopwatch watch;
  const Entrant& copy = entrants.back();
  // Each failure but the first of a kernel drops it, so the attempts are bounded.
  for (int attempt = 0; result.processes < plan.most_processes; ++attempt) {
    if (result.processes >= plan.fewest_processes && watch.seconds() > plan.seconds) break;
    TS_ASSIGN_OR_RETURN(const bool counts,
                        TimeInOneProcess(plan, attempt, result.processes == 0, &accepted, &entrants));
    const int best = BestOf(entrants);
    if (best < 0) break;
    if (!counts) continue;
    ++result.processes;
    if (entrants[0].in() && copy.in()) {
      result.noise = RelativeDifference(entrants[0].process_medians_ns, copy.process_medians_ns);
    }
    if (result.processes >= plan.hopeless_processes)
      FindHopeless(plan, Median(entrants[static_cast<size_t>(best)].process_medians_ns), &entrants);
    result.winner = best;
    result.decided = true;
    const Entrant& winner = entrants[static_cast<size_t>(best)];
    for (size_t n = 0; n < jobs.size(); ++n) {
      if (static_cast<int>(n) == best || !entrants[n].in()) continue;
      if (TiedWith(winner, entrants[n], result.noise) &&
          !AreEquivalent(winner.process_medians_ns, entrants[n].process_medians_ns, plan.negligible))
        result.decided = false;
    }
    if (result.processes >= plan.fewest_processes && result.decided) break;
  }

  result.winner = BestOf(entrants);
  for (size_t n = 0; n < jobs.size(); ++n) {
    const Entrant& entrant = entrants[n];
    FinalistTiming timing;
    timing.outcome = entrant.failure;
    if (entrant.failure.ok()) {
      timing.outcome.samples_ns = entrant.samples_ns;
      Summarize(&timing.outcome);
      // What chose the winner is what is told of it: no other that stayed in has a smaller one.
      timing.outcome.median_ns = Median(entrant.process_medians_ns);
      timing.tied = entrant.in() && static_cast<int>(n) != result.winner &&
                    TiedWith(entrants[static_cast<size_t>(result.winner)], entrant, result.noise);
    }
    timing.process_medians_ns = entrant.process_medians_ns;
    result.timings.push_back(std::move(timing));
  }
  return result;
}

}  // namespace tunesmith::measure
