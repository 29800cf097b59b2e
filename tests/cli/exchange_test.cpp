// SPDX-License-Identifier: Apache-2.0
// tune db export and import with the system's files: what was there is there until the new is complete, and
// what is no file is read and written, too.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>

#include "database/database.h"
#include "database/record_json.h"
#include "support/strings.h"
#include "tests/cli/tune_command.h"

namespace tunesmith::cli {
namespace {

/// A database `a.db` of one trial and perhaps its final; how many records.
size_t MakeDatabase(const Sandbox& sandbox) {
  CommandOutput run = sandbox.Tune({"run", "matmul", "M=4", "N=4", "K=4", "--trials", "1", "--db", "a.db"});
  EXPECT_EQ(run.status.code, 0) << run.error_output;
  return Lines(sandbox.Tune({"db", "export", "--db", "a.db"}).output).size();
}

TEST(Export, IsNeverWrittenIntoTheDatabase) {
  Sandbox sandbox;
  MakeDatabase(sandbox);
  std::filesystem::create_hard_link(sandbox.folder() / "a.db", sandbox.folder() / "hard.db");
  std::filesystem::create_symlink("a.db", sandbox.folder() / "soft.db");
  const std::string bytes = sandbox.Read("a.db");
  for (std::string output :
       {"a.db", "./a.db", "hard.db", "soft.db", "a.db-wal", "a.db-shm", "a.db-journal"}) {
    CommandOutput refused = sandbox.Tune({"db", "export", "--db", "soft.db", "-o", output});
    EXPECT_EQ(refused.status.ToString(), "exit code 2") << output;
    EXPECT_EQ(refused.error_output,
              StrCat("tune: --output: ", output, " is a part of the database; choose another file\n"));
  }
  EXPECT_EQ(sandbox.Read("a.db"), bytes);
}

TEST(Export, ThatFailsLeavesTheFormerFile) {
  Sandbox sandbox;
  MakeDatabase(sandbox);
  std::string bytes = sandbox.Read("a.db");
  const size_t trace = bytes.find("trace 1\n");
  ASSERT_NE(trace, std::string::npos);
  bytes[trace] = 'T';
  sandbox.Write("a.db", bytes);
  sandbox.Write("a.jsonl", "former\n");
  const std::vector<std::string> names = sandbox.Names();
  CommandOutput output = sandbox.Tune({"db", "export", "--db", "a.db", "-o", "a.jsonl"});
  EXPECT_EQ(output.status.ToString(), "exit code 2");
  EXPECT_NE(output.error_output.find("the file is damaged"), std::string::npos) << output.error_output;
  EXPECT_EQ(sandbox.Read("a.jsonl"), "former\n");
  EXPECT_EQ(sandbox.Names(), names);
}

TEST(Export, ThatIsInterruptedLeavesTheFormerFile) {
  Sandbox sandbox;
  MakeDatabase(sandbox);
  Result<database::Record> record =
      database::FromJsonLine(Lines(sandbox.Tune({"db", "export", "--db", "a.db"}).output).at(0));
  ASSERT_TRUE(record.ok()) << record.status();
  std::vector<database::Record> records;
  for (int i = 0; i < 50'000; ++i) {
    ++record->created_ns;
    record->id = database::IdOf(*record);
    records.push_back(*record);
  }
  ASSERT_TRUE((*database::OpenDatabase(sandbox.Path("a.db")))->Insert(records).ok());
  sandbox.Write("a.jsonl", "former\n");
  Result<Subprocess> tune =
      Subprocess::Start(sandbox.TuneCommand({"db", "export", "--db", "a.db", "-o", "a.jsonl"}));
  ASSERT_TRUE(tune.ok()) << tune.status();
  // It is interrupted when a name has appeared beside the output.
  auto writing = [&] {
    const std::vector<std::string> names = sandbox.Names();
    return std::any_of(names.begin(), names.end(),
                       [](const std::string& name) { return name.starts_with("a.jsonl."); });
  };
  Deadline soon = After(std::chrono::minutes(2));
  while (!writing() && std::chrono::steady_clock::now() < soon) usleep(1000);
  ASSERT_EQ(kill(tune->pid(), SIGINT), 0);
  Result<ExitStatus> status = tune->Wait(soon);
  ASSERT_TRUE(status.ok()) << status.status();
  EXPECT_EQ(status->ToString(), "exit code 130");
  EXPECT_EQ(tune->error_output(), "");
  EXPECT_EQ(sandbox.Read("a.jsonl"), "former\n");
  EXPECT_FALSE(writing());
}

TEST(Export, ToWhatIsNoFile) {
  Sandbox sandbox;
  MakeDatabase(sandbox);
  const std::string all = sandbox.Tune({"db", "export", "--db", "a.db"}).output;
  auto shell = [&](const std::string& script, const std::string& output) {
    return sandbox.InShell(script, {"db", "export", "--db", "a.db", "-o", output});
  };
  EXPECT_EQ(shell("\"$@\" | /bin/cat", "/dev/stdout").output, all);
  // The file behind standard output belongs to the shell, which may have written into it.
  shell("{ echo before; \"$@\"; } >out", "/dev/stdout");
  EXPECT_EQ(sandbox.Read("out"), "before\n" + all);
  EXPECT_EQ(shell("\"$@\" 3>&1 >/dev/null", "/dev/fd/3").output, all);
  CommandOutput full = shell("\"$@\"", "/dev/full");
  EXPECT_EQ(full.status.ToString(), "exit code 3");
  EXPECT_EQ(
      full.error_output,
      "tune: cannot write /dev/full: No space left on device; free some space or choose another disk\n");
  CommandOutput closed =
      sandbox.InShell("{ \"$@\"; echo \"exit code $?\" >&2; } | :", {"db", "export", "--db", "a.db"});
  EXPECT_EQ(closed.error_output, "tune: cannot write to standard output: Broken pipe\nexit code 3\n");
}

TEST(Import, OfAPipe) {
  Sandbox sandbox;
  const size_t records = MakeDatabase(sandbox);
  sandbox.InShell("\"$@\" >all.jsonl", {"db", "export", "--db", "a.db"});
  CommandOutput output =
      sandbox.InShell("/bin/cat all.jsonl | \"$@\"", {"db", "import", "/dev/stdin", "--db", "b.db"});
  EXPECT_EQ(output.status.ToString(), "exit code 0") << output.error_output;
  EXPECT_EQ(output.output,
            StrCat("/dev/stdin: ", records, " record", records == 1 ? "" : "s", " added, 0 there already\n"));
}

}  // namespace
}  // namespace tunesmith::cli
