// SPDX-License-Identifier: Apache-2.0
// Questions about the accesses of statements.
#pragma once

#include "ir/ir.h"

namespace tunesmith::ir {

/// If the store is `b[i] = combine(b[i], x)`, with a sum, product, minimum, maximum, and, or, or fused
/// multiply-add for combine: the read of b[i]. Else null. Lanes may share the element of such a store.
const te::ExprNode* ReducedRead(const StmtNode& store);

}  // namespace tunesmith::ir
