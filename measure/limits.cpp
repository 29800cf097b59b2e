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
    AskLevel(threads, std::max(share, 2 * limits.l2_bytes), false, &found->l3, asked);
  }
  // Of four times the last level a quarter can be found there, at most.
  const int64_t everywhere =
      std::min({std::max(4 * limits.l3_bytes, int64_t{64} << 20), plan.memory_bytes, MemoryBytes() / 8});
  AskLevel(threads, std::max<int64_t>(everywhere / threads, 4096), true, &found->memory, asked);
}

double SecondsOf(std::chrono::steady_clock::duration duration) {
  return std::chrono::duration<double>(duration).count();
}

}  // namespace

const ThreadLimits& Limits::For(int threads) const {
  const auto above = std::find_if(by_threads.begin(), by_threads.end(),
                                  [&](const ThreadLimits& limits) { return limits.threads > threads; });
  return above == by_threads.begin() ? *above : *(above - 1);
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
  limits.measured_at =
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch())
          .count();
  limits.l1_bytes = std::max<int64_t>(plan.l1_bytes, 8 << 10);
  limits.l2_bytes = std::max(plan.l2_bytes, limits.l1_bytes);
  limits.l3_bytes = std::max(plan.l3_bytes, limits.l2_bytes);
  for (int threads : ThreadCounts(limits.cpus)) {
    limits.by_threads.emplace_back();
    limits.by_threads.back().threads = threads;
  }
  std::vector<Asked> asked;
  for (ThreadLimits& found : limits.by_threads) AskAll(plan, limits, &found, &asked);

  const auto start = std::chrono::steady_clock::now();
  for (size_t n = 0; n < asked.size(); ++n) {
    // What is left is shared by those that are left: the memory's first touch takes longer than its share.
    const double left = plan.seconds - SecondsOf(std::chrono::steady_clock::now() - start);
    const double share = std::max(left, 0.0) / static_cast<double>(asked.size() - n);
    const Asked& probe = asked[n];
    const Probe request{probe.kind, static_cast<uint32_t>(probe.threads), static_cast<uint64_t>(probe.bytes),
                        static_cast<uint64_t>(share * 1e9)};
    const std::optional<Frame> reply = runner.Exchange(Encode(request), kProbeLimit);
    if (!reply) {
      return Unavailable(StrCat("measuring this machine's limits: the runner ",
                                runner.end().ToString(kProbeLimit), "; try again"));
    }
    Rate rate;
    Refusal refusal;
    if (Decode(*reply, &refusal))
      return Unavailable(StrCat("measuring this machine's limits: ", refusal.text));
    if (!Decode(*reply, &rate))
      return Internal("measuring this machine's limits: the runner's answer makes no sense");
    *probe.rate = std::max(*probe.rate, rate.a_second);
  }
  return limits;
}

Result<std::filesystem::path> LimitsFile() {
  TS_ASSIGN_OR_RETURN(const std::filesystem::path folder, CacheFolder());
  return folder / "limits.json";
}

Result<Limits> CachedLimits(const std::filesystem::path& path, const LimitsPlan& plan,
                            int64_t valid_seconds) {
  constexpr int64_t kMostBytes = 1 << 20;
  const int64_t now =
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch())
          .count();
  const Result<std::string> text = ReadFile(path, kMostBytes);
  if (text.ok()) {
    Result<Limits> kept = LimitsFromJson(*text);
    const bool usable = kept.ok() && kept->cpu == CpuModel() && kept->measured_at <= now &&
                        now - kept->measured_at <= valid_seconds;
    if (usable) return kept;
  }
  TS_ASSIGN_OR_RETURN(Limits limits, MeasureLimits(plan));
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

Bound BoundOf(const Limits& limits, const Work& work, const Scenario& scenario) {
  const ThreadLimits& at = limits.For(scenario.threads);
  struct Peak {
    double rate;
    const char* name;
  };
  Peak peak{at.fma_f32, "f32 arithmetic"};
  if (work.arithmetic == Work::Arithmetic::kF64) peak = {at.fma_f64, "f64 arithmetic"};
  if (work.arithmetic == Work::Arithmetic::kU8S8 && at.dot_u8s8 > at.fma_f32)
    peak = {at.dot_u8s8, "u8s8 arithmetic"};
  if (work.arithmetic == Work::Arithmetic::kBF16 && at.dot_bf16 > at.fma_f32)
    peak = {at.dot_bf16, "bf16 arithmetic"};
  const double arithmetic_ns = peak.rate > 0 ? work.operations / peak.rate * 1e9 : 0;

  const double of_each_core = work.working_set_bytes / at.threads;
  const LevelRates* level = &at.memory;
  const char* name = "memory bandwidth";
  if (!scenario.cold) {
    if (of_each_core <= static_cast<double>(limits.l1_bytes)) {
      level = &at.l1, name = "L1 bandwidth";
    } else if (of_each_core <= static_cast<double>(limits.l2_bytes)) {
      level = &at.l2, name = "L2 bandwidth";
    } else if (limits.l3_bytes > limits.l2_bytes &&
               work.working_set_bytes <= static_cast<double>(limits.l3_bytes)) {
      level = &at.l3, name = "L3 bandwidth";
    }
  }
  const double both = std::min(work.read_bytes, work.written_bytes);
  const auto time_ns = [](double bytes, double rate) { return rate > 0 ? bytes / rate * 1e9 : 0; };
  const double data_ns = time_ns(2 * both, level->copy) + time_ns(work.read_bytes - both, level->read) +
                         time_ns(work.written_bytes - both, level->write);
  return arithmetic_ns >= data_ns ? Bound{arithmetic_ns, peak.name} : Bound{data_ns, name};
}

}  // namespace tunesmith::measure
