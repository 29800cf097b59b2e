// SPDX-License-Identifier: Apache-2.0
// Every message of the language stands, as a whole, in some test: the literals that messages are made of are
// read from the sources and looked for among the errors that the tests expect.
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <optional>

#include "support/strings.h"
#include "tests/text_cases/text_cases.h"

namespace tunesmith::te {
namespace {

namespace fs = std::filesystem;
using tunesmith::testing::CaseFiles;
using tunesmith::testing::ReadCases;
using tunesmith::testing::ReadFile;

struct Literal {
  std::string text;    // with what follows it directly, as C++ joins them
  std::string before;  // the code in front of it on its line
  int line = 0;
};

std::string_view Trimmed(std::string_view text) {
  const size_t end = text.find_last_not_of(" \t\n");
  return end == std::string_view::npos ? "" : text.substr(0, end + 1);
}

/// The string literals of a C++ file; there are no raw ones.
std::vector<Literal> LiteralsOf(std::string_view code) {
  std::vector<Literal> literals;
  std::optional<size_t> end_of_last;
  int line = 1;
  for (size_t at = 0; at < code.size(); ++at) {
    if (code[at] == '\n') ++line;
    if (code.substr(at, 2) == "//") {
      at = std::min(code.find('\n', at), code.size()) - 1;
    } else if (code[at] == '\'') {
      at += code[at + 1] == '\\' ? 3 : 2;
    } else if (code[at] == '"') {
      std::string text;
      const size_t begin = at;
      for (++at; code[at] != '"'; ++at) {
        if (code[at] != '\\') {
          text += code[at];
        } else {
          ++at;
          text += code[at] == 'n' ? '\n' : code[at] == 't' ? '\t' : code[at] == 'r' ? '\r' : code[at];
        }
      }
      if (end_of_last && Trimmed(code.substr(*end_of_last, begin - *end_of_last)).empty()) {
        literals.back().text += text;
      } else {
        literals.push_back({text, std::string(Trimmed(code.substr(0, begin))), line});
      }
      end_of_last = at + 1;
    }
  }
  return literals;
}

/// A piece of a message, and not of a program, a format or a list of words.
bool IsProse(const Literal& literal) {
  const bool letters =
      std::any_of(literal.text.begin(), literal.text.end(), [](char c) { return isalpha(c); });
  // A broken law of the program itself has no test that could show it.
  return letters && literal.text.find(' ') != std::string::npos && !literal.before.ends_with("Internal(");
}

/// What the tests expect as errors: in text cases, and where those cannot hold the file, in programs.
std::string ExpectedErrors() {
  const std::string folder = TUNESMITH_SOURCE_DIR "/tests/te_language";
  std::string errors;
  for (const fs::path& path : CaseFiles(folder + "/cases")) {
    for (const auto& c : ReadCases(ReadFile(path))) {
      if (const std::string* error = c.Find("error")) StrAppend(&errors, *error, "\n");
    }
  }
  for (const char* program : {"/bad_files_test.cpp", "/standard_test.cpp"}) {
    for (const Literal& literal : LiteralsOf(ReadFile(folder + program)))
      StrAppend(&errors, literal.text, "\n");
  }
  return errors;
}

TEST(Messages, EachStandsInSomeTest) {
  const std::string errors = ExpectedErrors();
  int pieces = 0;
  for (const auto& entry : fs::directory_iterator(TUNESMITH_SOURCE_DIR "/te/language")) {
    const std::string file = entry.path().filename().string();
    // These write programs, and list the words of C.
    if (!file.ends_with(".cpp") || file == "format.cpp" || file == "print.cpp" || file == "vocabulary.cpp")
      continue;
    for (const Literal& literal : LiteralsOf(ReadFile(entry.path()))) {
      if (!IsProse(literal)) continue;
      ++pieces;
      EXPECT_NE(errors.find(literal.text), std::string::npos)
          << file << ":" << literal.line << ": no test expects a message with '" << literal.text
          << "'; add a case to tests/te_language/cases, or remove what cannot be reached";
    }
  }
  EXPECT_GT(pieces, 300);
}

TEST(Messages, LiteralsAreReadAsCppReadsThem) {
  const std::vector<Literal> literals =
      LiteralsOf("f(\"a \\\"b\\\"\"  \n \"c\", '\"', \"d\");  // \"e\"\n\"g\"");
  ASSERT_EQ(literals.size(), 3u);
  EXPECT_EQ(literals[0].text, "a \"b\"c");
  EXPECT_EQ(literals[0].before, "f(");
  EXPECT_EQ(literals[1].text, "d");
  EXPECT_EQ(literals[2].text, "g");
  EXPECT_EQ(literals[2].line, 3);
}

}  // namespace
}  // namespace tunesmith::te
