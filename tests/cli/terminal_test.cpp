// SPDX-License-Identifier: Apache-2.0
// Colours and the progress line: on a terminal, and nowhere else.
#include <gtest/gtest.h>
#include <pty.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <thread>

#include "support/strings.h"
#include "tests/cli/tune_command.h"

namespace tunesmith::cli {
namespace {

/// A terminal that keeps all that is written on it.
class Terminal {
 public:
  explicit Terminal(int columns) {
    winsize size = {};
    size.ws_row = 24;
    size.ws_col = static_cast<unsigned short>(columns);
    char name[256];
    int master = -1, slave = -1;
    EXPECT_EQ(openpty(&master, &slave, name, nullptr, &size), 0);
    master_.Reset(master);
    slave_.Reset(slave);
    name_ = name;
    reader_ = std::thread([this] {
      char buffer[4096];
      // Ends with an error when the last one that could write has closed it.
      for (ssize_t n; (n = read(master_.get(), buffer, sizeof buffer)) > 0 || (n < 0 && errno == EINTR);)
        if (n > 0) text_.append(buffer, static_cast<size_t>(n));
    });
  }
  ~Terminal() {
    if (reader_.joinable()) Finish();
  }

  /// Where programs find it.
  const std::string& name() const { return name_; }
  /// All that was written; nobody writes any more. A terminal shows "\n" as "\r\n".
  std::string Finish() {
    slave_.Reset();
    reader_.join();
    return text_;
  }

 private:
  FileDescriptor master_, slave_;
  std::string name_, text_;
  std::thread reader_;
};

/// Runs tune with its standard output or error (1 or 2) on a terminal of so many columns, and these settings
/// on top of the environment. What came out on the terminal; `rest` is what came out on the other stream.
std::string OnTerminal(int stream, std::vector<std::string> words, const std::vector<std::string>& settings,
                       std::string* rest, int columns = 100) {
  Sandbox sandbox;
  Terminal terminal(columns);
  Command command = sandbox.TuneCommand(words);
  command.args.insert(command.args.begin(),
                      {"/bin/sh", "-c", StrCat("exec \"$@\" ", stream, ">\"$TERMINAL\""), "sh"});
  // The last setting of a name counts.
  std::erase_if(*command.environment, [](const std::string& s) { return s.starts_with("TERM="); });
  command.environment->push_back(StrCat("TERMINAL=", terminal.name()));
  command.environment->insert(command.environment->end(), settings.begin(), settings.end());
  Result<CommandOutput> output = RunCommand(command, "", After(std::chrono::minutes(2)));
  EXPECT_TRUE(output.ok()) << output.status();
  if (output.ok()) {
    EXPECT_EQ(output->status.ToString(), "exit code 0") << output->error_output;
    *rest = stream == 1 ? output->error_output : output->output;
  }
  return terminal.Finish();
}

bool HasEscape(const std::string& text) { return text.find('\x1b') != std::string::npos; }

/// A bare root without /dev/pts has no terminals.
class OnATerminal : public ::testing::Test {
 protected:
  void SetUp() override {
    int master = -1, slave = -1;
    if (openpty(&master, &slave, nullptr, nullptr, nullptr) != 0)
      GTEST_SKIP() << "there are no pseudo-terminals here (is devpts mounted at /dev/pts?): "
                   << strerror(errno);
    close(master);
    close(slave);
  }
};
using Colours = OnATerminal;
using ProgressLine = OnATerminal;

const std::vector<std::string> kRun = {"run", "matmul", "M=16", "N=16", "K=16", "--trials", "3"};
const std::vector<std::string> kBench = {"bench", "matmul", "M=16", "N=16", "K=16", "--seconds", "0"};

TEST_F(Colours, AreShownOnATerminal) {
  for (const std::vector<std::string>& words : {kRun, kBench}) {
    std::string rest;
    std::string text = OnTerminal(1, words, {"TERM=xterm"}, &rest);
    EXPECT_TRUE(text.starts_with("\x1b[1mworkload")) << text;  // the heading is bold
    EXPECT_FALSE(HasEscape(rest)) << rest;
  }
}

TEST_F(Colours, AreNotShownIfNobodyWantsThem) {
  for (const char* setting : {"NO_COLOR=1", "TERM=dumb"}) {
    std::string rest;
    std::string text = OnTerminal(1, kBench, {setting}, &rest);
    EXPECT_TRUE(text.starts_with("workload")) << text;
    EXPECT_FALSE(HasEscape(text)) << text;
  }
}

TEST_F(Colours, AreShownIfNoColorIsEmpty) {
  std::string rest;
  EXPECT_TRUE(HasEscape(OnTerminal(1, kBench, {"TERM=xterm", "NO_COLOR="}, &rest)));
}

TEST(Pipes, ShowNoColoursAndNoProgress) {
  Sandbox sandbox;
  Command command = sandbox.TuneCommand(kRun);
  std::erase_if(*command.environment, [](const std::string& s) { return s.starts_with("TERM="); });
  command.environment->push_back("TERM=xterm");
  Result<CommandOutput> output = RunCommand(command, "", After(std::chrono::minutes(2)));
  ASSERT_TRUE(output.ok()) << output.status();
  EXPECT_TRUE(output->output.starts_with("workload")) << output->output;
  EXPECT_FALSE(HasEscape(output->output)) << output->output;
  EXPECT_EQ(output->error_output, "");  // no progress line either
}

TEST_F(ProgressLine, IsShownOnATerminalAndWipedAtTheEnd) {
  std::string table;
  std::string text = OnTerminal(2, kRun, {"TERM=xterm", "NO_COLOR=1"}, &table);
  EXPECT_NE(text.find("\r\x1b[Kpreparing matmul M=16 N=16 K=16"), std::string::npos) << text;
  EXPECT_NE(text.find("/3 trials, "), std::string::npos) << text;
  EXPECT_NE(text.find(" left | best "), std::string::npos) << text;
  EXPECT_TRUE(text.ends_with("\r\x1b[K")) << text;
  EXPECT_EQ(text.find('\n'), std::string::npos) << text;
  EXPECT_TRUE(table.starts_with("workload")) << table;
}

TEST_F(ProgressLine, IsCutToTheWidthOfTheTerminal) {
  std::string rest;
  std::string text = OnTerminal(2, kRun, {"TERM=xterm"}, &rest, 20);
  EXPECT_NE(text.find("\r\x1b[Kpreparing matmul M="), std::string::npos) << text;
  for (std::string_view line : StrSplit(text, '\r')) {
    if (line.starts_with("\x1b[K")) line.remove_prefix(3);
    EXPECT_LE(line.size(), 19u) << line;
  }
}

TEST_F(ProgressLine, IsNotShownOnADumbTerminalOrBesideJson) {
  std::string rest;
  EXPECT_EQ(OnTerminal(2, kRun, {"TERM=dumb"}, &rest), "");
  std::vector<std::string> json = kRun;
  json.insert(json.end(), {"--format", "json"});
  EXPECT_EQ(OnTerminal(2, json, {"TERM=xterm"}, &rest), "");
}

}  // namespace
}  // namespace tunesmith::cli
