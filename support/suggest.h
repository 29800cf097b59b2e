// SPDX-License-Identifier: Apache-2.0
// "did you mean": the nearest of the names that exist.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace tunesmith {

/// Insertions, deletions, substitutions and swaps of neighbours that turn `a` into `b`, no letter edited
/// twice (optimal string alignment; Damerau, CACM 7(3), 1964). ASCII letters differ in case for half an edit,
/// so the result counts in half edits.
int HalfEdits(std::string_view a, std::string_view b);

/// The nearest candidate, the first of equals; nothing if none is near enough to be what was meant: a third
/// of the longer name's letters may differ, and at least one.
std::optional<std::string> NearestName(std::string_view name, std::span<const std::string> candidates);

/// "; did you mean 'softmax'?", or nothing, to be put at the end of a message.
std::string DidYouMean(std::string_view name, std::span<const std::string> candidates);

}  // namespace tunesmith
