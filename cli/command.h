// SPDX-License-Identifier: Apache-2.0
// What the subcommands of `tune` share: exit codes, where output goes, how a user's words become workloads.
#pragma once

#include <atomic>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "codegen/target.h"
#include "database/database.h"
#include "measure/scenario.h"
#include "support/status.h"
#include "te/graph.h"
#include "te/language.h"

namespace CLI {
class App;
}

namespace tunesmith::cli {

/// The exit codes of every subcommand (docs/commands.md).
enum ExitCode : int {
  kDone = 0,
  kFailed = 1,        // it ran, and the answer is no: a check failed, a kernel is missing
  kUsage = 2,         // the words on the command line, or a file they name, cannot be right
  kSystem = 3,        // the system refused: disk full, no permission, a process did not start
  kBug = 4,           // a law of the program itself was broken
  kInterrupted = 130  // Ctrl-C, as shells count
};
int ExitCodeOf(const Status& status);

/// "tune 1.0, code generator 8, LLVM 19.1.7".
std::string VersionText();

/// Set by the first Ctrl-C or termination signal; the second ends the process at once. A command that never
/// asks is ended by the first: files and databases are written so that this harms none.
const std::atomic<bool>& Interrupted();
/// To be called first of all.
void WatchSignals();

/// An operator with its bindings: what a line of a suite, or the command line, names.
struct NamedWorkload {
  std::string id;  // of a suite; else the operator and its bindings
  te::Workload workload;
  std::string hash;
  std::string line;        // as in a suite: what a peer is given
  std::string definition;  // the operator as a file of its own (te::SourceOf)
};

/// The operators that a word names: all of FILE.te, the one of FILE.te:NAME, or the standard operator of this
/// name. A relative path begins in `folder`.
Result<std::vector<te::Operator>> FindOperators(const std::string& word,
                                                const std::filesystem::path& folder = "");

/// Options by which a user names workloads: FILE.te or OPERATOR with NAME=VALUE, or --suite.
struct WorkloadOptions {
  std::vector<std::string> words;
  std::string suite;
  std::vector<std::string> only;
  void AddTo(CLI::App* app);
  /// Errors are collected: every line of a suite that is wrong is named.
  Result<std::vector<NamedWorkload>> Resolve() const;
};

/// Options by which a user says for which machine and under which conditions.
struct TargetOptions {
  std::string target = "native";
  int threads = 1;
  std::string scenario = "warm";
  void AddTo(CLI::App* app);
  Result<codegen::Target> ResolveTarget() const;
  measure::Scenario ResolveScenario() const;
};

/// The database: --db FILE, or one file in the user's data folder.
struct DatabaseOptions {
  std::string path;
  void AddTo(CLI::App* app);
  Result<std::string> Path() const;
  /// Makes the data folder if the path is the standard one.
  Result<std::unique_ptr<database::Database>> Open(database::OpenMode mode) const;
  /// For reading; null if no database was named and the standard one is not there yet.
  Result<std::unique_ptr<database::Database>> OpenIfThere() const;
};

/// The key under which trials are recorded and found.
database::Key KeyOf(const std::string& workload_hash, const codegen::Target& target,
                    const measure::Scenario& scenario);

/// Each adds its subcommand to `app`; `*action` is what runs if it was chosen.
using Action = std::function<Status()>;
void AddRun(CLI::App* app, Action* action);
void AddBuild(CLI::App* app, Action* action);
void AddBench(CLI::App* app, Action* action);
void AddShow(CLI::App* app, Action* action);
void AddCheck(CLI::App* app, Action* action);
void AddFormat(CLI::App* app, Action* action);
void AddDatabase(CLI::App* app, Action* action);
void AddDoctor(CLI::App* app, Action* action);

/// An error whose message is out already; it only decides the exit code.
Status Quiet(int exit_code);

}  // namespace tunesmith::cli
