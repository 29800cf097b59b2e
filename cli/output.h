// SPDX-License-Identifier: Apache-2.0
// How results reach standard output: failed writes are errors, columns line up, colours only where somebody
// looks.
#pragma once

#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "nlohmann/json_fwd.hpp"
#include "support/status.h"

namespace tunesmith::cli {

/// Writes to standard output. Errors: the disk is full, the reader has gone.
Status Emit(std::string_view text);
/// One object on a line of its own, out at once.
Status EmitJson(const nlohmann::json& object);
/// Hands what is buffered to the system. Errors: also those of every write before.
Status FlushOutput();

/// Writes a line for people to standard error, whatever bytes it holds (support/text.h).
void Complain(std::string_view line);

/// Whether a person sees the stream on a terminal that can be told to move its cursor (TERM is not "dumb").
bool IsTerminal(std::FILE* stream);

/// Emphasis by ANSI sequences; none unless the stream is a terminal and NO_COLOR (no-color.org) is not set.
class Style {
 public:
  /// Null: no emphasis at all.
  explicit Style(std::FILE* stream);
  std::string Heading(std::string_view text) const { return Paint("1", text); }
  std::string Good(std::string_view text) const { return Paint("32", text); }
  std::string Bad(std::string_view text) const { return Paint("31", text); }

 private:
  std::string Paint(std::string_view code, std::string_view text) const;
  bool on_;
};

enum class Align : uint8_t { kLeft, kRight };

/// The number of characters of UTF-8 text, each taken as one column wide.
size_t WidthOf(std::string_view text);
/// The text with blanks up to `width`; longer text stays whole.
std::string Padded(std::string_view text, size_t width, Align align = Align::kLeft);

/// One cell of a line whose columns have fixed widths, for lines that are printed as they become known.
struct Cell {
  std::string text;
  size_t width = 0;
  Align align = Align::kLeft;
};
/// The cells two blanks apart, without blanks at the end, and a line break.
std::string LineOf(const std::vector<Cell>& cells);

/// Cells in columns that are as wide as their widest cell, two blanks apart.
class Table {
 public:
  struct Column {
    std::string heading;
    Align align = Align::kLeft;
  };
  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}
  /// As many cells as there are columns.
  void Add(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  /// A line for the headings and one for each row; no line ends in blanks.
  std::string ToString(const Style& style) const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace tunesmith::cli
