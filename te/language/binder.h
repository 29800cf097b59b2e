// SPDX-License-Identifier: Apache-2.0
// From an operator whose symbols and attributes have values to a draft of its stages.
#pragma once

#include <vector>

#include "te/language/draft.h"
#include "te/language/environment.h"

namespace tunesmith::te::language {

/// The chosen stages of an algorithm, or of the definition if it is null, with ranges inferred and bounds
/// checked. Reports what is wrong; then the draft is incomplete. The environment has been evaluated without a
/// report.
Draft BuildDraft(Environment* environment, const AlgorithmSyntax* algorithm);

/// The algorithms that apply, the definition first; its size only if something was reported.
std::vector<Algorithm> BuildAlgorithms(Environment* environment);

}  // namespace tunesmith::te::language
