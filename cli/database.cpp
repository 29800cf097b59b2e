// SPDX-License-Identifier: Apache-2.0
// tune db: questions about the tuning log, and its care.
#include <cstdio>
#include <fstream>
#include <iostream>

#include "cli/command.h"
#include "cli/kernels.h"
#include "database/exchange.h"
#include "database/read_only_sql.h"
#include "database/record_json.h"
#include "schedule/trace.h"
#include "support/strings.h"
#include "support/units.h"
#include "te/language.h"

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

std::string BindingsText(const database::Record& r) {
  return StrJoin(r.bindings, " ", [](std::string* out, const auto& binding) {
    StrAppend(out, binding.first, "=", binding.second);
  });
}

void PrintLine(const database::Record& r) {
  std::string latency =
      r.outcome.ok() ? FormatLatency(r.outcome.median_ns) : std::string(measure::NameOf(r.outcome.kind));
  std::printf("%.12s  %-14s %-44s %-24s %d  %s\n", r.id.c_str(), r.operator_name.c_str(),
              BindingsText(r).c_str(), r.key.target.c_str(), r.key.scenario.threads, latency.c_str());
}

Status List(const Options& o, bool top) {
  TS_ASSIGN_OR_RETURN(database::Filter filter, database::ParseFilter(o.words, database::NowNs()));
  if (top) {
    if (!filter.best_per_key) filter.best_per_key = 1;
    filter.order = database::Order::kFastest;
  }
  TS_ASSIGN_OR_RETURN(std::unique_ptr<database::Database> database,
                      o.database.Open(database::OpenMode::kReadOnly));
  return database->Query(filter, [&](const database::Record& r) {
    if (o.format == "json") {
      std::printf("%s\n", database::ToJsonLine(r).c_str());
    } else {
      PrintLine(r);
    }
    return absl::OkStatus();
  });
}

Status ShowRecord(const Options& o) {
  if (o.words.size() != 1) return Invalid("tune db show takes the beginning of one record's id");
  TS_ASSIGN_OR_RETURN(std::unique_ptr<database::Database> database,
                      o.database.Open(database::OpenMode::kReadOnly));
  database::Filter filter;
  if (!database::IsHexPrefix(o.words[0]) || o.words[0].empty())
    return Invalid(StrCat("'", o.words[0], "' is not the beginning of an id: hexadecimal digits"));
  filter.id = o.words[0];
  filter.limit = 2;
  TS_ASSIGN_OR_RETURN(std::vector<database::Record> found, database->Find(filter));
  if (found.empty()) return NotFound(StrCat("no record's id begins with ", o.words[0]));
  if (found.size() > 1)
    return Invalid(StrCat("several records' ids begin with ", o.words[0], "; give more digits"));
  const database::Record& r = found[0];
  if (o.format == "json") {
    std::printf("%s\n", database::ToJsonLine(r).c_str());
    return absl::OkStatus();
  }
  PrintLine(r);
  std::printf("outcome   %s %s\nsamples   %zu, spread %s\n%s",
              std::string(measure::NameOf(r.outcome.kind)).c_str(), r.outcome.detail.c_str(),
              r.outcome.samples_ns.size(), FormatLatency(r.outcome.spread_ns).c_str(), r.trace.c_str());
  return absl::OkStatus();
}

Status Delete(const Options& o) {
  TS_ASSIGN_OR_RETURN(database::Filter filter, database::ParseFilter(o.words, database::NowNs()));
  TS_ASSIGN_OR_RETURN(std::unique_ptr<database::Database> database,
                      o.database.Open(database::OpenMode::kReadWrite));
  TS_ASSIGN_OR_RETURN(int64_t deleted, database->Delete(filter));
  std::printf("%lld records deleted\n", static_cast<long long>(deleted));
  return absl::OkStatus();
}

Status Collect(const Options& o) {
  TS_ASSIGN_OR_RETURN(std::unique_ptr<database::Database> database,
                      o.database.Open(database::OpenMode::kReadWrite));
  database::GcPolicy policy;
  policy.keep_best = o.keep;
  policy.keep_since_ns = database::NowNs();
  policy.dry_run = o.dry_run;
  TS_ASSIGN_OR_RETURN(database::GcCounts counts, database->Gc(policy));
  std::printf("%s%lld slower records and %lld failures dropped, %lld kept\n", o.dry_run ? "dry run: " : "",
              static_cast<long long>(counts.dropped_timed), static_cast<long long>(counts.dropped_failures),
              static_cast<long long>(counts.kept));
  return absl::OkStatus();
}

/// Whether what a record says of itself holds: its workload is what its operator and bindings make, and its
/// trace replays on that and lowers to a valid program. Records of operators that are not standard ones can
/// only be looked at.
Status VerifyRecord(const database::Record& r) {
  Result<schedule::Trace> trace = schedule::ParseTrace(r.trace);
  if (!trace.ok()) return trace.status();
  if (trace->target != r.key.target)
    return Invalid(StrCat("trace: it is for the target ", trace->target, ", the record for ", r.key.target));
  Result<te::Operator> op = te::StandardOperator(r.operator_name);
  if (!op.ok()) return absl::OkStatus();
  std::vector<std::string> bindings;
  for (const auto& [name, value] : r.bindings) bindings.push_back(StrCat(name, "=", value));
  TS_ASSIGN_OR_RETURN(te::Workload workload, te::Bind(*op, bindings));
  if (te::WorkloadHash(workload) != r.key.workload)
    return Invalid("workload: its hash is not that of the operator with these bindings");
  Result<BuiltKernel> built = BuildTrace(workload, *trace);
  return built.ok() || !r.outcome.ok() ? absl::OkStatus() : Annotate(built.status(), "trace");
}

