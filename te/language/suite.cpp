// SPDX-License-Identifier: Apache-2.0
// Suites: lists of workloads, one a line.
#include <map>

#include "support/strings.h"
#include "support/text.h"
#include "te/language.h"

namespace tunesmith::te {
namespace {

/// Ids become names of a library's functions, and stand in tables.
bool IsId(std::string_view id) {
  constexpr size_t kMostBytes = 64;
  return !id.empty() && id.size() <= kMostBytes &&
         id.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.") ==
             std::string_view::npos;
}

}  // namespace

Result<std::vector<SuiteEntry>> ParseSuite(std::string_view text, std::string_view file) {
  if (std::optional<NotText> fault =
          FindNotText(text, "a text file with lines of id<TAB>operator<TAB>NAME=VALUE"))
    return Invalid(StrCat(file, ": ", fault->finding, "; ", fault->fix));
  std::vector<SuiteEntry> entries;
  std::map<std::string, int> lines;
  std::vector<std::string> errors;
  int number = 0;
  for (std::string_view line : StrSplit(text, '\n')) {
    ++number;
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.find_first_not_of(" \t") == std::string_view::npos || line.starts_with('#')) continue;
    auto fail = [&](std::string message) { errors.push_back(StrCat(file, ":", number, ": ", message)); };
    std::vector<std::string_view> fields = StrSplit(line, '\t');
    if (fields.size() < 2 || fields.size() > 3) {
      fail(StrCat("the line has ", fields.size(), fields.size() == 1 ? " field" : " fields",
                  " between tabs; write id<TAB>operator<TAB>NAME=VALUE NAME=VALUE"));
      continue;
    }
    SuiteEntry entry;
    entry.id = fields[0];
    entry.op = fields[1];
    entry.line = number;
    if (!IsId(entry.id)) {
      fail(StrCat("'", entry.id, "' is no id; write letters of a to z, digits, _, - and ., 64 at most"));
      continue;
    }
    if (entry.op.empty() || entry.op.find(' ') != std::string::npos) {
      fail(StrCat("'", entry.op, "' is no operator's name; write one, as in matmul"));
      continue;
    }
    for (std::string_view binding : Words(fields.size() == 3 ? fields[2] : ""))
      entry.bindings.emplace_back(binding);
    auto [first, is_new] = lines.insert({entry.id, number});
    if (!is_new) {
      fail(StrCat("the id ", entry.id, " stands on line ", first->second, " already; choose another"));
      continue;
    }
    entries.push_back(std::move(entry));
  }
  if (!errors.empty()) return Invalid(StrJoin(errors, "\n"));
  if (entries.empty()) {
    return Invalid(StrCat(file, ": the suite has no entries; write lines of id<TAB>operator<TAB>NAME=VALUE"));
  }
  return entries;
}

}  // namespace tunesmith::te
