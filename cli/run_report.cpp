// SPDX-License-Identifier: Apache-2.0
#include "cli/run_report.h"

#include <fmt/format.h>

#include "cli/kernels.h"
#include "cli/output.h"
#include "nlohmann/json.hpp"
#include "support/strings.h"
#include "support/units.h"

namespace tunesmith::cli {
namespace {

nlohmann::json NumberOrNull(double value) { return value > 0 ? nlohmann::json(value) : nlohmann::json(); }

/// "2 timeout, 1 crash"; empty if all went well.
std::string Failures(const search::TuneResult& result) {
  std::string text;
  for (const auto& [name, count] : result.outcomes) {
    if (name != measure::NameOf(measure::OutcomeKind::kOk))
      StrAppend(&text, text.empty() ? "" : ", ", count, " ", name);
  }
  return text;
}

/// What else there is to say of a workload, a line each.
std::string Notes(const Run& run, const search::TuneResult& r) {
  std::string notes;
  auto say = [&](const auto&... parts) { StrAppend(&notes, run.named.id, ": ", parts..., "\n"); };
  if (r.stopped != "trials") say("stopped by: ", r.stopped);
  if (std::string failures = Failures(r); !failures.empty()) say("trials that failed: ", failures);
  if (r.drops.considered() > 0) {
    std::string reasons;
    for (const auto& [reason, dropped] : r.drops.reasons())
      StrAppend(&reasons, reasons.empty() ? "; dropped: " : ", ", FormatCount(dropped.count), " ", reason);
    say("looked at ", FormatCount(r.drops.considered()), " candidates", reasons);
  }
  if (r.finals.finalists > 1) {
    say("finals: ", r.finals.finalists, " kernels timed again in ", r.finals.processes, " fresh processes, ",
        r.finals.tied, " tied with the winner; a kernel and its own copy differ by ",
        FormatShare(r.finals.noise));
  }
  const measure::Bound& bound = run.bounds.Of(r.best);
  if (r.found && Refutes(r.best_ns, bound))
    say("the kernel is faster than ", bound.what,
        " allows, though the limits were measured anew: they are "
        "too low; end what else runs, then: tune doctor");
  return notes;
}

}  // namespace

nlohmann::json TrialJson(const Run& run, const search::TrialReport& trial, double seconds) {
  const measure::Outcome& outcome = trial.outcome;
  nlohmann::json line = {{"event", trial.finalist ? "finalist" : "trial"},
                         {"workload", run.named.hash},
                         {"id", run.named.id},
                         {"outcome", measure::NameOf(outcome.kind)},
                         {"seconds", seconds},
                         {"trace", schedule::ToString(trial.trace)}};
  line["latency_ns"] = NumberOrNull(outcome.ok() ? outcome.median_ns : 0);
  line["limit_share"] =
      NumberOrNull(outcome.ok() ? ShareOf(run.bounds.Of(trial.trace), outcome.median_ns) : 0);
  if (!outcome.detail.empty()) line["detail"] = outcome.detail;
  if (trial.finalist) line["processes"] = trial.processes;
  return line;
}

nlohmann::json ResultJson(const Run& run, const search::TuneResult& result, bool provisional) {
  const measure::Bound& bound = run.bounds.Of(result.best);
  nlohmann::json line = {{"event", "result"},           {"workload", run.named.hash},
                         {"id", run.named.id},          {"trials", run.earlier + result.trials},
                         {"new_trials", result.trials}, {"outcomes", result.outcomes},
                         {"seconds", run.seconds},      {"stopped", result.stopped},
                         {"checked", result.found}};
  if (result.finals.finalists > 0) {
    line["finals"] = {{"finalists", result.finals.finalists},
                      {"processes", result.finals.processes},
                      {"tied", result.finals.tied},
                      {"noise", result.finals.noise}};
  }
  line["model"] = result.model;
  line["considered"] = result.drops.considered();
  line["dropped"] = nlohmann::json::object();
  for (const auto& [reason, dropped] : result.drops.reasons()) line["dropped"][reason] = dropped.count;
  line["default_ns"] = NumberOrNull(run.default_ns);
  line["tuned_ns"] = NumberOrNull(result.found ? result.best_ns : 0);
  line["limit_ns"] = NumberOrNull(bound.ns);
  line["limit"] = bound.what;
  line["limit_provisional"] = provisional;
  line["limit_share"] = NumberOrNull(result.found ? ShareOf(bound, result.best_ns) : 0);
  Result<BuiltKernel> best = NotFound("no kernel");
  if (result.found) best = BuildTrace(run.named.workload, result.best);
  line["tolerance"] = nullptr;
  if (best.ok()) {
    line["tolerance"] = {{"factor", best->tolerance_factor}, {"text", ToleranceText(best->tolerance_factor)}};
  }
  line["trace"] = result.found ? nlohmann::json(schedule::ToString(result.best)) : nlohmann::json();
  return line;
}

std::string ResultTable(const std::vector<Run>& runs, const std::vector<search::TuneResult>& results,
                        double seconds) {
  Style style(stdout);
  Table table({{"workload"},
               {"default", Align::kRight},
               {"tuned", Align::kRight},
               {"gain", Align::kRight},
               {"share of this CPU's limit"},
               {"trials", Align::kRight},
               {"new", Align::kRight},
               {"seconds", Align::kRight},
               {"checked"}});
  std::string notes;
  bool all_found = true, all_tried = true;
  for (size_t i = 0; i < runs.size(); ++i) {
    const Run& run = runs[i];
    const search::TuneResult& r = results[i];
    all_found = all_found && r.found;
    all_tried = all_tried && (run.earlier + r.trials > 0);
    table.Add({run.named.id, run.default_ns > 0 ? FormatLatency(run.default_ns) : "-",
               r.found ? FormatLatency(r.best_ns) : "-",
               r.found && run.default_ns > 0 ? fmt::format("{:.2f}x", run.default_ns / r.best_ns) : "-",
               r.found ? ShareText(run.bounds.Of(r.best), r.best_ns) : "-",
               FormatCount(run.earlier + r.trials), FormatCount(r.trials), fmt::format("{:.1f}", run.seconds),
               r.found ? "yes" : "no kernel"});
    notes += Notes(run, r);
  }
  if (!results.empty() && !results[0].model_notice.empty()) StrAppend(&notes, results[0].model_notice, "\n");
  std::string last =
      all_found    ? style.Good("Every kernel was checked against its definition before it was timed.")
      : !all_tried ? style.Bad("Some workloads were not tried yet; the same command goes on with them.")
                   : style.Bad("For some workloads no kernel was found that is right.");
  return StrCat(table.ToString(style), notes, FormatWait(seconds), " in all. ", last, "\n");
}

}  // namespace tunesmith::cli
