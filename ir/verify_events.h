// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "ir/ir.h"
#include "support/status.h"

namespace tunesmith::ir {

/// The verifier's rule `events`: every wait is met by as many copies or signals before it on every path; in
/// one of several roles, the others' may come in at any time. Iterations of parallel and bound loops count
/// for themselves. Assumes that types and scopes are right.
Status VerifyEvents(const Function& function);

}  // namespace tunesmith::ir
