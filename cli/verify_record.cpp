// SPDX-License-Identifier: Apache-2.0
#include "cli/verify_record.h"

#include <algorithm>

#include "cli/kernels.h"
#include "cli/limit.h"
#include "schedule/trace.h"
#include "support/strings.h"
#include "support/units.h"

namespace tunesmith::cli {

Status VerifyRecord(const database::Record& record, const measure::Limits& limits) {
  Result<schedule::Trace> trace = schedule::ParseTrace(record.trace);
  if (!trace.ok()) return Annotate(trace.status(), "trace");
  if (trace->target != record.key.target)
    return Invalid(
        StrCat("trace: it is for the target ", trace->target, ", the record for ", record.key.target));
  Result<te::Workload> workload = WorkloadOf(record);
  if (absl::IsNotFound(workload.status()))
    return Invalid(StrCat(MessageOf(workload.status()), ", so that its trace cannot be checked"));
  TS_RETURN_IF_ERROR(workload);
  Result<BuiltKernel> built = BuildTrace(*workload, *trace);
  if (!record.outcome.ok()) {
    bool replays = std::any_of(
        workload->algorithms.begin(), workload->algorithms.end(),
        [&](const te::Algorithm& a) { return schedule::Replay(*trace, te::Normalize(a.graph)).ok(); });
    return replays ? absl::OkStatus() : Annotate(built.status(), "trace");
  }
  if (!built.ok()) return Annotate(built.status(), "trace");
  // The record may be from a better machine, but one core is not so many times better than another.
  constexpr double kBetterMachine = 64;
  measure::Scenario scenario;
  scenario.threads = 1;
  double least_ns =
      WorkloadBounds(limits, *workload, scenario).Least().ns / (kBetterMachine * record.key.scenario.threads);
  if (record.outcome.median_ns < least_ns) {
    return Invalid(StrCat("median_ns: ", FormatLatency(record.outcome.median_ns),
                          " is less than any machine needs (", FormatLatency(least_ns),
                          "); it was not measured"));
  }
  return absl::OkStatus();
}

}  // namespace tunesmith::cli
