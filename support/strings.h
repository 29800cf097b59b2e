// SPDX-License-Identifier: Apache-2.0
// Strings in the std::string_view that the rest of the program speaks (Abseil's own functions, as the
// distribution builds them, take a string_view type of their own).
#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace tunesmith {

inline void AppendPart(std::string* out, std::string_view part) { out->append(part); }
inline void AppendPart(std::string* out, char part) { out->push_back(part); }
template <class T>
  requires(std::is_arithmetic_v<T> && !std::is_same_v<T, char> && !std::is_same_v<T, bool>)
void AppendPart(std::string* out, T value) {
  char text[40];
  auto end = std::to_chars(text, text + sizeof text, value);  // shortest that reads back as the same value
  out->append(text, end.ptr);
}

/// Appends the parts (strings, characters, numbers) to `out`.
template <class... Parts>
void StrAppend(std::string* out, const Parts&... parts) {
  (AppendPart(out, parts), ...);
}

/// The parts as one string.
template <class... Parts>
std::string StrCat(const Parts&... parts) {
  std::string text;
  (AppendPart(&text, parts), ...);
  return text;
}

/// The elements with `separator` between them; `format(out, element)` appends one.
template <class Range, class Format>
std::string StrJoin(const Range& range, std::string_view separator, Format format) {
  std::string text;
  bool first = true;
  for (const auto& element : range) {
    if (!first) text.append(separator);
    first = false;
    format(&text, element);
  }
  return text;
}
template <class Range>
std::string StrJoin(const Range& range, std::string_view separator) {
  return StrJoin(range, separator, [](std::string* out, const auto& element) { AppendPart(out, element); });
}

/// The pieces between separators, empty ones included. They point into `text`.
inline std::vector<std::string_view> StrSplit(std::string_view text, char separator) {
  std::vector<std::string_view> pieces;
  for (size_t start = 0;;) {
    size_t end = text.find(separator, start);
    pieces.push_back(text.substr(start, end - start));
    if (end == std::string_view::npos) return pieces;
    start = end + 1;
  }
}

/// The words between any of the characters of `separators`, without empty ones. They point into `text`.
inline std::vector<std::string_view> Words(std::string_view text, std::string_view separators = " \t") {
  std::vector<std::string_view> words;
  for (size_t start = 0; (start = text.find_first_not_of(separators, start)) != std::string_view::npos;) {
    size_t end = text.find_first_of(separators, start);
    words.push_back(text.substr(start, end - start));
    if (end == std::string_view::npos) break;
    start = end;
  }
  return words;
}

/// The whole text as a decimal integer; nothing if it is anything else or does not fit.
inline std::optional<int64_t> ParseInteger(std::string_view text) {
  int64_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace tunesmith
