// SPDX-License-Identifier: Apache-2.0
#include "database/schema.h"

#include "support/strings.h"

namespace tunesmith::database {
namespace {

// Texts that repeat stand once, in tables of their own; what queries look at (record) is apart from what is
// only read in the end (payload), so that a walk over millions of records reads about a hundred bytes each.
constexpr std::string_view kVersion1 = R"sql(
CREATE TABLE record_key (
  number     INTEGER PRIMARY KEY,
  workload   TEXT NOT NULL,
  target     TEXT NOT NULL,
  features   TEXT NOT NULL,
  layouts    TEXT NOT NULL,
  cache      TEXT NOT NULL,
  threads    INTEGER NOT NULL,
  pinning    TEXT NOT NULL,
  page_bytes INTEGER NOT NULL,
  codegen    TEXT NOT NULL,
  llvm       TEXT NOT NULL,
  UNIQUE (workload, target, features, layouts, cache, threads, pinning, page_bytes, codegen, llvm)
) STRICT;

CREATE TABLE operation (
  number   INTEGER PRIMARY KEY,
  name     TEXT NOT NULL,
  bindings TEXT NOT NULL,
  UNIQUE (name, bindings)
) STRICT;

CREATE TABLE environment (
  number INTEGER PRIMARY KEY,
  json   TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE record (
  number      INTEGER PRIMARY KEY,
  id          BLOB NOT NULL UNIQUE CHECK (length(id) = 16),
  key         INTEGER NOT NULL REFERENCES record_key (number),
  operation   INTEGER NOT NULL REFERENCES operation (number),
  environment INTEGER NOT NULL REFERENCES environment (number),
  outcome     INTEGER NOT NULL,
  median_ns   REAL CHECK ((median_ns IS NOT NULL) = (outcome = 0)),
  spread_ns   REAL CHECK ((spread_ns IS NOT NULL) = (outcome = 0)),
  limit_share REAL NOT NULL,
  created_ns  INTEGER NOT NULL
) STRICT;

CREATE INDEX record_best ON record (key, outcome, median_ns, id);
CREATE INDEX record_operation ON record (operation, created_ns);
CREATE INDEX record_created ON record (created_ns);

CREATE TABLE payload (
  number  INTEGER PRIMARY KEY REFERENCES record (number),
  trace   TEXT NOT NULL,
  detail  TEXT NOT NULL,
  samples BLOB NOT NULL
) STRICT;

CREATE VIEW records AS
SELECT lower(hex(record.id)) AS id, operation.name AS operator, operation.bindings AS bindings,
       record_key.workload AS workload, record_key.layouts AS layouts, record_key.target AS target,
       record_key.features AS features, record_key.cache AS cache, record_key.threads AS threads,
       record_key.pinning AS pinning, record_key.page_bytes AS page_bytes, record_key.codegen AS codegen,
       record_key.llvm AS llvm,
       CASE record.outcome WHEN 0 THEN 'ok' WHEN 1 THEN 'compile_error' WHEN 2 THEN 'wrong_result'
                           WHEN 3 THEN 'crash' WHEN 4 THEN 'timeout' WHEN 5 THEN 'out_of_memory'
                           WHEN 6 THEN 'out_of_bounds' END AS outcome,
       payload.detail AS detail, record.median_ns AS median_ns, record.spread_ns AS spread_ns,
       record.limit_share AS limit_share, record.created_ns AS created_ns,
       strftime('%Y-%m-%dT%H:%M:%SZ', record.created_ns / 1000000000, 'unixepoch') AS created,
       payload.trace AS trace, environment.json AS environment
FROM record
JOIN record_key ON record_key.number = record.key
JOIN operation ON operation.number = record.operation
JOIN environment ON environment.number = record.environment
JOIN payload ON payload.number = record.number;
)sql";

// Finalists. The index of the best holds created_ns too, so that records older than the last finals are
// passed over without being read.
constexpr std::string_view kVersion2 = R"sql(
ALTER TABLE record ADD COLUMN processes INTEGER NOT NULL DEFAULT 1;
CREATE INDEX record_finalist ON record (key, created_ns) WHERE processes > 1;
DROP INDEX record_best;
CREATE INDEX record_best ON record (key, outcome, median_ns, id, created_ns);

DROP VIEW records;
CREATE VIEW records AS
SELECT lower(hex(record.id)) AS id, operation.name AS operator, operation.bindings AS bindings,
       record_key.workload AS workload, record_key.layouts AS layouts, record_key.target AS target,
       record_key.features AS features, record_key.cache AS cache, record_key.threads AS threads,
       record_key.pinning AS pinning, record_key.page_bytes AS page_bytes, record_key.codegen AS codegen,
       record_key.llvm AS llvm,
       CASE record.outcome WHEN 0 THEN 'ok' WHEN 1 THEN 'compile_error' WHEN 2 THEN 'wrong_result'
                           WHEN 3 THEN 'crash' WHEN 4 THEN 'timeout' WHEN 5 THEN 'out_of_memory'
                           WHEN 6 THEN 'out_of_bounds' END AS outcome,
       payload.detail AS detail, record.median_ns AS median_ns, record.spread_ns AS spread_ns,
       record.processes AS processes, record.limit_share AS limit_share, record.created_ns AS created_ns,
       strftime('%Y-%m-%dT%H:%M:%SZ', record.created_ns / 1000000000, 'unixepoch') AS created,
       payload.trace AS trace, environment.json AS environment
FROM record
JOIN record_key ON record_key.number = record.key
JOIN operation ON operation.number = record.operation
JOIN environment ON environment.number = record.environment
JOIN payload ON payload.number = record.number;
)sql";

// The operators' definitions: once for each workload as it was named, so that a record from before this step
// gets one as soon as another of its workload has it.
constexpr std::string_view kVersion3 = R"sql(
CREATE TABLE definition (
  workload  TEXT NOT NULL,
  operation INTEGER NOT NULL REFERENCES operation (number),
  text      TEXT NOT NULL,
  PRIMARY KEY (workload, operation)
) STRICT, WITHOUT ROWID;

DROP VIEW records;
CREATE VIEW records AS
SELECT lower(hex(record.id)) AS id, operation.name AS operator, operation.bindings AS bindings,
       coalesce(definition.text, '') AS definition,
       record_key.workload AS workload, record_key.layouts AS layouts, record_key.target AS target,
       record_key.features AS features, record_key.cache AS cache, record_key.threads AS threads,
       record_key.pinning AS pinning, record_key.page_bytes AS page_bytes, record_key.codegen AS codegen,
       record_key.llvm AS llvm,
       CASE record.outcome WHEN 0 THEN 'ok' WHEN 1 THEN 'compile_error' WHEN 2 THEN 'wrong_result'
                           WHEN 3 THEN 'crash' WHEN 4 THEN 'timeout' WHEN 5 THEN 'out_of_memory'
                           WHEN 6 THEN 'out_of_bounds' END AS outcome,
       payload.detail AS detail, record.median_ns AS median_ns, record.spread_ns AS spread_ns,
       record.processes AS processes, record.limit_share AS limit_share, record.created_ns AS created_ns,
       strftime('%Y-%m-%dT%H:%M:%SZ', record.created_ns / 1000000000, 'unixepoch') AS created,
       payload.trace AS trace, environment.json AS environment
FROM record
JOIN record_key ON record_key.number = record.key
JOIN operation ON operation.number = record.operation
JOIN environment ON environment.number = record.environment
JOIN payload ON payload.number = record.number
LEFT JOIN definition ON definition.workload = record_key.workload AND definition.operation = record.operation;
)sql";

