// SPDX-License-Identifier: Apache-2.0
// Candidates of a schedule space, drawn as a test case says.
#pragma once

#include <optional>
#include <string>

#include "schedule/sketch.h"
#include "tests/ir/property.h"

namespace tunesmith::schedule::testing {

/// An allowed choice, or nothing after a few draws.
std::optional<Choice> Draw(const Space& space, ir::testing::Choices* choices);

/// What differs between the plan of a choice and those of its parts, each scheduled alone.
std::string DifferenceOfParts(const Space& space, const Choice& choice, const Plan& whole);

}  // namespace tunesmith::schedule::testing
