// SPDX-License-Identifier: Apache-2.0
// The rules of this repository that a person would otherwise have to check in every review. Each looks at one
// file and answers with what is wrong, one line a violation, or with nothing.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace tunesmith::structure {

struct SourceFile {
  std::string path;  // from the top of the repository
  std::string text;
};

/// The text files below `top`, sorted by path; without build folders and what git keeps for itself.
std::vector<SourceFile> ReadTree(const std::string& top);

/// A C or C++ source or header.
bool IsCode(std::string_view path);
/// Paths included with quotes.
std::vector<std::string> QuotedIncludes(std::string_view text);

/// Each folder includes only those above it in the design's table, by their path from the top. The runner and
/// the runtime, which are built without the rest, include less: see kSelfContained.
std::string CheckIncludes(const SourceFile& file);
/// The licence stands in the first line, or in the second below "#!": 0BSD for the runtime that ships with
/// kernels (codegen/runtime), so that a generated library obliges nobody to anything; Apache-2.0 for all
/// else.
std::string CheckLicence(const SourceFile& file);
/// No path of the machine on which something was written.
std::string CheckNoMachinePath(const SourceFile& file);
/// No file above 500 lines.
std::string CheckLength(const SourceFile& file);
/// Processes are started in support/process_start.cpp alone; tests may fork.
std::string CheckNoProcessStart(const SourceFile& file);
/// No class that gathers whatever has no home, and nothing left for later.
std::string CheckWords(const SourceFile& file);

/// A cycle in the graph of includes as "a.h -> b.h -> a.h", or nothing.
std::string FindIncludeCycle(const std::map<std::string, std::set<std::string>>& includes);

}  // namespace tunesmith::structure
