// SPDX-License-Identifier: Apache-2.0
// How well the models rank what was measured: bench_ranking DATABASE
// For each workload of the database that the standard operators define: the trials; of all pairs of trials
// more than 5 % apart, the share that the analytic model puts in the right order; the latency of the trial
// that it likes best, as a multiple of the best one's (the regret of trying only that); and the same for the
// learned model, trained on one half of the trials and asked about the other.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>

#include "costmodel/cost_model.h"
#include "database/database.h"
#include "search/candidate.h"
#include "search/tuner.h"
#include "support/strings.h"
#include "te/language.h"

namespace tunesmith::bench {
namespace {

struct Sample {
  costmodel::Features features;
  double latency_ns = 0;
};

/// The latency of the sample with the lowest score as a multiple of the lowest latency.
double Regret(const std::vector<Sample>& samples, const std::vector<double>& scores) {
  double best = samples[0].latency_ns;
  size_t liked = 0;
  for (size_t i = 0; i < samples.size(); ++i) {
    best = std::min(best, samples[i].latency_ns);
    if (scores[i] < scores[liked]) liked = i;
  }
  return samples[liked].latency_ns / best;
}

double RightPairs(const std::vector<Sample>& samples, const std::vector<double>& scores) {
  int64_t pairs = 0, right = 0;
  for (size_t i = 0; i < samples.size(); ++i) {
    for (size_t k = 0; k < samples.size(); ++k) {
      constexpr double kApart = 1.05;
      if (samples[i].latency_ns * kApart > samples[k].latency_ns) continue;
      ++pairs;
      right += scores[i] < scores[k];
    }
  }
  return pairs == 0 ? std::nan("") : static_cast<double>(right) / static_cast<double>(pairs);
}

std::vector<double> Scores(const costmodel::CostModel& model, const std::vector<Sample>& samples) {
  std::vector<costmodel::Features> rows;
  for (const Sample& s : samples) rows.push_back(s.features);
  return model.Score(rows);
}

void Print(const std::string& name, const std::vector<Sample>& samples) {
  std::vector<double> analytic = Scores(*costmodel::AnalyticModel(), samples);
  std::printf("%-64s %6zu %9.3f %7.2f", name.c_str(), samples.size(), RightPairs(samples, analytic),
              Regret(samples, analytic));
  Result<std::unique_ptr<costmodel::CostModel>> learned = costmodel::XgboostModel();
  if (learned.ok() && samples.size() >= 32) {
    std::vector<costmodel::Example> taught;
    std::vector<Sample> asked;
    for (size_t i = 0; i < samples.size(); ++i) {
      if (i % 2 == 0) {
        taught.push_back({samples[i].features, samples[i].latency_ns});
      } else {
        asked.push_back(samples[i]);
      }
    }
    if ((*learned)->Update(taught).ok()) {
      std::vector<double> scores = Scores(**learned, asked);
      std::printf(" %9.3f %7.2f", RightPairs(asked, scores), Regret(asked, scores));
    }
  }
  std::printf("\n");
}

struct Group {
  std::string name;
  std::optional<search::Problem> problem;
  std::vector<Sample> samples;
};

std::optional<search::Problem> ProblemOf(const database::Record& record) {
  std::vector<std::string> bindings;
  for (const auto& [name, value] : record.bindings) bindings.push_back(StrCat(name, "=", value));
  Result<te::Operator> op = te::StandardOperator(record.operator_name);
  if (!op.ok()) return std::nullopt;
  Result<te::Workload> workload = te::Bind(*op, bindings);
  Result<codegen::Target> target = codegen::TargetNamed(record.key.target);
  if (!workload.ok() || !target.ok()) return std::nullopt;
  return search::Problem::Of(*workload, search::MachineOf(*target, record.key.scenario.threads),
                             target->name);
}

Status Run(const std::string& path) {
  TS_ASSIGN_OR_RETURN(std::unique_ptr<database::Database> database,
                      database::OpenDatabase(path, {.mode = database::OpenMode::kReadOnly}));
  std::map<std::string, Group> groups;
  TS_RETURN_IF_ERROR(database->Query({}, [&](const database::Record& record) {
    if (!record.outcome.ok()) return absl::OkStatus();
    std::string name = record.operator_name;
    for (const auto& [parameter, value] : record.bindings) StrAppend(&name, " ", parameter, "=", value);
    StrAppend(&name, " threads=", record.key.scenario.threads);
    auto [at, fresh] = groups.try_emplace(name);
    Group& group = at->second;
    if (fresh) group = {name, ProblemOf(record), {}};
    if (!group.problem) return absl::OkStatus();
    Result<schedule::Trace> trace = schedule::ParseTrace(record.trace);
    if (!trace.ok()) return absl::OkStatus();
    Result<search::Candidate> candidate = group.problem->FromTrace(*trace);
    if (candidate.ok()) group.samples.push_back({candidate->features, record.outcome.median_ns});
    return absl::OkStatus();
  }));
  std::printf("%-64s %6s %9s %7s %9s %7s\n", "workload", "trials", "analytic", "regret", "learned", "regret");
  for (const auto& [name, group] : groups) {
    if (group.samples.size() > 1) Print(name, group.samples);
  }
  return absl::OkStatus();
}

}  // namespace
}  // namespace tunesmith::bench

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: bench_ranking DATABASE\n");
    return 2;
  }
  tunesmith::Status status = tunesmith::bench::Run(argv[1]);
  if (!status.ok())
    std::fprintf(stderr, "bench_ranking: %s\n", std::string(tunesmith::MessageOf(status)).c_str());
  return status.ok() ? 0 : 1;
}
