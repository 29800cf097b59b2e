// SPDX-License-Identifier: Apache-2.0
#include "cli/command.h"

#include <unistd.h>

#include <csignal>
#include <filesystem>

#include "cli/option_values.h"
#include "codegen/llvm/compile.h"
#include "support/files.h"
#include "support/hash.h"
#include "support/strings.h"
#include "support/suggest.h"
#include "support/thread_pool.h"
#include "te/language.h"

namespace tunesmith::cli {
namespace {

std::atomic<bool> interrupted{false};
std::atomic<bool> awaited{false};  // somebody looks at `interrupted`

void OnSignal(int) {
  if (interrupted.exchange(true) || !awaited) _exit(kInterrupted);
}

constexpr char kQuietPayload[] = "tunesmith/exit-code";

Result<te::Module> ReadModule(const std::string& path) {
  TS_ASSIGN_OR_RETURN(std::string text, ReadFile(path, static_cast<int64_t>(te::kMostSourceBytes)));
  return te::Parse(text, path);
}

std::string NamesOf(const std::vector<te::Operator>& operators) {
  return StrJoin(operators, ", ", [](std::string* out, const te::Operator& op) { out->append(op.name()); });
}

Result<te::Operator> FindOperator(const std::string& word, const std::filesystem::path& folder) {
  TS_ASSIGN_OR_RETURN(std::vector<te::Operator> operators, FindOperators(word, folder));
  if (operators.size() == 1) return operators[0];
  const std::string path = operators[0].file_name();
  return Invalid(StrCat(path, " defines ", operators.size(), " operators (", NamesOf(operators),
                        "); say which: ", path, ":NAME"));
}

Result<NamedWorkload> BindNamed(const te::Operator& op, std::string id,
                                const std::vector<std::string>& bindings) {
  NamedWorkload named;
  TS_ASSIGN_OR_RETURN(named.workload, te::Bind(op, bindings));
  named.id = std::move(id);
  named.definition = te::SourceOf(op);
  named.hash = te::WorkloadHash(named.workload);
  named.line = StrCat("bench\t", op.name(), "\t", StrJoin(bindings, " "));
  return named;
}

}  // namespace

std::string VersionText() {
  return StrCat("tune ", TUNESMITH_VERSION, ", code generator ", codegen::CodeGeneratorVersion(), ", LLVM ",
                codegen::LlvmVersion());
}

Result<std::vector<te::Operator>> FindOperators(const std::string& word,
                                                const std::filesystem::path& folder) {
  size_t suffix = word.rfind(".te");
  bool file = suffix != std::string::npos && (suffix + 3 == word.size() || word[suffix + 3] == ':');
  if (!file) {
    Result<te::Operator> op = te::StandardOperator(word);
    if (op.ok()) return std::vector<te::Operator>{*op};
    std::vector<std::string> known = te::StandardOperators();
    if (!absl::IsNotFound(op.status()) || NearestName(word, known)) return op.status();
    return NotFound(StrCat("unknown operator ", word.empty() ? "''" : word,
                           "; name a file (my.te) or a standard operator: ", StrJoin(known, ", ")));
  }
  std::string path = (folder / word.substr(0, suffix + 3)).string();
  std::string name = suffix + 4 < word.size() ? word.substr(suffix + 4) : "";
  TS_ASSIGN_OR_RETURN(te::Module module, ReadModule(path));
  if (name.empty()) return module.operators;
  const te::Operator* found = module.Find(name);
  if (found) return std::vector<te::Operator>{*found};
  std::vector<std::string> known;
  for (const te::Operator& op : module.operators) known.push_back(op.name());
  const std::string near = DidYouMean(name, known);
  return NotFound(StrCat(path, " defines no operator '", name, "'",
                         near.empty() ? StrCat("; it defines ", NamesOf(module.operators)) : near));
}

int ExitCodeOf(const Status& status) {
  if (status.ok()) return kDone;
  if (auto payload = status.GetPayload(kQuietPayload))
    return static_cast<int>(ParseInteger(std::string(*payload)).value_or(kFailed));
  if (absl::IsInvalidArgument(status) || absl::IsNotFound(status)) return kUsage;
  if (absl::IsInternal(status)) return kBug;
  return kSystem;
}

Status Quiet(int exit_code) {
  if (exit_code == kDone) return absl::OkStatus();
  Status status = absl::UnknownError("");
  status.SetPayload(kQuietPayload, absl::Cord(StrCat(exit_code)));
  return status;
}

const std::atomic<bool>& Interrupted() {
  awaited = true;
  return interrupted;
}

void WatchSignals() {
  struct sigaction action = {};
  action.sa_handler = OnSignal;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  // A closed pipe, or a file as long as the user's limit allows, is an error of the write, not the end of the
  // process.
  signal(SIGPIPE, SIG_IGN);
  signal(SIGXFSZ, SIG_IGN);
}

void WorkloadOptions::AddTo(CLI::App* app) {
  app->add_option(
         "OPERATOR", words,
         "FILE.te, FILE.te:NAME or a standard operator, then NAME=VALUE for its symbols and attributes")
      ->type_name("[NAME=VALUE]");
  AddText(app, "--suite", &suite, "FILE.tsv", "a file with one workload a line: id, operator, NAME=VALUE …");
  app->add_option("--only", only, "of the suite, only the line with this id; may be given again")
      ->type_name("ID");
}

Result<std::vector<NamedWorkload>> WorkloadOptions::Resolve() const {
  std::vector<NamedWorkload> workloads;
  if (suite.empty() == words.empty())
    return Invalid(
        "name an operator (tune run matmul M=128 N=128 K=128) or a suite (--suite FILE.tsv), one of the two");
  if (!words.empty()) {
    if (!only.empty()) return Invalid("--only picks lines of a suite; there is no --suite");
    TS_ASSIGN_OR_RETURN(te::Operator op, FindOperator(words[0], ""));
    std::vector<std::string> bindings(words.begin() + 1, words.end());
    std::string id = StrJoin(words, " ");
    TS_ASSIGN_OR_RETURN(NamedWorkload named, BindNamed(op, id, bindings));
    workloads.push_back(std::move(named));
    return workloads;
  }
  constexpr int64_t kMostBytes = 16 << 20;
  TS_ASSIGN_OR_RETURN(std::string text, ReadFile(suite, kMostBytes));
  TS_ASSIGN_OR_RETURN(std::vector<te::SuiteEntry> entries, te::ParseSuite(text, suite));
  std::string errors;
  for (const std::string& id : only) {
    bool known =
        std::any_of(entries.begin(), entries.end(), [&](const te::SuiteEntry& e) { return e.id == id; });
    if (known) continue;
    std::vector<std::string> ids;
    for (const te::SuiteEntry& e : entries) ids.push_back(e.id);
    StrAppend(&errors, errors.empty() ? "" : "\n", suite, ": no line has the id '", id, "'",
              DidYouMean(id, ids));
  }
  // A suite names files as seen from where it lies itself, so that both can be moved together.
  const std::filesystem::path folder = std::filesystem::path(suite).parent_path();
  for (const te::SuiteEntry& e : entries) {
    if (!only.empty() && std::find(only.begin(), only.end(), e.id) == only.end()) continue;
    Result<te::Operator> op = FindOperator(e.op, folder);
    Result<NamedWorkload> named =
        op.ok() ? BindNamed(*op, e.id, e.bindings) : Result<NamedWorkload>(op.status());
    if (named.ok()) {
      workloads.push_back(*std::move(named));
    } else {
      // What is wrong with bindings is told a line each; what is wrong with a file of operators names the
      // file.
      const std::string place = StrCat(suite, ":", e.line, ": ");
      const std::string another = op.ok() ? StrCat("\n", op->name(), ": ") : "";
      std::string message(MessageOf(named.status()));
      for (size_t at = 0; op.ok() && (at = message.find(another, at)) != std::string::npos;
           at += place.size())
        message.insert(++at, place);
      StrAppend(&errors, errors.empty() ? "" : "\n", place, message);
    }
  }
  if (!errors.empty()) return Invalid(errors);
  if (workloads.empty()) return Invalid(StrCat(suite, " names no workload"));
  return workloads;
}

void TargetOptions::AddTo(CLI::App* app) {
  AddChoice(app, "--target", &target, codegen::KnownTargets(),
            StrCat("what to compile for: ", StrJoin(codegen::KnownTargets(), ", ")))
      ->type_name("TARGET");
  AddInteger(app, "--threads", &threads, 1, UsableCpus(), "the CPUs that this process may use",
             "threads that a kernel runs on");
  AddChoice(app, "--scenario", &scenario, {"warm", "cold"}, "whether data is in the caches before a call");
}

Result<codegen::Target> TargetOptions::ResolveTarget() const { return codegen::TargetNamed(target); }

measure::Scenario TargetOptions::ResolveScenario() const {
  measure::Scenario s;
  s.cold = scenario == "cold";
  s.threads = threads;
  return s;
}

void DatabaseOptions::AddTo(CLI::App* app) {
  AddText(app, "--db", &path, "FILE", "the tuning database; standard: a file in the user's data folder");
}

Result<std::string> DatabaseOptions::Path() const {
  if (!path.empty()) return path;
  TS_ASSIGN_OR_RETURN(std::filesystem::path folder, DataFolder());
  return (folder / "tuning.db").string();
}

Result<std::unique_ptr<database::Database>> DatabaseOptions::Open(database::OpenMode mode) const {
  TS_ASSIGN_OR_RETURN(std::string file, Path());
  if (path.empty() && mode == database::OpenMode::kReadWrite)
    TS_RETURN_IF_ERROR(MakeFolder(std::filesystem::path(file).parent_path()));
  database::OpenOptions options;
  options.mode = mode;
  return database::OpenDatabase(file, options);
}

Result<std::unique_ptr<database::Database>> DatabaseOptions::OpenIfThere() const {
  Result<std::unique_ptr<database::Database>> database = Open(database::OpenMode::kReadOnly);
  if (path.empty() && absl::IsNotFound(database.status())) return std::unique_ptr<database::Database>();
  return database;
}

database::Key KeyOf(const std::string& workload_hash, const codegen::Target& target,
                    const measure::Scenario& scenario) {
  database::Key key;
  key.workload = workload_hash;
  key.target = target.name;
  key.features =
      HashBytes128(StrCat(target.triple, " ", target.cpu, " ", target.features)).ToHex().substr(0, 16);
  key.scenario.cold = scenario.cold;
  key.scenario.threads = scenario.threads;
  key.scenario.pinning = scenario.pinned ? "each thread on a core" : "none";
  key.scenario.page_bytes = scenario.huge_pages ? 2 << 20 : 4096;
  key.codegen = codegen::CodeGeneratorVersion();
  key.llvm = codegen::LlvmVersion();
  return key;
}

}  // namespace tunesmith::cli
