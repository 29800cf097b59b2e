// SPDX-License-Identifier: Apache-2.0
#include "cli/library_check.h"

#include <utility>

#include "library/tables.h"
#include "measure/check.h"
#include "measure/local_measurer.h"
#include "support/strings.h"

namespace tunesmith::cli {

Result<LibraryCheck> LibraryCheck::Create(ThreadPool* pool) {
  TS_ASSIGN_OR_RETURN(const codegen::Target native, codegen::TargetNamed("native"));
  TS_ASSIGN_OR_RETURN(const int32_t extensions, library::ExtensionsOf(native));
  TS_ASSIGN_OR_RETURN(std::string runner, measure::RunnerBesideThisProgram());
  return LibraryCheck(pool, extensions, std::move(runner));
}

bool LibraryCheck::Runs(const codegen::Target& level) const {
  const Result<int32_t> needed = library::ExtensionsOf(level);
  return needed.ok() && (*needed & ~extensions_) == 0;
}

Status LibraryCheck::Take(const te::Workload& workload) {
  expectation_ = nullptr;
  TS_ASSIGN_OR_RETURN(expectation_, measure::PrepareExpectation(workload, {}, pool_));
  return absl::OkStatus();
}

Status LibraryCheck::Check(measure::Job job) {
  job.expectation = expectation_;
  TS_RETURN_IF_ERROR(measure::Validate(job));
  if (!workbench_ || !workbench_->usable()) {
    workbench_.reset();
    TS_ASSIGN_OR_RETURN(workbench_, measure::Workbench::Start(runner_, 0, accepted_.get()));
  }
  constexpr int kSlot = 0;
  measure::Outcome outcome = workbench_->Load(kSlot, job);
  if (outcome.ok()) outcome = workbench_->Check(kSlot, job);
  if (outcome.ok()) outcome = workbench_->Unload(kSlot);
  if (outcome.ok()) return absl::OkStatus();
  if (outcome.kind == measure::OutcomeKind::kCrash) workbench_.reset();
  return Internal(StrCat(measure::NameOf(outcome.kind), ": ", outcome.detail));
}

}  // namespace tunesmith::cli
