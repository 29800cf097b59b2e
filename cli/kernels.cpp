// SPDX-License-Identifier: Apache-2.0
#include "cli/kernels.h"

#include <limits>

#include "ir/lower.h"
#include "search/search_policy.h"
#include "search/tuner.h"
#include "support/files.h"
#include "support/strings.h"
#include "te/language.h"
#include "te/tolerance.h"

namespace tunesmith::cli {

Result<schedule::Trace> DefaultTrace(const te::Workload& workload, const codegen::Target& target, int threads,
                                     ThreadPool* pool) {
  search::Problem problem = search::Problem::Of(workload, search::MachineOf(target, threads), target.name);
  std::unique_ptr<costmodel::CostModel> model = costmodel::AnalyticModel();
  constexpr uint64_t kSeed = 1;  // the default schedule is the same everywhere
  // Some candidates turn out to be no programs only when they are lowered; then the next best is taken.
  constexpr size_t kMost = 64;
  Status refused = Internal("the schedule space is empty");
  for (const search::Candidate& best :
       search::Evolution(&problem, model.get(), kSeed, pool)->Propose(kMost)) {
    schedule::Trace trace = problem.TraceOf(best);
    Result<BuiltKernel> built = BuildTrace(workload, trace);
    if (built.ok()) return trace;
    refused = built.status();
  }
  return Internal(StrCat("no schedule of ", workload.op, " becomes a program: ", MessageOf(refused)));
}

Result<GivenTrace> ReadTrace(const std::string& path) {
  constexpr int64_t kMostBytes = 1 << 20;
  TS_ASSIGN_OR_RETURN(std::string text, ReadFile(path, kMostBytes));
  Result<schedule::Trace> trace = schedule::ParseTrace(text);
  if (!trace.ok()) return Annotate(trace.status(), path);
  return GivenTrace{path, *std::move(trace)};
}

Result<std::optional<schedule::Trace>> BestTrace(database::Database* database, const database::Key& key) {
  TS_ASSIGN_OR_RETURN(std::optional<database::Record> record, database->Best(key));
  if (!record) return std::optional<schedule::Trace>();
  TS_ASSIGN_OR_RETURN(schedule::Trace trace, schedule::ParseTrace(record->trace));
  return std::optional<schedule::Trace>(std::move(trace));
}

Result<database::Record> RecordById(database::Database* database, const std::string& prefix) {
  if (prefix.empty() || !database::IsHexPrefix(prefix))
    return Invalid(
        StrCat("'", prefix, "' is not the beginning of an id: digits 0 to 9 and a to f, 32 at most"));
  database::Filter filter;
  filter.id = prefix;
  filter.limit = 2;
  TS_ASSIGN_OR_RETURN(std::vector<database::Record> found, database->Find(filter));
  if (found.empty()) return NotFound(StrCat("no record's id begins with ", prefix));
  if (found.size() > 1)
    return Invalid(StrCat("several records' ids begin with ", prefix, "; give more digits"));
  return found[0];
}

Result<te::Workload> WorkloadOf(const database::Record& record) {
  auto in_definition = [](const Status& status) {
    return Annotate(Invalid(MessageOf(status)), "definition");
  };
  Result<te::Operator> op = te::StandardOperator(record.operator_name);
  if (!record.definition.empty()) {
    Result<te::Module> module = te::Parse(record.definition, record.operator_name);
    if (!module.ok()) return in_definition(module.status());
    const te::Operator* found = module->Find(record.operator_name);
    if (!found) return Invalid(StrCat("definition: it defines no operator ", record.operator_name));
    op = *found;
  }
  if (!op.ok())
    return NotFound(StrCat("definition: missing, and ", record.operator_name, " is no standard operator"));
  std::vector<std::string> bindings;
  for (const auto& [name, value] : record.bindings) bindings.push_back(StrCat(name, "=", value));
  // Nothing is computed here, so that the workload may be one for a larger machine.
  Result<te::Workload> workload = te::Bind(*op, bindings, std::numeric_limits<int64_t>::max());
  if (!workload.ok()) return Annotate(workload.status(), "bindings");
  if (te::WorkloadHash(*workload) != record.key.workload)
    return Invalid("workload: its hash is not that of the operator with these bindings");
  return workload;
}

Result<BuiltKernel> BuildTrace(const te::Workload& workload, const schedule::Trace& trace) {
  Status refused = NotFound("the workload has no algorithm");
  for (size_t i : schedule::AlgorithmsFor(trace, workload.algorithms)) {
    const te::Algorithm& algorithm = workload.algorithms[i];
    BuiltKernel built;
    built.graph = te::Normalize(algorithm.graph);
    Result<schedule::Plan> plan = schedule::Replay(trace, built.graph);
    if (!plan.ok()) {
      refused = plan.status();
      continue;
    }
    built.trace = trace;
    built.plan = *std::move(plan);
    built.tolerance_factor = algorithm.tolerance_factor;
    TS_ASSIGN_OR_RETURN(built.program, ir::Lower(built.plan));
    TS_ASSIGN_OR_RETURN(built.signature, measure::SignatureOf(built.program, workload.definition()));
    return built;
  }
  return refused;
}

Result<BuiltKernel> BuildTrace(const NamedWorkload& named, const GivenTrace& given) {
  Result<BuiltKernel> built = BuildTrace(named.workload, given.trace);
  if (built.ok() || absl::IsInternal(built.status())) return built;
  return Status(built.status().code(),
                StrCat(given.file, ": ", MessageOf(built.status()), "; give a trace of ", named.id,
                       ", as tune show prints under '== trace'"));
}

std::string ToleranceText(double tolerance_factor) {
  return te::ToString(te::Tolerance{te::ErrorModel::kIndependent, tolerance_factor});
}

}  // namespace tunesmith::cli
