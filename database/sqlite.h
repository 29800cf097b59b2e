// SPDX-License-Identifier: Apache-2.0
// SQLite's C interface with owners and with errors as values. Knows nothing of records. A message starts with
// the file's path, says what happened to it and one way out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>

#include "support/status.h"

struct sqlite3;
struct sqlite3_stmt;

namespace tunesmith::database {

class Connection;

/// A prepared statement with its parameters, from Connection::Prepare; returns to its connection, or ends,
/// when it goes out of scope. Columns count from 0, parameters are bound in order.
class Statement {
 public:
  Statement(Statement&& other) noexcept;
  Statement& operator=(Statement&&) = delete;
  ~Statement();

  Statement& Bind(std::string_view text);
  Statement& Bind(int64_t value);
  Statement& Bind(double value);
  Statement& BindBlob(std::span<const std::byte> bytes);
  Statement& BindNull();

  /// True: there is a row, whose columns may be read until the next step.
  Result<bool> Step();
  /// Steps to the end, then is ready to be bound and run again.
  Status Run();
  /// Ready to be bound and stepped again from the first row.
  void Reset();

  int columns() const;
  std::string ColumnName(int column) const;
  int ColumnType(int column) const;  ///< SQLITE_INTEGER, …
  bool IsNull(int column) const;
  int64_t Integer(int column) const;
  double Real(int column) const;
  std::string Text(int column) const;
  std::span<const std::byte> Blob(int column) const;  ///< valid until the next step

  sqlite3_stmt* handle() const { return statement_; }

 private:
  friend class Connection;
  Statement(Connection* connection, sqlite3_stmt* statement, bool cached)
      : connection_(connection), statement_(statement), cached_(cached) {}

  Connection* connection_;
  sqlite3_stmt* statement_;
  bool cached_;
  int bound_ = 0;
  int bind_error_ = 0;  // the first, told by Step
};

/// One connection; for one thread at a time.
class Connection {
 public:
  enum class Access : uint8_t {
    kReadOnly,
    kReadWrite,
    kMemory,     ///< a new database that no file holds; the path is what messages call it
    kImmutable,  ///< read only, no locks, no files beside it: only for a file that nobody writes
  };

  static Result<std::unique_ptr<Connection>> Open(const std::string& path, Access access,
                                                  int busy_timeout_ms);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// One statement. `kept`: prepared once, then taken from a cache at the next call with the same text; at
  /// most one of a text may be alive at a time.
  enum class Lifetime : uint8_t { kOnce, kKept };
  Result<Statement> Prepare(std::string_view sql, Lifetime lifetime = Lifetime::kKept);
  /// A statement compiled on handle(), which it ends.
  Statement Adopt(sqlite3_stmt* statement) { return Statement(this, statement, false); }
  /// Runs statements that take no parameters and whose rows do not matter.
  Status Execute(const std::string& sql);
  /// The first column of the first row of a statement, which must have one.
  Result<int64_t> QueryInteger(std::string_view sql);

  int64_t changes() const;      ///< rows changed by the last statement
  int64_t last_row_id() const;  ///< of the last insert
  /// What a file of this database would hold; for kMemory.
  Result<std::string> Bytes();
  const std::string& path() const { return path_; }
  sqlite3* handle() const { return handle_; }

  /// What the call of this connection that has just failed with `code` means for the user.
  Status Error(int code) const;
  /// "…: the file is damaged (`finding`); …"
  Status Damaged(std::string_view finding) const;

 private:
  Connection(std::string path, int busy_timeout_ms)
      : path_(std::move(path)), busy_timeout_ms_(busy_timeout_ms) {}

  std::string path_;
  int busy_timeout_ms_;
  sqlite3* handle_ = nullptr;
  std::unordered_map<std::string, sqlite3_stmt*> kept_;
};

/// A transaction; rolled back unless committed.
class Transaction {
 public:
  enum class Kind : uint8_t {
    kRead,   ///< one snapshot for all statements
    kWrite,  ///< takes the write lock now, so that it cannot fail to get it later
  };
  static Result<Transaction> Begin(Connection& connection, Kind kind);
  Transaction(Transaction&& other) noexcept : connection_(std::exchange(other.connection_, nullptr)) {}
  Transaction& operator=(Transaction&&) = delete;
  ~Transaction();
  Status Commit();

 private:
  explicit Transaction(Connection* connection) : connection_(connection) {}
  Connection* connection_;  // null once committed or moved from
};

}  // namespace tunesmith::database
