// SPDX-License-Identifier: Apache-2.0
// tune run: searches, records every trial, prints what was found.
#include <algorithm>
#include <cstdio>
#include <limits>

#include "cli/command.h"
#include "cli/kernels.h"
#include "cli/library_build.h"
#include "cli/option_values.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/run_report.h"
#include "measure/check.h"
#include "measure/local_measurer.h"
#include "nlohmann/json.hpp"
#include "search/scheduler.h"
#include "support/hash.h"
#include "support/log.h"
#include "support/stopwatch.h"
#include "support/strings.h"
#include "support/thread_pool.h"
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
  std::string log;  // empty: there is none
  std::string format = "text";
};

/// In finals it was timed in turn with the others: that is what compares.
void NoteDefault(Run* run, const std::string& trace, const measure::Outcome& outcome, bool finalist) {
  if (outcome.ok() && (run->default_ns == 0 || finalist) && trace == run->default_trace)
    run->default_ns = outcome.median_ns;
}

/// Names, in the records that it makes, a run over these workloads: which of their trials came from their
/// common budget. Empty for one workload, whose trials are its own.
std::string PoolOf(const std::vector<NamedWorkload>& workloads) {
  if (workloads.size() < 2) return "";
  std::vector<std::string> hashes;
  for (const NamedWorkload& named : workloads) hashes.push_back(named.hash);
  std::sort(hashes.begin(), hashes.end());
  return HashBytes128(StrJoin(hashes, "\n")).ToHex();
}

bool FromPool(const database::Record& record, const std::string& pool) {
  if (pool.empty()) return false;
  const auto environment = nlohmann::json::parse(record.environment, nullptr, /*allow_exceptions=*/false);
  return environment.is_object() && environment.value("pool", nlohmann::json()) == pool;
}

/// The trials of the key in the database, oldest first.
Result<std::vector<search::EarlierTrial>> EarlierTrials(database::Database* database, const std::string& pool,
                                                        Run* run) {
  std::vector<search::EarlierTrial> earlier;
  database::Filter filter;
  filter.key = run->key;
  filter.order = database::Order::kOldest;
  TS_RETURN_IF_ERROR(database->Query(filter, [&](const database::Record& record) {
    run->newest_ns = std::max(run->newest_ns, record.created_ns);
    Result<schedule::Trace> trace = schedule::ParseTrace(record.trace);
    if (!trace.ok()) return absl::OkStatus();
    NoteDefault(run, record.trace, record.outcome, record.processes > 1);
    earlier.push_back({*std::move(trace), record.outcome.ok(), record.outcome.median_ns, record.processes > 1,
                       FromPool(record, pool)});
    return absl::OkStatus();
  }));
  return earlier;
}

Result<database::Record> RecordOf(Run* run, const std::string& pool, const search::TrialReport& report,
                                  const search::TuneOptions& options) {
  const measure::Bound& bound = run->bounds.Of(report.trace);
  database::Record draft;
  draft.key = run->key;
  draft.operator_name = run->named.workload.op;
  draft.bindings = run->named.workload.bindings;
  draft.definition = run->named.definition;
  draft.trace = schedule::ToString(report.trace);
  draft.outcome = report.outcome;
  draft.processes = report.processes;
  if (report.outcome.ok()) draft.limit_share = ShareOf(bound, report.outcome.median_ns);
  nlohmann::json environment = {{"cpu", measure::CpuModel()},
                                {"limit", bound.what},
                                {"limit_ns", bound.ns},
                                {"policy", options.policy},
                                {"seed", options.seed}};
  if (!pool.empty()) environment["pool"] = pool;
  draft.environment = environment.dump();
  // Which finals of a key were the last is told by dates alone, so that it survives an exchange in any order;
  // what this run finds is therefore never dated before what it looked at, even if a clock was wrong once.
  constexpr int64_t kLast = std::numeric_limits<int64_t>::max();
  run->newest_ns = std::max(database::NowNs(), std::min(run->newest_ns, kLast - 1) + 1);
  draft.created_ns = run->newest_ns;
  return database::Seal(std::move(draft));
}

/// All of them or none.
Status Record(database::Database* database, const std::string& pool, Run* run,
              std::span<const search::TrialReport> reports, const search::TuneOptions& options) {
  std::vector<database::Record> records;
  for (const search::TrialReport& report : reports) {
    TS_ASSIGN_OR_RETURN(database::Record record, RecordOf(run, pool, report, options));
    records.push_back(std::move(record));
  }
  return database->Insert(records).status();
}

Standpoint StandpointOf(const Options& o, const std::vector<Run>& runs,
                        const std::vector<search::Task>& tasks, size_t current) {
  Standpoint at;
  for (const search::Task& task : tasks) at.trials += task.tuner->charged();
  at.of_trials = o.tune.trials * static_cast<int64_t>(tasks.size());
  at.budget_seconds = o.tune.seconds * static_cast<double>(tasks.size());
  if (runs.size() > 1) at.workload = runs[current].named.id;
  const search::TuneResult& r = tasks[current].tuner->result();
  at.best = r.found ? StrCat("best ", FormatLatency(r.best_ns), ", ",
                             ShareText(runs[current].bounds.Of(r.best), r.best_ns))
                    : "no kernel yet";
  return at;
}

