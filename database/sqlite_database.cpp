// SPDX-License-Identifier: Apache-2.0
// Records in SQLite. Writing and short questions go through one connection under a mutex; a walk over many
// records has a connection of its own, so that it neither blocks nor sees what happens meanwhile.
#include <sqlite3.h>

#include <bit>
#include <cstring>
#include <filesystem>
#include <mutex>

#include "database/database.h"
#include "database/database_file.h"
#include "database/row.h"
#include "database/schema.h"
#include "database/selection.h"
#include "database/sqlite.h"
#include "support/strings.h"

namespace tunesmith::database {
namespace {

class SqliteDatabase final : public Database {
 public:
  SqliteDatabase(std::unique_ptr<Connection> connection, OpenOptions options)
      : connection_(std::move(connection)), path_(connection_->path()), options_(options) {}

  Result<InsertCounts> Insert(std::span<const Record> records) override {
    for (const Record& record : records) {
      if (Status status = Check(record); !status.ok()) {
        return Annotate(status, StrCat(path_, ": record ", record.id, " cannot be added"));
      }
    }
    std::lock_guard lock(mutex_);
    TS_ASSIGN_OR_RETURN(Transaction transaction, BeginWrite());
    InsertCounts counts;
    for (const Record& record : records) {
      TS_ASSIGN_OR_RETURN(bool added, InsertRow(*connection_, record));
      ++(added ? counts.added : counts.already);
    }
    TS_RETURN_IF_ERROR(CommitWrite(&transaction));
    return counts;
  }

  Result<std::optional<Record>> Best(const Key& key) override {
    Filter filter;
    filter.key = key;
    filter.best_per_key = 1;
    TS_ASSIGN_OR_RETURN(Selection selection, Select(filter));
    std::lock_guard lock(mutex_);
    TS_ASSIGN_OR_RETURN(Transaction snapshot, Transaction::Begin(*connection_, Transaction::Kind::kRead));
    TS_ASSIGN_OR_RETURN(Statement best, connection_->Prepare(selection.sql));
    selection.BindTo(best);
    TS_ASSIGN_OR_RETURN(bool found, best.Step());
    if (!found) {
      TS_RETURN_IF_ERROR(CheckIndexes());
      return std::optional<Record>();
    }
    TS_ASSIGN_OR_RETURN(Record record, ReadRecord(*connection_, best.Integer(0)));
    return std::optional<Record>(std::move(record));
  }

  Status Query(const Filter& filter, const std::function<Status(const Record&)>& visit) override {
    TS_ASSIGN_OR_RETURN(Selection selection, Select(filter));
    OpenOptions options = options_;
    options.mode = OpenMode::kReadOnly;
    TS_ASSIGN_OR_RETURN(auto connection, OpenFile(path_, options, SchemaSteps()));
    TS_ASSIGN_OR_RETURN(Transaction snapshot, Transaction::Begin(*connection, Transaction::Kind::kRead));
    TS_ASSIGN_OR_RETURN(Statement numbers, connection->Prepare(selection.sql));
    selection.BindTo(numbers);
    for (;;) {
      TS_ASSIGN_OR_RETURN(bool more, numbers.Step());
      if (!more) return Status();
      // Rows are read one by one, so that a sort carries numbers only, not traces.
      TS_ASSIGN_OR_RETURN(Record record, ReadRecord(*connection, numbers.Integer(0)));
      TS_RETURN_IF_ERROR(visit(record));
    }
  }

  Result<int64_t> Delete(const Filter& filter) override {
    TS_ASSIGN_OR_RETURN(Selection selection, Select(filter));
    if (selection.conditions == 0) {
      return Invalid(StrCat(path_,
                            ": delete without a condition would delete every record; give one, such as "
                            "operator=matmul, or remove the file"));
    }
    std::lock_guard lock(mutex_);
    TS_ASSIGN_OR_RETURN(Transaction transaction, BeginWrite());
    for (std::string_view table : {"payload", "record"}) {  // in this order: the selection reads record
      TS_ASSIGN_OR_RETURN(
          Statement statement,
          connection_->Prepare(StrCat("DELETE FROM ", table, " WHERE number IN (", selection.sql, ")"),
                               Connection::Lifetime::kOnce));
      selection.BindTo(statement);
      TS_RETURN_IF_ERROR(statement.Run());
    }
    int64_t deleted = connection_->changes();
    TS_RETURN_IF_ERROR(CommitWrite(&transaction));
    return deleted;
  }

