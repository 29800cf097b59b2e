// SPDX-License-Identifier: Apache-2.0
// Conditions on records that are well formed, but speak of what does not exist.
#pragma once

#include "database/database.h"
#include "database/filter.h"
#include "support/status.h"

namespace tunesmith::cli {

/// Fails if the filter names an operator, a target, or a symbol or attribute of the operator that no record
/// has and the program does not know: it selects nothing, and was hardly meant. Where there are no records,
/// any symbol passes.
Status CheckNames(const database::Filter& filter, const database::Names& recorded);

}  // namespace tunesmith::cli
