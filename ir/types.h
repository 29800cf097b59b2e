// SPDX-License-Identifier: Apache-2.0
// The types of operators: shared by the verifier, which refuses what is wrong, and the interpreter, which
// must not be led astray by it.
#pragma once

#include <string>
#include <vector>

#include "ir/ir.h"

namespace tunesmith::ir {

/// What is wrong with the node itself: missing operands, their number or types, the buffer that is read.
/// Empty if nothing is. The operands are taken to be right.
std::string TypeErrorOf(const te::ExprNode& e, const std::vector<Buffer>& buffers);

}  // namespace tunesmith::ir
