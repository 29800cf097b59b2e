// SPDX-License-Identifier: Apache-2.0
#include "tests/search/small_problems.h"

#include "tests/te/sample_graphs.h"

namespace tunesmith::search {

te::Workload ProductWorkload(int64_t n) {
  te::Workload workload;
  workload.op = "product";
  workload.algorithms.push_back({"direct", te::MatmulGraph(n, n, n), 1});
  return workload;
}

te::Workload ConvolutionWorkload() {
  te::ConvShape shape;
  shape.h = shape.w = 112;
  shape.ci = shape.co = 256;
  te::Workload workload;
  workload.op = "convolution";
  workload.algorithms.push_back({"direct", te::ConvGraph(shape), 1});
  return workload;
}

te::Workload SumWorkload(int64_t n) {
  te::GraphBuilder builder;
  const int a = builder.Add("A", {n}, te::Role::kInput);
  const int b = builder.Add("B", {n}, te::Role::kInput);
  const int c = builder.Add("C", {n}, te::Role::kOutput);
  builder.Pointwise(c, {"i"}, builder.At(a, {te::Var(0)}) + builder.At(b, {te::Var(0)}));
  te::Workload workload;
  workload.op = "sum";
  workload.algorithms.push_back({"direct", builder.graph, 1});
  return workload;
}

const codegen::Target& TestTarget() {
  static const auto* const target = new codegen::Target(codegen::TargetNamed("x86-64-avx2").value());
  return *target;
}

Problem TestProblem(const te::Workload& workload) {
  return Problem::Of(workload, MachineOf(TestTarget(), 1), TestTarget().name);
}

double LatencyOf(uint64_t plan_hash) { return 1e5 * (1 + Random(3, 0, plan_hash).Uniform()); }

measure::Outcome Device(const measure::Job& job, size_t) { return measure::OkOutcome(LatencyOf(job.id)); }

std::unique_ptr<Tuner> Bench::Tune(const te::Workload& workload, const TuneOptions& options) {
  return Tuner::Create(workload, target, measure::Scenario(), nullptr, options, &measurer, &pool,
                       [this](std::span<const TrialReport> some) -> Status {
                         if (reports.size() + some.size() > fail_at) return Unavailable("the disk is full");
                         reports.insert(reports.end(), some.begin(), some.end());
                         return absl::OkStatus();
                       })
      .value();
}

std::vector<uint64_t> Bench::TriedHashes() const {
  std::vector<uint64_t> hashes;
  for (const TrialReport& r : reports) {
    if (!r.finalist) hashes.push_back(r.plan_hash);
  }
  return hashes;
}

std::vector<EarlierTrial> Bench::Earlier() const {
  std::vector<EarlierTrial> earlier;
  for (const TrialReport& r : reports)
    earlier.push_back({r.trace, r.outcome.ok(), r.outcome.median_ns, r.finalist});
  return earlier;
}

}  // namespace tunesmith::search
