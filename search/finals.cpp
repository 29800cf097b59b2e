// SPDX-License-Identifier: Apache-2.0
// The end of a workload's tuning: the best few, timed against each other.
#include <algorithm>

#include "measure/finalists.h"
#include "search/tuner.h"
#include "support/strings.h"

namespace tunesmith::search {
namespace {

/// How much of finals is done.
struct Size {
  size_t finalists = 0;
  int rounds = 0;
};

/// About how long finals of this size take. A process starts, is given the workload and the kernels, and
/// takes a sample of each kernel and of the copy a round; the first process checks them too.
double SecondsFor(const Size& size, double latency_ns) {
  constexpr double kProcess = 0.1, kLoad = 0.01, kCheck = 0.02;
  constexpr double kLoadCalls = 3, kCheckCalls = 12;  // that come with it
  const measure::FinalistsPlan plan;
  const double kernels = static_cast<double>(size.finalists) + 1;
  const double call = latency_ns * 1e-9;
  const double sample = std::max(plan.sample_ns * 1e-9, call);
  const double process = kProcess + kernels * (kLoad + kLoadCalls * call + size.rounds * sample);
  return plan.fewest_processes * process + kernels * (kCheck + kCheckCalls * call);
}

/// The largest finals that fit: fewer samples before fewer finalists. One without a rival is timed for its
/// number's sake.
Size SizeFor(size_t finalists, double latency_ns, double seconds) {
  for (size_t some = finalists; some >= std::min<size_t>(finalists, 2) && some > 0; --some) {
    for (int rounds : {measure::FinalistsPlan().rounds, 3, 1}) {
      if (SecondsFor({some, rounds}, latency_ns) <= seconds) return {some, rounds};
    }
  }
  return {};
}

}  // namespace

std::vector<Tuner::Contender> Tuner::Finalists() const {
  // Medians of one process and of others were seen to differ by this much; who is slower cannot win.
  constexpr double kNear = 1.1;
  std::vector<Contender> finalists;
  for (const Contender& c : contenders_) {
    if (finalists.size() >= options_.finalists || c.latency_ns > kNear * contenders_[0].latency_ns) break;
    finalists.push_back(c);
  }
  // The default schedule takes part where it is not far behind, so that the gain over it was timed in turn.
  // It takes the last place, the first to be given up.
  constexpr double kComparable = 1.3;
  bool compared = !first_ || finalists.size() < 2 ||
                  first_->latency_ns > kComparable * finalists[0].latency_ns ||
                  std::any_of(finalists.begin(), finalists.end(),
                              [&](const Contender& c) { return c.hash == first_->hash; });
  if (!compared) {
    if (finalists.size() >= options_.finalists) finalists.pop_back();
    finalists.push_back(*first_);
  }
  if (finalists.size() == 1 && !options_.final_alone) finalists.clear();
  // Nothing new since the last finals: they hold.
  if (result_.trials == 0 && !finalists.empty() && finalists[0].finalist) finalists.clear();
  return finalists;
}

double Tuner::FinalsSeconds() const {
  const std::vector<Contender> finalists = Finalists();
  if (finalists.empty()) return 0;
  return SecondsFor({finalists.size(), measure::FinalistsPlan().rounds}, finalists.back().latency_ns);
}

Status Tuner::TimeFinalists(const std::atomic<bool>& interrupted, double seconds) {
  std::vector<Contender> finalists = Finalists();
  if (interrupted || finalists.empty()) return absl::OkStatus();
  const Size size = SizeFor(finalists.size(), finalists.back().latency_ns, seconds);
  if (size.finalists == 0) return absl::OkStatus();
  finalists.resize(size.finalists);

  std::vector<Result<Build>> builds(finalists.size(), absl::CancelledError("not built"));
  ParallelFor(pool_, finalists.size(), [&](size_t i) {
    const te::Graph& graph = problem_.algorithms()[static_cast<size_t>(finalists[i].algorithm)].graph;
    Result<schedule::Plan> plan = schedule::Replay(finalists[i].trace, graph);
    builds[i] = plan.ok() ? BuildPlan(*plan, definition_, target_, nullptr) : Result<Build>(plan.status());
  });
  std::vector<measure::Job> jobs;
  for (size_t i = 0; i < finalists.size(); ++i) {
    // It was built when it was tried.
    if (!builds[i].ok()) return Annotate(builds[i].status(), "a finalist cannot be built again");
    jobs.push_back(JobFor(finalists[i].hash, finalists[i].algorithm, *std::move(builds[i])));
  }
  measure::FinalistsPlan plan;
  plan.rounds = size.rounds;
  plan.seconds = std::min(plan.seconds, seconds);
  plan.interrupted = &interrupted;
  Result<measure::FinalistsResult> timed = measurer_->TimeAgain(jobs, plan);
  if (absl::IsCancelled(timed.status())) return absl::OkStatus();  // the trials' result stays
  TS_RETURN_IF_ERROR(timed.status());

  result_.finals.finalists = static_cast<int>(finalists.size());
  result_.finals.processes = timed->processes;
  result_.finals.noise = timed->noise;
  // The winner is reported last, and all in one: what was recorded of finals last is their result
  // (database/database.h), and half of it would be another result.
  std::vector<size_t> order;
  for (size_t i = 0; i < finalists.size(); ++i) {
    if (static_cast<int>(i) != timed->winner) order.push_back(i);
  }
  if (timed->winner >= 0) order.push_back(static_cast<size_t>(timed->winner));
  std::vector<TrialReport> reports;
  for (size_t i : order) {
    const measure::FinalistTiming& timing = timed->timings[i];
    result_.finals.tied += timing.tied;
    if (timing.outcome.ok()) {
      finalists[i].latency_ns = timing.outcome.median_ns;
      finalists[i].finalist = true;
      Enter(finalists[i]);
    } else {
      Leave(finalists[i].hash);
    }
    const int processes = timing.outcome.ok() ? timed->processes : 1;
    reports.push_back({finalists[i].trace, timing.outcome, finalists[i].hash, true, processes});
  }
  TS_RETURN_IF_ERROR(report_(reports));
  result_.found = !contenders_.empty();
  if (timed->winner >= 0) {
    Choose(finalists[static_cast<size_t>(timed->winner)]);
  } else if (result_.found) {
    Choose(contenders_[0]);
  }
  return absl::OkStatus();
}

}  // namespace tunesmith::search
