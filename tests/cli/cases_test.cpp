// SPDX-License-Identifier: Apache-2.0
// Runs the text cases in cases/: commands in; exit code, standard output and standard error out, each as a
// whole. With --update, rewrites what is expected to what came out. What varies is normalised (see
// tune_command.h).
//
//   == what the case shows
//   -- file my.te              a file in the case's folder, with its contents
//   op copy(X: f32[N]) …
//   -- tune check my.te        a command; the commands of a case are run in order, in one folder
//   exit 0
//   -- stdout                  not there if empty; a backslash precedes lines that would look like ours
//   -- stderr
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "support/strings.h"
#include "tests/cli/tune_command.h"

namespace tunesmith::cli {
namespace {

bool update = false;

struct Section {
  std::string head;
  std::string text;  // every line ends with a line break
  friend bool operator==(const Section&, const Section&) = default;
};

struct Case {
  std::string title;
  std::vector<Section> sections;
};

std::vector<Case> ReadCases(const std::string& text) {
  std::vector<Case> cases;
  for (const std::string& line : Lines(text)) {
    if (line.starts_with("== ")) {
      cases.push_back({line.substr(3), {}});
    } else if (!cases.empty() && line.starts_with("-- ")) {
      cases.back().sections.push_back({line.substr(3), ""});
    } else if (!cases.empty() && !cases.back().sections.empty()) {
      cases.back().sections.back().text += line + "\n";
    }
  }
  // The empty line between two cases belongs to neither.
  for (Case& c : cases) {
    if (c.sections.empty() || &c == &cases.back()) continue;
    std::string& last = c.sections.back().text;
    if (last.ends_with("\n\n") || last == "\n") last.pop_back();
  }
  return cases;
}

std::string TextOf(const std::vector<Section>& sections) {
  return StrJoin(sections, "",
                 [](std::string* out, const Section& s) { StrAppend(out, "-- ", s.head, "\n", s.text); });
}

std::string WriteCases(const std::vector<Case>& cases) {
  return StrJoin(cases, "\n", [](std::string* out, const Case& c) {
    StrAppend(out, "== ", c.title, "\n", TextOf(c.sections));
  });
}

/// The case as it comes out when its files are written and its commands are run.
std::vector<Section> Perform(const Case& c) {
  Sandbox sandbox;
  std::vector<Section> performed;
  auto stream = [&](const char* name, const std::string& text) {
    std::string normal = Normalised(text, sandbox);
    if (normal.empty()) return;
    performed.push_back({name, ""});
    for (const std::string& line : Lines(normal)) {
      bool ours = line.starts_with("== ") || line.starts_with("-- ") || line.starts_with("\\");
      StrAppend(&performed.back().text, ours ? "\\" : "", line, "\n");
    }
    if (!normal.ends_with('\n')) performed.back().text += "\\ no line break at the end\n";
  };
  for (const Section& section : c.sections) {
    if (section.head == "stdout" || section.head == "stderr") continue;
    if (section.head.starts_with("file ")) {
      performed.push_back(section);
      sandbox.Write(section.head.substr(5), section.text);
      continue;
    }
    std::vector<std::string> words = ShellWords(section.head);
    EXPECT_EQ(words.at(0), "tune") << c.title;
    CommandOutput output = sandbox.Tune({words.begin() + 1, words.end()});
    performed.push_back({section.head, output.status.signal == 0 ? StrCat("exit ", output.status.code, "\n")
                                                                 : StrCat(output.status.ToString(), "\n")});
    stream("stdout", output.output);
    stream("stderr", output.error_output);
  }
  return performed;
}

class CaseFile : public testing::TestWithParam<std::filesystem::path> {};

TEST_P(CaseFile, PrintsWhatIsExpected) {
  std::ostringstream text;
  text << std::ifstream(GetParam(), std::ios::binary).rdbuf();
  std::vector<Case> cases = ReadCases(text.str());
  ASSERT_FALSE(cases.empty());
  for (Case& c : cases) {
    std::vector<Section> performed = Perform(c);
    if (!update) {
      EXPECT_EQ(TextOf(c.sections), TextOf(performed)) << c.title;
    }
    c.sections = std::move(performed);
  }
  if (update) std::ofstream(GetParam(), std::ios::binary) << WriteCases(cases);
}

std::vector<std::filesystem::path> Files() {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(TUNESMITH_SOURCE_DIR "/tests/cli/cases"))
    files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

INSTANTIATE_TEST_SUITE_P(Cases, CaseFile, testing::ValuesIn(Files()),
                         [](const auto& info) { return info.param.stem().string(); });

}  // namespace
}  // namespace tunesmith::cli

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  for (int i = 1; i < argc; ++i)
    tunesmith::cli::update = tunesmith::cli::update || std::string_view(argv[i]) == "--update";
  return RUN_ALL_TESTS();
}
