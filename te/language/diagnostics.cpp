// SPDX-License-Identifier: Apache-2.0
#include "te/language/diagnostics.h"

#include <algorithm>

#include "support/strings.h"
#include "support/suggest.h"

namespace tunesmith::te {
namespace {

constexpr int kWidestLine = 100;

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
  for (std::string_view word : Words(Text(span), " \t\r\n")) {
    if (!quote.empty()) quote += ' ';
    quote += word;
    if (quote.size() > kMost) break;
  }
  if (quote.size() > kMost) quote = quote.substr(0, kMost - 3) + "...";
  return quote;
}

int Source::LineOf(uint32_t offset) const {
  auto next = std::upper_bound(line_starts_.begin(), line_starts_.end(), offset);
  return static_cast<int>(next - line_starts_.begin());
}

int Source::ColumnOf(uint32_t offset) const {
  return static_cast<int>(offset - line_starts_[static_cast<size_t>(LineOf(offset) - 1)]) + 1;
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
  std::string line(source_.Line(d.line));
  for (char& c : line) {
    if (static_cast<unsigned char>(c) < ' ') c = ' ';
  }
  int length = static_cast<int>(line.size());
  d.caret = std::min(d.column - 1, length);
  d.width = std::max(1, std::min(static_cast<int>(span.end - span.begin), length - d.caret));
  int indent = static_cast<int>(std::min(line.find_first_not_of(' '), line.size()));
  indent = std::min(indent, d.caret);
  if (d.caret - indent > kWidestLine * 3 / 4) indent = d.caret - kWidestLine / 2;
  d.source_line = line.substr(static_cast<size_t>(indent), kWidestLine);
  d.caret -= indent;
  d.width = std::max(1, std::min(d.width, static_cast<int>(d.source_line.size()) - d.caret));
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
