// SPDX-License-Identifier: Apache-2.0
// tune build: a library from records alone.
#include "CLI/CLI.hpp"
#include "cli/library_build.h"
#include "cli/output.h"

namespace tunesmith::cli {
namespace {

struct Options {
  WorkloadOptions workloads;
  TargetOptions target;
  DatabaseOptions database;
  LibraryOptions library;
};

Status Build(const Options& o) {
  TS_RETURN_IF_ERROR(o.library.Check());
  TS_ASSIGN_OR_RETURN(std::vector<NamedWorkload> workloads, o.workloads.Resolve());
  TS_ASSIGN_OR_RETURN(codegen::Target target, o.target.ResolveTarget());
  measure::Scenario scenario = o.target.ResolveScenario();
  Result<std::unique_ptr<database::Database>> database = o.database.Open(database::OpenMode::kReadOnly);
  // Without a database there are no records; a file that was named must be there.
  bool none = absl::IsNotFound(database.status()) && o.database.path.empty();
  if (!database.ok() && !none) return database.status();
  TS_ASSIGN_OR_RETURN(std::string report, BuildLibrary(o.library, o.workloads, workloads, target, scenario,
                                                       none ? nullptr : database->get()));
  return Emit(report);
}

}  // namespace

void AddBuild(CLI::App* app, Action* action) {
  auto o = std::make_shared<Options>();
  CLI::App* build =
      app->add_subcommand("build",
                          "Make a library of recorded kernels, for this level of the processor and those "
                          "below it, with a C header, "
                          "CMake package files, a Python loader and a program that measures it.");
  o->workloads.AddTo(build);
  o->target.AddTo(build);
  o->database.AddTo(build);
  o->library.AddTo(build, true);
  build->footer(
      "Examples:\n  tune build matmul M=1024 N=1024 K=1024 -o matmul\n  tune build --suite "
      "bench/suite/cpu.tsv --threads 2 --missing fail -o kernels");
  build->callback([o, action] { *action = [o] { return Build(*o); }; });
}

}  // namespace tunesmith::cli