  Result<GcCounts> Gc(const GcPolicy& policy) override {
    if (policy.keep_best < 0) return Invalid("gc: keeps a negative number of records; give 0 or more");
    std::lock_guard lock(mutex_);
    TS_ASSIGN_OR_RETURN(Transaction transaction, BeginWrite());
    GcCounts counts;
    TS_ASSIGN_OR_RETURN(Statement failures,
                        connection_->Prepare("DELETE FROM record WHERE outcome <> 0 AND created_ns < ?"));
    TS_RETURN_IF_ERROR(failures.Bind(policy.keep_since_ns).Run());
    counts.dropped_failures = connection_->changes();
    Filter best;
    best.best_per_key = policy.keep_best;
    TS_ASSIGN_OR_RETURN(Selection kept, Select(best));
    TS_ASSIGN_OR_RETURN(Statement timed, connection_->Prepare(StrCat(
                                             "DELETE FROM record WHERE outcome = 0 AND processes = 1 AND "
                                             "number NOT IN (",
                                             kept.sql, ") AND created_ns < ?")));
    kept.BindTo(timed);
    TS_RETURN_IF_ERROR(timed.Bind(policy.keep_since_ns).Run());
    counts.dropped_timed = connection_->changes();
    TS_RETURN_IF_ERROR(connection_->Execute(
        "DELETE FROM payload WHERE number NOT IN (SELECT number FROM record);DELETE FROM record_key WHERE "
        "number NOT IN (SELECT key FROM record);DELETE FROM operation WHERE number NOT IN (SELECT operation "
        "FROM record);DELETE FROM environment WHERE number NOT IN (SELECT environment FROM record);"
        "DELETE FROM definition WHERE operation NOT IN (SELECT number FROM operation) OR workload NOT IN "
        "(SELECT "
        "workload FROM record_key)"));
    TS_ASSIGN_OR_RETURN(counts.kept, connection_->QueryInteger("SELECT count(*) FROM record"));
    if (policy.dry_run) return counts;
    TS_RETURN_IF_ERROR(CommitWrite(&transaction));
    // The deletion stands. Free pages are used again even if they cannot be given back now, say because
    // another process reads; so this may fail.
    (void)connection_->Execute("PRAGMA incremental_vacuum");
    (void)connection_->Execute("PRAGMA wal_checkpoint(TRUNCATE)");
    return counts;
  }

  Result<Stats> GetStats() override {
    std::lock_guard lock(mutex_);
    TS_ASSIGN_OR_RETURN(Transaction snapshot, Transaction::Begin(*connection_, Transaction::Kind::kRead));
    Stats stats;
    {
      TS_ASSIGN_OR_RETURN(Statement rows,
                          connection_->Prepare("SELECT outcome, count(*) FROM record GROUP BY outcome"));
      for (;;) {
        TS_ASSIGN_OR_RETURN(bool more, rows.Step());
        if (!more) break;
        auto kind = static_cast<size_t>(rows.Integer(0));
        if (kind < stats.by_outcome.size()) stats.by_outcome[kind] = rows.Integer(1);
      }
    }
    {
      TS_ASSIGN_OR_RETURN(Statement rows, connection_->Prepare(
                                              "SELECT operation.name, count(*) FROM record JOIN operation ON "
                                              "operation.number = record.operation GROUP BY operation.name"));
      for (;;) {
        TS_ASSIGN_OR_RETURN(bool more, rows.Step());
        if (!more) break;
        stats.by_operator[rows.Text(0)] = rows.Integer(1);
      }
    }
    // A deleted record leaves its key until the next gc, so keys are counted where records use them.
    constexpr std::string_view kUsedKeys =
        " FROM record_key WHERE EXISTS (SELECT 1 FROM record WHERE key = record_key.number)";
    TS_ASSIGN_OR_RETURN(stats.keys, connection_->QueryInteger(StrCat("SELECT count(*)", kUsedKeys)));
    TS_ASSIGN_OR_RETURN(stats.workloads,
                        connection_->QueryInteger(StrCat("SELECT count(DISTINCT workload)", kUsedKeys)));
    TS_ASSIGN_OR_RETURN(stats.oldest_ns,
                        connection_->QueryInteger("SELECT coalesce(min(created_ns), 0) FROM record"));
    TS_ASSIGN_OR_RETURN(stats.newest_ns,
                        connection_->QueryInteger("SELECT coalesce(max(created_ns), 0) FROM record"));
    TS_ASSIGN_OR_RETURN(int64_t version, connection_->QueryInteger("PRAGMA user_version"));
    stats.schema_version = static_cast<int>(version);
    std::error_code error;
    const std::string file = std::filesystem::canonical(path_, error).string();
    for (std::string_view suffix : {"", "-wal"}) {
      auto bytes = std::filesystem::file_size(StrCat(file, suffix), error);
      if (!error) stats.file_bytes += static_cast<int64_t>(bytes);
    }
    return stats;
  }

