// SPDX-License-Identifier: Apache-2.0
// How many candidates a second one core can judge: what bounds how far a search looks between two trials.
// `items_per_second` are candidates; the last step of each is what the model says of it.
//
//   build/bench_scoring                                       every workload of the suite
//   build/bench_scoring --benchmark_filter='/gemm_1024'       one
//   build/bench_scoring --benchmark_filter='^(draw|plan|hash|features|score)/'   the steps
#include <benchmark/benchmark.h>

#include <cmath>
#include <memory>
#include <optional>

#include "bench/suite_workloads.h"
#include "costmodel/cost_model.h"

namespace tunesmith::bench {
namespace {

constexpr size_t kBatch = 512;

/// The model as it is in the middle of a search: trained on 128 trials.
std::unique_ptr<costmodel::CostModel> TrainedModel(const search::Problem& problem) {
  Result<std::unique_ptr<costmodel::CostModel>> learned = costmodel::XgboostModel();
  std::unique_ptr<costmodel::CostModel> model =
      learned.ok() ? *std::move(learned) : costmodel::AnalyticModel();
  std::vector<costmodel::Example> examples;
  for (const search::Candidate& c : Samples(problem, 128, 2)) {
    // Any latency that the features explain in part will do: it makes trees of the usual size.
    double disturbed = 1 + 0.3 * std::sin(static_cast<double>(c.hash % 1000));
    examples.push_back({c.features, c.features[0] * disturbed});
  }
  if (!model->Update(examples).ok()) return nullptr;
  return model;
}

/// One candidate that is whole; what contradicts itself on the way is part of its price.
search::Candidate Draw(const search::Problem& problem, uint64_t* index, search::Drops* drops) {
  for (;;) {
    Random random(1, 1, (*index)++);
    int algorithm = static_cast<int>(random.Below(problem.algorithms().size()));
    std::optional<search::Candidate> c = problem.Make(algorithm, problem.Draw(algorithm, &random), drops);
    if (c) return *std::move(c);
  }
}

/// Sample, plan, hash, features, score. Parts are remembered, as in a search, so that the rate rises as it
/// goes on: what counts is the beginning, about as many candidates as a first proposal looks at.
void Judge(benchmark::State& state, const te::Workload& workload, const costmodel::CostModel& model) {
  constexpr int kBeginning = 6;  // batches
  std::optional<search::Problem> problem;
  int batch = 0;
  uint64_t index = 0;
  search::Drops drops;
  for (auto _ : state) {
    if (batch++ % kBeginning == 0) {
      state.PauseTiming();
      problem.emplace(ProblemOf(workload));
      state.ResumeTiming();
    }
    std::vector<costmodel::Features> rows;
    for (size_t i = 0; i < kBatch; ++i) rows.push_back(Draw(*problem, &index, &drops).features);
    benchmark::DoNotOptimize(model.Score(rows));
  }
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(kBatch));
}

void JustDraw(benchmark::State& state, const search::Problem& problem, const costmodel::CostModel&) {
  uint64_t index = 0;
  for (auto _ : state) {
    Random random(1, 1, index++);
    benchmark::DoNotOptimize(problem.Draw(0, &random));
  }
  state.SetItemsProcessed(state.iterations());
}

/// The plans of choices that are known to be whole.
void MakePlan(benchmark::State& state, const search::Problem& problem, const costmodel::CostModel&) {
  std::vector<search::Candidate> candidates = Samples(problem, kBatch, 1);
  size_t next = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(problem.PlanOf(candidates[next++ % candidates.size()]));
  }
  state.SetItemsProcessed(state.iterations());
}

std::vector<schedule::Plan> SamplePlans(const search::Problem& problem) {
  std::vector<schedule::Plan> plans;
  for (const search::Candidate& c : Samples(problem, kBatch, 1)) plans.push_back(problem.PlanOf(c).value());
  return plans;
}

void Hash(benchmark::State& state, const search::Problem& problem, const costmodel::CostModel&) {
  std::vector<schedule::Plan> plans = SamplePlans(problem);
  size_t next = 0;
  for (auto _ : state) benchmark::DoNotOptimize(schedule::HashOf(plans[next++ % plans.size()]));
  state.SetItemsProcessed(state.iterations());
}

void Features(benchmark::State& state, const search::Problem& problem, const costmodel::CostModel&) {
  std::vector<schedule::Plan> plans = SamplePlans(problem);
  size_t next = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(costmodel::FeaturesOf(
        schedule::Summarise(plans[next++ % plans.size()], problem.machine()), problem.machine()));
  }
  state.SetItemsProcessed(state.iterations());
}

void Score(benchmark::State& state, const search::Problem& problem, const costmodel::CostModel& model) {
  std::vector<costmodel::Features> rows;
  for (const search::Candidate& c : Samples(problem, kBatch, 1)) rows.push_back(c.features);
  for (auto _ : state) benchmark::DoNotOptimize(model.Score(rows));
  state.SetItemsProcessed(state.iterations() * static_cast<int64_t>(rows.size()));
}

}  // namespace
}  // namespace tunesmith::bench

int main(int argc, char** argv) {
  using namespace tunesmith;
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  for (bench::SuiteWorkload& suite : bench::SuiteWorkloads()) {
    auto problem = std::make_shared<search::Problem>(bench::ProblemOf(suite.workload));
    std::shared_ptr<costmodel::CostModel> model = bench::TrainedModel(*problem);
    if (!model) return 1;
    auto add = [&](const char* what, auto body) {
      benchmark::RegisterBenchmark(
          (what + suite.id).c_str(),
          [problem, model, body](benchmark::State& state) { body(state, *problem, *model); });
    };
    benchmark::RegisterBenchmark(("judge/" + suite.id).c_str(),
                                 [workload = suite.workload, model](benchmark::State& state) {
                                   bench::Judge(state, workload, *model);
                                 });
    add("draw/", bench::JustDraw);
    add("plan/", bench::MakePlan);
    add("hash/", bench::Hash);
    add("features/", bench::Features);
    add("score/", bench::Score);
  }
  benchmark::RunSpecifiedBenchmarks();
  benchmark::ClearRegisteredBenchmarks();  // the models they hold must not outlive libxgboost's own statics
  return 0;
}
