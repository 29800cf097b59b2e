// SPDX-License-Identifier: Apache-2.0
// The end of a workload's tuning: the best few, timed against each other.
#include <algorithm>
#include <span>

#include "measure/finalists.h"
#include "search/tuner.h"
#include "support/log.h"
#include "support/stopwatch.h"
#include "support/strings.h"
#include "support/units.h"

namespace tunesmith::search {
namespace {

/// How much of finals is done.
struct Size {
  size_t finalists = 0;
  int rounds = 0;
};

/// About how long finals of kernels of these latencies take, the best one first. A process starts, is given
/// the workload and the kernels, and takes a sample of each kernel and of the best one's copy a round; the
/// first process checks them too. Who is far behind soon gives fewer.
double SecondsFor(std::span<const double> latencies_ns, int rounds) {
  constexpr double kProcess = 0.1, kLoad = 0.01, kCheck = 0.02;
  constexpr double kLoadCalls = 3, kCheckCalls = 12;  // that come with it
  const measure::FinalistsPlan plan;
  double seconds = plan.fewest_processes * kProcess;
  const auto add = [&](double latency_ns) {
    const double call = latency_ns * 1e-9;
    const bool behind = latency_ns > plan.hopeless * latencies_ns[0];
    const int full = behind ? plan.hopeless_processes : plan.fewest_processes;
    const int samples = full * rounds + plan.fewest_processes - full;
    seconds += plan.fewest_processes * (kLoad + kLoadCalls * call) +
               samples * std::max(plan.sample_ns * 1e-9, call) + kCheck + kCheckCalls * call;
  };
  add(latencies_ns[0]);
  for (double latency_ns : latencies_ns) add(latency_ns);
  return seconds;
}

constexpr double kShareOfSearch = 0.5;  // of its seconds, for finals

/// Finals of long kernels take no longer than this, or a share of what the search took if that is more. The
/// noise that they are there to tell from gains is that of short kernels.
double MostSeconds(double search_seconds) {
  constexpr double kLongest = 10;
  return std::max(kLongest, kShareOfSearch * search_seconds);
}

/// The largest finals that fit: fewer samples before fewer finalists. One without a rival is timed for its
/// number's sake.
Size SizeFor(std::span<const double> latencies_ns, double seconds) {
  for (size_t some = latencies_ns.size(); some >= std::min<size_t>(latencies_ns.size(), 2) && some > 0;
       --some) {
    for (int rounds : {measure::FinalistsPlan().rounds, 3, 1}) {
      if (SecondsFor(latencies_ns.first(some), rounds) <= seconds) return {some, rounds};
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
  if (finalists.empty()) return finalists;
  // The default schedule is the last to be given up where time is short: whoever sees the gain over it takes
  // both to have been timed in turn.
  const bool among = !default_ || std::any_of(finalists.begin(), finalists.end(),
                                              [&](const Contender& c) { return c.hash == default_->hash; });
  if (!among && options_.finalists > 1) {
    if (finalists.size() >= options_.finalists) finalists.pop_back();
    finalists.insert(finalists.begin() + 1, *default_);
    // Not tried yet: as long as the best, for all that is known.
    if (default_->latency_ns == 0) finalists[1].latency_ns = finalists[0].latency_ns;
  }
  // Nothing new since the last finals: they hold, if the default took part.
  const bool compared = !default_ || default_->finalist || options_.finalists < 2;
  if (finals_hold_ && compared) finalists.clear();
  return finalists;
}

double Tuner::FinalsSeconds() const {
  const std::vector<double> latencies_ns = LatenciesOf(Finalists());
  if (latencies_ns.empty()) return 0;
  return std::min(SecondsFor(latencies_ns, measure::FinalistsPlan().rounds), MostSeconds(search_seconds_));
}

std::vector<double> Tuner::LatenciesOf(const std::vector<Contender>& contenders) {
  std::vector<double> latencies_ns;
  for (const Contender& c : contenders) latencies_ns.push_back(c.latency_ns);
  return latencies_ns;
}

Status Tuner::TimeFinalists(const std::atomic<bool>& interrupted, double seconds) {
  std::vector<Contender> finalists = Finalists();
  if (interrupted || finalists.empty()) return absl::OkStatus();
  const Size size = SizeFor(LatenciesOf(finalists), std::min(seconds, MostSeconds(search_seconds_)));
  if (size.finalists == 0) return absl::OkStatus();
  finalists.resize(size.finalists);

  Stopwatch watch;
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
  const double building_ns = watch.LapNanoseconds();
  measure::FinalistsPlan plan;
  plan.rounds = size.rounds;
  plan.seconds = std::min(plan.seconds, seconds);
  if (result_.trials > 0) plan.seconds = std::min(plan.seconds, kShareOfSearch * search_seconds_);
  plan.interrupted = &interrupted;
  Result<measure::FinalistsResult> timed = measurer_->TimeAgain(jobs, plan);
  if (absl::IsCancelled(timed.status())) return absl::OkStatus();  // the trials' result stays
  TS_RETURN_IF_ERROR(timed.status());

  Finals finals;
  finals.finalists = static_cast<int>(finalists.size());
  finals.processes = timed->processes;
  finals.noise = timed->noise;
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
    finals.tied += timing.tied;
    if (timing.outcome.ok()) {
      finalists[i].latency_ns = timing.outcome.median_ns;
      finalists[i].finalist = true;
      Enter(finalists[i]);
    } else {
      Exclude(finalists[i].hash);
    }
    const int processes = timing.outcome.ok() ? static_cast<int>(timing.process_medians_ns.size()) : 1;
    reports.push_back({finalists[i].trace, timing.outcome, finalists[i].hash, true, processes});
  }
  TS_RETURN_IF_ERROR(report_(reports));
  result_.finals = finals;
  Log(options_.name, ": finals of ", finals.finalists, ": built in ", FormatLatency(building_ns),
      ", timed in ", finals.processes, " processes in ", FormatLatency(watch.LapNanoseconds()), "; ",
      finals.tied, " tied with the winner; noise ", FormatShare(finals.noise));
  finals_hold_ = true;
  result_.found = !contenders_.empty();
  if (timed->winner >= 0) {
    Choose(finalists[static_cast<size_t>(timed->winner)]);
  } else if (result_.found) {
    Choose(contenders_[0]);
  }
  return absl::OkStatus();
}

}  // namespace tunesmith::search
