// SPDX-License-Identifier: Apache-2.0
#include "tests/text_cases/text_cases.h"

#include <algorithm>
#include <fstream>
#include <sstream>

#include "support/strings.h"

namespace tunesmith::testing {

const std::string* TextCase::Find(std::string_view name) const {
  for (const Section& section : sections) {
    if (section.name == name) return &section.text;
  }
  return nullptr;
}

std::vector<TextCase> ReadCases(const std::string& text) {
  std::vector<TextCase> cases;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("== ")) {
      cases.push_back({line.substr(3), {}});
    } else if (cases.empty()) {
      continue;
    } else if (line.starts_with("-- ")) {
      cases.back().sections.push_back({line.substr(3), ""});
    } else if (!cases.back().sections.empty()) {
      cases.back().sections.back().text += line + "\n";
    }
  }
  for (TextCase& c : cases) {
    for (Section& section : c.sections) {
      while (section.text.ends_with("\n\n") && &section == &c.sections.back()) section.text.pop_back();
    }
  }
  return cases;
}

std::string WriteCases(const std::vector<TextCase>& cases) {
  return StrJoin(cases, "\n", [](std::string* out, const TextCase& c) {
    StrAppend(out, "== ", c.title, "\n");
    for (const Section& section : c.sections) StrAppend(out, "-- ", section.name, "\n", section.text);
  });
}

std::string ReadFile(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

std::vector<std::filesystem::path> CaseFiles(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == ".txt") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

bool HasUpdateFlag(int argc, char** argv) {
  return std::any_of(argv + 1, argv + argc, [](const char* a) { return std::string_view(a) == "--update"; });
}

}  // namespace tunesmith::testing
