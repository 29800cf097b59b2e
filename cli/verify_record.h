// SPDX-License-Identifier: Apache-2.0
// What records from outside must satisfy beyond their form, before they are imported.
#pragma once

#include "database/record.h"
#include "measure/limits.h"
#include "support/status.h"

namespace tunesmith::cli {

/// Whether what a record says of itself holds: its workload is what its definition and bindings make, its
/// trace replays on that and, unless it failed, lowers to a valid program, and its latency is one that a
/// machine can reach, as the limits of this one say. An error names the field.
Status VerifyRecord(const database::Record& record, const measure::Limits& limits);

}  // namespace tunesmith::cli
