// SPDX-License-Identifier: Apache-2.0
#include "cli/library_build.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "cli/kernels.h"
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

/// One kernel for one level: from its record, or by default.
Result<library::Variant> BuildVariant(const te::Workload& workload, const codegen::Target& level, int threads,
                                      std::optional<database::Record> record) {
  library::Variant variant;
  variant.target = level;
  schedule::Trace trace;
  if (record) {
    Result<schedule::Trace> recorded = schedule::ParseTrace(record->trace);
    if (!recorded.ok()) return Annotate(recorded.status(), StrCat("the trace of record ", record->id));
    trace = *std::move(recorded);
  } else {
    TS_ASSIGN_OR_RETURN(trace, DefaultTrace(workload, Portable(level), threads));
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
  return variant;
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

std::string Report(const library::Library& library, const std::string& folder) {
  Table table({{"kernel"}, {"level"}, {"schedule"}});
  for (const library::Kernel& kernel : library.kernels) {
    for (const library::Variant& v : kernel.variants) {
      table.Add({kernel.name, v.target.name,
                 v.record ? StrCat("record, ", FormatLatency(v.record->outcome.median_ns)) : "default"});
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
    Result<library::Variant> variant = Internal("not built");
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
  ParallelFor(&pool, jobs.size(), [&](size_t n) {
    if (Interrupted()) return;
    Job& job = jobs[n];
    job.variant =
        BuildVariant(library.kernels[job.kernel].workload, *job.level, scenario.threads, job.record);
  });
  if (Interrupted()) return Quiet(kInterrupted);
  Status failed;
  for (Job& job : jobs) {
    library::Kernel& kernel = library.kernels[job.kernel];
    if (job.variant.ok()) {
      kernel.variants.push_back(*std::move(job.variant));
      continue;
    }
    Status one = Annotate(job.variant.status(), StrCat(kernel.title, " for ", job.level->name));
    failed = failed.ok() ? one : Status(failed.code(), StrCat(MessageOf(failed), "\n", MessageOf(one)));
  }
  TS_RETURN_IF_ERROR(failed);
  TS_ASSIGN_OR_RETURN(library::Files files, library::MakeFiles(library));
  TS_RETURN_IF_ERROR(library::WriteFolder(options.output, files));
  return Report(library, options.output);
}

}  // namespace tunesmith::cli
