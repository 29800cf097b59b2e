// SPDX-License-Identifier: Apache-2.0
// Operators that nobody thought of: a few stages that read inputs, weights and each other in ways that the
// language allows, as text, so that what fails can be tried.
#pragma once

#include <string>

#include "tests/ir/property.h"

namespace tunesmith::schedule::testing {

/// The text of an operator `f` without symbols.
std::string RandomOperator(ir::testing::Choices* choices);

}  // namespace tunesmith::schedule::testing
