// SPDX-License-Identifier: Apache-2.0
#include "cli/library_build.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "cli/kernels.h"
#include "cli/library_check.h"
#include "cli/option_values.h"
#include "cli/output.h"
#include "codegen/llvm/compile.h"
#include "library/folder.h"
#include "library/library.h"
#include "library/names.h"
#include "library/tables.h"
#include "support/strings.h"
#include "support/thread_pool.h"
#include "support/units.h"

namespace tunesmith::cli {
namespace {

/// The target as far as its name goes: with caches of usual sizes in the place of this machine's. So a
/// default schedule is the same wherever the library is made.
codegen::Target Portable(codegen::Target target) {
  const codegen::Target usual;
  target.l1_bytes = usual.l1_bytes;
  target.l2_bytes = usual.l2_bytes;
  target.l3_bytes = usual.l3_bytes;
  return target;
}

/// The targets whose code runs wherever `target`'s does, ascending; the last one is `target`.
Result<std::vector<codegen::Target>> LevelsUpTo(const codegen::Target& target) {
  TS_ASSIGN_OR_RETURN(int32_t all, library::ExtensionsOf(target));
  std::vector<codegen::Target> levels;
  for (const std::string& name : codegen::KnownTargets()) {
    if (name == "native") continue;
    TS_ASSIGN_OR_RETURN(codegen::Target level, codegen::TargetNamed(name));
    TS_ASSIGN_OR_RETURN(int32_t extensions, library::ExtensionsOf(level));
    if ((extensions & ~all) == 0) levels.push_back(std::move(level));
  }
  return levels;
}

/// One kernel for one level.
struct Built {
  library::Variant variant;
  std::optional<measure::Job> check;  // of a level that runs here
};

/// From its record, or by default.
Result<Built> BuildVariant(const te::Workload& workload, const codegen::Target& level,
                           const measure::Scenario& scenario, std::optional<database::Record> record,
                           bool runs) {
  Built result;
  library::Variant& variant = result.variant;
  variant.target = level;
  schedule::Trace trace;
  if (record) {
    Result<schedule::Trace> recorded = schedule::ParseTrace(record->trace);
    if (!recorded.ok()) return Annotate(recorded.status(), StrCat("the trace of record ", record->id));
    trace = *std::move(recorded);
  } else {
    TS_ASSIGN_OR_RETURN(trace, DefaultTrace(workload, Portable(level), scenario.threads));
  }
  Result<BuiltKernel> built = BuildTrace(workload, trace);
  if (!built.ok() && record) return Annotate(built.status(), StrCat("record ", record->id));
  TS_RETURN_IF_ERROR(built);
  TS_ASSIGN_OR_RETURN(variant.object, codegen::CompileObject(built->program, level));
  variant.signature = std::move(built->signature);
  if (built->program.pack.body) variant.pack_program = ir::ToString(built->program.pack);
  variant.trace = schedule::ToString(trace);
  variant.tolerance_factor = built->tolerance_factor;
  variant.record = std::move(record);
  if (runs) {
    measure::Job& job = result.check.emplace();
    TS_ASSIGN_OR_RETURN(job.kernel, codegen::Compile(built->program, level));
    job.signature = variant.signature;
    job.scenario = scenario;
    job.tolerance_factor = variant.tolerance_factor;
  }
  return result;
}

std::string BindingsOf(const NamedWorkload& named) {
  return named.line.substr(std::min(named.line.size(), named.line.rfind('\t') + 1));
}

/// The kernels without code, in the workloads' order.
library::Library Describe(const LibraryOptions& options, const WorkloadOptions& words,
                          const std::vector<NamedWorkload>& workloads, const codegen::Target& target,
                          const measure::Scenario& scenario) {
  library::Library library;
  library.target = target.name;
  library.scenario = scenario;
  // "tuned_" keeps a header from hiding one of the system, such as math.h.
  const std::string stem =
      words.suite.empty() ? workloads[0].workload.op : std::filesystem::path(words.suite).stem().string();
  library.name = options.name.empty()
                     ? StrCat("tuned_", library::Identifier(stem)).substr(0, library::kLongestName)
                     : options.name;
  for (const NamedWorkload& named : workloads) {
    library::Kernel kernel;
    std::string bindings = BindingsOf(named);
    kernel.title = StrCat(named.workload.op, bindings.empty() ? "" : " ", bindings);
    // Not the words of the command line: they may hold a path.
    kernel.name = words.suite.empty() ? kernel.title : named.id;
    kernel.workload = named.workload;
    kernel.hash = named.hash;
    library.kernels.push_back(std::move(kernel));
  }
  return library;
}

/// `checked`: by kernel and variant.
std::string Report(const library::Library& library, const std::vector<std::vector<bool>>& checked,
                   const std::string& folder) {
  Table table({{"kernel"}, {"level"}, {"schedule"}, {"checked"}});
  for (size_t k = 0; k < library.kernels.size(); ++k) {
    const library::Kernel& kernel = library.kernels[k];
    for (size_t n = 0; n < kernel.variants.size(); ++n) {
      const library::Variant& v = kernel.variants[n];
      table.Add({kernel.name, v.target.name,
                 v.record ? StrCat("record, ", FormatLatency(v.record->outcome.median_ns)) : "default",
                 checked[k][n] ? "yes" : "not here"});
    }
  }
  return StrCat(table.ToString(Style(stdout)), folder, ": the library ", library.name, " (include/",
                library.name, ".h, manifest.json); bin/", library.name, "_bench measures it again\n");
}

}  // namespace

void LibraryOptions::AddTo(CLI::App* app, bool required) {
  AddText(app, "-o,--output", &output, "DIR", "the library's folder: new, empty, or an earlier library")
      ->required(required);
  AddText(app, "--name", &name, "NAME",
          "of the library: the prefix of its functions; standard: tuned_ and the suite or operator");
  AddChoice(app, "--missing", &missing, {"default", "fail"},
            "a workload without a record: its default schedule, or fail");
}

Status LibraryOptions::Check() const {
  if (output.empty()) {
    if (name.empty() && missing == "default") return absl::OkStatus();
    return Invalid("--name and --missing are of a library; name its folder too: -o DIR");
  }
  if (!name.empty()) TS_RETURN_IF_ERROR(library::CheckLibraryName(name));
  return library::CheckFolder(output);
}

Result<std::string> BuildLibrary(const LibraryOptions& options, const WorkloadOptions& words,
                                 const std::vector<NamedWorkload>& workloads, const codegen::Target& target,
                                 const measure::Scenario& scenario, database::Database* database) {
  TS_ASSIGN_OR_RETURN(std::vector<codegen::Target> levels, LevelsUpTo(target));
  library::Library library = Describe(options, words, workloads, target, scenario);
  struct Job {
    size_t kernel;
    const codegen::Target* level;
    std::optional<database::Record> record;
    Result<Built> built = Internal("not built");
  };
  std::vector<Job> jobs;
  std::string missing;
  for (size_t k = 0; k < workloads.size(); ++k) {
    for (const codegen::Target& level : levels) {
      Job job{k, &level, std::nullopt};
      if (database) {
        TS_ASSIGN_OR_RETURN(job.record, database->Best(KeyOf(workloads[k].hash, level, scenario)));
      }
      if (!job.record && level.name == target.name) StrAppend(&missing, "\n  ", workloads[k].id);
      jobs.push_back(std::move(job));
    }
  }
  if (options.missing == "fail" && !missing.empty()) {
    Complain(StrCat("tune: no record for ", target.name, ", ", measure::ToString(scenario), ", of:", missing,
                    "\ntune them with tune run, or take default schedules with --missing default"));
    return Quiet(kFailed);
  }
  ThreadPool pool(UsableCpus());
  TS_ASSIGN_OR_RETURN(LibraryCheck check, LibraryCheck::Create(&pool));
  ParallelFor(&pool, jobs.size(), [&](size_t n) {
    if (Interrupted()) return;
    Job& job = jobs[n];
    job.built = BuildVariant(library.kernels[job.kernel].workload, *job.level, scenario, job.record,
                             check.Runs(*job.level));
  });
  if (Interrupted()) return Quiet(kInterrupted);
  Status failed;
  const auto fail = [&](const Status& why, const Job& job) {
    const Status one = Annotate(why, StrCat(library.kernels[job.kernel].title, " for ", job.level->name));
    failed = failed.ok() ? one : Status(failed.code(), StrCat(MessageOf(failed), "\n", MessageOf(one)));
  };
  for (const Job& job : jobs) {
    if (!job.built.ok()) fail(job.built.status(), job);
  }
  TS_RETURN_IF_ERROR(failed);
  std::vector<std::vector<bool>> checked(library.kernels.size());
  bool known = false;  // what the kernel at hand must compute
  for (Job& job : jobs) {
    if (Interrupted()) return Quiet(kInterrupted);
    library::Kernel& kernel = library.kernels[job.kernel];
    if (checked[job.kernel].empty()) {
      const Status taken = check.Take(kernel.workload);
      known = taken.ok();
      if (!known) Complain(StrCat("tune: ", kernel.title, " is not checked: ", MessageOf(taken)));
    }
    checked[job.kernel].push_back(known && job.built->check);
    if (checked[job.kernel].back()) {
      if (const Status right = check.Check(*std::move(job.built->check)); !right.ok()) fail(right, job);
    }
    kernel.variants.push_back(std::move(job.built->variant));
  }
  TS_RETURN_IF_ERROR(failed);
  TS_ASSIGN_OR_RETURN(library::Files files, library::MakeFiles(library));
  TS_RETURN_IF_ERROR(library::WriteFolder(options.output, files));
  return Report(library, checked, options.output);
}

}  // namespace tunesmith::cli
