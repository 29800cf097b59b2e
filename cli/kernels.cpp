// SPDX-License-Identifier: Apache-2.0
#include "cli/kernels.h"

#include "ir/lower.h"
#include "search/search_policy.h"
#include "search/tuner.h"
#include "support/files.h"
#include "support/strings.h"

namespace tunesmith::cli {

Result<schedule::Trace> DefaultTrace(const te::Workload& workload, const codegen::Target& target,
                                     int threads) {
  search::Problem problem = search::Problem::Of(workload, search::MachineOf(target, threads), target.name);
  std::unique_ptr<costmodel::CostModel> model = costmodel::AnalyticModel();
  constexpr uint64_t kSeed = 1;  // the default schedule is the same everywhere
  // Some candidates turn out to be no programs only when they are lowered; then the next best is taken.
  constexpr size_t kMost = 64;
  Status refused = Internal("the schedule space is empty");
  for (const search::Candidate& best : search::Evolution(&problem, model.get(), kSeed)->Propose(kMost)) {
    schedule::Trace trace = problem.TraceOf(best);
    Result<BuiltKernel> built = BuildTrace(workload, trace);
    if (built.ok()) return trace;
    refused = built.status();
  }
  return refused;
}

Result<schedule::Trace> ReadTrace(const std::string& path) {
  constexpr int64_t kMostBytes = 1 << 20;
  TS_ASSIGN_OR_RETURN(std::string text, ReadFile(path, kMostBytes));
  Result<schedule::Trace> trace = schedule::ParseTrace(text);
  return trace.ok() ? trace : Annotate(trace.status(), path);
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

Result<BuiltKernel> BuildTrace(const te::Workload& workload, const schedule::Trace& trace) {
  Status refused = NotFound("the workload has no algorithm");
  for (const te::Algorithm& algorithm : workload.algorithms) {
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

}  // namespace tunesmith::cli
