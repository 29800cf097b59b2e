// SPDX-License-Identifier: Apache-2.0
#include "te/language/diagnostics.h"

#include <algorithm>

#include "support/strings.h"
#include "support/suggest.h"

namespace tunesmith::te {
namespace {

constexpr size_t kWidestLine = 100;

bool BeginsCharacter(char c) { return (static_cast<unsigned char>(c) & 0xC0u) != 0x80u; }

int CountCharacters(std::string_view text) {
  return static_cast<int>(std::count_if(text.begin(), text.end(), BeginsCharacter));
}

/// Fills in the part of the line around the bytes [column, column + width).
void ShowLine(std::string_view source_line, size_t column, size_t width, Diagnostic* d) {
  std::string line(source_line);
  for (char& c : line) {
    if (static_cast<unsigned char>(c) < ' ') c = ' ';
  }
  column = std::min(column, line.size());
  width = std::min(width, line.size() - column);
  size_t begin = column > kWidestLine * 3 / 4 ? column - kWidestLine / 2 : 0;
  begin = std::min(line.find_first_not_of(' ', begin), column);
  while (begin < column && !BeginsCharacter(line[begin])) ++begin;
  size_t end = std::min(begin + kWidestLine, line.size());
  while (end < line.size() && !BeginsCharacter(line[end])) ++end;
  std::string_view shown = std::string_view(line).substr(begin, end - begin);
  d->source_line = shown;
  d->caret = CountCharacters(shown.substr(0, column - begin));
  d->width = std::max(1, CountCharacters(shown.substr(column - begin, width)));
}

}  // namespace

std::string Render(const Diagnostic& d) {
  std::string out = d.file;
  if (d.line > 0) StrAppend(&out, ":", d.line, ":", d.column);
  StrAppend(&out, ": ", d.message);
  if (!d.source_line.empty()) {
    StrAppend(&out, "\n  ", d.source_line, "\n  ", std::string(static_cast<size_t>(d.caret), ' '), "^");
    if (d.width > 1) out.append(static_cast<size_t>(d.width - 1), '~');
  }
  if (!d.inferred.empty()) StrAppend(&out, "\n  inferred: ", d.inferred);
  if (!d.fix.empty()) StrAppend(&out, "\n  to fix: ", d.fix);
  return out;
}

std::string Render(const std::vector<Diagnostic>& diagnostics) {
  return StrJoin(diagnostics, "\n\n", [](std::string* out, const Diagnostic& d) { out->append(Render(d)); });
}

namespace language {

Source::Source(std::string_view name, std::string_view text) : name_(name), text_(text), line_starts_{0} {
  for (size_t i = 0; i < text_.size(); ++i) {
    if (text_[i] == '\n') line_starts_.push_back(static_cast<uint32_t>(i + 1));
  }
}

std::string_view Source::Text(Span span) const { return text().substr(span.begin, span.end - span.begin); }

std::string Source::Quote(Span span) const {
  constexpr size_t kMost = 48;
  std::string quote;
  for (std::string_view line : StrSplit(Text(span), '\n')) {
    for (std::string_view word : Words(line.substr(0, line.find('#')), " \t\r")) {
      if (!quote.empty()) quote += ' ';
      quote += word;
    }
    if (quote.size() > kMost) break;
  }
  if (quote.size() > kMost) quote = quote.substr(0, kMost - 3) + "...";
  return quote;
}

int Source::LineOf(uint32_t offset) const {
  auto next = std::upper_bound(line_starts_.begin(), line_starts_.end(), offset);
  return static_cast<int>(next - line_starts_.begin());
}

size_t Source::ByteColumn(uint32_t offset) const {
  return offset - line_starts_[static_cast<size_t>(LineOf(offset) - 1)];
}

int Source::ColumnOf(uint32_t offset) const {
  return CountCharacters(Line(LineOf(offset)).substr(0, ByteColumn(offset))) + 1;
}

std::string_view Source::Line(int line) const {
  uint32_t begin = line_starts_[static_cast<size_t>(line - 1)];
  size_t end = text_.find_first_of("\r\n", begin);
  return text().substr(begin, end == std::string::npos ? end : end - begin);
}

void Diagnostics::Report(Span span, std::string message, std::string inferred, std::string fix) {
  ++reported_;
  if (list_.size() >= kMostDiagnostics) return;
  span.begin = std::min(span.begin, static_cast<uint32_t>(source_.text().size()));
  Diagnostic d;
  d.file = source_.name();
  d.line = source_.LineOf(span.begin);
  d.column = source_.ColumnOf(span.begin);
  d.message = std::move(message);
  d.inferred = std::move(inferred);
  d.fix = std::move(fix);
  for (const Diagnostic& other : list_) {
    if (other.line == d.line && other.column == d.column && other.message == d.message) return;
  }
  ShowLine(source_.Line(d.line), source_.ByteColumn(span.begin), span.end - span.begin, &d);
  list_.push_back(std::move(d));
}

void Diagnostics::ReportFile(std::string message, std::string fix) {
  ++reported_;
  Diagnostic d;
  d.file = source_.name();
  d.message = std::move(message);
  d.fix = std::move(fix);
  list_.push_back(std::move(d));
}

Status ToStatus(const std::vector<Diagnostic>& diagnostics) {
  return diagnostics.empty() ? Status() : Invalid(Render(diagnostics));
}

std::string SuggestOneOf(std::string_view name, const std::vector<std::string>& candidates) {
  if (auto nearest = NearestName(name, candidates)) return "write " + *nearest;
  if (candidates.empty()) return "";
  return "write one of: " + StrJoin(candidates, ", ");
}

}  // namespace language
}  // namespace tunesmith::te
