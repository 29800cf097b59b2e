// SPDX-License-Identifier: Apache-2.0
#include "tests/structure/source_rules.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <regex>

namespace tunesmith::structure {
namespace {

namespace fs = std::filesystem;

// docs/design.md, "Folders".
constexpr std::string_view kFolders[] = {"support",   "te",       "schedule", "ir",     "codegen", "measure",
                                         "costmodel", "database", "rpc",      "search", "library", "cli"};

/// Folders that are built without the rest, and what they may include.
struct SelfContained {
  std::string_view folder;
  std::vector<std::string_view> may_include;  // beginnings of paths
};
const std::vector<SelfContained>& kSelfContained() {
  static const std::vector<SelfContained> folders = {
      {"codegen/runtime/", {"codegen/runtime/"}},
      {"measure/runner/", {"measure/runner/", "measure/protocol.h", "codegen/runtime/"}},
  };
  return folders;
}

std::string_view FolderOf(std::string_view path) { return path.substr(0, path.find('/')); }

int Rank(std::string_view folder) {
  auto found = std::find(std::begin(kFolders), std::end(kFolders), folder);
  return found == std::end(kFolders) ? -1 : static_cast<int>(found - std::begin(kFolders));
}

bool IsOneOf(std::string_view text, std::initializer_list<std::string_view> choices) {
  return std::find(choices.begin(), choices.end(), text) != choices.end();
}

std::string_view Extension(std::string_view path) {
  size_t dot = path.rfind('.');
  return dot == std::string_view::npos || path.find('/', dot) != std::string_view::npos ? ""
                                                                                        : path.substr(dot);
}

std::string Line(const SourceFile& file, std::string_view what) {
  return file.path + ": " + std::string(what) + "\n";
}

/// One violation for each match, with its line number.
std::string Matches(const SourceFile& file, const std::regex& pattern, std::string_view what) {
  std::string violations;
  size_t number = 1;
  size_t start = 0;
  while (start < file.text.size()) {
    size_t end = std::min(file.text.find('\n', start), file.text.size());
    std::string line = file.text.substr(start, end - start);
    if (std::smatch match; std::regex_search(line, match, pattern)) {
      violations +=
          file.path + ":" + std::to_string(number) + ": " + std::string(what) + ": " + match.str() + "\n";
    }
    start = end + 1;
    ++number;
  }
  return violations;
}

}  // namespace

std::vector<SourceFile> ReadTree(const std::string& top) {
  std::vector<SourceFile> files;
  for (auto entry = fs::recursive_directory_iterator(top); entry != fs::recursive_directory_iterator();
       ++entry) {
    std::string name = entry->path().filename().string();
    bool at_top = entry.depth() == 0;
    if (name == ".git" || name == "__pycache__" || (at_top && (name.starts_with("build") || name == "out"))) {
      entry.disable_recursion_pending();
      continue;
    }
    if (!entry->is_regular_file()) continue;
    std::ifstream stream(entry->path(), std::ios::binary);
    std::string text(std::istreambuf_iterator<char>(stream), {});
    if (text.find('\0') != std::string::npos) continue;
    files.push_back({fs::relative(entry->path(), top).string(), std::move(text)});
  }
  std::sort(files.begin(), files.end(), [](const auto& a, const auto& b) { return a.path < b.path; });
  return files;
}

bool IsCode(std::string_view path) { return IsOneOf(Extension(path), {".h", ".c", ".cpp"}); }

std::vector<std::string> QuotedIncludes(std::string_view text) {
  static const std::regex pattern("(^|\\n)[ \\t]*#[ \\t]*include[ \\t]*\"([^\"\\n]*)\"");
  std::vector<std::string> includes;
  std::string copy(text);
  for (std::sregex_iterator match(copy.begin(), copy.end(), pattern), end; match != end; ++match) {
    includes.push_back((*match)[2]);
  }
  return includes;
}

std::string CheckIncludes(const SourceFile& file) {
  std::string violations;
  std::string_view path = file.path;
  int rank = Rank(FolderOf(path));
  for (const std::string& include : QuotedIncludes(file.text)) {
    auto refuse = [&](std::string_view why) {
      violations += Line(file, "includes " + include + ": " + std::string(why));
    };
    if (include.find('/') == std::string::npos) {
      // The runtime is copied out of the tree, and a test's own folder is nobody else's business.
      if (rank >= 0 && !path.starts_with("codegen/runtime/")) refuse("write its path from the top");
      continue;
    }
    if (rank < 0) continue;
    if (include.starts_with("tests/")) refuse("the program does not know its tests");
    if (Rank(FolderOf(include)) > rank) refuse("its folder comes later in the design's order");
    for (const SelfContained& contained : kSelfContained()) {
      if (!path.starts_with(contained.folder)) continue;
      bool allowed = std::any_of(contained.may_include.begin(), contained.may_include.end(),
                                 [&](std::string_view start) { return include.starts_with(start); });
      if (!allowed) refuse("this folder is built without the rest of the program");
    }
  }
  return violations;
}

std::string CheckLicence(const SourceFile& file) {
  bool needs_one =
      IsCode(file.path) || IsOneOf(Extension(file.path), {".py", ".sh"}) || file.text.starts_with("#!");
  if (!needs_one) return "";
  std::string_view rest = file.text;
  if (rest.starts_with("#!")) rest.remove_prefix(std::min(rest.find('\n'), rest.size() - 1) + 1);
  std::string_view first = rest.substr(0, rest.find('\n'));
  std::string licence = file.path.starts_with("codegen/runtime/") ? "0BSD" : "Apache-2.0";
  for (std::string_view comment : {"// ", "# "}) {
    if (first == std::string(comment) + "SPDX-License-Identifier: " + licence) return "";
  }
  if (first == "/* SPDX-License-Identifier: " + licence + " */") return "";
  return Line(file, "does not begin with SPDX-License-Identifier: " + licence);
}

std::string CheckNoMachinePath(const SourceFile& file) {
  // A path begins after a character that cannot belong to a longer relative one.
  static const std::regex pattern("(^|[^A-Za-z0-9_.$}/])/(home|work|root|Users|mnt)/[A-Za-z0-9_.]+");
  return Matches(file, pattern, "names a path of one machine");
}

std::string CheckLength(const SourceFile& file) {
  auto lines = std::count(file.text.begin(), file.text.end(), '\n');
  if (!IsCode(file.path) || lines <= 500) return "";
  return Line(file, "has " + std::to_string(lines) + " lines; split it by what its parts are about");
}

std::string CheckNoProcessStart(const SourceFile& file) {
  static const std::regex pattern(
      "(^|[^A-Za-z0-9_.>])(v?fork|posix_spawnp?|execv[pe]*|execl[pe]*|system|popen) ?\\([^)]");
  static const std::regex fork("[=(!] *(::)?v?fork\\(\\)");
  bool starts = file.path == "support/process_start.cpp" || file.path == "support/forked_child.cpp";
  if (!IsCode(file.path) || file.path.starts_with("tests/") || starts) return "";
  std::string what = "starts a process; use support/subprocess.h";
  return Matches(file, pattern, what) + Matches(file, fork, what);
}

std::string CheckWords(const SourceFile& file) {
  static const std::regex homeless(
      "\\b(class|struct) +[A-Za-z0-9_]*(Manager|Helper|Utils?|Context)\\b *[:{]");
  static const std::regex later(
      "\\b(TO"
      "DO|FIX"
      "ME|XX"
      "X)\\b");
  if (!IsCode(file.path)) return "";
  return Matches(file, homeless, "name it by what it is") + Matches(file, later, "finish it or leave it out");
}

std::string FindIncludeCycle(const std::map<std::string, std::set<std::string>>& includes) {
  std::set<std::string> done;
  std::vector<std::string> trail;
  std::string cycle;
  std::function<bool(const std::string&)> visit = [&](const std::string& file) {
    if (auto start = std::find(trail.begin(), trail.end(), file); start != trail.end()) {
      for (; start != trail.end(); ++start) cycle += *start + " -> ";
      cycle += file;
      return true;
    }
    auto found = includes.find(file);
    if (found == includes.end() || !done.insert(file).second) return false;
    trail.push_back(file);
    for (const std::string& next : found->second) {
      if (visit(next)) return true;
    }
    trail.pop_back();
    return false;
  };
  for (const auto& [file, unused] : includes) {
    if (visit(file)) return cycle;
  }
  return "";
}

}  // namespace tunesmith::structure
