// SPDX-License-Identifier: Apache-2.0
#include "search/build.h"

#include "codegen/llvm/compile.h"
#include "ir/lower.h"

namespace tunesmith::search {

std::string_view NameOf(BuildPart part) {
  return part == BuildPart::kLowering ? "lowering" : "the code generator";
}

Result<Build> BuildPlan(const schedule::Plan& plan, const te::Graph& definition,
                        const codegen::Target& target, BuildPart* refused_by) {
  BuildPart unused;
  BuildPart& part = refused_by ? *refused_by : unused;
  part = BuildPart::kLowering;
  TS_ASSIGN_OR_RETURN(ir::Program program, ir::Lower(plan));
  Build build;
  TS_ASSIGN_OR_RETURN(build.signature, measure::SignatureOf(program, definition));
  part = BuildPart::kCodeGenerator;
  TS_ASSIGN_OR_RETURN(build.kernel, codegen::Compile(program, target));
  return build;
}

}  // namespace tunesmith::search
