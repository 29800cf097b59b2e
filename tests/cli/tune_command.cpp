// SPDX-License-Identifier: Apache-2.0
#include "tests/cli/tune_command.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <regex>
#include <thread>

#include "codegen/target.h"
#include "support/strings.h"
#include "support/thread_pool.h"

namespace tunesmith::cli {
namespace {

void ReplaceAll(std::string* text, std::string_view from, std::string_view to) {
  for (size_t at = 0; (at = text->find(from, at)) != std::string::npos; at += to.size())
    text->replace(at, from.size(), to);
}

TemporaryFolder MakeFolderOrDie() {
  Result<TemporaryFolder> folder = TemporaryFolder::Make();
  if (!folder.ok()) ADD_FAILURE() << folder.status();
  return *std::move(folder);
}

}  // namespace

Sandbox::Sandbox() : folder_(MakeFolderOrDie()) {}

void Sandbox::Write(const std::string& name, std::string_view contents) const {
  std::filesystem::create_directories((folder() / name).parent_path());
  std::ofstream file(folder() / name, std::ios::binary);
  file << contents;
  ASSERT_TRUE(file.flush()) << name;
}

Command Sandbox::TuneCommand(const std::vector<std::string>& words) const {
  Command command;
  command.args = {TUNE_PROGRAM};
  command.args.insert(command.args.end(), words.begin(), words.end());
  command.environment = {"PATH=", StrCat("HOME=", folder().string()), StrCat("XDG_DATA_HOME=", Path("data")),
                         StrCat("XDG_CACHE_HOME=", TUNE_CACHE), "TERM=dumb"};
  command.folder = folder().string();
  return command;
}

CommandOutput Sandbox::Tune(const std::vector<std::string>& words, std::string_view input) const {
  Result<CommandOutput> output = RunCommand(TuneCommand(words), input, After(std::chrono::minutes(2)));
  EXPECT_TRUE(output.ok()) << output.status();
  return output.ok() ? *output : CommandOutput();
}

CommandOutput Sandbox::InShell(const std::string& script, const std::vector<std::string>& words) const {
  Command command = TuneCommand(words);
  command.args.insert(command.args.begin(), {"/bin/sh", "-c", script, "sh"});
  Result<CommandOutput> output = RunCommand(command, "", After(std::chrono::minutes(2)));
  EXPECT_TRUE(output.ok()) << output.status();
  return output.value_or(CommandOutput());
}

std::string Sandbox::Read(const std::string& name) const {
  std::ifstream file(folder() / name, std::ios::binary);
  EXPECT_TRUE(file) << name;
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<std::string> Sandbox::Names() const {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder()))
    names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

std::vector<std::string> ShellWords(std::string_view line) {
  std::vector<std::string> words;
  bool quoted = false;
  bool open = false;
  for (char c : line) {
    if (c == '\'') {
      quoted = !quoted;
      if (!open) words.emplace_back();
      open = true;
    } else if (c == ' ' && !quoted) {
      open = false;
    } else {
      if (!open) words.emplace_back();
      open = true;
      words.back() += c;
    }
  }
  return words;
}

std::string Normalised(std::string text, const Sandbox& sandbox) {
  ReplaceAll(&text, sandbox.folder().string(), "<folder>");
  Result<codegen::Target> native = codegen::TargetNamed("native");
  // Where the list of all targets stands, native's own name is one of them.
  if (native.ok() && text.find("there are: native") == std::string::npos)
    ReplaceAll(&text, native->name, "<native>");
  ReplaceAll(&text, StrCat(UsableCpus(), ", the CPUs"), "<cpus>, the CPUs");
  const std::pair<const char*, const char*> kVarying[] = {
      {"\\b[0-9a-f]{32}\\b", "<hash>"},
      {"\\b[0-9]+(\\.[0-9]+)? (ns|us|ms|s|B|KiB|MiB|GiB|TiB|[GT]FLOP/s)\\b", "#"},
      {"\\b[0-9]+ min #", "#"},
      {"\\b[0-9]+\\.[0-9]%", "#%"},
      {"#% of [a-zA-Z0-9]+ (arithmetic|bandwidth)", "#% of <limit>"},
      {"\\b[0-9]+\\.[0-9][0-9]x", "#x"},
      {"looked at .*", "looked at <candidates>"},
      {"[^\n]*: finals: [^\n]*\n", ""},
      {"This CPU's limits are provisional: [^\n]*\n", ""},
      {"( )[0-9]+\\.[0-9](?![.0-9])", "$1#"},
  };
  for (const auto& [pattern, replacement] : kVarying)
    text = std::regex_replace(text, std::regex(pattern), replacement);
  // The beginning of an id that opens a line, and blanks that follow something.
  text = std::regex_replace(text, std::regex("(^|\n)[0-9a-f]{12}  "), "$1<id>  ");
  return std::regex_replace(text, std::regex("([^ \n])   *"), "$1  ");
}

std::vector<std::string> Lines(const std::string& text) {
  std::vector<std::string> lines;
  for (std::string_view line : StrSplit(text, '\n')) lines.emplace_back(line);
  if (!lines.empty() && lines.back().empty()) lines.pop_back();
  return lines;
}

}  // namespace tunesmith::cli
