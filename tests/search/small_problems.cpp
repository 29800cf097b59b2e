// SPDX-License-Identifier: Apache-2.0
#include "tests/search/small_problems.h"

#include "support/strings.h"
#include "te/language.h"
#include "tests/te/sample_graphs.h"

namespace tunesmith::search {
namespace {

te::Workload Bound(std::string_view source, const std::vector<std::string>& bindings) {
  return te::Bind(te::Parse(source, "small.te").value().operators[0], bindings).value();
}

}  // namespace

te::Workload ProductWorkload(int64_t n) {
  te::Workload workload;
  workload.op = "product";
  workload.algorithms.push_back({"direct", te::MatmulGraph(n, n, n), 1});
  return workload;
}

te::Workload RowSumWorkload(int64_t rows, int64_t columns) {
  return Bound(
      "op row_sum(X: f32[R, C]) -> (Y: f32[R]) { Y[r] = sum(c) X[r, c] }\n"
      "algorithm split tolerance 2 if C % 8 == 0 {\n"
      "  p[r, s < 8] = sum(c < C/8) X[r, s*(C/8) + c]\n"
      "  Y[r]        = sum(s) p[r, s]\n"
      "}\n",
      {StrCat("R=", rows), StrCat("C=", columns)});
}

te::Workload DoublingWorkload(int64_t n) {
  return Bound(
      "op doubling(X: f32[N]) -> (Y: f32[N]) { Y[i] = X[i] * 2 }\n"
      "algorithm twice tolerance 2 { Y[i] = X[i] + X[i] }\n",
      {StrCat("N=", n)});
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
