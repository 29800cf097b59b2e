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

#include <fstream>

#include "support/strings.h"
#include "tests/cli/tune_command.h"
#include "tests/text_cases/text_cases.h"

namespace tunesmith::cli {
namespace {

bool update = false;

using testing::Section;
using testing::TextCase;

std::string TextOf(const std::vector<Section>& sections) {
  return StrJoin(sections, "",
                 [](std::string* out, const Section& s) { StrAppend(out, "-- ", s.name, "\n", s.text); });
}

/// The case as it comes out when its files are written and its commands are run.
std::vector<Section> Perform(const TextCase& c) {
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
    if (section.name == "stdout" || section.name == "stderr") continue;
    if (section.name.starts_with("file ")) {
      performed.push_back(section);
      sandbox.Write(section.name.substr(5), section.text);
      continue;
    }
    std::vector<std::string> words = ShellWords(section.name);
    EXPECT_EQ(words.at(0), "tune") << c.title;
    CommandOutput output = sandbox.Tune({words.begin() + 1, words.end()});
    performed.push_back({section.name, output.status.signal == 0 ? StrCat("exit ", output.status.code, "\n")
                                                                 : StrCat(output.status.ToString(), "\n")});
    stream("stdout", output.output);
    stream("stderr", output.error_output);
  }
  return performed;
}

class CaseFile : public ::testing::TestWithParam<std::filesystem::path> {};

TEST_P(CaseFile, PrintsWhatIsExpected) {
  std::vector<TextCase> cases = testing::ReadCases(testing::ReadFile(GetParam()));
  ASSERT_FALSE(cases.empty());
  for (TextCase& c : cases) {
    std::vector<Section> performed = Perform(c);
    if (!update) {
      EXPECT_EQ(TextOf(c.sections), TextOf(performed)) << c.title;
    }
    c.sections = std::move(performed);
  }
  if (update) std::ofstream(GetParam(), std::ios::binary) << testing::WriteCases(cases);
}

INSTANTIATE_TEST_SUITE_P(Cases, CaseFile,
                         ::testing::ValuesIn(testing::CaseFiles(TUNESMITH_SOURCE_DIR "/tests/cli/cases")),
                         [](const auto& info) { return info.param.stem().string(); });

}  // namespace
}  // namespace tunesmith::cli

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  tunesmith::cli::update = tunesmith::testing::HasUpdateFlag(argc, argv);
  return RUN_ALL_TESTS();
}
