// SPDX-License-Identifier: Apache-2.0
// A peer as a contender of tune bench.
#pragma once

#include <memory>
#include <string>

#include "cli/contest.h"
#include "te/graph.h"

namespace tunesmith::cli {

/// Opens the library, in this process, for a suite's line that `definition` defines. Errors: the library
/// refuses the line; its tensors are not those of the definition.
Result<std::unique_ptr<Contender>> PeerContender(const std::string& library, const std::string& line,
                                                 const te::Graph& definition);

}  // namespace tunesmith::cli
