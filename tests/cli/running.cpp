// SPDX-License-Identifier: Apache-2.0
#include "tests/cli/running.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "nlohmann/json.hpp"
#include "support/strings.h"

namespace tunesmith::cli {
namespace {

Subprocess StartOrDie(const Command& command) {
  Result<Subprocess> started = Subprocess::Start(command);
  if (!started.ok()) ADD_FAILURE() << started.status();
  return *std::move(started);
}

Deadline Soon() { return After(std::chrono::minutes(2)); }

}  // namespace

RunningTune::RunningTune(const Sandbox& sandbox, const std::vector<std::string>& words)
    : process_(StartOrDie(sandbox.TuneCommand(words))) {}

std::string RunningTune::Line() {
  constexpr size_t kMostBytes = 64 << 10;
  size_t end = 0;
  while ((end = buffered_.find('\n')) == std::string::npos) {
    Result<std::string> more = process_.Read(kMostBytes, Soon());
    EXPECT_TRUE(more.ok()) << more.status();
    if (!more.ok() || more->empty()) return "";
    buffered_ += *more;
  }
  std::string line = buffered_.substr(0, end);
  buffered_.erase(0, end + 1);
  nlohmann::json json = nlohmann::json::parse(line, nullptr, false);
  EXPECT_TRUE(json.is_object()) << line;
  if (json.is_object() && json["event"] == "trial") outcomes_.push_back(json["outcome"]);
  return line;
}

void RunningTune::AwaitTrials(int count) {
  while (static_cast<int>(outcomes_.size()) < count) ASSERT_NE(Line(), "") << process_.error_output();
}

ExitStatus RunningTune::Finish() {
  while (!Line().empty()) {
  }
  Result<ExitStatus> status = process_.Wait(Soon());
  EXPECT_TRUE(status.ok()) << status.status();
  return status.value_or(ExitStatus());
}

std::vector<int> ChildrenOf(int pid) {
  std::vector<int> children;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    std::optional<int64_t> number = ParseInteger(entry.path().filename().string());
    if (!number) continue;
    // "pid (name) state parent …"; the name may hold anything.
    std::ostringstream text;
    text << std::ifstream(entry.path() / "stat").rdbuf();
    std::string stat = text.str();
    size_t after_name = stat.rfind(')');
    if (after_name == std::string::npos) continue;
    std::vector<std::string_view> words = Words(std::string_view(stat).substr(after_name + 1));
    if (words.size() > 1 && words[0] != "Z" && ParseInteger(words[1]) == pid)
      children.push_back(static_cast<int>(*number));
  }
  return children;
}

int CountTrials(const Sandbox& sandbox) {
  CommandOutput output = sandbox.Tune({"db", "sql", "SELECT count(*) FROM records WHERE processes = 1"});
  EXPECT_EQ(output.status.code, 0) << output.error_output;
  std::vector<std::string> lines = Lines(output.output);
  return lines.size() == 2 ? static_cast<int>(ParseInteger(lines[1]).value_or(-1)) : -1;
}

}  // namespace tunesmith::cli