/// Measures the limits anew if a kernel has shown that they are too low, and bounds all by the new ones.
Status RenewRefuted(const std::vector<search::TuneResult>& results, const measure::Scenario& scenario,
                    std::vector<Run>* runs, measure::Limits* limits) {
  bool refuted = false;
  for (size_t i = 0; i < runs->size(); ++i)
    refuted =
        refuted || (results[i].found && Refutes(results[i].best_ns, (*runs)[i].bounds.Of(results[i].best)));
  if (!refuted || Interrupted()) return absl::OkStatus();
  TS_ASSIGN_OR_RETURN(*limits, RenewedMachineLimits());
  for (Run& run : *runs) run.bounds = WorkloadBounds(*limits, run.named.workload, scenario);
  return absl::OkStatus();
}

/// That a workload is too large to be checked is said before others are tuned for minutes.
Status CheckMemory(const std::vector<NamedWorkload>& workloads) {
  std::vector<std::string> errors;
  for (const NamedWorkload& named : workloads) {
    const Status fits = measure::CheckMemory(named.workload);
    if (!fits.ok()) errors.push_back(StrCat(named.id, ": ", MessageOf(fits)));
  }
  return errors.empty() ? absl::OkStatus() : Invalid(StrJoin(errors, "\n"));
}

Status RunTune(const Options& o) {
  TS_RETURN_IF_ERROR(o.library.Check());
  TS_ASSIGN_OR_RETURN(std::vector<NamedWorkload> workloads, o.workloads.Resolve());
  TS_RETURN_IF_ERROR(CheckMemory(workloads));
  TS_ASSIGN_OR_RETURN(codegen::Target target, o.target.ResolveTarget());
  TS_RETURN_IF_ERROR(codegen::RunsHere(target));
  measure::Scenario scenario = o.target.ResolveScenario();
  TS_ASSIGN_OR_RETURN(std::unique_ptr<database::Database> database,
                      o.database.Open(database::OpenMode::kReadWrite));
  TS_ASSIGN_OR_RETURN(measure::LocalMeasurer measurer, measure::LocalMeasurer::Create({}));
  int jobs = o.jobs > 0 ? o.jobs : UsableCpus();
  ThreadPool pool(jobs);
  bool json = o.format == "json";
  Progress progress(!json && IsTerminal(stderr));
  progress.Say("measuring this machine's limits");
  Stopwatch watch;
  TS_ASSIGN_OR_RETURN(measure::Limits limits, MachineLimits());
  Log("limits of this CPU, ", measure::CpuModel(), limits.provisional ? ", provisional" : "", ", known in ",
      FormatLatency(watch.LapNanoseconds()));

  const std::string pool_name = PoolOf(workloads);
  std::vector<Run> runs;
  for (NamedWorkload& named : workloads) {
    database::Key key = KeyOf(named.hash, target, scenario);
    WorkloadBounds bounds(limits, named.workload, scenario);
    runs.push_back({std::move(named), std::move(key), std::move(bounds)});
  }
  std::vector<search::Task> tasks;
  for (size_t i = 0; i < runs.size() && !Interrupted(); ++i) {
    Run& run = runs[i];
    progress.Say(StrCat("preparing ", run.named.id));
    const Stopwatch preparation;
    Stopwatch preparing;
    // Without one it is tried all the same, so that it is told what failed, and others have their turn.
    const Result<schedule::Trace> standard =
        DefaultTrace(run.named.workload, target, scenario.threads, &pool);
    if (standard.ok()) run.default_trace = schedule::ToString(*standard);
    const double scheduling_ns = preparing.LapNanoseconds();
    TS_ASSIGN_OR_RETURN(std::vector<search::EarlierTrial> earlier,
                        EarlierTrials(database.get(), pool_name, &run));
    TS_ASSIGN_OR_RETURN(std::shared_ptr<const measure::Expectation> expectation,
                        measure::PrepareExpectation(run.named.workload, {}, &pool));
    Log(run.named.id, ": default schedule found in ", FormatLatency(scheduling_ns),
        ", inputs and expected outputs made in ", FormatLatency(preparing.LapNanoseconds()));
    auto report = [&, i](std::span<const search::TrialReport> reports) -> Status {
      TS_RETURN_IF_ERROR(Record(database.get(), pool_name, &runs[i], reports, o.tune));
      for (const search::TrialReport& trial : reports) {
        NoteDefault(&runs[i], schedule::ToString(trial.trace), trial.outcome, trial.finalist);
        progress.Trial(StandpointOf(o, runs, tasks, i));
        if (json) TS_RETURN_IF_ERROR(EmitJson(TrialJson(runs[i], trial, watch.seconds())));
      }
      return absl::OkStatus();
    };
    search::TuneOptions options = o.tune;
    options.name = run.named.id;
    if (standard.ok()) options.default_schedule = *standard;
    // A search must not end at a limit that is none.
    if (!limits.provisional) options.limit_ns = run.bounds.Least().ns;
    TS_ASSIGN_OR_RETURN(std::unique_ptr<search::Tuner> tuner,
                        search::Tuner::Create(run.named.workload, target, scenario, expectation, options,
                                              &measurer, &pool, report));
    TS_RETURN_IF_ERROR(tuner->Resume(earlier));
    run.earlier = tuner->trials();
    Log(run.named.id, ": ", tuner->problem().size(), " choices; ready to search after ",
        FormatLatency(preparing.LapNanoseconds()));
    run.seconds = preparation.seconds();
    tasks.push_back({std::move(tuner), 0, false});
  }
  int64_t known = 0;
  for (const search::Task& task : tasks) known += task.tuner->charged();
  progress.Start(known);
  Stopwatch batch;
  Status status = search::RunTasks(&tasks, {}, Interrupted(),
                                   [&](size_t i) { runs[i].seconds += 1e-9 * batch.LapNanoseconds(); });
  progress.Clear();

  bool all_found = tasks.size() == runs.size();
  runs.erase(runs.begin() + static_cast<std::ptrdiff_t>(tasks.size()), runs.end());
  std::vector<search::TuneResult> results;
  for (const search::Task& task : tasks) {
    const search::TuneResult& r = task.tuner->result();
    results.push_back(r);
    all_found = all_found && r.found;
  }
  TS_RETURN_IF_ERROR(RenewRefuted(results, scenario, &runs, &limits));
  if (json) {
    for (size_t i = 0; i < runs.size(); ++i)
      TS_RETURN_IF_ERROR(EmitJson(ResultJson(runs[i], results[i], limits.provisional)));
  } else {
    TS_RETURN_IF_ERROR(Emit(ResultTable(runs, results, watch.seconds())));
    TS_RETURN_IF_ERROR(Emit(ProvisionalNotice(limits)));
  }
  TS_RETURN_IF_ERROR(status);
  if (Interrupted()) {
    if (!o.library.output.empty())
      Complain(
          StrCat("tune: interrupted before the library was made; the same command goes on, and tune build "
                 "-o ",
                 o.library.output, " makes it of what is recorded"));
    return Quiet(kInterrupted);
  }
  if (!o.library.output.empty()) {
    std::vector<NamedWorkload> tuned;
    for (Run& run : runs) tuned.push_back(std::move(run.named));
    TS_ASSIGN_OR_RETURN(std::string report,
                        BuildLibrary(o.library, o.workloads, tuned, target, scenario, database.get()));
    TS_RETURN_IF_ERROR(json ? EmitJson({{"event", "library"}, {"folder", o.library.output}}) : Emit(report));
  }
  return all_found ? absl::OkStatus() : Quiet(kFailed);
}

