// SPDX-License-Identifier: Apache-2.0
#include "cli/system_findings.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <optional>
#include <set>

#include "support/files.h"
#include "support/strings.h"
#include "support/units.h"

namespace tunesmith::cli {
namespace {

namespace fs = std::filesystem;
using State = Finding::State;

/// The words of a small file; nothing if it cannot be read.
std::vector<std::string> WordsOf(const fs::path& path) {
  constexpr int64_t kMostBytes = 64 << 10;
  Result<std::string> text = ReadFile(path, kMostBytes);
  std::vector<std::string> words;
  if (!text.ok()) return words;
  for (std::string_view word : Words(*text, " \t\n")) words.emplace_back(word);
  return words;
}

std::optional<double> Number(const std::string& text) {
  double value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

Finding ClockSource(const fs::path& root) {
  std::vector<std::string> words =
      WordsOf(root / "sys/devices/system/clocksource/clocksource0/current_clocksource");
  if (words.empty()) return {State::kOk, "clock source", "the system does not tell", ""};
  // These are read in user space; the others cost a system call or an access to a slow device.
  static const std::set<std::string> kFast = {"tsc", "kvm-clock", "hyperv_clocksource_tsc_page",
                                              "arch_sys_counter"};
  if (kFast.contains(words[0])) return {State::kOk, "clock source", words[0], ""};
  return {State::kWarning, "clock source", StrCat(words[0], ": each look at the clock is a system call"),
          "start Linux with clocksource=tsc, if this machine's counter is reliable"};
}

Finding Governor(const fs::path& root) {
  std::set<std::string> governors;
  std::error_code error;
  for (fs::directory_iterator at(root / "sys/devices/system/cpu", error), end; !error && at != end;
       at.increment(error)) {
    std::vector<std::string> words = WordsOf(at->path() / "cpufreq/scaling_governor");
    if (!words.empty()) governors.insert(words[0]);
  }
  if (governors.empty())
    return {State::kOk, "governor", "the system does not tell (usual in virtual machines)", ""};
  std::string list = StrJoin(governors, ", ");
  if (governors == std::set<std::string>{"performance"}) return {State::kOk, "governor", list, ""};
  return {State::kWarning, "governor", StrCat(list, ": the CPU's frequency changes while kernels are timed"),
          "sudo cpupower frequency-set --governor performance"};
}

Finding Load(const fs::path& root, int cpus) {
  std::vector<std::string> words = WordsOf(root / "proc/loadavg");
  std::optional<double> load = words.empty() ? std::nullopt : Number(words[0]);
  if (!load) return {State::kOk, "load", "the system does not tell", ""};
  std::string text = StrCat(fmt::format("{:.3g}", *load), " programs were running in the last minute, on ",
                            cpus, cpus == 1 ? " CPU" : " CPUs");
  constexpr double kDisturbing = 0.5;
  if (*load <= kDisturbing * cpus) return {State::kOk, "load", text, ""};
  return {State::kWarning, "load", text, "end what else runs while kernels are timed, or wait for it"};
}

Finding Quota(const fs::path& root, int cpus) {
  // Of the control group, version 2: "max 100000", or microseconds of CPU time in each period.
  std::vector<std::string> words = WordsOf(root / "sys/fs/cgroup/cpu.max");
  std::optional<double> quota = words.size() == 2 ? Number(words[0]) : std::nullopt;
  std::optional<double> period = words.size() == 2 ? Number(words[1]) : std::nullopt;
  if (!quota || !period || *period <= 0) return {State::kOk, "CPU quota", "none", ""};
  double allowed = *quota / *period;
  std::string text = StrCat("the time of ", fmt::format("{:.3g}", allowed), " CPUs");
  if (allowed >= cpus) return {State::kOk, "CPU quota", text, ""};
  return {State::kWarning, "CPU quota",
          StrCat(text, " on ", cpus, ": kernels are stopped while they are timed"),
          "raise the container's CPU limit to whole CPUs, or pin it to some (docker run --cpuset-cpus)"};
}

Finding HugePages(const fs::path& root) {
  std::vector<std::string> words = WordsOf(root / "sys/kernel/mm/transparent_hugepage/enabled");
  for (const std::string& word : words) {
    if (!word.starts_with('[')) continue;
    if (word == "[madvise]" || word == "[always]")
      return {State::kOk, "huge pages", StrCat("transparent: ", word.substr(1, word.size() - 2)), ""};
  }
  return {State::kWarning, "huge pages",
          "off: buffers lie on small pages, and the same kernel differs from one process to the next",
          "echo madvise | sudo tee /sys/kernel/mm/transparent_hugepage/enabled"};
}

}  // namespace

std::string NameOf(Finding::State state) {
  switch (state) {
    case State::kOk:
      return "ok";
    case State::kWarning:
      return "warning";
    case State::kProblem:
      return "problem";
  }
  return "";
}

std::vector<Finding> SystemFindings(const fs::path& root, int cpus) {
  return {ClockSource(root), Governor(root), Load(root, cpus), Quota(root, cpus), HugePages(root)};
}

Finding ClockFinding() {
  using Clock = std::chrono::steady_clock;
  constexpr int kLooks = 20000;
  int64_t least_step = std::numeric_limits<int64_t>::max();
  auto start = Clock::now();
  auto last = start;
  for (int i = 0; i < kLooks; ++i) {
    auto now = Clock::now();
    if (now > last) least_step = std::min<int64_t>(least_step, (now - last).count());
    last = now;
  }
  double cost = std::chrono::duration<double, std::nano>(last - start).count() / kLooks;
  std::string text = StrCat("smallest step ", FormatLatency(static_cast<double>(least_step)),
                            ", a look at it costs ", FormatLatency(cost));
  constexpr int64_t kCoarseNs = 1000;  // a thousandth of the shortest sample
  if (least_step <= kCoarseNs) return {State::kOk, "clock", text, ""};
  return {State::kWarning, "clock", StrCat(text, ": too coarse to tell fast kernels apart"),
          "use a machine, or an emulator, with a finer monotonic clock"};
}

}  // namespace tunesmith::cli
