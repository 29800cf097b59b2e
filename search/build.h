// SPDX-License-Identifier: Apache-2.0
// From a plan to a kernel that can be measured.
#pragma once

#include <string_view>

#include "codegen/kernel.h"
#include "codegen/target.h"
#include "measure/measurer.h"
#include "schedule/plan.h"
#include "support/status.h"

namespace tunesmith::search {

struct Build {
  codegen::Kernel kernel;
  measure::Signature signature;
};

/// What in a build can refuse a plan.
enum class BuildPart : uint8_t { kLowering, kCodeGenerator };
std::string_view NameOf(BuildPart part);  // "lowering", "the code generator"

/// Lowers, verifies and compiles the plan of a workload whose definition this is. An error is a
/// compile_error of the candidate; `*refused_by` (may be null) then says whose. Safe on several threads at
/// once.
Result<Build> BuildPlan(const schedule::Plan& plan, const te::Graph& definition,
                        const codegen::Target& target, BuildPart* refused_by);

}  // namespace tunesmith::search
