// SPDX-License-Identifier: Apache-2.0
#include "measure/limits.h"

#include <algorithm>
#include <chrono>
#include <fstream>
#include <map>
#include <optional>
#include <utility>

#include "measure/local_measurer.h"
#include "measure/runner_process.h"
#include "support/files.h"
#include "support/stopwatch.h"
#include "support/strings.h"

namespace tunesmith::measure {
namespace {

constexpr int64_t kMostCacheBytes = int64_t{32} << 20;
constexpr std::chrono::milliseconds kProbeLimit{30000};

/// One probe, and where its rate belongs.
struct Asked {
  ProbeKind kind;
  int threads;
  int64_t bytes;  // for each thread
  double* rate;   // takes the larger of what it has and what is found
  bool quiet = false;
};

std::vector<int> ThreadCounts(int cpus) {
  std::vector<int> counts;
  for (int threads = 1; threads < cpus; threads *= 2) counts.push_back(threads);
  counts.push_back(cpus);
  return counts;
}

void AskLevel(int threads, int64_t bytes, bool stream, LevelRates* level, std::vector<Asked>* asked) {
  asked->push_back({ProbeKind::kRead, threads, bytes, &level->read});
  asked->push_back({ProbeKind::kWrite, threads, bytes, &level->write});
  asked->push_back({ProbeKind::kCopy, threads, bytes, &level->copy});
  if (!stream) return;
  // What does not fit a cache is better written past it; a kernel may do that too.
  asked->push_back({ProbeKind::kStreamWrite, threads, bytes, &level->write});
  asked->push_back({ProbeKind::kStreamCopy, threads, bytes, &level->copy});
}

void AskAll(const LimitsPlan& plan, const Limits& limits, ThreadLimits* found, std::vector<Asked>* asked) {
  const int threads = found->threads;
  asked->push_back({ProbeKind::kFmaF32, threads, 0, &found->fma_f32});
  asked->push_back({ProbeKind::kFmaF64, threads, 0, &found->fma_f64});
  asked->push_back({ProbeKind::kDotU8S8, threads, 0, &found->dot_u8s8});
  asked->push_back({ProbeKind::kDotBF16, threads, 0, &found->dot_bf16});
  AskLevel(threads, limits.l1_bytes / 2, false, &found->l1, asked);
  AskLevel(threads, limits.l2_bytes / 2, false, &found->l2, asked);
  if (limits.l3_bytes > limits.l2_bytes) {
    const int64_t share = std::min(limits.l3_bytes / 2, kMostCacheBytes) / threads;
    AskLevel(threads, std::max(share, 2 * limits.l2_bytes), true, &found->l3, asked);
    // Of a cache that others use too, or whose pages the processor has to look up, a small part is faster.
    if (4 * limits.l2_bytes < share) AskLevel(threads, 4 * limits.l2_bytes, true, &found->l3, asked);
  }
  // Of four times the last level a quarter can be found there, at most.
  const int64_t everywhere =
      std::min({std::max(4 * limits.l3_bytes, int64_t{64} << 20), plan.memory_bytes, MemoryBytes() / 8});
  AskLevel(threads, std::max<int64_t>(everywhere / threads, 4096), true, &found->memory, asked);
}

/// Calls `visit(one, &other)` for each rate of two.
template <class Visit>
void ForEachRate(const ThreadLimits& one, ThreadLimits* other, const Visit& visit) {
  for (auto rate :
       {&ThreadLimits::fma_f32, &ThreadLimits::fma_f64, &ThreadLimits::dot_u8s8, &ThreadLimits::dot_bf16}) {
    visit(one.*rate, &(other->*rate));
  }
  for (auto level : {&ThreadLimits::l1, &ThreadLimits::l2, &ThreadLimits::l3, &ThreadLimits::memory}) {
    for (auto rate : {&LevelRates::read, &LevelRates::write, &LevelRates::copy})
      visit(one.*level.*rate, &(other->*level.*rate));
  }
}

/// Seconds since 1970.
int64_t Now() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

/// What the file holds, if it is of this CPU and not too old.
std::optional<Limits> KeptLimits(const std::filesystem::path& path) {
  constexpr int64_t kMostBytes = 1 << 20;
  const Result<std::string> text = ReadFile(path, kMostBytes);
  if (!text.ok()) return std::nullopt;
  Result<Limits> kept = LimitsFromJson(*text);
  const bool usable = kept.ok() && kept->cpu == CpuModel() && kept->measured_at <= Now() &&
                      Now() - kept->measured_at <= kKeptSeconds;
  return usable ? std::optional<Limits>(*std::move(kept)) : std::nullopt;
}

/// One probe of about so many seconds.
Result<Rate> Ask(const Asked& asked, double seconds, RunnerProcess* runner) {
  const Probe request{asked.kind, static_cast<uint32_t>(asked.threads), static_cast<uint64_t>(asked.bytes),
                      static_cast<uint64_t>(seconds * 1e9)};
  const std::optional<Frame> reply = runner->Exchange(Encode(request), kProbeLimit);
  if (!reply) {
    return Unavailable(StrCat("measuring this machine's limits: the runner ",
                              runner->end().ToString(kProbeLimit), "; try again"));
  }
  Rate rate;
  Refusal refusal;
  if (Decode(*reply, &refusal)) return Unavailable(StrCat("measuring this machine's limits: ", refusal.text));
  if (!Decode(*reply, &rate))
    return Internal("measuring this machine's limits: the runner's answer makes no sense");
  return rate;
}

}  // namespace

bool WasQuiet(const Rate& rate) {
  // Two threads that wake up together had 0.86 of their time at least on a quiet virtual machine, and 0.2 to
  // 0.6 beside one spinning thread. CPU time does not show what a hypervisor takes away; that spreads the
  // passes, whose median was up to 0.24 longer than the shortest where nothing was known to run.
  constexpr double kLeastCpuShare = 0.8, kMostSpread = 0.3;
  return rate.a_second == 0 || (rate.cpu_share >= kLeastCpuShare && rate.spread <= kMostSpread);
}

ThreadLimits Limits::For(int threads) const {
  const auto above = std::find_if(by_threads.begin(), by_threads.end(),
                                  [&](const ThreadLimits& limits) { return limits.threads >= threads; });
  // More threads than CPUs take turns.
  if (above == by_threads.end()) return by_threads.back();
  if (above == by_threads.begin() || above->threads == threads) return *above;
  ThreadLimits limits = *(above - 1);
  const double more = static_cast<double>(threads) / limits.threads;
  ForEachRate(*above, &limits, [&](double most, double* rate) { *rate = std::min(most, *rate * more); });
  limits.threads = threads;
  return limits;
}

LimitsPlan PlanFor(const codegen::Target& target) {
  LimitsPlan plan;
  plan.l1_bytes = target.l1_bytes;
  plan.l2_bytes = target.l2_bytes;
  plan.l3_bytes = target.l3_bytes;
  return plan;
}

Result<Limits> MeasureLimits(const LimitsPlan& plan) {
  std::string program = plan.runner;
  if (program.empty()) {
    TS_ASSIGN_OR_RETURN(program, RunnerBesideThisProgram());
  }
  TS_ASSIGN_OR_RETURN(RunnerProcess runner, RunnerProcess::Start(program));
  Limits limits;
  limits.cpu = CpuModel();
  limits.cpus = static_cast<int>(runner.greeting().cpus);
  limits.measured_at = Now();
  limits.l1_bytes = std::max<int64_t>(plan.l1_bytes, 8 << 10);
  limits.l2_bytes = std::max(plan.l2_bytes, limits.l1_bytes);
  limits.l3_bytes = std::max(plan.l3_bytes, limits.l2_bytes);
  for (int threads : ThreadCounts(limits.cpus)) {
    limits.by_threads.emplace_back();
    limits.by_threads.back().threads = threads;
  }
  std::vector<Asked> asked;
  for (ThreadLimits& found : limits.by_threads) AskAll(plan, limits, &found, &asked);

  // Once more, and some time later, what was disturbed, and arithmetic: it binds most kernels, costs little
  // time, and on a virtual machine was seen 9 % lower for seconds at a time.
  for (double seconds : {plan.seconds, plan.seconds / 4}) {
    const Stopwatch watch;
    for (size_t n = 0; n < asked.size(); ++n) {
      // What is left is shared by those that are left: the memory's first touch takes longer than its share.
      const double left = seconds - watch.seconds();
      const double share = std::max(left, 0.0) / static_cast<double>(asked.size() - n);
      TS_ASSIGN_OR_RETURN(const Rate rate, Ask(asked[n], share, &runner));
      *asked[n].rate = std::max(*asked[n].rate, rate.a_second);
      asked[n].quiet = asked[n].quiet || WasQuiet(rate);
    }
    limits.provisional = !std::all_of(asked.begin(), asked.end(), [](const Asked& a) { return a.quiet; });
    std::erase_if(asked, [](const Asked& a) { return a.quiet && a.kind >= ProbeKind::kRead; });
  }
  // What some threads reach more reach too, since the others may rest. Beside another program, threads that
  // wait for each other may have been slower by orders of magnitude.
  for (size_t n = 1; n < limits.by_threads.size(); ++n) {
    ForEachRate(limits.by_threads[n - 1], &limits.by_threads[n],
                [](double fewer, double* rate) { *rate = std::max(*rate, fewer); });
  }
  return limits;
}

Result<std::filesystem::path> LimitsFile() {
  TS_ASSIGN_OR_RETURN(const std::filesystem::path folder, CacheFolder());
  return folder / "limits.json";
}

Result<Limits> CachedLimits(const std::filesystem::path& path, const LimitsPlan& plan) {
  const std::optional<Limits> kept = KeptLimits(path);
  if (kept && (!kept->provisional || Now() - kept->measured_at <= kKeptProvisionalSeconds)) return *kept;
  return RenewLimits(path, plan);
}

Result<Limits> RenewLimits(const std::filesystem::path& path, const LimitsPlan& plan) {
  TS_ASSIGN_OR_RETURN(Limits limits, MeasureLimits(plan));
  const std::optional<Limits> kept = KeptLimits(path);
  for (size_t n = 0; kept && n < std::min(kept->by_threads.size(), limits.by_threads.size()); ++n) {
    if (kept->by_threads[n].threads != limits.by_threads[n].threads) break;
    ForEachRate(kept->by_threads[n], &limits.by_threads[n],
                [](double before, double* rate) { *rate = std::max(*rate, before); });
  }
  // A folder that cannot be written costs the measuring each time, no more.
  if (MakeFolder(path.parent_path()).ok()) WriteFile(path, ToJson(limits)).IgnoreError();
  return limits;
}

std::string CpuModel() {
  std::ifstream file("/proc/cpuinfo");
  std::map<std::string, std::string> fields;  // of the first processor
  std::string line;
  while (std::getline(file, line) && !line.empty()) {
    const size_t colon = line.find(':');
    if (colon == std::string::npos) continue;
    const size_t name_end = line.find_last_not_of(" \t", colon == 0 ? 0 : colon - 1);
    const size_t value = line.find_first_not_of(" \t", colon + 1);
    fields[line.substr(0, name_end + 1)] = value == std::string::npos ? "" : line.substr(value);
  }
  if (!fields.contains("model name")) {
    return StrCat("implementer ", fields["CPU implementer"], " part ", fields["CPU part"]);
  }
  return StrCat(fields["model name"], " family ", fields["cpu family"], " model ", fields["model"],
                " stepping ", fields["stepping"]);
}

}  // namespace tunesmith::measure
