// SPDX-License-Identifier: Apache-2.0
// Test cases as text that a person can read and judge, several a file:
//
//   == what the case shows
//   -- source          a section; its lines follow
//   op copy(X: f32[N]) -> (Y: f32[N]) { Y[i] = X[i] }
//   -- with
//   N=4
//
// What the sections mean, and which of them are input, is up to the test that reads the file.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace tunesmith::testing {

struct Section {
  std::string name;
  std::string text;  // every line ends with a line break
  bool operator==(const Section&) const = default;
};

struct TextCase {
  std::string title;
  std::vector<Section> sections;

  /// The text of a section; null if there is none of this name.
  const std::string* Find(std::string_view name) const;
};

/// The cases of a file. What comes before the first title is dropped, and so is the empty line between two
/// cases.
std::vector<TextCase> ReadCases(const std::string& text);
/// The inverse of ReadCases.
std::string WriteCases(const std::vector<TextCase>& cases);

std::string ReadFile(const std::filesystem::path& path);
/// The files NAME.txt of a folder, sorted.
std::vector<std::filesystem::path> CaseFiles(const std::filesystem::path& folder);
/// True if the test's own flag --update is among the arguments: what is expected is to be rewritten to what
/// came out.
bool HasUpdateFlag(int argc, char** argv);

}  // namespace tunesmith::testing
