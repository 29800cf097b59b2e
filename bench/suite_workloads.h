// SPDX-License-Identifier: Apache-2.0
// The workloads of bench/suite/cpu.tsv, as the benchmarks take them.
#pragma once

#include <string>
#include <vector>

#include "search/candidate.h"
#include "te/graph.h"

namespace tunesmith::bench {

struct SuiteWorkload {
  std::string id;
  te::Workload workload;
};

/// All of the suite, in the file's order. What cannot be read ends the program with the reason: a benchmark
/// has nothing to show without it.
std::vector<SuiteWorkload> SuiteWorkloads();

/// The space of the workload on this machine's processor, for one thread.
search::Problem ProblemOf(const te::Workload& workload);

/// The first `count` different candidates that uniform sampling with this seed finds; fewer if it finds no
/// more.
std::vector<search::Candidate> Samples(const search::Problem& problem, size_t count, uint64_t seed);

}  // namespace tunesmith::bench
