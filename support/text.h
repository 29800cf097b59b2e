// SPDX-License-Identifier: Apache-2.0
// Whether bytes are text, and how bytes that are not are shown.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace tunesmith {

/// The length of the UTF-8 character at the beginning of `text` (RFC 3629: no surrogates, nothing overlong,
/// nothing above U+10FFFF); 0 if there is none.
size_t CharacterLength(std::string_view text);

/// Why a file's content is not text: what was found, and what to do about it.
struct NotText {
  std::string finding;
  std::string fix;
};
/// Nothing if `text` is UTF-8 without control characters but tab and line ends, and does not begin with a
/// byte order mark, which no reader would see. `wanted`: what the file should be, as in "a text file in the
/// .te language".
std::optional<NotText> FindNotText(std::string_view text, std::string_view wanted);

/// The text with bytes that a terminal would obey, or could not show, written as \x1b; line ends and tabs
/// stay.
std::string Printable(std::string_view text);

}  // namespace tunesmith
