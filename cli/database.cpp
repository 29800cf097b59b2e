// SPDX-License-Identifier: Apache-2.0
// tune db: questions about the tuning log, and its care.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <limits>
#include <optional>
#include <set>

#include "cli/command.h"
#include "cli/filter_names.h"
#include "cli/kernels.h"
#include "cli/limit.h"
#include "cli/option_values.h"
#include "cli/output.h"
#include "cli/verify_record.h"
#include "database/exchange.h"
#include "database/read_only_sql.h"
#include "database/record_json.h"
#include "nlohmann/json.hpp"
#include "support/files.h"
#include "support/strings.h"
#include "support/units.h"

namespace tunesmith::cli {
namespace {

struct Options {
  DatabaseOptions database;
  std::vector<std::string> words;
  std::string format = "text";
  std::string output;
  int64_t keep = 16;
  bool dry_run = false;
};

/// "1 record", "1,204 records".
std::string Counted(int64_t count, std::string_view what) {
  return StrCat(FormatCount(count), " ", what, count == 1 ? "" : "s");
}

std::string BindingsText(const database::Record& r) {
  return StrJoin(r.bindings, " ", [](std::string* out, const auto& binding) {
    StrAppend(out, binding.first, "=", binding.second);
  });
}

/// The columns of list and top, at fixed widths: records are printed as they are read.
std::string Columns(const std::string (&cells)[6]) {
  return LineOf({{cells[0], 12},
                 {cells[1], 16},
                 {cells[2], 40},
                 {cells[3], 24},
                 {cells[4], 7, Align::kRight},
                 {cells[5], 13, Align::kRight}});
}

std::string LineOfRecord(const database::Record& r) {
  constexpr size_t kIdDigits = 12;
  return Columns(
      {r.id.substr(0, kIdDigits), r.operator_name, BindingsText(r), r.key.target,
       StrCat(r.key.scenario.threads, r.key.scenario.cold ? " cold" : ""),
       r.outcome.ok() ? FormatLatency(r.outcome.median_ns) : std::string(measure::NameOf(r.outcome.kind))});
}

struct Question {
  std::unique_ptr<database::Database> database;
  database::Filter filter;
};

/// The database, and the terms as a filter whose names it knows.
Result<Question> Ask(const Options& o, const std::vector<std::string>& terms, database::OpenMode mode) {
  Question q;
  TS_ASSIGN_OR_RETURN(q.filter, database::ParseFilter(terms, database::NowNs()));
  if (q.filter.target == "native") {
    TS_ASSIGN_OR_RETURN(codegen::Target native, codegen::TargetNamed(q.filter.target));
    q.filter.target = native.name;
  }
  TS_ASSIGN_OR_RETURN(q.database, o.database.Open(mode));
  TS_ASSIGN_OR_RETURN(database::Names names, q.database->GetNames());
  TS_RETURN_IF_ERROR(CheckNames(q.filter, names));
  return q;
}

/// `standard` are conditions that hold where the user says nothing else of the same name.
Status List(const Options& o, std::initializer_list<std::string_view> standard) {
  std::vector<std::string> terms = o.words;
  for (std::string_view term : standard) {
    std::string_view name = term.substr(0, term.find('=') + 1);
    bool said = std::any_of(o.words.begin(), o.words.end(),
                            [&](const std::string& word) { return word.starts_with(name); });
    if (!said) terms.emplace_back(term);
  }
  TS_ASSIGN_OR_RETURN(Question q, Ask(o, terms, database::OpenMode::kReadOnly));
  bool json = o.format == "json";
  if (!json) {
    TS_RETURN_IF_ERROR(
        Emit(Style(stdout).Heading(Columns({"id", "operator", "bindings", "target", "threads", "latency"}))));
  }
  return q.database->Query(q.filter, [&](const database::Record& r) {
    return Emit(json ? database::ToJsonLine(r) + "\n" : LineOfRecord(r));
  });
}

Status ShowRecord(const Options& o) {
  if (o.words.size() != 1) return Invalid("tune db show takes the beginning of one record's id");
  TS_ASSIGN_OR_RETURN(std::unique_ptr<database::Database> database,
                      o.database.Open(database::OpenMode::kReadOnly));
  TS_ASSIGN_OR_RETURN(database::Record r, RecordById(database.get(), o.words[0]));
  if (o.format == "json") return Emit(database::ToJsonLine(r) + "\n");
  std::string text =
      StrCat("id           ", r.id, "\nworkload     ", r.key.workload, "\noperator     ", r.operator_name,
             " ", BindingsText(r), "\ntarget       ", r.key.target, "\nscenario     ",
             database::CacheName(r.key.scenario.cold), ", ", r.key.scenario.threads,
             " threads, pinning: ", r.key.scenario.pinning, ", pages of ",
             FormatBytes(r.key.scenario.page_bytes), "\nversions     code generator ", r.key.codegen,
             ", LLVM ", r.key.llvm, "\noutcome      ", measure::NameOf(r.outcome.kind), "\n");
  if (!r.outcome.detail.empty()) StrAppend(&text, "detail       ", r.outcome.detail, "\n");
  if (r.outcome.ok()) {
    StrAppend(&text, "median       ", FormatLatency(r.outcome.median_ns), " of ", r.outcome.samples_ns.size(),
              " samples, spread ", FormatLatency(r.outcome.spread_ns), "\n");
  }
  if (r.limit_share > 0) StrAppend(&text, "limit share  ", FormatShare(r.limit_share), "\n");
  return Emit(StrCat(text, "environment  ", r.environment, "\n\n", r.definition,
                     r.definition.empty() ? "" : "\n", r.trace));
}

Status Delete(const Options& o) {
  TS_ASSIGN_OR_RETURN(Question q, Ask(o, o.words, database::OpenMode::kChange));
  TS_ASSIGN_OR_RETURN(int64_t deleted, q.database->Delete(q.filter));
  return Emit(StrCat(Counted(deleted, "record"), " deleted\n"));
}

Status Collect(const Options& o) {
  TS_ASSIGN_OR_RETURN(std::unique_ptr<database::Database> database,
                      o.database.Open(database::OpenMode::kChange));
  database::GcPolicy policy;
  policy.keep_best = o.keep;
  policy.keep_since_ns = database::NowNs();
  policy.dry_run = o.dry_run;
  TS_ASSIGN_OR_RETURN(database::GcCounts counts, database->Gc(policy));
  return Emit(StrCat(o.dry_run ? "dry run: " : "", Counted(counts.dropped_timed, "trial"), " and ",
                     Counted(counts.dropped_failures, "failure"), " dropped, ",
                     Counted(counts.kept, "record"), " kept\n"));
}

/// Refuses an output that is the database: one of the files that SQLite keeps, by whatever name.
Status CheckOutput(const std::string& output, const std::string& database) {
  namespace fs = std::filesystem;
  std::error_code error;
  const std::string file = fs::canonical(database, error).string();
  if (error) return absl::OkStatus();
  for (std::string_view suffix : {"", "-wal", "-shm", "-journal"}) {
    const fs::path part = StrCat(file, suffix);
    if (fs::weakly_canonical(fs::absolute(output), error) == part || fs::equivalent(output, part, error))
      return Invalid(StrCat("--output: ", output, " is a part of the database; choose another file"));
  }
  return absl::OkStatus();
}

Status ExportRecords(const Options& o) {
  TS_ASSIGN_OR_RETURN(Question q, Ask(o, o.words, database::OpenMode::kReadOnly));
  if (o.output.empty()) return database::Export(*q.database, q.filter, Emit).status();
  TS_ASSIGN_OR_RETURN(std::string path, o.database.Path());
  TS_RETURN_IF_ERROR(CheckOutput(o.output, path));
  // From the first question on, Ctrl-C is waited for: what stands beside the output must be cleared away.
  auto interrupted = [] { return Interrupted() ? Quiet(kInterrupted) : absl::OkStatus(); };
  TS_RETURN_IF_ERROR(interrupted());
  Result<FileReplacement> file = FileReplacement::Begin(o.output);  // of a pipe, it waits for the reader
  TS_RETURN_IF_ERROR(interrupted());
  TS_RETURN_IF_ERROR(file);
  TS_ASSIGN_OR_RETURN(int64_t count,
                      database::Export(*q.database, q.filter, [&](std::string_view line) -> Status {
                        TS_RETURN_IF_ERROR(interrupted());
                        return file->Write(line);
                      }));
  TS_RETURN_IF_ERROR(file->Finish());
  std::fprintf(stderr, "%s exported\n", Counted(count, "record").c_str());
  return absl::OkStatus();
}

Status ImportRecords(const Options& o) {
  if (o.words.empty()) return Invalid("tune db import takes the files to read");
  // Files that cannot be read are told of before the limits are measured, which takes seconds.
  std::optional<Result<measure::Limits>> limits;
  auto verify = [&](const database::Record& r) -> Status {
    if (!limits) limits = MachineLimits();
    return limits->ok() ? VerifyRecord(r, **limits) : limits->status();
  };
  Result<std::vector<database::CheckedFile>> files = database::CheckFiles(o.words, verify);
  if (limits) TS_RETURN_IF_ERROR(*limits);
  TS_RETURN_IF_ERROR(files);
  TS_ASSIGN_OR_RETURN(std::unique_ptr<database::Database> database,
                      o.database.Open(database::OpenMode::kReadWrite));
  for (const database::CheckedFile& file : *files) {
    TS_ASSIGN_OR_RETURN(database::InsertCounts counts, database::Import(*database, file));
    TS_RETURN_IF_ERROR(Emit(StrCat(file.path, ": ", Counted(counts.added, "record"), " added, ",
                                   FormatCount(counts.already), " there already\n")));
  }
  return absl::OkStatus();
}

std::string CellText(const database::SqlValue& value) {
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  if (const auto* number = std::get_if<int64_t>(&value)) return StrCat(*number);
  if (const auto* real = std::get_if<double>(&value)) return StrCat(*real);
  if (const auto* bytes = std::get_if<std::vector<std::byte>>(&value))
    return StrCat("<", bytes->size(), " bytes>");
  return "";
}

nlohmann::json JsonOf(const database::SqlValue& value) {
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  if (const auto* number = std::get_if<int64_t>(&value)) return *number;
  if (const auto* real = std::get_if<double>(&value)) return *real;
  if (std::holds_alternative<std::monostate>(value)) return nullptr;
  return CellText(value);
}

Status Sql(const Options& o) {
  if (o.words.size() != 1) return Invalid("tune db sql takes one query, in quotes");
  TS_ASSIGN_OR_RETURN(std::string path, o.database.Path());
  bool json = o.format == "json";
  std::vector<std::string> columns;
  database::SqlVisitor visitor;
  visitor.columns = [&](std::span<const std::string> names) {
    columns.assign(names.begin(), names.end());
    if (!json) return Emit(StrJoin(names, "\t") + "\n");
    std::set<std::string> seen;
    for (const std::string& name : columns) {
      if (!seen.insert(name).second)
        return Invalid(StrCat("sql: two columns are called '", name,
                              "', and a JSON object holds a name once; rename one with AS"));
    }
    return absl::OkStatus();
  };
  visitor.row = [&](std::span<const database::SqlValue> values) {
    if (!json) {
      return Emit(StrJoin(values, "\t",
                          [](std::string* out, const database::SqlValue& v) { out->append(CellText(v)); }) +
                  "\n");
    }
    nlohmann::json row;
    for (size_t i = 0; i < values.size(); ++i) row[columns[i]] = JsonOf(values[i]);
    return EmitJson(row);
  };
  return database::RunReadOnlySql(path, o.words[0], visitor);
}

Status PrintStats(const Options& o) {
  TS_ASSIGN_OR_RETURN(std::unique_ptr<database::Database> database,
                      o.database.Open(database::OpenMode::kReadOnly));
  TS_ASSIGN_OR_RETURN(database::Stats stats, database->GetStats());
  if (o.format == "json") {
    nlohmann::json outcomes;
    for (size_t i = 0; i < stats.by_outcome.size(); ++i)
      outcomes[measure::kOutcomeNames[i]] = stats.by_outcome[i];
    return EmitJson({{"records", stats.records()},
                     {"keys", stats.keys},
                     {"workloads", stats.workloads},
                     {"operators", stats.by_operator},
                     {"outcomes", outcomes},
                     {"oldest_ns", stats.oldest_ns},
                     {"newest_ns", stats.newest_ns},
                     {"file_bytes", stats.file_bytes},
                     {"schema", stats.schema_version}});
  }
  Table table({{"what"}, {"count", Align::kRight}});
  table.Add({"records", FormatCount(stats.records())});
  table.Add({"workloads", FormatCount(stats.workloads)});
  table.Add({"keys (workload, target, scenario, versions)", FormatCount(stats.keys)});
  for (const auto& [name, count] : stats.by_operator)
    table.Add({StrCat("operator ", name), FormatCount(count)});
  for (size_t i = 0; i < stats.by_outcome.size(); ++i)
    table.Add({StrCat("outcome ", measure::kOutcomeNames[i]), FormatCount(stats.by_outcome[i])});
  table.Add({"size", FormatBytes(stats.file_bytes)});
  table.Add({"schema", StrCat(stats.schema_version)});
  return Emit(table.ToString(Style(stdout)));
}

struct Verb {
  const char* name;
  const char* help;
  Status (*run)(const Options&);
  const char* operand;  // what its words are; empty if it takes none
  const char* operand_help;
  void (*add_options)(CLI::App*, Options*);  // besides --db
  const char* examples;
};

void AddResultFormat(CLI::App* app, Options* o) {
  AddChoice(app, "--format", &o->format, {"text", "json"}, "json: one object a line");
}

void AddOutput(CLI::App* app, Options* o) {
  AddText(app, "-o,--output", &o->output, "FILE", "the file; standard: standard output");
}

void AddPolicy(CLI::App* app, Options* o) {
  AddInteger(app, "--keep", &o->keep, 0, std::numeric_limits<int64_t>::max(), "",
             "records to keep of each key");
  app->add_flag("--dry-run", o->dry_run, "only count");
}

void AddNone(CLI::App*, Options*) {}

constexpr char kConditionsHelp[] = "all must hold; none: all records (docs/commands.md)";

constexpr Verb kVerbs[] = {
    {"list", "Records that satisfy conditions, the newest first",
     [](const Options& o) { return List(o, {}); }, "CONDITION", kConditionsHelp, AddResultFormat,
     "  tune db list operator=matmul M=1024 target=x86-64-avx512 since=7d\n"
     "  tune db list 'latency<2ms' outcome=ok order=fastest limit=20\n"
     "  tune db list outcome=failed --format json"},
    {"top", "The best record of each key, or the best few",
     [](const Options& o) {
       return List(o, {"best=1", "order=best"});
     },
     "CONDITION", kConditionsHelp, AddResultFormat,
     "  tune db top\n"
     "  tune db top operator=conv2d threads=2 best=3"},
    {"show", "One record with its trace, by the beginning of its id", ShowRecord, "ID",
     "the first digits of the record's id", AddResultFormat, "  tune db show 3f2a91c0"},
    {"export", "Write records as JSON lines (docs/formats/record.md)", ExportRecords, "CONDITION",
     kConditionsHelp, AddOutput,
     "  tune db export > all.jsonl\n"
     "  tune db export operator=matmul best=1 --output matmul.jsonl"},
    {"import", "Add the records of JSON lines, each verified first", ImportRecords, "FILE",
     "what tune db export wrote", AddNone, "  tune db import all.jsonl --db lab.db"},
    {"delete", "Delete the records that satisfy conditions", Delete, "CONDITION",
     "all must hold; at least one (docs/commands.md)", AddNone,
     "  tune db delete operator=matmul until=2026-01-01\n"
     "  tune db delete outcome=failed"},
    {"gc", "Keep the best records of each key, drop the others", Collect, "", "", AddPolicy,
     "  tune db gc --keep 16 --dry-run\n"
     "  tune db gc"},
    {"stats", "How many records there are, of what", PrintStats, "", "", AddResultFormat,
     "  tune db stats\n"
     "  tune db stats --format json"},
    {"sql", "A query of your own, read-only (docs/formats/database.md)", Sql, "QUERY",
     "one SELECT, in quotes", AddResultFormat,
     "  tune db sql 'SELECT operator, min(median_ns) FROM records GROUP BY operator'"},
};

}  // namespace

void AddDatabase(CLI::App* app, Action* action) {
  CLI::App* db = app->add_subcommand("db", "Questions about the tuning log, and its care.");
  db->require_subcommand(1);
  db->footer("Examples:\n  tune db stats\n  tune db top operator=matmul");
  for (const Verb& verb : kVerbs) {
    auto o = std::make_shared<Options>();
    CLI::App* sub = db->add_subcommand(verb.name, verb.help);
    o->database.AddTo(sub);
    if (*verb.operand) sub->add_option(verb.operand, o->words, verb.operand_help)->type_name("");
    verb.add_options(sub, o.get());
    sub->footer(StrCat("Examples:\n", verb.examples));
    sub->callback([o, action, run = verb.run] { *action = [o, run] { return run(*o); }; });
  }
}

}  // namespace tunesmith::cli
