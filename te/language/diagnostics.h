// SPDX-License-Identifier: Apache-2.0
// Places in a source file, and the errors found there.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "te/language.h"

namespace tunesmith::te::language {

/// The bytes [begin, end) of a file.
struct Span {
  uint32_t begin = 0;
  uint32_t end = 0;
};

/// A file's name and content.
class Source {
 public:
  Source(std::string_view name, std::string_view text);

  const std::string& name() const { return name_; }
  std::string_view text() const { return text_; }
  std::string_view Text(Span span) const;
  /// The text on one line, blanks collapsed, cut with "..." after 48 bytes: for messages.
  std::string Quote(Span span) const;
  /// Line and column of a byte, both from 1; columns count characters.
  int LineOf(uint32_t offset) const;
  int ColumnOf(uint32_t offset) const;
  /// Bytes before it on its line.
  size_t ByteColumn(uint32_t offset) const;
  std::string_view Line(int line) const;

 private:
  std::string name_;
  std::string text_;
  std::vector<uint32_t> line_starts_;
};

/// Gathers the errors of one file. Beyond kMostDiagnostics it only counts; a second error with the same
/// message at the same place is dropped.
class Diagnostics {
 public:
  static constexpr size_t kMostDiagnostics = 20;

  explicit Diagnostics(const Source& source) : source_(source) {}

  void Report(Span span, std::string message, std::string inferred = "", std::string fix = "");
  /// An error about the whole file.
  void ReportFile(std::string message, std::string fix);

  bool empty() const { return list_.empty(); }
  /// How often something was reported, what was dropped included.
  size_t reported() const { return reported_; }
  const std::vector<Diagnostic>& list() const { return list_; }
  std::vector<Diagnostic> TakeList() { return std::move(list_); }
  const Source& source() const { return source_; }

 private:
  const Source& source_;
  std::vector<Diagnostic> list_;
  size_t reported_ = 0;
};

/// The diagnostics as the error of a function.
Status ToStatus(const std::vector<Diagnostic>& diagnostics);

/// "write NAME" for the nearest candidate, or else "write one of: …".
std::string SuggestOneOf(std::string_view name, const std::vector<std::string>& candidates);

}  // namespace tunesmith::te::language
