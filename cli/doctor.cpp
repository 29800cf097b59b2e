// SPDX-License-Identifier: Apache-2.0
// tune doctor: whether everything that tuning needs is here and works, and what to do where it is not.
#include <sys/statvfs.h>
#include <unistd.h>

#include <chrono>
#include <ctime>

#include "cli/command.h"
#include "cli/kernels.h"
#include "cli/limit.h"
#include "cli/option_values.h"
#include "cli/output.h"
#include "cli/system_findings.h"
#include "codegen/llvm/compile.h"
#include "costmodel/cost_model.h"
#include "measure/check.h"
#include "measure/local_measurer.h"
#include "measure/runner_process.h"
#include "nlohmann/json.hpp"
#include "support/files.h"
#include "support/stopwatch.h"
#include "support/strings.h"
#include "support/thread_pool.h"
#include "support/units.h"
#include "te/language.h"

namespace tunesmith::cli {
namespace {

namespace fs = std::filesystem;
using State = Finding::State;

struct Options {
  DatabaseOptions database;
  std::string format = "text";
};

Finding Problem(std::string name, const Status& status, std::string cure) {
  return {State::kProblem, std::move(name), std::string(MessageOf(status)), std::move(cure)};
}

Finding ProgramFinding() {
  return {State::kOk, "program",
          StrCat("tune ", TUNESMITH_VERSION, ", code generator ", codegen::CodeGeneratorVersion(), ", LLVM ",
                 codegen::LlvmVersion()),
          ""};
}

Finding XgboostFinding() {
  Result<std::unique_ptr<costmodel::CostModel>> model = costmodel::XgboostModel();
  if (model.ok()) return {State::kOk, "XGBoost", "found; it ranks candidates", ""};
  return {State::kWarning, "XGBoost",
          StrCat(MessageOf(model.status()), ": the analytic model ranks candidates alone"),
          "sudo apt-get install --no-install-recommends libxgboost-dev"};
}

Finding CpuFinding() {
  Result<codegen::Target> native = codegen::TargetNamed("native");
  std::string cpu = StrCat(measure::CpuModel(), "; ", UsableCpus(), UsableCpus() == 1 ? " CPU" : " CPUs");
  if (!native.ok()) {
    return {State::kProblem, "CPU", StrCat(cpu, "; ", MessageOf(native.status())),
            "tune on an x86-64 machine with SSE4.2 or better"};
  }
  return {State::kOk, "CPU", StrCat(cpu, "; target ", native->name), ""};
}

Finding MemoryFinding() {
  constexpr int64_t kLittle = int64_t{1} << 30;
  int64_t bytes = MemoryBytes();
  std::string text = StrCat(FormatBytes(bytes), " may be used");
  if (bytes >= kLittle) return {State::kOk, "memory", text, ""};
  return {State::kWarning, "memory", StrCat(text, ": large workloads will not fit"),
          "raise the container's memory limit, or tune smaller shapes"};
}

Finding RunnerFinding() {
  const std::string cure = "build it beside tune: cmake --build build --target tunesmith-runner";
  Result<std::string> path = measure::RunnerBesideThisProgram();
  if (!path.ok()) return Problem("runner", path.status(), cure);
  Result<measure::RunnerProcess> runner = measure::RunnerProcess::Start(*path);
  if (!runner.ok()) return Problem("runner", runner.status(), cure);
  constexpr std::chrono::milliseconds kLimit{2000};
  const Stopwatch watch;
  if (!runner->Exchange(measure::Encode(measure::Hello()), kLimit)) {
    return {State::kProblem, "runner", StrCat(*path, " ", runner->end().ToString(kLimit)), cure};
  }
  const double ns = watch.nanoseconds();
  return {State::kOk, "runner", StrCat(*path, ", answers in ", FormatLatency(ns)), ""};
}

/// A kernel all the way: default schedule, machine code, checked and timed in the runner.
Result<double> TimeSmallKernel() {
  TS_ASSIGN_OR_RETURN(te::Operator matmul, te::StandardOperator("matmul"));
  TS_ASSIGN_OR_RETURN(te::Workload workload, te::Bind(matmul, {"M=32", "N=32", "K=32"}));
  TS_ASSIGN_OR_RETURN(codegen::Target target, codegen::TargetNamed("native"));
  TS_ASSIGN_OR_RETURN(schedule::Trace trace, DefaultTrace(workload, target, 1));
  TS_ASSIGN_OR_RETURN(BuiltKernel built, BuildTrace(workload, trace));
  measure::Job job;
  TS_ASSIGN_OR_RETURN(job.kernel, codegen::Compile(built.program, target));
  TS_ASSIGN_OR_RETURN(job.expectation, measure::PrepareExpectation(workload));
  job.signature = built.signature;
  job.tolerance_factor = built.tolerance_factor;
  TS_ASSIGN_OR_RETURN(measure::LocalMeasurer measurer, measure::LocalMeasurer::Create({}));
  TS_ASSIGN_OR_RETURN(measure::Outcome outcome, measurer.Measure(std::move(job)));
  if (!outcome.ok()) return Unavailable(StrCat(measure::NameOf(outcome.kind), ": ", outcome.detail));
  return outcome.median_ns;
}

Finding KernelFinding() {
  Result<double> ns = TimeSmallKernel();
  if (ns.ok()) {
    return {State::kOk, "kernel",
            StrCat("matmul M=32 N=32 K=32 compiled, checked and timed: ", FormatLatency(*ns)), ""};
  }
  return Problem(
      "kernel", ns.status(),
      "allow the runner to execute memory that it wrote (SELinux, a hardened kernel), and see what "
      "is said of the runner");
}

Finding SpaceFinding(const fs::path& folder) {
  struct statvfs disk = {};
  if (statvfs(folder.c_str(), &disk) != 0)
    return Problem("disk", FileError("look at the disk of", folder, errno),
                   "choose another folder: --db FILE");
  auto free = static_cast<int64_t>(disk.f_bavail) * static_cast<int64_t>(disk.f_frsize);
  std::string text = StrCat(FormatBytes(free), " free in ", folder.string());
  constexpr int64_t kLittle = int64_t{256} << 20;
  constexpr int64_t kNone = int64_t{4} << 20;
  if (free >= kLittle) return {State::kOk, "disk", text, ""};
  return {free < kNone ? State::kProblem : State::kWarning, "disk", text,
          "free some space, or keep the database on another disk: --db FILE"};
}

std::vector<Finding> DatabaseFindings(const DatabaseOptions& options) {
  const std::string cure = "name another file with --db FILE";
  Result<std::string> path = options.Path();
  if (!path.ok()) return {Problem("database", path.status(), cure)};
  fs::path folder = fs::absolute(*path).parent_path();
  std::error_code error;
  if (!fs::exists(*path, error)) {
    // The standard folder is made when it is needed; one that was named must be there.
    while (options.path.empty() && !fs::exists(folder, error) && folder.has_relative_path())
      folder = folder.parent_path();
    if (access(folder.c_str(), W_OK | X_OK) != 0)
      return {Problem("database", FileError("make a database in", folder, errno), cure)};
    return {{State::kOk, "database", StrCat(*path, " is not there yet; tune run makes it"), ""},
            SpaceFinding(folder)};
  }
  Result<std::unique_ptr<database::Database>> database = options.Open(database::OpenMode::kReadOnly);
  if (!database.ok()) return {Problem("database", database.status(), cure)};
  Result<database::Stats> stats = (*database)->GetStats();
  if (!stats.ok()) return {Problem("database", stats.status(), cure)};
  // Reading a large file as a whole takes minutes.
  constexpr int64_t kQuickBytes = int64_t{256} << 20;
  bool whole = stats->file_bytes <= kQuickBytes;
  if (Status sound = whole ? (*database)->CheckIntegrity() : absl::OkStatus(); !sound.ok())
    return {Problem("database", sound,
                    "keep the file, export what can be read (tune db export), and import it into a new one")};
  std::string text = StrCat(*path, ": ", FormatCount(stats->records()), " records, ",
                            FormatBytes(stats->file_bytes), ", schema ", stats->schema_version,
                            whole ? ", sound" : ", too large to be read as a whole here");
  if (access(path->c_str(), W_OK) != 0 || access(folder.c_str(), W_OK | X_OK) != 0) {
    return {{State::kWarning, "database", StrCat(text, "; it cannot be written, so tune run cannot record"),
             StrCat("change the permissions of ", folder.string(), ", or ", cure)},
            SpaceFinding(folder)};
  }
  return {{State::kOk, "database", text, ""}, SpaceFinding(folder)};
}

Finding LimitsFinding(const Result<measure::Limits>& limits) {
  if (!limits.ok()) return Problem("limits", limits.status(), "see what is said of the runner");
  const measure::ThreadLimits& one = limits->by_threads.front();
  const measure::ThreadLimits& all = limits->by_threads.back();
  std::string text = StrCat("f32 ", FormatFlops(one.fma_f32), " on one thread");
  if (all.threads > 1) StrAppend(&text, ", ", FormatFlops(all.fma_f32), " on ", all.threads);
  StrAppend(&text, "; memory ", FormatBytes(static_cast<int64_t>(all.memory.read)), "/s");
  if (!limits->provisional) return {State::kOk, "limits", text, ""};
  return {State::kWarning, "limits",
          StrCat(text, "; provisional: something else ran while they were measured, so they may be too low"),
          "end what else runs, then call tune doctor again"};
}

std::string LimitsTable(const measure::Limits& limits) {
  Table table({{"threads", Align::kRight},
               {"f32", Align::kRight},
               {"f64", Align::kRight},
               {"u8s8", Align::kRight},
               {"bf16", Align::kRight},
               {"L1 read", Align::kRight},
               {"L2 read", Align::kRight},
               {"L3 read", Align::kRight},
               {"memory read", Align::kRight}});
  auto rate = [](double value) { return value > 0 ? FormatFlops(value) : "-"; };
  auto bytes = [](double value) {
    return value > 0 ? StrCat(FormatBytes(static_cast<int64_t>(value)), "/s") : "-";
  };
  for (const measure::ThreadLimits& at : limits.by_threads) {
    table.Add({StrCat(at.threads), rate(at.fma_f32), rate(at.fma_f64), rate(at.dot_u8s8), rate(at.dot_bf16),
               bytes(at.l1.read), bytes(at.l2.read), bytes(at.l3.read), bytes(at.memory.read)});
  }
  return table.ToString(Style(stdout));
}

std::string FindingText(const Finding& finding, const Style& style) {
  constexpr size_t kStateWidth = 9, kNameWidth = 14;
  std::string state = Padded(NameOf(finding.state), kStateWidth);
  std::string text = StrCat(finding.state == State::kOk ? style.Good(state) : style.Bad(state),
                            Padded(finding.name, kNameWidth), finding.text, "\n");
  if (!finding.cure.empty())
    StrAppend(&text, std::string(kStateWidth + kNameWidth, ' '), "cure: ", finding.cure, "\n");
  return text;
}

Status Doctor(const Options& o) {
  Style style(stdout);
  int warnings = 0;
  int problems = 0;
  auto tell = [&](const Finding& finding) -> Status {
    warnings += finding.state == State::kWarning;
    problems += finding.state == State::kProblem;
    if (o.format == "json") {
      return EmitJson({{"event", "finding"},
                       {"state", NameOf(finding.state)},
                       {"name", finding.name},
                       {"text", finding.text},
                       {"cure", finding.cure}});
    }
    TS_RETURN_IF_ERROR(Emit(FindingText(finding, style)));
    return FlushOutput();
  };
  // The load is read before the looks at other things add to it.
  std::vector<Finding> system = SystemFindings("/", UsableCpus());
  for (Finding (*look)() : {ProgramFinding, XgboostFinding, CpuFinding, MemoryFinding, ClockFinding})
    TS_RETURN_IF_ERROR(tell(look()));
  for (const Finding& finding : system) TS_RETURN_IF_ERROR(tell(finding));
  for (Finding (*look)() : {RunnerFinding, KernelFinding}) TS_RETURN_IF_ERROR(tell(look()));
  for (const Finding& finding : DatabaseFindings(o.database)) TS_RETURN_IF_ERROR(tell(finding));
  const std::time_t before = std::time(nullptr);
  Result<measure::Limits> limits = MachineLimits();
  // Whoever followed the cure is not to wait until the provisional ones are too old.
  if (limits.ok() && limits->provisional && limits->measured_at < before) limits = RenewedMachineLimits();
  TS_RETURN_IF_ERROR(tell(LimitsFinding(limits)));
  if (o.format == "json") {
    if (limits.ok()) {
      TS_RETURN_IF_ERROR(
          EmitJson({{"event", "limits"}, {"limits", nlohmann::json::parse(measure::ToJson(*limits))}}));
    }
  } else {
    auto count = [](int n, const char* what) { return StrCat(n, " ", what, n == 1 ? "" : "s"); };
    TS_RETURN_IF_ERROR(Emit(StrCat("\n", limits.ok() ? StrCat(LimitsTable(*limits), "\n") : "",
                                   count(problems, "problem"), ", ", count(warnings, "warning"), "\n")));
  }
  return problems == 0 ? absl::OkStatus() : Quiet(kFailed);
}

}  // namespace

void AddDoctor(CLI::App* app, Action* action) {
  auto o = std::make_shared<Options>();
  CLI::App* doctor = app->add_subcommand(
      "doctor", "Check that this machine has what tuning needs, and say what to do where it has not.");
  o->database.AddTo(doctor);
  AddChoice(doctor, "--format", &o->format, {"text", "json"}, "json: one object a line");
  doctor->footer(
      "Exit code 1 if there is a problem; warnings alone give 0.\n"
      "Examples:\n"
      "  tune doctor\n"
      "  tune doctor --db lab.db --format json");
  doctor->callback([o, action] { *action = [o] { return Doctor(*o); }; });
}

}  // namespace tunesmith::cli
