// SPDX-License-Identifier: Apache-2.0
#include "support/text.h"

#include "support/strings.h"

namespace tunesmith {
namespace {

bool IsControl(unsigned char c) { return (c < ' ' && c != '\t' && c != '\n' && c != '\r') || c == 0x7F; }

}  // namespace

size_t CharacterLength(std::string_view text) {
  auto byte = [&](size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
  auto follows = [&](size_t i) { return (byte(i) & 0xC0u) == 0x80u; };
  unsigned first = byte(0), second = byte(1);
  if (first < 0x80) return text.empty() ? 0 : 1;
  if (first >= 0xC2 && first <= 0xDF) return follows(1) ? 2 : 0;
  if (first >= 0xE0 && first <= 0xEF) {
    if ((first == 0xE0 && second < 0xA0) || (first == 0xED && second > 0x9F)) return 0;
    return follows(1) && follows(2) ? 3 : 0;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    if ((first == 0xF0 && second < 0x90) || (first == 0xF4 && second > 0x8F)) return 0;
    return follows(1) && follows(2) && follows(3) ? 4 : 0;
  }
  return 0;
}

std::optional<NotText> FindNotText(std::string_view text, std::string_view wanted) {
  if (text.starts_with("\xEF\xBB\xBF"))
    return NotText{"the file begins with a byte order mark", "save the file as UTF-8 without one"};
  for (size_t i = 0; i < text.size();) {
    auto c = static_cast<unsigned char>(text[i]);
    if (IsControl(c))
      return NotText{StrCat("the file is binary: byte ", i, " is ", static_cast<int>(c)),
                     StrCat("give ", wanted)};
    size_t length = CharacterLength(text.substr(i));
    if (length == 0)
      return NotText{StrCat("the file is not UTF-8: byte ", i, " begins no character"),
                     "save the file as UTF-8"};
    i += length;
  }
  return std::nullopt;
}

std::string Printable(std::string_view text) {
  std::string printable;
  for (size_t i = 0; i < text.size();) {
    const auto c = static_cast<unsigned char>(text[i]);
    const size_t length = CharacterLength(text.substr(i));
    // The controls U+0080 to U+009F are two bytes; a carriage return alone would hide what stands before it.
    const bool second_set = c == 0xC2 && length == 2 && static_cast<unsigned char>(text[i + 1]) < 0xA0;
    if (length > 0 && !IsControl(c) && !second_set && c != '\r') {
      printable.append(text.substr(i, length));
      i += length;
    } else {
      StrAppend(&printable, "\\x", std::string_view(&"0123456789abcdef"[c >> 4], 1),
                std::string_view(&"0123456789abcdef"[c & 15], 1));
      ++i;
    }
  }
  return printable;
}

}  // namespace tunesmith
