// SPDX-License-Identifier: Apache-2.0
// What tune run prints: a line of JSON for each trial and each result, or the final table.
#pragma once

#include <string>
#include <vector>

#include "cli/command.h"
#include "cli/limit.h"
#include "nlohmann/json_fwd.hpp"
#include "search/tuner.h"

namespace tunesmith::cli {

/// One workload being tuned, with what is told about it besides the tuner's own result.
struct Run {
  NamedWorkload named;
  database::Key key;
  WorkloadBounds bounds;
  std::string default_trace = "";
  double default_ns = 0;  // of the default schedule, in this run or an earlier one; 0: not timed
  int64_t earlier = 0;    // trials found in the database
  int64_t newest_ns = 0;  // the latest date of a record of the key, found or made by this run
  double seconds = 0;     // spent on it in this run
};

/// {"event": "trial", …}, or {"event": "finalist", …} for one that was timed again when the search had ended;
/// `seconds` since the run began.
nlohmann::json TrialJson(const Run& run, const search::TrialReport& trial, double seconds);
/// {"event": "result", …}; `provisional` says that the limits may be too low.
nlohmann::json ResultJson(const Run& run, const search::TuneResult& result, bool provisional);

/// The final table, and below it what else there is to say of each workload, a line each: why it stopped
/// before its trials were used up, what became of trials that failed, how many candidates were dropped and
/// why, how the finals went.
std::string ResultTable(const std::vector<Run>& runs, const std::vector<search::TuneResult>& results,
                        double seconds);

}  // namespace tunesmith::cli
