// SPDX-License-Identifier: Apache-2.0
// tune run: searches, records every trial, prints what was found.
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <thread>

#include "cli/command.h"
#include "cli/library_build.h"
#include "cli/progress.h"
#include "measure/check.h"
#include "measure/local_measurer.h"
#include "nlohmann/json.hpp"
#include "search/scheduler.h"
#include "support/strings.h"
#include "support/units.h"
#include "te/language.h"

namespace tunesmith::cli {
namespace {

struct Options {
  WorkloadOptions workloads;
  TargetOptions target;
  DatabaseOptions database;
  LibraryOptions library;
  search::TuneOptions tune;
  int jobs = 0;
  std::string format = "text";
};

/// One workload being tuned, with what is printed about it.
struct Run {
  NamedWorkload named;
  database::Key key;
};

Status CheckOptions(const Options& o) {
  if (o.tune.trials < 1) return Invalid(StrCat("--trials is ", o.tune.trials, "; at least 1 is needed"));
  if (o.tune.seconds < 0) return Invalid("--seconds is negative; 0 means no limit");
  if (o.jobs < 0) return Invalid("--jobs is negative; 0 means one for each core");
  if (o.format != "text" && o.format != "json")
    return Invalid(StrCat("--format is '", o.format, "'; it is text or json"));
  return o.library.output.empty() ? absl::OkStatus() : o.library.Check();
}

std::string TraceText(const schedule::Trace& trace) { return schedule::ToString(trace); }

Result<std::vector<search::EarlierTrial>> EarlierTrials(database::Database* database,
                                                        const database::Key& key) {
  std::vector<search::EarlierTrial> earlier;
  database::Filter filter;
  filter.key = key;
  filter.order = database::Order::kOldest;
  TS_RETURN_IF_ERROR(database->Query(filter, [&](const database::Record& record) {
    Result<schedule::Trace> trace = schedule::ParseTrace(record.trace);
    if (trace.ok()) earlier.push_back({*std::move(trace), record.outcome.ok(), record.outcome.median_ns});
    return absl::OkStatus();
  }));
  return earlier;
}

Status Record(database::Database* database, const Run& run, const search::TrialReport& report,
              uint64_t seed) {
  database::Record draft;
  draft.key = run.key;
  draft.operator_name = run.named.workload.op;
  draft.bindings = run.named.workload.bindings;
  draft.trace = TraceText(report.trace);
  draft.outcome = report.outcome;
  draft.environment = nlohmann::json({{"seed", seed}}).dump();
  draft.created_ns = database::NowNs();
  TS_ASSIGN_OR_RETURN(database::Record record, database::Seal(std::move(draft)));
  TS_ASSIGN_OR_RETURN(database::InsertCounts counts, database->Insert(std::span(&record, 1)));
  return counts.added + counts.already == 1 ? absl::OkStatus()
                                            : Internal("a record was neither added nor there");
}

void PrintJson(const nlohmann::json& line) {
  std::string text = line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  std::fprintf(stdout, "%s\n", text.c_str());
  std::fflush(stdout);
}

Status RunTune(const Options& o) {
  TS_RETURN_IF_ERROR(CheckOptions(o));
  TS_ASSIGN_OR_RETURN(std::vector<NamedWorkload> workloads, o.workloads.Resolve());
  TS_ASSIGN_OR_RETURN(codegen::Target target, o.target.ResolveTarget());
  TS_ASSIGN_OR_RETURN(measure::Scenario scenario, o.target.ResolveScenario());
  TS_ASSIGN_OR_RETURN(std::unique_ptr<database::Database> database,
                      o.database.Open(database::OpenMode::kReadWrite));
  TS_ASSIGN_OR_RETURN(measure::LocalMeasurer measurer, measure::LocalMeasurer::Create({}));
  int jobs = o.jobs > 0 ? o.jobs : static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  ThreadPool pool(jobs);
  bool json = o.format == "json";
  Progress progress(!json && isatty(STDERR_FILENO));

  std::vector<Run> runs;
  for (NamedWorkload& named : workloads) {
    database::Key key = KeyOf(named.hash, target, scenario);
    runs.push_back({std::move(named), std::move(key)});
  }
  auto start = std::chrono::steady_clock::now();
  std::vector<search::Task> tasks;
  for (Run& run : runs) {
    progress.Say(StrCat("preparing ", run.named.id));
    TS_ASSIGN_OR_RETURN(std::shared_ptr<const measure::Expectation> expectation,
                        measure::PrepareExpectation(run.named.workload));
    auto report = [&, &run = run](const search::TrialReport& trial) -> Status {
      TS_RETURN_IF_ERROR(Record(database.get(), run, trial, o.tune.seed));
      progress.Trial(run.named.id, trial.outcome);
      if (json) {
        nlohmann::json line = {{"event", "trial"},
                               {"workload", run.named.hash},
                               {"id", run.named.id},
                               {"outcome", measure::NameOf(trial.outcome.kind)},
                               {"trace", TraceText(trial.trace)}};
        line["latency_ns"] = trial.outcome.ok() ? nlohmann::json(trial.outcome.median_ns) : nlohmann::json();
        if (!trial.outcome.detail.empty()) line["detail"] = trial.outcome.detail;
        PrintJson(line);
      }
      return absl::OkStatus();
    };
    TS_ASSIGN_OR_RETURN(std::unique_ptr<search::Tuner> tuner,
                        search::Tuner::Create(run.named.workload, target, scenario, expectation, o.tune,
                                              &measurer, &pool, report));
    TS_ASSIGN_OR_RETURN(std::vector<search::EarlierTrial> earlier, EarlierTrials(database.get(), run.key));
    TS_RETURN_IF_ERROR(tuner->Resume(earlier));
    tasks.push_back({std::move(tuner), 0, false});
  }
  search::Budget budget;
  budget.trials = 0;
  budget.seconds = o.tune.seconds * static_cast<double>(tasks.size());
  Status status = search::RunTasks(&tasks, budget, Interrupted(), [](size_t) {});
  progress.Clear();
  double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();

  bool all_found = true;
  if (!json)
    std::printf("%-40s %10s %10s %8s %8s %9s  %s\n", "workload", "default", "tuned", "gain", "trials",
                "failed", "stopped by");
  for (size_t i = 0; i < tasks.size(); ++i) {
    const search::TuneResult& r = tasks[i].tuner->result();
    int64_t failed = 0;
    for (const auto& [name, count] : r.outcomes) failed += name == "ok" ? 0 : count;
    all_found = all_found && r.found;
    std::string stopped = r.stopped.empty() ? (Interrupted() ? "interrupted" : "seconds") : r.stopped;
    if (json) {
      nlohmann::json line = {{"event", "result"},
                             {"workload", runs[i].named.hash},
                             {"id", runs[i].named.id},
                             {"trials", r.trials},
                             {"stopped", stopped}};
      line["default_ns"] = r.first_ns > 0 ? nlohmann::json(r.first_ns) : nlohmann::json();
      line["tuned_ns"] = r.found ? nlohmann::json(r.best_ns) : nlohmann::json();
      line["trace"] = r.found ? nlohmann::json(TraceText(r.best)) : nlohmann::json();
      PrintJson(line);
      continue;
    }
    std::string gain = r.found && r.first_ns > 0
                           ? StrCat(static_cast<int64_t>(100 * r.first_ns / r.best_ns) / 100.0, "x")
                           : "-";
    std::printf("%-40s %10s %10s %8s %8lld %9lld  %s\n", runs[i].named.id.c_str(),
                r.first_ns > 0 ? FormatLatency(r.first_ns).c_str() : "-",
                r.found ? FormatLatency(r.best_ns).c_str() : "none", gain.c_str(),
                static_cast<long long>(r.trials), static_cast<long long>(failed), stopped.c_str());
  }
  if (!json) std::printf("%s; every kernel checked against the definition\n", FormatWait(seconds).c_str());
  TS_RETURN_IF_ERROR(status);
  if (Interrupted()) return Quiet(kInterrupted);
  if (!o.library.output.empty()) {
    std::vector<NamedWorkload> tuned;
    for (Run& run : runs) tuned.push_back(std::move(run.named));
    TS_RETURN_IF_ERROR(BuildLibrary(o.library, o.workloads, tuned, target, scenario, database.get(),
                                    json ? nullptr : stdout));
    if (json) PrintJson({{"event", "library"}, {"folder", o.library.output}});
  }
  return all_found ? absl::OkStatus() : Quiet(kFailed);
}

}  // namespace

void AddRun(CLI::App* app, Action* action) {
  auto o = std::make_shared<Options>();
  CLI::App* run = app->add_subcommand(
      "run", "Tune one workload, or all of a suite; records every trial and resumes where it was stopped.");
  o->workloads.AddTo(run);
  o->target.AddTo(run);
  o->database.AddTo(run);
  o->library.AddTo(run, false);
  run->add_option("--trials", o->tune.trials,
                  "kernels to try for each workload, those of earlier runs included")
      ->capture_default_str();
  run->add_option("--seconds", o->tune.seconds,
                  "for each workload; over a suite the time is pooled; 0: no limit")
      ->capture_default_str();
  run->add_option("--seed", o->tune.seed, "the same seed and the same outcomes make the same search")
      ->capture_default_str();
  run->add_option("--policy", o->tune.policy, "evolution, random or exhaustive")->capture_default_str();
  run->add_option("--jobs", o->jobs, "kernels built at a time; 0: one for each core")->capture_default_str();
  run->add_option("--format", o->format, "text or json (one object a line)")->capture_default_str();
  run->footer(
      "Examples:\n  tune run matmul M=1024 N=1024 K=1024\n  tune run my.te N=56 --trials 100 --threads 2\n  "
      "tune run --suite bench/suite/cpu.tsv --seconds 30");
  run->callback([o, action] { *action = [o] { return RunTune(*o); }; });
}

}  // namespace tunesmith::cli
