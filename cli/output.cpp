// SPDX-License-Identifier: Apache-2.0
#include "cli/output.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "nlohmann/json.hpp"
#include "support/strings.h"
#include "support/text.h"

namespace tunesmith::cli {
namespace {

int write_error = 0;  // the errno of the first write that failed: later ones may set none

Status WriteError() {
  if (write_error == 0) write_error = errno != 0 ? errno : EIO;
  return Unavailable(StrCat("cannot write to standard output: ", std::strerror(write_error),
                            write_error == EPIPE ? "" : "; free some space or choose another place"));
}

}  // namespace

Status Emit(std::string_view text) {
  errno = 0;
  return std::fwrite(text.data(), 1, text.size(), stdout) == text.size() ? absl::OkStatus() : WriteError();
}

Status EmitJson(const nlohmann::json& object) {
  TS_RETURN_IF_ERROR(Emit(object.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n"));
  return FlushOutput();
}

Status FlushOutput() {
  errno = 0;
  bool ok = std::fflush(stdout) == 0 && std::ferror(stdout) == 0;
  return ok ? absl::OkStatus() : WriteError();
}

void Complain(std::string_view line) {
  const std::string printable = Printable(line) + "\n";
  // Nothing is left to be told to if this fails.
  (void)std::fwrite(printable.data(), 1, printable.size(), stderr);
}

bool IsTerminal(std::FILE* stream) {
  const char* terminal = std::getenv("TERM");
  return isatty(fileno(stream)) && (!terminal || std::string_view(terminal) != "dumb");
}

Style::Style(std::FILE* stream) {
  const char* no_color = std::getenv("NO_COLOR");
  on_ = stream && IsTerminal(stream) && (!no_color || !*no_color);
}

std::string Style::Paint(std::string_view code, std::string_view text) const {
  if (text.ends_with('\n')) return Paint(code, text.substr(0, text.size() - 1)) + "\n";
  return on_ ? StrCat("\x1b[", code, "m", text, "\x1b[0m") : std::string(text);
}

size_t WidthOf(std::string_view text) {
  // Every byte but those that continue a character.
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

std::string Padded(std::string_view text, size_t width, Align align) {
  std::string blanks(width - std::min(width, WidthOf(text)), ' ');
  return align == Align::kRight ? StrCat(blanks, text) : StrCat(text, blanks);
}

std::string LineOf(const std::vector<Cell>& cells) {
  std::string line = StrJoin(cells, "  ", [](std::string* out, const Cell& cell) {
    out->append(Padded(cell.text, cell.width, cell.align));
  });
  line.resize(line.find_last_not_of(' ') + 1);
  return line + "\n";
}

std::string Table::ToString(const Style& style) const {
  std::vector<std::vector<std::string>> lines(1);
  for (const Column& c : columns_) lines[0].push_back(c.heading);
  lines.insert(lines.end(), rows_.begin(), rows_.end());
  std::vector<size_t> widths(columns_.size(), 0);
  for (const auto& line : lines) {
    for (size_t i = 0; i < line.size(); ++i) widths[i] = std::max(widths[i], WidthOf(line[i]));
  }
  std::string out;
  for (const auto& line : lines) {
    std::vector<Cell> cells;
    for (size_t i = 0; i < line.size(); ++i) cells.push_back({line[i], widths[i], columns_[i].align});
    std::string text = LineOf(cells);
    out += &line == lines.data() ? style.Heading(text) : text;
  }
  return out;
}

}  // namespace tunesmith::cli