Status ExportRecords(const Options& o) {
  TS_ASSIGN_OR_RETURN(database::Filter filter, database::ParseFilter(o.words, database::NowNs()));
  TS_ASSIGN_OR_RETURN(std::unique_ptr<database::Database> database,
                      o.database.Open(database::OpenMode::kReadOnly));
  if (o.output.empty()) return database::Export(*database, filter, std::cout, "standard output").status();
  std::ofstream file(o.output, std::ios::binary);
  if (!file)
    return Unavailable(StrCat("cannot write ", o.output, "; is its folder there, and may you write in it?"));
  TS_ASSIGN_OR_RETURN(int64_t count, database::Export(*database, filter, file, o.output));
  std::fprintf(stderr, "%lld records exported\n", static_cast<long long>(count));
  return absl::OkStatus();
}

Status ImportRecords(const Options& o) {
  if (o.words.empty()) return Invalid("tune db import takes the files to read");
  TS_ASSIGN_OR_RETURN(std::unique_ptr<database::Database> database,
                      o.database.Open(database::OpenMode::kReadWrite));
  for (const std::string& path : o.words) {
    TS_ASSIGN_OR_RETURN(database::InsertCounts counts, database::Import(*database, path, VerifyRecord));
    std::printf("%s: %lld records added, %lld were there\n", path.c_str(),
                static_cast<long long>(counts.added), static_cast<long long>(counts.already));
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

Status Sql(const Options& o) {
  if (o.words.size() != 1) return Invalid("tune db sql takes one query, in quotes");
  TS_ASSIGN_OR_RETURN(std::string path, o.database.Path());
  database::SqlVisitor visitor;
  visitor.columns = [](std::span<const std::string> names) {
    std::printf("%s\n", StrJoin(names, "\t").c_str());
    return absl::OkStatus();
  };
  visitor.row = [](std::span<const database::SqlValue> values) {
    std::printf("%s\n", StrJoin(values, "\t", [](std::string* out, const database::SqlValue& v) {
                          out->append(CellText(v));
                        }).c_str());
    return absl::OkStatus();
  };
  return database::RunReadOnlySql(path, o.words[0], visitor);
}

Status PrintStats(const Options& o) {
  TS_ASSIGN_OR_RETURN(std::unique_ptr<database::Database> database,
                      o.database.Open(database::OpenMode::kReadOnly));
  TS_ASSIGN_OR_RETURN(database::Stats stats, database->GetStats());
  std::printf("records    %lld\nkeys       %lld\nworkloads  %lld\nsize       %s\nschema     %d\n",
              static_cast<long long>(stats.records()), static_cast<long long>(stats.keys),
              static_cast<long long>(stats.workloads), FormatBytes(stats.file_bytes).c_str(),
              stats.schema_version);
  for (size_t i = 0; i < stats.by_outcome.size(); ++i) {
    std::printf("%-14s %lld\n", std::string(measure::kOutcomeNames[i]).c_str(),
                static_cast<long long>(stats.by_outcome[i]));
  }
  return absl::OkStatus();
}

}  // namespace

void AddDatabase(CLI::App* app, Action* action) {
  CLI::App* db = app->add_subcommand("db", "Questions about the tuning log, and its care.");
  db->require_subcommand(1);
  struct Verb {
    const char* name;
    const char* help;
    Status (*run)(const Options&);
  };
  static constexpr Verb kVerbs[] = {
      {"list", "Records that satisfy conditions: operator=matmul M=1024 latency<2ms since=7d",
       [](const Options& o) { return List(o, false); }},
      {"top", "The fastest record of each key (best=N for more)",
       [](const Options& o) { return List(o, true); }},
      {"show", "One record, by the beginning of its id", ShowRecord},
      {"delete", "Delete the records that satisfy conditions", Delete},
      {"gc", "Keep the best records of each key", Collect},
      {"export", "Write records as JSON lines (docs/formats/record.md)", ExportRecords},
      {"import", "Add the records of JSON lines, each verified first", ImportRecords},
      {"sql", "A query of your own, read-only (docs/formats/database.md)", Sql},
      {"stats", "How many records there are, of what", PrintStats},
  };
  for (const Verb& verb : kVerbs) {
    auto o = std::make_shared<Options>();
    CLI::App* sub = db->add_subcommand(verb.name, verb.help);
    o->database.AddTo(sub);
    sub->add_option("conditions", o->words, "conditions (docs/commands.md), or an id")
        ->type_name("CONDITION");
    sub->add_option("--format", o->format, "text or json")->check(CLI::IsMember({"text", "json"}));
    if (std::string_view(verb.name) == "export")
      sub->add_option("-o,--output", o->output, "the file; standard: standard output")->type_name("FILE");
    if (std::string_view(verb.name) == "gc") {
      sub->add_option("--keep", o->keep, "records to keep of each key")->capture_default_str();
      sub->add_flag("--dry-run", o->dry_run, "only count");
    }
    sub->callback([o, action, run = verb.run] { *action = [o, run] { return run(*o); }; });
  }
}

}  // namespace tunesmith::cli
