// SPDX-License-Identifier: Apache-2.0
// tune show: every form a kernel takes on its way, from stages to assembly.
#include <cstdio>

#include "cli/command.h"
#include "cli/kernels.h"
#include "cli/option_values.h"
#include "cli/output.h"
#include "codegen/llvm/compile.h"
#include "support/strings.h"

namespace tunesmith::cli {
namespace {

struct Options {
  WorkloadOptions workloads;
  TargetOptions target;
  DatabaseOptions database;
  std::string trace;
  std::string record;
  std::vector<std::string> forms = {"stages", "trace", "plan", "ir"};
};

/// The best recorded schedule, else the default one.
Result<schedule::Trace> BestOrDefault(const Options& o, const NamedWorkload& named,
                                      const codegen::Target& target, const measure::Scenario& scenario) {
  TS_ASSIGN_OR_RETURN(std::unique_ptr<database::Database> database, o.database.OpenIfThere());
  if (database) {
    TS_ASSIGN_OR_RETURN(std::optional<schedule::Trace> best,
                        BestTrace(database.get(), KeyOf(named.hash, target, scenario)));
    if (best) return *std::move(best);
  }
  return DefaultTrace(named.workload, target, scenario.threads);
}

Result<BuiltKernel> ChooseKernel(const Options& o, const NamedWorkload& named, const codegen::Target& target,
                                 const measure::Scenario& scenario) {
  const bool standard = o.trace == "default";
  if (!o.trace.empty() && !standard) {
    TS_ASSIGN_OR_RETURN(GivenTrace given, ReadTrace(o.trace));
    return BuildTrace(named, given);
  }
  TS_ASSIGN_OR_RETURN(schedule::Trace trace, standard ? DefaultTrace(named.workload, target, scenario.threads)
                                                      : BestOrDefault(o, named, target, scenario));
  return BuildTrace(named.workload, trace);
}

std::string StagesText(const BuiltKernel& built) {
  return StrCat("# tolerance: ", ToleranceText(built.tolerance_factor), "\n", te::ToString(built.graph));
}

/// Every form asked for, one after the other under its name.
Status Print(const Options& o, const BuiltKernel& built, const codegen::Target& target) {
  std::optional<codegen::Listing> listing;
  for (const std::string& form : o.forms) {
    bool of_llvm = form == "llvm" || form == "optimised-llvm" || form == "assembly";
    if (of_llvm && !listing) {
      TS_ASSIGN_OR_RETURN(listing, codegen::List(built.program, target));
    }
    std::string text = form == "stages"           ? StagesText(built)
                       : form == "trace"          ? schedule::ToString(built.trace)
                       : form == "plan"           ? schedule::ToString(built.plan)
                       : form == "ir"             ? ir::ToString(built.program)
                       : form == "llvm"           ? listing->llvm_ir
                       : form == "optimised-llvm" ? listing->optimised_llvm_ir
                                                  : listing->assembly;
    std::string_view separator = &form == o.forms.data() ? "" : "\n";
    TS_RETURN_IF_ERROR(Emit(StrCat(separator, "== ", form, "\n", text)));
  }
  return absl::OkStatus();
}

/// The record's workload: that of the operator that was named in words, else of its own definition.
Result<te::Workload> WorkloadFor(const Options& o, const database::Record& record) {
  const std::string id = record.id.substr(0, 12);
  if (o.workloads.words.empty()) {
    Result<te::Workload> workload = WorkloadOf(record);
    if (!absl::IsNotFound(workload.status())) return workload;
    return NotFound(StrCat("record ", id, " is of ", record.operator_name,
                           ", which is no standard operator; name its file: tune show FILE.te --record ",
                           id));
  }
  WorkloadOptions words;
  words.words = o.workloads.words;
  bool file = words.words[0].find(".te") != std::string::npos;
  if (!file && words.words[0] != record.operator_name) {
    return Invalid(StrCat("record ", id, " is of ", record.operator_name, ", not of ", words.words[0],
                          "; leave the operator out"));
  }
  for (const auto& [name, value] : record.bindings) words.words.push_back(StrCat(name, "=", value));
  TS_ASSIGN_OR_RETURN(std::vector<NamedWorkload> workloads, words.Resolve());
  if (workloads[0].hash != record.key.workload) {
    return Invalid(StrCat("record ", id, " is of another computation than ", workloads[0].id,
                          "; name the operator that it was made for"));
  }
  return workloads[0].workload;
}

Status ShowRecord(const Options& o) {
  if (!o.trace.empty()) return Invalid("--record and --trace both name a candidate; give one of them");
  if (!o.workloads.suite.empty()) return Invalid("--record names its workload; leave --suite out");
  TS_ASSIGN_OR_RETURN(std::unique_ptr<database::Database> database,
                      o.database.Open(database::OpenMode::kReadOnly));
  TS_ASSIGN_OR_RETURN(database::Record record, RecordById(database.get(), o.record));
  TS_ASSIGN_OR_RETURN(te::Workload workload, WorkloadFor(o, record));
  TS_ASSIGN_OR_RETURN(codegen::Target target, codegen::TargetNamed(record.key.target));
  TS_ASSIGN_OR_RETURN(schedule::Trace trace, schedule::ParseTrace(record.trace));
  TS_ASSIGN_OR_RETURN(BuiltKernel built, BuildTrace(workload, trace));
  return Print(o, built, target);
}

Status Show(const Options& o) {
  if (!o.record.empty()) return ShowRecord(o);
  TS_ASSIGN_OR_RETURN(std::vector<NamedWorkload> workloads, o.workloads.Resolve());
  TS_ASSIGN_OR_RETURN(codegen::Target target, o.target.ResolveTarget());
  measure::Scenario scenario = o.target.ResolveScenario();
  for (const NamedWorkload& named : workloads) {
    if (workloads.size() > 1) TS_RETURN_IF_ERROR(Emit(StrCat("=== ", named.id, "\n")));
    TS_ASSIGN_OR_RETURN(BuiltKernel built, ChooseKernel(o, named, target, scenario));
    TS_RETURN_IF_ERROR(Print(o, built, target));
  }
  return absl::OkStatus();
}

}  // namespace

void AddShow(CLI::App* app, Action* action) {
  auto o = std::make_shared<Options>();
  CLI::App* show = app->add_subcommand("show",
                                       "Print the best recorded kernel (or the default schedule) as stages, "
                                       "trace, plan, IR, LLVM IR and assembly.");
  o->workloads.AddTo(show);
  o->target.AddTo(show);
  o->database.AddTo(show);
  AddText(show, "--trace", &o->trace, "FILE", "a trace's file, or 'default' for the default schedule");
  AddText(show, "--record", &o->record, "ID",
          "the record whose id begins so (tune db list); the best one if not given");
  AddChoices(show, "--as", &o->forms, {"stages", "trace", "plan", "ir", "llvm", "optimised-llvm", "assembly"},
             "the forms to print, with commas between; standard: stages,trace,plan,ir");
  show->footer(
      "Examples:\n"
      "  tune show matmul M=512 N=512 K=512\n"
      "  tune show softmax R=64 C=128 --trace default --as assembly\n"
      "  tune show --record 3f2a91c0 --as plan,optimised-llvm\n"
      "  tune show my.te --record 3f2a91c0");
  show->callback([o, action] { *action = [o] { return Show(*o); }; });
}

}  // namespace tunesmith::cli
