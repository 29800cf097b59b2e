// SPDX-License-Identifier: Apache-2.0
// What the program says of itself: every subcommand's help has examples, and docs/commands.md knows every
// subcommand, option and exit code.
#include <gtest/gtest.h>

#include <regex>
#include <set>

#include "support/files.h"
#include "support/strings.h"
#include "tests/cli/tune_command.h"

namespace tunesmith::cli {
namespace {

std::string Help(const Sandbox& sandbox, std::vector<std::string> words) {
  words.push_back("--help");
  CommandOutput output = sandbox.Tune(words);
  EXPECT_EQ(output.status.code, 0) << StrJoin(words, " ");
  EXPECT_EQ(output.error_output, "") << StrJoin(words, " ");
  return output.output;
}

/// The names under "Subcommands:" of a help.
std::vector<std::string> Subcommands(const std::string& help) {
  std::vector<std::string> names;
  bool listed = false;
  for (const std::string& line : Lines(help)) {
    if (line == "Subcommands:") {
      listed = true;
    } else if (listed && line.starts_with("  ") && line[2] != ' ') {
      names.push_back(line.substr(2, line.find(' ', 2) - 2));
    } else if (line.empty()) {
      listed = false;
    }
  }
  return names;
}

/// Every way to call tune: its subcommands, and those of db.
std::vector<std::vector<std::string>> AllCommands(const Sandbox& sandbox) {
  std::vector<std::vector<std::string>> commands;
  for (const std::string& name : Subcommands(Help(sandbox, {}))) {
    commands.push_back({name});
    for (const std::string& inner : Subcommands(Help(sandbox, {name}))) commands.push_back({name, inner});
  }
  return commands;
}

std::string Page() {
  constexpr int64_t kMostBytes = 1 << 20;
  Result<std::string> page = ReadFile(TUNESMITH_SOURCE_DIR "/docs/commands.md", kMostBytes);
  EXPECT_TRUE(page.ok()) << page.status();
  return page.value_or("");
}

TEST(Help, OfEverySubcommandHasExamplesThatBeginWithIt) {
  Sandbox sandbox;
  std::vector<std::vector<std::string>> commands = AllCommands(sandbox);
  EXPECT_GE(commands.size(), 16u);
  for (const std::vector<std::string>& command : commands) {
    std::string help = Help(sandbox, command);
    std::string name = StrCat("tune ", StrJoin(command, " "));
    size_t examples = help.find("\nExamples:\n");
    ASSERT_NE(examples, std::string::npos) << name;
    EXPECT_NE(help.find(StrCat("\n  ", name), examples), std::string::npos) << name;
  }
}

TEST(CommandsPage, MentionsEverySubcommandAndOption) {
  Sandbox sandbox;
  std::string page = Page();
  std::set<std::string> options;
  for (const std::vector<std::string>& command : AllCommands(sandbox)) {
    EXPECT_NE(page.find(StrCat("`", command.size() == 1 ? "tune " : "", command.back(), "`")),
              std::string::npos)
        << StrJoin(command, " ");
    std::string help = Help(sandbox, command);
    std::regex option("\n  (?:-[a-z],)?(--[a-z-]+)");
    for (std::sregex_iterator at(help.begin(), help.end(), option), end; at != end; ++at)
      options.insert((*at)[1]);
  }
  options.erase("--help");
  EXPECT_GE(options.size(), 18u);
  for (const std::string& option : options)
    EXPECT_TRUE(std::regex_search(page, std::regex(StrCat(option, "[` ]")))) << option;
}

TEST(CommandsPage, MentionsNoOptionThatDoesNotExist) {
  Sandbox sandbox;
  std::string all = Help(sandbox, {});
  for (const std::vector<std::string>& command : AllCommands(sandbox)) all += Help(sandbox, command);
  std::string page = Page();
  std::regex option("--[a-z][a-z-]*");
  for (std::sregex_iterator at(page.begin(), page.end(), option), end; at != end; ++at)
    EXPECT_NE(all.find(at->str()), std::string::npos) << at->str();
}

TEST(CommandsPage, HasTheExitCodesOfTheHelp) {
  Sandbox sandbox;
  std::string help = Help(sandbox, {});
  std::string page = Page();
  for (const char* code : {"0", "1", "2", "3", "4", "130"}) {
    EXPECT_NE(help.find(StrCat(" ", code, " ")), std::string::npos) << code;
    EXPECT_NE(page.find(StrCat("\n| ", code, " | ")), std::string::npos) << code;
  }
}

TEST(Version, NamesTheProgramItsCodeGeneratorAndLlvm) {
  Sandbox sandbox;
  CommandOutput output = sandbox.Tune({"--version"});
  EXPECT_EQ(output.status.code, 0);
  EXPECT_TRUE(std::regex_match(
      output.output,
      std::regex("tune [0-9]+\\.[0-9]+\\.[0-9]+, code generator [0-9]+, LLVM 19\\.[0-9]+\\.[0-9]+\n")))
      << output.output;
}

}  // namespace
}  // namespace tunesmith::cli
