// SPDX-License-Identifier: Apache-2.0
// The rules themselves are tested on small wrong files first, then applied to the repository.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/structure/source_rules.h"

namespace tunesmith::structure {
namespace {

TEST(IncludeOrder, RefusesALaterFolder) {
  EXPECT_EQ(CheckIncludes({"te/a.h", "#include \"support/status.h\"\n#include \"te/b.h\"\n"}), "");
  EXPECT_EQ(CheckIncludes({"te/a.h", "#include \"absl/status/status.h\"\n#include <vector>\n"}), "");
  EXPECT_EQ(CheckIncludes({"te/a.h", "// x\n  #  include \"schedule/plan.h\"\n"}),
            "te/a.h: includes schedule/plan.h: its folder comes later in the design's order\n");
  EXPECT_EQ(CheckIncludes({"cli/a.cpp", "#include \"tests/te/samples.h\"\n"}),
            "cli/a.cpp: includes tests/te/samples.h: the program does not know its tests\n");
  EXPECT_EQ(CheckIncludes({"te/a.cpp", "#include \"a.h\"\n"}),
            "te/a.cpp: includes a.h: write its path from the top\n");
  EXPECT_EQ(CheckIncludes({"tests/te/a.cpp", "#include \"a.h\"\n#include \"cli/b.h\"\n"}), "");
}

TEST(IncludeOrder, KeepsTheRunnerAndTheRuntimeSelfContained) {
  EXPECT_EQ(CheckIncludes({"codegen/runtime/a.c", "#include \"b.h\"\n"}), "");
  EXPECT_EQ(CheckIncludes({"measure/runner/a.cpp", "#include \"measure/protocol.h\"\n"}), "");
  EXPECT_EQ(CheckIncludes({"measure/runner/a.cpp", "#include \"support/status.h\"\n"}),
            "measure/runner/a.cpp: includes support/status.h: this folder is built without the rest of the "
            "program\n");
}

TEST(Licence, StandsFirst) {
  std::string tag = "SPDX-License-Identifier: ";
  EXPECT_EQ(CheckLicence({"te/a.h", "// " + tag + "Apache-2.0\n"}), "");
  EXPECT_EQ(CheckLicence({"scripts/a", "#!/bin/sh\n# " + tag + "Apache-2.0\n"}), "");
  EXPECT_EQ(CheckLicence({"codegen/runtime/a.c", "/* " + tag + "0BSD */\n"}), "");
  EXPECT_EQ(CheckLicence({"docs/a.md", "text\n"}), "");
  for (const std::string& text : std::vector<std::string>{
           "", "\n", "#pragma once\n// " + tag + "Apache-2.0\n", "// " + tag + "GPL-2.0\n"}) {
    EXPECT_EQ(CheckLicence({"te/a.h", text}),
              "te/a.h: does not begin with SPDX-License-Identifier: Apache-2.0\n")
        << text;
  }
  EXPECT_EQ(CheckLicence({"codegen/runtime/a.c", "/* " + tag + "Apache-2.0 */\n"}),
            "codegen/runtime/a.c: does not begin with SPDX-License-Identifier: 0BSD\n");
  EXPECT_EQ(CheckLicence({"scripts/a", "#!/bin/sh"}),
            "scripts/a: does not begin with SPDX-License-Identifier: Apache-2.0\n");
}

TEST(MachinePath, IsFoundAnywhere) {
  std::string home =
      "/ho"
      "me/";
  EXPECT_EQ(CheckNoMachinePath({"docs/a.md", "one\nsee " + home + "ann/x\n"}),
            "docs/a.md:2: names a path of one machine:  " + home + "ann\n");
  EXPECT_NE(CheckNoMachinePath({"a", "\"" + home + "ann\""}), "");
  EXPECT_NE(CheckNoMachinePath({"a", home + "ann"}), "");
  EXPECT_EQ(CheckNoMachinePath({"a", "$root" + home + "ann, x" + home + "b, /usr/lib/c, /dev/full\n"}), "");
}

TEST(Length, EndsAtFiveHundredLines) {
  EXPECT_EQ(CheckLength({"te/a.cpp", std::string(500, '\n')}), "");
  EXPECT_EQ(CheckLength({"te/a.cpp", std::string(501, '\n')}),
            "te/a.cpp: has 501 lines; split it by what its parts are about\n");
}

TEST(ProcessStart, HasOnePlace) {
  for (const char* call : {"pid_t p = fork();", "if (fork() == 0)", "system(\"cc\");", "::posix_spawn(&pid)",
                           "execve(path, args)", "FILE* f = popen(c, m);"}) {
    EXPECT_NE(CheckNoProcessStart({"cli/a.cpp", call}), "") << call;
    EXPECT_EQ(CheckNoProcessStart({"support/process_start.cpp", call}), "");
    EXPECT_EQ(CheckNoProcessStart({"tests/cli/a.cpp", call}), "");
  }
  EXPECT_EQ(CheckNoProcessStart({"cli/a.cpp", "// after fork() the child\nfile_system(x); s.system(x)"}), "");
}

TEST(Words, NameThings) {
  std::string later =
      "TO"
      "DO";
  EXPECT_EQ(CheckWords({"te/a.h",
                        "class Tile"
                        "Manager {\n"}),
            "te/a.h:1: name it by what it is: class Tile"
            "Manager {\n");
  EXPECT_EQ(CheckWords({"te/a.h", "// " + later + ": later\n"}),
            "te/a.h:1: finish it or leave it out: " + later + "\n");
  EXPECT_EQ(CheckWords({"te/a.h", "llvm::LLVMContext context;\nclass Contextual {};\n"}), "");
}

TEST(IncludeCycle, IsFound) {
  EXPECT_EQ(FindIncludeCycle({{"a", {"b", "c"}}, {"b", {"c"}}, {"c", {}}}), "");
  EXPECT_EQ(FindIncludeCycle({{"a", {"b"}}, {"b", {"c"}}, {"c", {"b"}}}), "b -> c -> b");
}

class Repository : public testing::Test {
 protected:
  static void SetUpTestSuite() { files_ = ReadTree(TUNESMITH_SOURCE_DIR); }
  static std::string CheckAll(std::string (*rule)(const SourceFile&)) {
    std::string violations;
    for (const SourceFile& file : files_) violations += rule(file);
    return violations;
  }

