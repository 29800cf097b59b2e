// SPDX-License-Identifier: Apache-2.0
// tune show: every form a kernel takes on its way, from stages to assembly.
#include <cstdio>

#include "cli/command.h"
#include "cli/kernels.h"
#include "codegen/llvm/compile.h"
#include "support/files.h"
#include "support/strings.h"

namespace tunesmith::cli {
namespace {

struct Options {
  WorkloadOptions workloads;
  TargetOptions target;
  DatabaseOptions database;
  std::string trace;
  std::vector<std::string> forms = {"stages", "trace", "plan", "ir"};
};

Result<schedule::Trace> ChooseTrace(const Options& o, const NamedWorkload& named,
                                    const codegen::Target& target, const measure::Scenario& scenario) {
  if (o.trace == "default") return DefaultTrace(named.workload, target, scenario.threads);
  if (!o.trace.empty()) {
    constexpr int64_t kMostBytes = 1 << 20;
    TS_ASSIGN_OR_RETURN(std::string text, ReadFile(o.trace, kMostBytes));
    return schedule::ParseTrace(text);
  }
  Result<std::unique_ptr<database::Database>> database = o.database.Open(database::OpenMode::kReadOnly);
  if (database.ok()) {
    TS_ASSIGN_OR_RETURN(std::optional<schedule::Trace> best,
                        BestTrace(database->get(), KeyOf(named.hash, target, scenario)));
    if (best) return *std::move(best);
  } else if (!absl::IsNotFound(database.status())) {
    return database.status();
  }
  return DefaultTrace(named.workload, target, scenario.threads);
}

void Print(std::string_view title, std::string_view text) {
  std::printf("== %.*s\n%.*s\n", static_cast<int>(title.size()), title.data(), static_cast<int>(text.size()),
              text.data());
}

Status Show(const Options& o) {
  TS_ASSIGN_OR_RETURN(std::vector<NamedWorkload> workloads, o.workloads.Resolve());
  TS_ASSIGN_OR_RETURN(codegen::Target target, o.target.ResolveTarget());
  measure::Scenario scenario = o.target.ResolveScenario();
  for (const NamedWorkload& named : workloads) {
    TS_ASSIGN_OR_RETURN(schedule::Trace trace, ChooseTrace(o, named, target, scenario));
    TS_ASSIGN_OR_RETURN(BuiltKernel built, BuildTrace(named.workload, trace));
    std::optional<codegen::Listing> listing;
    for (const std::string& form : o.forms) {
      if (form == "stages") Print("stages", te::ToString(built.graph));
      if (form == "trace") Print("trace", schedule::ToString(built.trace));
      if (form == "plan") Print("plan", schedule::ToString(built.plan));
      if (form == "ir") Print("ir", ir::ToString(built.program));
      if (form != "llvm" && form != "optimised-llvm" && form != "assembly") continue;
      if (!listing) {
        TS_ASSIGN_OR_RETURN(listing, codegen::List(built.program, target));
      }
      Print(form, form == "llvm"       ? listing->llvm_ir
                  : form == "assembly" ? listing->assembly
                                       : listing->optimised_llvm_ir);
    }
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
  show->add_option("--trace", o->trace, "a trace's file, or 'default' for the default schedule")
      ->type_name("FILE");
  show->add_option("--as", o->forms, "stages, trace, plan, ir, llvm, optimised-llvm, assembly")
      ->check(CLI::IsMember({"stages", "trace", "plan", "ir", "llvm", "optimised-llvm", "assembly"}))
      ->delimiter(',');
  show->footer(
      "Examples:\n  tune show matmul M=512 N=512 K=512\n  tune show softmax R=64 C=128 --as assembly");
  show->callback([o, action] { *action = [o] { return Show(*o); }; });
}

}  // namespace tunesmith::cli
