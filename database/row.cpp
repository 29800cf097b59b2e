// SPDX-License-Identifier: Apache-2.0
#include "database/row.h"

#include <bit>
#include <cstring>

#include "database/selection.h"
#include "support/strings.h"

namespace tunesmith::database {
namespace {

static_assert(std::endian::native == std::endian::little, "samples are stored as little-endian doubles");

// One record by its number, with everything that belongs to it. Every join is by rowid.
constexpr std::string_view kRowSql = R"sql(
SELECT lower(hex(record.id)), record_key.workload, layouts, target, features, cache, threads, pinning, page_bytes, codegen, llvm,
       operation.name, bindings, trace, outcome, detail, samples, median_ns, spread_ns, limit_share, environment.json,
       created_ns, processes, definition.text
FROM record
CROSS JOIN payload ON payload.number = record.number
CROSS JOIN record_key ON record_key.number = record.key
CROSS JOIN operation ON operation.number = record.operation
CROSS JOIN environment ON environment.number = record.environment
LEFT JOIN definition ON definition.workload = record_key.workload AND definition.operation = record.operation
WHERE record.number = ?
)sql";

// The number of the one row with these texts, which is added where there is none. `bind` binds the row's
// columns.
template <class Bind>
Result<int64_t> Intern(Connection& connection, std::string_view find, std::string_view add, Bind bind) {
  TS_ASSIGN_OR_RETURN(Statement found, connection.Prepare(find));
  bind(found);
  TS_ASSIGN_OR_RETURN(bool row, found.Step());
  if (row) return found.Integer(0);
  TS_ASSIGN_OR_RETURN(Statement added, connection.Prepare(add));
  bind(added);
  TS_RETURN_IF_ERROR(added.Run());
  return connection.last_row_id();
}

}  // namespace

Result<Record> ReadRecord(Connection& connection, int64_t number) {
  auto damaged = [&](std::string_view finding) {
    return connection.Damaged(StrCat("record number ", number, ": ", finding));
  };
  TS_ASSIGN_OR_RETURN(Statement row, connection.Prepare(kRowSql));
  TS_ASSIGN_OR_RETURN(bool complete, row.Bind(number).Step());
  if (!complete) return damaged("a part of it is missing");
  Record record;
  record.id = row.Text(0);
  record.key.workload = row.Text(1);
  record.key.layouts = row.Text(2);
  record.key.target = row.Text(3);
  record.key.features = row.Text(4);
  record.key.scenario.cold = row.Text(5) == CacheName(true);
  record.key.scenario.threads = static_cast<int>(row.Integer(6));
  record.key.scenario.pinning = row.Text(7);
  record.key.scenario.page_bytes = row.Integer(8);
  record.key.codegen = row.Text(9);
  record.key.llvm = row.Text(10);
  record.operator_name = row.Text(11);
  auto bindings = ParseBindings(row.Text(12));
  if (!bindings.ok()) return damaged(MessageOf(bindings.status()));
  record.bindings = std::move(bindings).value();
  record.trace = row.Text(13);
  int64_t kind = row.Integer(14);
  if (kind < 0 || kind >= static_cast<int64_t>(measure::kOutcomeNames.size())) {
    return damaged("outcome: unknown kind");
  }
  record.outcome.kind = static_cast<measure::OutcomeKind>(kind);
  record.outcome.detail = row.Text(15);
  std::span<const std::byte> samples = row.Blob(16);
  record.outcome.samples_ns.resize(samples.size() / sizeof(double));
  if (!samples.empty())
    std::memcpy(record.outcome.samples_ns.data(), samples.data(),
                record.outcome.samples_ns.size() * sizeof(double));
  record.outcome.median_ns = row.Real(17);  // NULL, which a failure has, reads as 0
  record.outcome.spread_ns = row.Real(18);
  record.limit_share = row.Real(19);
  record.environment = row.Text(20);
  record.created_ns = row.Integer(21);
  record.processes = static_cast<int>(row.Integer(22));
  record.definition = row.Text(23);  // NULL reads as empty
  if (Status status = Check(record); !status.ok()) return damaged(MessageOf(status));
  return record;
}

Result<bool> InsertRow(Connection& connection, const Record& record) {
  TS_ASSIGN_OR_RETURN(int64_t key,
                      Intern(connection, KeyNumberSql(),
                             "INSERT INTO record_key (workload, target, features, layouts, cache, threads, "
                             "pinning, page_bytes, codegen, llvm) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                             [&](Statement& statement) { BindKey(record.key, statement); }));
  const std::string bindings = BindingsJson(record.bindings);
  TS_ASSIGN_OR_RETURN(
      int64_t operation,
      Intern(connection, "SELECT number FROM operation WHERE name = ? AND bindings = ?",
             "INSERT INTO operation (name, bindings) VALUES (?, ?)",
             [&](Statement& statement) { statement.Bind(record.operator_name).Bind(bindings); }));
  if (!record.definition.empty()) {
    TS_ASSIGN_OR_RETURN(
        Statement definition,
        connection.Prepare("INSERT OR IGNORE INTO definition (workload, operation, text) VALUES (?, ?, ?)"));
    TS_RETURN_IF_ERROR(definition.Bind(record.key.workload).Bind(operation).Bind(record.definition).Run());
  }
  std::vector<std::byte> id = IdBytes(record.id);
  TS_ASSIGN_OR_RETURN(Statement known, connection.Prepare("SELECT 1 FROM record WHERE id = ?"));
  TS_ASSIGN_OR_RETURN(bool already, known.BindBlob(id).Step());
  if (already) return false;
  TS_ASSIGN_OR_RETURN(int64_t environment,
                      Intern(connection, "SELECT number FROM environment WHERE json = ?",
                             "INSERT INTO environment (json) VALUES (?)",
                             [&](Statement& statement) { statement.Bind(record.environment); }));

  TS_ASSIGN_OR_RETURN(
      Statement row,
      connection.Prepare(
          "INSERT INTO record (id, key, operation, environment, outcome, median_ns, "
          "spread_ns, limit_share, created_ns, processes) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"));
  row.BindBlob(id)
      .Bind(key)
      .Bind(operation)
      .Bind(environment)
      .Bind(static_cast<int64_t>(record.outcome.kind));
  if (record.outcome.ok()) {
    row.Bind(record.outcome.median_ns).Bind(record.outcome.spread_ns);
  } else {
    row.BindNull().BindNull();
  }
  TS_RETURN_IF_ERROR(
      row.Bind(record.limit_share).Bind(record.created_ns).Bind(int64_t{record.processes}).Run());

  TS_ASSIGN_OR_RETURN(
      Statement payload,
      connection.Prepare("INSERT INTO payload (number, trace, detail, samples) VALUES (?, ?, ?, ?)"));
  payload.Bind(connection.last_row_id()).Bind(record.trace).Bind(record.outcome.detail);
  TS_RETURN_IF_ERROR(payload.BindBlob(std::as_bytes(std::span(record.outcome.samples_ns))).Run());
  return true;
}

}  // namespace tunesmith::database