  static inline std::vector<SourceFile> files_;
};

TEST_F(Repository, WasRead) {
  auto holds = [](std::string_view path) {
    return std::any_of(files_.begin(), files_.end(),
                       [&](const SourceFile& file) { return file.path == path; });
  };
  EXPECT_TRUE(holds("support/status.h"));
  EXPECT_TRUE(holds("scripts/test"));
  EXPECT_TRUE(holds("tests/structure/structure_test.cpp"));
}

TEST_F(Repository, FoldersIncludeOnlyThoseAboveThem) { EXPECT_EQ(CheckAll(CheckIncludes), ""); }
TEST_F(Repository, EverySourceStatesItsLicence) { EXPECT_EQ(CheckAll(CheckLicence), ""); }
TEST_F(Repository, NoFileNamesAPathOfOneMachine) { EXPECT_EQ(CheckAll(CheckNoMachinePath), ""); }
TEST_F(Repository, FilesAreShort) { EXPECT_EQ(CheckAll(CheckLength), ""); }
TEST_F(Repository, ProcessesAreStartedInOnePlace) { EXPECT_EQ(CheckAll(CheckNoProcessStart), ""); }
TEST_F(Repository, NamesSayWhatThingsAre) { EXPECT_EQ(CheckAll(CheckWords), ""); }

TEST_F(Repository, HeadersDoNotIncludeEachOtherInCircles) {
  std::map<std::string, std::set<std::string>> includes;
  for (const SourceFile& file : files_) {
    if (!file.path.ends_with(".h")) continue;
    auto& targets = includes[file.path];
    for (const std::string& include : QuotedIncludes(file.text)) targets.insert(include);
  }
  EXPECT_GT(includes.size(), 10u);
  EXPECT_EQ(FindIncludeCycle(includes), "");
}

}  // namespace
}  // namespace tunesmith::structure