constexpr std::string_view kSteps[] = {kVersion1, kVersion2, kVersion3};

}  // namespace

std::span<const std::string_view> SchemaSteps() { return kSteps; }

Status NewerVersion(std::string_view path, int64_t version, size_t known) {
  return Invalid(StrCat(path, ": written by a newer Tunesmith (schema version ", version,
                        ", this program knows ", known,
                        "); it was left as it is; update this program or choose another path"));
}

Status Upgrade(Connection& connection, std::span<const std::string_view> steps) {
  const auto newest = static_cast<int64_t>(steps.size());
  TS_ASSIGN_OR_RETURN(int64_t version, connection.QueryInteger("PRAGMA user_version"));
  if (version == newest) return Status();
  if (version > newest) return NewerVersion(connection.path(), version, steps.size());

  TS_ASSIGN_OR_RETURN(Transaction transaction, Transaction::Begin(connection, Transaction::Kind::kWrite));
  // Another process may have been first; only now nobody else can be.
  TS_ASSIGN_OR_RETURN(version, connection.QueryInteger("PRAGMA user_version"));
  if (version > newest) return NewerVersion(connection.path(), version, steps.size());
  for (int64_t i = version; i < newest; ++i) {
    TS_RETURN_IF_ERROR(connection.Execute(std::string(steps[static_cast<size_t>(i)])));
  }
  TS_RETURN_IF_ERROR(connection.Execute(StrCat("PRAGMA user_version = ", newest)));
  return transaction.Commit();
}

}  // namespace tunesmith::database
