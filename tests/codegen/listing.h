// SPDX-License-Identifier: Apache-2.0
// The texts of a compiled function, and what stands in them how often.
#pragma once

#include <cstdint>
#include <string>

#include "codegen/llvm/compile.h"
#include "codegen/target.h"
#include "ir/ir.h"

namespace tunesmith::codegen::testing {

/// An empty one, and a failure of the test, if the program does not compile.
Listing ListingOf(const ir::Program& program, const Target& target);
Listing ListingOf(const ir::Function& function, const Target& target);

/// How often the regular expression matches.
int64_t Count(const std::string& text, const std::string& pattern);

}  // namespace tunesmith::codegen::testing
