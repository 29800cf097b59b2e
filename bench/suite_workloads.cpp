// SPDX-License-Identifier: Apache-2.0
#include "bench/suite_workloads.h"

#include <cstdio>
#include <cstdlib>

#include "codegen/target.h"
#include "search/search_policy.h"
#include "search/tuner.h"
#include "support/files.h"
#include "te/language.h"

namespace tunesmith::bench {
namespace {

template <class T>
T OrEnd(Result<T> value) {
  if (value.ok()) return *std::move(value);
  std::fprintf(stderr, "%s\n", std::string(MessageOf(value.status())).c_str());
  std::exit(1);
}

}  // namespace

std::vector<SuiteWorkload> SuiteWorkloads() {
  constexpr char kFile[] = TUNESMITH_SOURCE_DIR "/bench/suite/cpu.tsv";
  constexpr int64_t kMostBytes = 1 << 20;
  std::vector<SuiteWorkload> workloads;
  for (const te::SuiteEntry& entry : OrEnd(te::ParseSuite(OrEnd(ReadFile(kFile, kMostBytes)), kFile))) {
    te::Operator op = OrEnd(te::StandardOperator(entry.op));
    workloads.push_back({entry.id, OrEnd(te::Bind(op, entry.bindings))});
  }
  return workloads;
}

search::Problem ProblemOf(const te::Workload& workload) {
  codegen::Target target = OrEnd(codegen::TargetNamed("native"));
  return search::Problem::Of(workload, search::MachineOf(target, 1), target.name);
}

std::vector<search::Candidate> Samples(const search::Problem& problem, size_t count, uint64_t seed) {
  return search::RandomSampling(&problem, seed)->Propose(count);
}

}  // namespace tunesmith::bench
