// SPDX-License-Identifier: Apache-2.0
// A check on JSON text from outside, made before anything that recurses sees it.
#pragma once

#include <string_view>

namespace tunesmith::database {

/// Whether arrays and objects are nested more than `limit` deep. Needs no valid JSON: brackets are counted
/// where they stand outside of strings.
bool NestedDeeperThan(std::string_view json, int limit);

}  // namespace tunesmith::database
