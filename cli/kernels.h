// SPDX-License-Identifier: Apache-2.0
// From a record, or from no record at all, to a kernel: the default schedule is the analytic model's best
// candidate.
#pragma once

#include <optional>
#include <string>

#include "cli/command.h"
#include "codegen/kernel.h"
#include "ir/ir.h"
#include "measure/measurer.h"
#include "schedule/trace.h"
#include "search/candidate.h"
#include "support/thread_pool.h"

namespace tunesmith::cli {

/// A candidate, all the way down.
struct BuiltKernel {
  schedule::Trace trace;
  te::Graph graph;  // normalised: what the trace replays on
  schedule::Plan plan;
  ir::Program program;
  measure::Signature signature;
  double tolerance_factor = 1;
};

/// A trace that the user names, and its file.
struct GivenTrace {
  std::string file;
  schedule::Trace trace;
};

/// The schedule that needs no trial; the same with or without a pool to find it on.
Result<schedule::Trace> DefaultTrace(const te::Workload& workload, const codegen::Target& target, int threads,
                                     ThreadPool* pool = nullptr);
/// The trace in a file.
Result<GivenTrace> ReadTrace(const std::string& path);
/// The trace of the key's best record (database/filter.h); nothing if there is none.
Result<std::optional<schedule::Trace>> BestTrace(database::Database* database, const database::Key& key);
/// The one record whose id begins with `prefix`. Errors: not hexadecimal, none, several.
Result<database::Record> RecordById(database::Database* database, const std::string& prefix);
/// The record's workload, made from its definition, or from the standard operator of its name if it has none.
/// Errors begin with the record's field that is wrong: a definition that cannot be read or is not of the
/// record's operator, bindings that do not fit, a workload that is not what the definition makes. NotFound:
/// there is no definition.
Result<te::Workload> WorkloadOf(const database::Record& record);
/// Replays a trace on the workload's algorithm that it names, else on the first that it fits.
Result<BuiltKernel> BuildTrace(const te::Workload& workload, const schedule::Trace& trace);
/// The same of a trace that the user names; an error names its file, and the workload that it must be for.
Result<BuiltKernel> BuildTrace(const NamedWorkload& named, const GivenTrace& given);
/// How far a kernel's elements may be from the definition on inputs at random, for people.
std::string ToleranceText(double tolerance_factor);

}  // namespace tunesmith::cli
