// SPDX-License-Identifier: Apache-2.0
// What it takes to make a candidate ready to run: medians over the candidates that a search would look at,
// for each workload of the suite and over all. The budgets for one candidate on one core are 1 ms for
// lowering with verification and 20 ms for compiling (docs/design.md, "Search"), and 16 KiB of code.
//
//   build/bench_building                every workload, 24 candidates of each
//   build/bench_building 100 gemm_1024  100 candidates of one
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string>
#include <vector>

#include "bench/suite_workloads.h"
#include "codegen/llvm/compile.h"
#include "codegen/target.h"
#include "ir/lower.h"
#include "measure/statistics.h"
#include "search/search_policy.h"
#include "support/strings.h"

namespace tunesmith::bench {
namespace {

struct Times {
  std::vector<double> lower_ms;  // with verification
  std::vector<double> compile_ms;
  std::vector<double> code_kib;
  int refused = 0;

  void Append(const Times& other) {
    lower_ms.insert(lower_ms.end(), other.lower_ms.begin(), other.lower_ms.end());
    compile_ms.insert(compile_ms.end(), other.compile_ms.begin(), other.compile_ms.end());
    code_kib.insert(code_kib.end(), other.code_kib.begin(), other.code_kib.end());
    refused += other.refused;
  }
};

template <class F>
auto Timed(std::vector<double>* times_ms, F&& work) {
  const auto start = std::chrono::steady_clock::now();
  auto result = work();
  times_ms->push_back(
      std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count());
  return result;
}

/// Half of the candidates are the analytic model's choice, as in a search's first batch, half are uniform.
Times TimesOf(const te::Workload& workload, const codegen::Target& target, size_t count) {
  const search::Problem problem = ProblemOf(workload);
  const std::unique_ptr<costmodel::CostModel> model = costmodel::AnalyticModel();
  std::vector<search::Candidate> candidates = search::Evolution(&problem, model.get(), 1)->Propose(count / 2);
  for (search::Candidate& c : Samples(problem, count - count / 2, 2)) candidates.push_back(std::move(c));
  Times times;
  for (const search::Candidate& c : candidates) {
    const schedule::Plan plan = problem.PlanOf(c).value();
    const Result<ir::Program> program = Timed(&times.lower_ms, [&] { return ir::Lower(plan); });
    if (!program.ok()) {
      ++times.refused;
      continue;
    }
    const auto kernel = Timed(&times.compile_ms, [&] { return codegen::Compile(*program, target); });
    times.refused += !kernel.ok();
    if (kernel.ok()) times.code_kib.push_back(static_cast<double>(kernel->image.code_bytes) / 1024);
  }
  return times;
}

void Print(const std::string& id, const Times& times) {
  std::printf("%-18s %10zu %9.3f %9.3f %11.2f %9.2f %9.1f %9.1f %9.1f %8d\n", id.c_str(),
              times.lower_ms.size(), measure::Median(times.lower_ms), measure::Quantile(times.lower_ms, 0.9),
              measure::Median(times.compile_ms), measure::Quantile(times.compile_ms, 0.9),
              measure::Median(times.code_kib), measure::Quantile(times.code_kib, 0.9),
              measure::Quantile(times.code_kib, 1), times.refused);
  std::fflush(stdout);
}

}  // namespace
}  // namespace tunesmith::bench

int main(int argc, char** argv) {
  using namespace tunesmith;
  const int64_t count = argc > 1 ? ParseInteger(argv[1]).value_or(0) : 24;
  if (count < 1) {
    std::fprintf(stderr, "usage: bench_building [CANDIDATES [ID…]]\n");
    return 2;
  }
  const std::vector<std::string> only(argv + std::min(argc, 2), argv + argc);
  const Result<codegen::Target> target = codegen::TargetNamed("native");
  if (!target.ok()) return 1;
  std::printf("%-18s %10s %9s %9s %11s %9s %9s %9s %9s %8s\n", "workload", "candidates", "lower ms", "90 %",
              "compile ms", "90 %", "code KiB", "90 %", "most", "refused");
  bench::Times all;
  for (const bench::SuiteWorkload& suite : bench::SuiteWorkloads()) {
    if (!only.empty() && std::find(only.begin(), only.end(), suite.id) == only.end()) continue;
    const bench::Times times = bench::TimesOf(suite.workload, *target, static_cast<size_t>(count));
    bench::Print(suite.id, times);
    all.Append(times);
  }
  bench::Print("all", all);
  return 0;
}
