// SPDX-License-Identifier: Apache-2.0
// The last check of a library's kernels: the code of each level that this machine can run against the
// definition, before anything is written.
#pragma once

#include <optional>

#include "codegen/target.h"
#include "measure/workbench.h"
#include "support/thread_pool.h"
#include "te/language.h"

namespace tunesmith::cli {

class LibraryCheck {
 public:
  /// `pool` computes what is expected. Errors: there is no runner beside this program.
  static Result<LibraryCheck> Create(ThreadPool* pool);

  /// Whether this machine can run code for the level.
  bool Runs(const codegen::Target& level) const;

  /// Takes the next workload, whose kernels are checked until the one after it. Errors: its results cannot be
  /// computed here, because they do not fit in memory.
  Status Take(const te::Workload& workload);
  /// Checks a kernel, as search does before it times one; the job says all but what to expect.
  Status Check(measure::Job job);

 private:
  LibraryCheck(ThreadPool* pool, int32_t extensions, std::string runner)
      : pool_(pool), extensions_(extensions), runner_(std::move(runner)) {}

  ThreadPool* pool_;
  int32_t extensions_;  // of this machine
  std::string runner_;
  std::shared_ptr<const measure::Expectation> expectation_;
  std::unique_ptr<measure::AcceptedOutputs> accepted_ = std::make_unique<measure::AcceptedOutputs>();
  std::optional<measure::Workbench> workbench_;
};

}  // namespace tunesmith::cli