/// The same with a log, if one was asked for. It is no part of the result: what cannot be written is told,
/// and the run goes on.
Status RunLogged(const Options& o) {
  if (o.log.empty()) return RunTune(o);
  TS_RETURN_IF_ERROR(OpenLog(o.log));
  const Stopwatch watch;
  Log(VersionText(), ": run with seed ", o.tune.seed, ", policy ", o.tune.policy);
  const Status status = RunTune(o);
  const std::string took = StrCat("ended after ", FormatWait(watch.seconds()));
  if (status.ok() || status.message().empty()) {
    Log(took, Interrupted() ? ", interrupted" : "");
  } else {
    LogWarning(took, ": ", MessageOf(status));
  }
  if (const Status written = CloseLog(); !written.ok())
    Complain(StrCat("tune: the log is incomplete: ", MessageOf(written)));
  return status;
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
  constexpr int64_t kMostTrials = 1'000'000'000;
  constexpr int64_t kMostJobs = 256;
  AddInteger(run, "--trials", &o->tune.trials, 1, kMostTrials, "",
             "kernels to try for each workload, those of earlier runs included; pooled over a suite");
  AddSeconds(run, "--seconds", &o->tune.seconds, "for each workload, pooled over a suite; 0: no limit");
  AddInteger(run, "--seed", &o->tune.seed, 0, std::numeric_limits<int64_t>::max(), "",
             "the same seed and the same outcomes make the same search");
  AddChoice(run, "--policy", &o->tune.policy, {"evolution", "random", "exhaustive"},
            "how candidates are chosen");
  AddInteger(run, "--jobs", &o->jobs, 0, kMostJobs, "", "kernels built at a time; 0: one for each core");
  AddText(run, "--log", &o->log, "FILE", "append to it what the run does, with times");
  AddChoice(run, "--format", &o->format, {"text", "json"}, "json: one object a line");
  run->footer(
      "Examples:\n"
      "  tune run matmul M=1024 N=1024 K=1024\n"
      "  tune run my.te N=56 --trials 100 --threads 2\n"
      "  tune run --suite bench/suite/cpu.tsv --only gemm_1024 --only softmax_128 --seconds 30\n"
      "  tune run softmax R=64 C=128 --format json | grep '\"event\":\"result\"'");
  run->callback([o, action] { *action = [o] { return RunLogged(*o); }; });
}

}  // namespace tunesmith::cli