  Result<Names> GetNames() override {
    std::lock_guard lock(mutex_);
    TS_ASSIGN_OR_RETURN(Transaction snapshot, Transaction::Begin(*connection_, Transaction::Kind::kRead));
    Names names;
    TS_ASSIGN_OR_RETURN(
        Statement parameters,
        connection_->Prepare("SELECT DISTINCT operation.name, binding.key FROM operation LEFT JOIN "
                             "json_each(operation.bindings) AS binding"));
    for (;;) {
      TS_ASSIGN_OR_RETURN(bool more, parameters.Step());
      if (!more) break;
      std::set<std::string>& of_operator = names.parameters[parameters.Text(0)];
      if (std::string name = parameters.Text(1); !name.empty()) of_operator.insert(std::move(name));
    }
    TS_ASSIGN_OR_RETURN(Statement keys,
                        connection_->Prepare("SELECT DISTINCT target, codegen, llvm FROM record_key"));
    for (;;) {
      TS_ASSIGN_OR_RETURN(bool more, keys.Step());
      if (!more) break;
      names.targets.insert(keys.Text(0));
      names.codegens.insert(keys.Text(1));
      names.llvms.insert(keys.Text(2));
    }
    return names;
  }

  Status CheckIntegrity() override {
    std::lock_guard lock(mutex_);
    TS_RETURN_IF_ERROR(CheckWith("PRAGMA quick_check(1)"));
    TS_ASSIGN_OR_RETURN(Statement orphan, connection_->Prepare("PRAGMA foreign_key_check"));
    TS_ASSIGN_OR_RETURN(bool row, orphan.Step());
    if (row)
      return connection_->Damaged(StrCat("a row of ", orphan.Text(0), " refers to none of ", orphan.Text(2)));
    return Status();
  }

 private:
  // Runs one of SQLite's checks of the file; its first finding is the error.
  Status CheckWith(std::string_view pragma) {
    TS_ASSIGN_OR_RETURN(Statement finding, connection_->Prepare(pragma));
    TS_ASSIGN_OR_RETURN(bool row, finding.Step());
    if (row && finding.Text(0) == "ok") return Status();
    return connection_->Damaged(row ? finding.Text(0) : "no answer");
  }

  // A damaged index hides a record as if it had never been made, and whoever asked goes on without it; so a
  // miss is believed after the file was checked, once, unless that would take more than about a second.
  Status CheckIndexes() {
    constexpr int64_t kMostBytes = int64_t{256} << 20;
    if (checked_) return Status();
    TS_ASSIGN_OR_RETURN(const int64_t pages, connection_->QueryInteger("PRAGMA page_count"));
    TS_ASSIGN_OR_RETURN(const int64_t page_bytes, connection_->QueryInteger("PRAGMA page_size"));
    if (pages > kMostBytes / page_bytes) return Status();
    TS_RETURN_IF_ERROR(CheckWith("PRAGMA integrity_check(1)"));
    checked_ = true;
    return Status();
  }

  Result<Selection> Select(const Filter& filter) const {
    Result<Selection> selection = SelectionOf(filter);
    return selection.ok() ? selection : Annotate(selection.status(), path_);
  }

  // A write transaction, if the file still has the schema that this program writes.
  Result<Transaction> BeginWrite() {
    TS_ASSIGN_OR_RETURN(Transaction transaction, Transaction::Begin(*connection_, Transaction::Kind::kWrite));
    TS_ASSIGN_OR_RETURN(int64_t version, connection_->QueryInteger("PRAGMA user_version"));
    size_t known = SchemaSteps().size();
    if (version > static_cast<int64_t>(known)) return NewerVersion(path_, version, known);
    return transaction;
  }

  // Commits; an error if the file is no longer at its path, where nobody would find what was written.
  Status CommitWrite(Transaction* transaction) {
    TS_RETURN_IF_ERROR(transaction->Commit());
    int moved = 0;
    sqlite3_file_control(connection_->handle(), "main", SQLITE_FCNTL_HAS_MOVED, &moved);
    if (moved == 0) return Status();
    return Unavailable(StrCat(path_,
                              ": the file was removed, moved or replaced while it was in use, and what was "
                              "written since is not there; put it back, or run the same command again"));
  }

  std::mutex mutex_;
  std::unique_ptr<Connection> connection_;  // guarded by mutex_
  bool checked_ = false;                    // guarded by mutex_
  const std::string path_;
  const OpenOptions options_;
};

}  // namespace

int64_t Stats::records() const {
  int64_t sum = 0;
  for (int64_t count : by_outcome) sum += count;
  return sum;
}

Result<std::vector<Record>> Database::Find(const Filter& filter) {
  std::vector<Record> records;
  TS_RETURN_IF_ERROR(Query(filter, [&](const Record& record) {
    records.push_back(record);
    return Status();
  }));
  return records;
}

Result<std::unique_ptr<Database>> OpenDatabase(const std::string& path, const OpenOptions& options) {
  TS_ASSIGN_OR_RETURN(auto connection, OpenFile(path, options, SchemaSteps()));
  return std::unique_ptr<Database>(new SqliteDatabase(std::move(connection), options));
}

}  // namespace tunesmith::database
