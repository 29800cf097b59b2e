// SPDX-License-Identifier: Apache-2.0
#include "measure/local_measurer.h"

#include <utility>

#include "measure/statistics.h"
#include "support/files.h"
#include "support/strings.h"

namespace tunesmith::measure {
namespace {

// The only kernel on the workbench.
constexpr int kSlot = 0;

Status ValidateParameters(const std::vector<Signature::Parameter>& parameters, const Job& job,
                          const char* entry) {
  for (size_t n = 0; n < parameters.size(); ++n) {
    const Signature::Parameter& parameter = parameters[n];
    size_t count = job.signature.packed.size();
    if (parameter.kind == Signature::Kind::kInput) count = job.expectation->parameters.size();
    if (parameter.kind == Signature::Kind::kOutput) count = job.expectation->outputs.size();
    if (parameter.source < 0 || static_cast<size_t>(parameter.source) >= count) {
      return Invalid(StrCat("job ", job.id, ": parameter ", n, " of ", entry, " is tensor ", parameter.source,
                            " of ", count, " of its kind"));
    }
    const int64_t alignment = parameter.alignment;
    if (alignment < 1 || alignment > 4096 || (alignment & (alignment - 1)) != 0) {
      return Invalid(StrCat("job ", job.id, ": parameter ", n, " of ", entry, " is to be aligned to ",
                            alignment, " bytes; powers of two up to 4096 are possible"));
    }
  }
  return absl::OkStatus();
}

Status ValidateExpectation(const Job& job) {
  const Expectation& expectation = *job.expectation;
  if (expectation.sets.empty()) return Invalid(StrCat("job ", job.id, ": there are no inputs"));
  for (const InputSet& set : expectation.sets) {
    if (set.parameters.size() != expectation.parameters.size() ||
        set.outputs.size() != expectation.outputs.size()) {
      return Invalid(StrCat("job ", job.id, ": inputs ", set.name, " have ", set.parameters.size(),
                            " parameters and ", set.outputs.size(), " outputs; the workload has ",
                            expectation.parameters.size(), " and ", expectation.outputs.size()));
    }
    for (size_t p = 0; p < set.parameters.size(); ++p) {
      if (set.parameters[p].size_in_bytes() != expectation.parameters[p].bytes()) {
        return Invalid(StrCat(
            "job ", job.id, ": inputs ", set.name, " give ", set.parameters[p].size_in_bytes(), " bytes for ",
            expectation.parameters[p].name, " of ", expectation.parameters[p].bytes(), " bytes"));
      }
    }
  }
  return absl::OkStatus();
}

}  // namespace

Status Validate(const Job& job) {
  if (job.expectation == nullptr) return Invalid(StrCat("job ", job.id, ": says not what to expect"));
  TS_RETURN_IF_ERROR(ValidateExpectation(job));
  TS_RETURN_IF_ERROR(ValidateParameters(job.signature.main, job, "main"));
  TS_RETURN_IF_ERROR(ValidateParameters(job.signature.pack, job, "pack"));
  for (const Signature::Packed& packed : job.signature.packed) {
    if (packed.elements < 0 || packed.element_bytes < 1) {
      return Invalid(StrCat("job ", job.id, ": a packed weight of ", packed.elements, " elements of ",
                            packed.element_bytes, " bytes"));
    }
  }
  for (int64_t bytes : {job.kernel.main_workspace.shared_bytes, job.kernel.main_workspace.bytes_per_worker,
                        job.kernel.pack_workspace.shared_bytes, job.kernel.pack_workspace.bytes_per_worker}) {
    if (bytes < 0) return Invalid(StrCat("job ", job.id, ": a workspace of ", bytes, " bytes"));
  }
  if (job.scenario.threads < 1) {
    return Invalid(StrCat("job ", job.id, ": ", job.scenario.threads, " threads; at least 1 is needed"));
  }
  if (job.timing.first_samples < 1 || job.timing.limit.count() < 1) {
    return Invalid(StrCat("job ", job.id, ": a timing plan of ", job.timing.first_samples, " samples within ",
                          job.timing.limit.count(), " ms; at least 1 of each is needed"));
  }
  return absl::OkStatus();
}

Result<std::string> RunnerBesideThisProgram() {
  TS_ASSIGN_OR_RETURN(const std::filesystem::path folder, ExecutableFolder());
  return (folder / "tunesmith-runner").string();
}

void Summarize(Outcome* outcome) {
  outcome->median_ns = Median(outcome->samples_ns);
  outcome->spread_ns = InterquartileRange(outcome->samples_ns);
}

Result<LocalMeasurer> LocalMeasurer::Create(Options options) {
  if (options.runner.empty()) {
    TS_ASSIGN_OR_RETURN(options.runner, RunnerBesideThisProgram());
  }
  return LocalMeasurer(std::move(options));
}

Status LocalMeasurer::Submit(Job job) {
  TS_RETURN_IF_ERROR(Validate(job));
  jobs_.push_back(std::move(job));
  return absl::OkStatus();
}

Result<Trial> LocalMeasurer::Wait() {
  if (jobs_.empty()) return Invalid("no job is pending; submit one first");
  if (!workbench_ || !workbench_->usable()) {
    workbench_.reset();
    TS_ASSIGN_OR_RETURN(workbench_,
                        Workbench::Start(options_.runner, options_.memory_limit_bytes, accepted_.get()));
    ++runners_started_;
  }
  const Job job = std::move(jobs_.front());
  jobs_.pop_front();
  return Trial{job.id, Perform(job)};
}

Result<FinalistsResult> LocalMeasurer::TimeAgain(const std::vector<Job>& jobs, FinalistsPlan plan) {
  if (!jobs_.empty()) return Invalid("other jobs are pending; wait for them first");
  workbench_.reset();
  plan.runner = options_.runner;
  plan.memory_limit_bytes = options_.memory_limit_bytes;
  return TimeFinalists(jobs, plan);
}

Result<Outcome> LocalMeasurer::Measure(Job job) {
  if (!jobs_.empty()) return Invalid("other jobs are pending; wait for them first");
  TS_RETURN_IF_ERROR(Submit(std::move(job)));
  TS_ASSIGN_OR_RETURN(Trial trial, Wait());
  return std::move(trial.outcome);
}

Outcome LocalMeasurer::Perform(const Job& job) {
  Outcome outcome = workbench_->Load(kSlot, job);
  if (outcome.ok()) outcome = workbench_->Check(kSlot, job);
  const TimingPlan& plan = job.timing;
  std::vector<double> samples_ns;
  if (outcome.ok()) {
    outcome = workbench_->Sample(kSlot, job, plan.first_samples, plan.budget_ns, &samples_ns);
  }
  if (outcome.ok()) {
    const int more = plan.samples - static_cast<int>(samples_ns.size());
    const bool hopeless = plan.best_ns > 0 && Median(samples_ns) > plan.best_ns * plan.hopeless;
    const double used_ns = Median(samples_ns) * static_cast<double>(samples_ns.size());
    if (more > 0 && !hopeless && used_ns < plan.budget_ns) {
      outcome = workbench_->Sample(kSlot, job, more, plan.budget_ns - used_ns, &samples_ns);
    }
  }
  if (outcome.ok()) outcome = workbench_->CompareTimed(job);
  if (workbench_->usable()) workbench_->Unload(kSlot);
  if (!outcome.ok()) return outcome;
  outcome.samples_ns = std::move(samples_ns);
  Summarize(&outcome);
  return outcome;
}

}  // namespace tunesmith::measure
