// SPDX-License-Identifier: Apache-2.0
#include "cli/bench_line.h"

#include <algorithm>
#include <cstdio>
#include <set>

#include "cli/limit.h"
#include "nlohmann/json.hpp"
#include "support/strings.h"
#include "support/units.h"

namespace tunesmith::cli {
namespace {

constexpr size_t kCheckedWidth = 7;

nlohmann::json NumberOrNull(double number) { return number > 0 ? nlohmann::json(number) : nlohmann::json(); }

/// "-" if there is none.
std::string NumberText(const char* format, double number) {
  if (number <= 0) return "-";
  char text[40];
  std::snprintf(text, sizeof text, format, number);
  return text;
}

std::string Latency(double ns) { return ns > 0 ? FormatLatency(ns) : "-"; }

std::string Columns(size_t id_width, const std::string (&cells)[9]) {
  return LineOf({{cells[0], id_width},
                 {cells[1], 7, Align::kRight},
                 {cells[2], 9, Align::kRight},
                 {cells[3], 9, Align::kRight},
                 {cells[4], 9, Align::kRight},
                 {cells[5], 6, Align::kRight},
                 {cells[6], 27},
                 {cells[7], kCheckedWidth},
                 {cells[8]}});
}

/// Why a peer does not count; said once if it is the same on every number of threads.
std::string RefusalOf(const std::vector<PeerRun>& runs) {
  const Status& first = runs[0].standing.status;
  if (std::all_of(runs.begin(), runs.end(), [&](const PeerRun& r) { return r.standing.status == first; }))
    return std::string(MessageOf(first));
  std::vector<std::string> reasons;
  for (const auto& [threads, standing] : runs) {
    if (!standing.status.ok())
      reasons.push_back(
          StrCat("on ", threads, threads == 1 ? " thread: " : " threads: ", MessageOf(standing.status)));
  }
  return StrJoin(reasons, "; ");
}

}  // namespace

void AddPeers(const std::map<std::string, std::vector<PeerRun>>& peers, BenchLine* line) {
  std::multiset<std::string> names;
  std::map<std::string, std::pair<std::string, double>> times;  // name and time, by file
  for (const auto& [file, runs] : peers) {
    for (const PeerRun& run : runs) {
      if (!run.standing.status.ok()) continue;
      auto [at, fresh] = times.try_emplace(file, run.standing.name, run.standing.median_ns);
      at->second.second = std::min(at->second.second, run.standing.median_ns);
      if (fresh) names.insert(run.standing.name);
    }
    std::string refusal = RefusalOf(runs);
    if (!refusal.empty()) line->refusals[file] = std::move(refusal);
  }
  for (const auto& [file, time] : times) {
    const auto& [name, ns] = time;
    std::string shown = names.count(name) == 1 ? name : StrCat(name, " (", file, ")");
    if (line->best_peer_ns == 0 || ns < line->best_peer_ns) line->best_peer = shown, line->best_peer_ns = ns;
    line->peers[std::move(shown)] = ns;
  }
}

nlohmann::json JsonOf(const BenchLine& line) {
  if (!line.error.empty()) return {{"id", line.id}, {"threads", line.threads}, {"error", line.error}};
  nlohmann::json json = {{"id", line.id},
                         {"threads", line.threads},
                         {"tuned_ns", NumberOrNull(line.tuned_ns)},
                         {"default_ns", NumberOrNull(line.default_ns)},
                         {"recorded", line.recorded},
                         {"peers", line.peers},
                         {"ratio", NumberOrNull(line.ratio())},
                         {"limit", line.bound.what},
                         {"limit_provisional", line.provisional},
                         {"limit_share", NumberOrNull(ShareOf(line.bound, line.tuned_ns))},
                         {"checked", line.checked}};
  if (!line.refusals.empty()) json["refusals"] = line.refusals;
  return json;
}

std::string TsvOf(const BenchLine& line) {
  std::string text =
      StrJoin(std::vector<std::string>{line.id, StrCat(line.threads), NumberText("%.1f", line.tuned_ns),
                                       NumberText("%.1f", line.default_ns), NumberText("%.4f", line.ratio()),
                                       NumberText("%.4f", ShareOf(line.bound, line.tuned_ns)),
                                       line.checked ? "checked" : "FAILED"},
              "\t");
  for (const auto& [name, ns] : line.peers) StrAppend(&text, "\t", name, "=", NumberText("%.1f", ns));
  return text + "\n";
}

std::string BenchHeading(size_t id_width, const Style& style) {
  return style.Heading(Columns(id_width, {"workload", "threads", "tuned", "default", "best peer", "ratio",
                                          "share of this CPU's limit", "checked", "the best peer"}));
}

std::string TextOf(const BenchLine& line, size_t id_width, const Style& style) {
  // Padded before it is painted: an emphasis has bytes, but no width.
  const std::string checked = line.checked ? "yes" : style.Bad(Padded("FAILED", kCheckedWidth));
  std::string text = Columns(
      id_width, {line.id, StrCat(line.threads), line.recorded ? Latency(line.tuned_ns) : "-",
                 Latency(line.default_ns), Latency(line.best_peer_ns), NumberText("%.3f", line.ratio()),
                 ShareText(line.bound, line.tuned_ns), checked, line.best_peer});
  for (const auto& [who, why] : line.refusals) StrAppend(&text, "  ", who, ": ", why, "\n");
  return text;
}

}  // namespace tunesmith::cli
