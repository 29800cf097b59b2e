// SPDX-License-Identifier: Apache-2.0
// tune bench: recorded kernels, default schedules and peers, in turns in one run.
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <map>
#include <set>

#include "cli/bench_line.h"
#include "cli/command.h"
#include "cli/contest.h"
#include "cli/kernels.h"
#include "cli/limit.h"
#include "cli/native_kernel.h"
#include "cli/option_values.h"
#include "cli/output.h"
#include "cli/output_check.h"
#include "cli/peer.h"
#include "cli/peer_contender.h"
#include "codegen/llvm/compile.h"
#include "nlohmann/json.hpp"
#include "support/strings.h"

namespace tunesmith::cli {
namespace {

struct Options {
  WorkloadOptions workloads;
  TargetOptions target;
  DatabaseOptions database;
  std::vector<std::string> peers;
  std::string trace;
  double seconds = 0.4;
  double timeout = 60;
  std::string format = "text";
};

Patience PatienceOf(const Options& o) { return {o.timeout, &Interrupted()}; }

/// A peer may follow any algorithm of the operator. Its exp or erf may be less exact than ours too, and still
/// what people use: in f32 usual libraries keep within 2e-5 of the largest element.
Allowance PeersAllowance(const te::Workload& workload) {
  Allowance allowance;
  for (const te::Algorithm& a : workload.algorithms)
    allowance.tolerance_factor = std::max(allowance.tolerance_factor, a.tolerance_factor);
  allowance.of_largest = 2e-5;
  return allowance;
}

struct MeasuredLimits {
  measure::Limits limits;
  bool renewed = false;  // in this run, because a kernel was faster
};

/// The trace given, else that of the best record; nothing if there is neither.
Result<std::optional<schedule::Trace>> TunedTrace(const std::optional<GivenTrace>& given,
                                                  database::Database* database, const database::Key& key) {
  if (given) return std::optional<schedule::Trace>(given->trace);
  if (!database) return std::optional<schedule::Trace>();
  return BestTrace(database, key);
}

Result<BenchLine> BenchOne(const Options& o, const NamedWorkload& named,
                           const std::optional<GivenTrace>& given, database::Database* database,
                           const codegen::Target& target, const measure::Scenario& scenario,
                           MeasuredLimits* measured) {
  BenchLine line;
  line.id = named.id;
  line.threads = scenario.threads;
  TS_ASSIGN_OR_RETURN(schedule::Trace standard, DefaultTrace(named.workload, target, scenario.threads));
  std::vector<schedule::Trace> traces = {standard};
  TS_ASSIGN_OR_RETURN(std::optional<schedule::Trace> tuned,
                      TunedTrace(given, database, KeyOf(named.hash, target, scenario)));
  line.recorded = tuned.has_value();
  if (tuned) traces.push_back(*std::move(tuned));

  const te::Graph& definition = named.workload.definition();
  OutputCheck check(definition);
  auto checked_with = [&check](const Allowance& allowance) {
    return [&check, allowance](const Blobs& inputs, const Blobs& outputs) {
      return check.Check(inputs, outputs, allowance);
    };
  };
  std::vector<int> thread_counts = {1};
  if (scenario.threads > 1) thread_counts.push_back(scenario.threads);
  std::vector<Entrant> entrants;
  for (const std::string& file : o.peers) {
    for (int threads : thread_counts) {
      entrants.push_back(
          {threads,
           [&named, &definition, file](const Blobs&) { return PeerContender(file, named.line, definition); },
           checked_with(PeersAllowance(named.workload))});
    }
  }
  for (const schedule::Trace& trace : traces) {
    TS_ASSIGN_OR_RETURN(BuiltKernel built, BuildTrace(named.workload, trace));
    TS_ASSIGN_OR_RETURN(codegen::Kernel kernel, codegen::Compile(built.program, target));
    Allowance allowance = {built.tolerance_factor, 0};
    entrants.push_back(
        {scenario.threads,
         [&definition, built = std::move(built), kernel, threads = scenario.threads](const Blobs& inputs) {
           return NativeKernel("tunesmith", definition, built, kernel, threads, inputs);
         },
         checked_with(allowance)});
  }

  ContestPlan plan;
  plan.seconds = o.seconds;
  plan.cold = scenario.cold;
  plan.patience = PatienceOf(o);
  TS_ASSIGN_OR_RETURN(std::vector<Standing> standings, HoldContest(entrants, plan));
  std::map<std::string, std::vector<PeerRun>> peers;
  size_t next = 0;
  for (const std::string& file : o.peers) {
    for (int threads : thread_counts) peers[file].push_back({threads, std::move(standings[next++])});
  }
  AddPeers(peers, &line);
  const Standing& own_default = standings[next];
  const Standing& own_tuned = standings.back();
  line.default_ns = own_default.median_ns;
  line.tuned_ns = own_tuned.median_ns;
  line.checked = own_default.status.ok() && own_tuned.status.ok();
  if (!own_default.status.ok()) line.refusals["default"] = std::string(MessageOf(own_default.status));
  if (line.recorded && !own_tuned.status.ok())
    line.refusals["tuned"] = std::string(MessageOf(own_tuned.status));
  const auto bound = [&] {
    return WorkloadBounds(measured->limits, named.workload, scenario).Of(traces.back());
  };
  line.bound = bound();
  if (Refutes(line.tuned_ns, line.bound) && !measured->renewed) {
    TS_ASSIGN_OR_RETURN(measured->limits, RenewedMachineLimits());
    measured->renewed = true;
    line.bound = bound();
  }
  line.provisional = measured->limits.provisional;
  return line;
}

Status Print(const Options& o, const BenchLine& line, size_t id_width) {
  if (o.format == "json") return EmitJson(JsonOf(line));
  TS_RETURN_IF_ERROR(Emit(o.format == "tsv" ? TsvOf(line) : TextOf(line, id_width, Style(stdout))));
  return FlushOutput();
}

Status CheckPeers(const Options& o) {
  std::set<std::string> files;
  for (const std::string& file : o.peers) {
    if (!files.insert(file).second) return Invalid(StrCat("--peer: ", file, " is given twice"));
    Status peer = Peer::Check(file, PatienceOf(o));
    if (Interrupted()) return Quiet(kInterrupted);
    TS_RETURN_IF_ERROR(peer);
  }
  return absl::OkStatus();
}

/// The trace that is to be timed, if one was named. Errors: it does not fit all of the workloads.
Result<std::optional<GivenTrace>> ReadGiven(const Options& o, const std::vector<NamedWorkload>& workloads) {
  if (o.trace.empty()) return std::optional<GivenTrace>();
  TS_ASSIGN_OR_RETURN(GivenTrace given, ReadTrace(o.trace));
  std::vector<std::string> misfits;
  for (const NamedWorkload& named : workloads) {
    Status status = BuildTrace(named, given).status();
    if (absl::IsInternal(status)) return status;
    if (!status.ok()) misfits.emplace_back(MessageOf(status));
  }
  if (!misfits.empty()) return Invalid(StrJoin(misfits, "\n"));
  return std::optional<GivenTrace>(std::move(given));
}

Status Bench(const Options& o) {
  TS_ASSIGN_OR_RETURN(std::vector<NamedWorkload> workloads, o.workloads.Resolve());
  TS_ASSIGN_OR_RETURN(codegen::Target target, o.target.ResolveTarget());
  measure::Scenario scenario = o.target.ResolveScenario();
  TS_RETURN_IF_ERROR(codegen::RunsHere(target));
  TS_ASSIGN_OR_RETURN(std::optional<GivenTrace> given, ReadGiven(o, workloads));
  TS_RETURN_IF_ERROR(CheckPeers(o));
  TS_ASSIGN_OR_RETURN(std::unique_ptr<database::Database> database, o.database.OpenIfThere());
  MeasuredLimits measured;
  TS_ASSIGN_OR_RETURN(measured.limits, MachineLimits());
  constexpr size_t kHeadingWidth = 8;
  size_t id_width = kHeadingWidth;
  for (const NamedWorkload& named : workloads) id_width = std::max(id_width, WidthOf(named.id));
  if (o.format == "text") {
    TS_RETURN_IF_ERROR(Emit(BenchHeading(id_width, Style(stdout))));
    TS_RETURN_IF_ERROR(FlushOutput());
  }
  bool all = true;
  bool all_recorded = true;
  for (const NamedWorkload& named : workloads) {
    if (Interrupted()) return Quiet(kInterrupted);
    Result<BenchLine> line = BenchOne(o, named, given, database.get(), target, scenario, &measured);
    if (Interrupted()) return Quiet(kInterrupted);
    if (!line.ok()) {
      Complain(StrCat("tune: ", named.id, ": ", MessageOf(line.status())));
      line = BenchLine::Failed(named.id, scenario.threads, std::string(MessageOf(line.status())));
    }
    TS_RETURN_IF_ERROR(Print(o, *line, id_width));
    all = all && line->checked;
    all_recorded = all_recorded && (line->recorded || !line->error.empty());
  }
  if (o.format == "text") {
    TS_RETURN_IF_ERROR(Emit(
        StrCat("Medians of turns in one run. ratio: best peer / tuned, above 1 is ahead.",
               all_recorded ? "" : " Where tuned is -, ratio and share are the default schedule's.", "\n")));
    TS_RETURN_IF_ERROR(Emit(ProvisionalNotice(measured.limits)));
  }
  return all ? absl::OkStatus() : Quiet(kFailed);
}

}  // namespace

void AddBench(CLI::App* app, Action* action) {
  auto o = std::make_shared<Options>();
  CLI::App* bench = app->add_subcommand(
      "bench", "Time recorded kernels, default schedules and peers in turns, and compare their outputs.");
  o->workloads.AddTo(bench);
  o->target.AddTo(bench);
  o->database.AddTo(bench);
  bench->add_option("--peer", o->peers, "a library behind the peers' interface (may be given again)")
      ->type_name("LIB.so")
      ->check(CLI::Validator(
          [](std::string& file) {
            return access(file.c_str(), R_OK) == 0 ? ""
                                                   : StrCat("cannot read ", file, ": ", std::strerror(errno),
                                                            "; name a library that is there");
          },
          "", "library"));
  AddText(bench, "--trace", &o->trace, "FILE", "time this trace instead of the best record");
  AddSeconds(bench, "--seconds", &o->seconds, "of turns, for each contender");
  AddSeconds(bench, "--timeout", &o->timeout,
             "for each step of a contender (its set-up, a turn); one that takes longer is left out");
  AddChoice(bench, "--format", &o->format, {"text", "tsv", "json"},
            "tsv: a line each; json: one object a line");
  bench->footer(
      "Exit code 1 if a kernel is wrong or could not be timed. A peer that is wrong, hangs or crashes is "
      "left\n"
      "out, with the reason.\n"
      "Examples:\n"
      "  tune bench matmul M=512 N=512 K=512\n"
      "  tune bench --suite bench/suite/cpu.tsv --only gemm_1024 --threads 2 --peer peers/mkl.so\n"
      "  tune bench --suite bench/suite/cpu.tsv --format json > bench.jsonl");
  bench->callback([o, action] { *action = [o] { return Bench(*o); }; });
}

}  // namespace tunesmith::cli
