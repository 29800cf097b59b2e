// SPDX-License-Identifier: Apache-2.0
#include "database/sqlite.h"

#include <sqlite3.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "support/strings.h"

namespace tunesmith::database {
namespace {

// The path as a URI that makes SQLite take the file as immutable.
std::string ImmutableUri(const std::string& path) {
  std::string uri = path.starts_with('/') ? "file:" : "file:./";
  for (unsigned char c : path) {
    bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '/' ||
                 c == '.' || c == '-' || c == '_';
    if (plain) {
      uri.push_back(static_cast<char>(c));
    } else {
      StrAppend(&uri, '%', "0123456789ABCDEF"[c >> 4], "0123456789ABCDEF"[c & 15]);
    }
  }
  return uri + "?immutable=1";
}

bool IsFull(int code, int system_error) {
  return code == SQLITE_FULL || (code == SQLITE_IOERR &&
                                 (system_error == ENOSPC || system_error == EDQUOT || system_error == EFBIG));
}

}  // namespace

// --- Statement

Statement::Statement(Statement&& other) noexcept
    : connection_(other.connection_),
      statement_(std::exchange(other.statement_, nullptr)),
      cached_(other.cached_),
      bound_(other.bound_),
      bind_error_(other.bind_error_) {}

Statement::~Statement() {
  if (statement_ == nullptr) return;
  if (cached_) {
    Reset();
  } else {
    sqlite3_finalize(statement_);
  }
}

Statement& Statement::Bind(std::string_view text) {
  int code = sqlite3_bind_text64(statement_, ++bound_, text.data() == nullptr ? "" : text.data(), text.size(),
                                 SQLITE_TRANSIENT, SQLITE_UTF8);
  if (bind_error_ == 0) bind_error_ = code;
  return *this;
}

Statement& Statement::Bind(int64_t value) {
  int code = sqlite3_bind_int64(statement_, ++bound_, value);
  if (bind_error_ == 0) bind_error_ = code;
  return *this;
}

Statement& Statement::Bind(double value) {
  int code = sqlite3_bind_double(statement_, ++bound_, value);
  if (bind_error_ == 0) bind_error_ = code;
  return *this;
}

Statement& Statement::BindBlob(std::span<const std::byte> bytes) {
  // A null pointer would bind NULL; an empty blob is not NULL.
  int code = bytes.empty()
                 ? sqlite3_bind_zeroblob(statement_, ++bound_, 0)
                 : sqlite3_bind_blob64(statement_, ++bound_, bytes.data(), bytes.size(), SQLITE_TRANSIENT);
  if (bind_error_ == 0) bind_error_ = code;
  return *this;
}

Statement& Statement::BindNull() {
  int code = sqlite3_bind_null(statement_, ++bound_);
  if (bind_error_ == 0) bind_error_ = code;
  return *this;
}

Result<bool> Statement::Step() {
  if (bind_error_ != 0) return connection_->Error(bind_error_);
  errno = 0;
  int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  // The statements of this program compile and fit its schema: only what rows hold can make one fail, such as
  // bindings that are no JSON.
  if ((code & 0xff) == SQLITE_ERROR || (code & 0xff) == SQLITE_CONSTRAINT)
    return connection_->Damaged(sqlite3_errmsg(connection_->handle()));
  return connection_->Error(code);
}

Status Statement::Run() {
  for (;;) {
    TS_ASSIGN_OR_RETURN(bool row, Step());
    if (!row) break;
  }
  Reset();
  return Status();
}

void Statement::Reset() {
  sqlite3_reset(statement_);  // repeats the error that Step told
  sqlite3_clear_bindings(statement_);
  bound_ = 0;
  bind_error_ = 0;
}

int Statement::columns() const { return sqlite3_column_count(statement_); }
std::string Statement::ColumnName(int column) const {
  const char* name = sqlite3_column_name(statement_, column);
  return name == nullptr ? "" : name;
}
int Statement::ColumnType(int column) const { return sqlite3_column_type(statement_, column); }
bool Statement::IsNull(int column) const { return ColumnType(column) == SQLITE_NULL; }
int64_t Statement::Integer(int column) const { return sqlite3_column_int64(statement_, column); }
double Statement::Real(int column) const { return sqlite3_column_double(statement_, column); }

std::string Statement::Text(int column) const {
  const unsigned char* text = sqlite3_column_text(statement_, column);
  if (text == nullptr) return "";
  return {reinterpret_cast<const char*>(text), static_cast<size_t>(sqlite3_column_bytes(statement_, column))};
}

std::span<const std::byte> Statement::Blob(int column) const {
  const void* bytes = sqlite3_column_blob(statement_, column);
  return {static_cast<const std::byte*>(bytes),
          static_cast<size_t>(sqlite3_column_bytes(statement_, column))};
}

// --- Connection

Result<std::unique_ptr<Connection>> Connection::Open(const std::string& path, Access access,
                                                     int busy_timeout_ms) {
  std::unique_ptr<Connection> connection(new Connection(path, busy_timeout_ms));
  // A name that SQLite would read as something else ("file:…", ":memory:") is a path like any other here.
  std::string name = path.starts_with('/') ? path : "./" + path;
  int flags = SQLITE_OPEN_NOMUTEX;
  switch (access) {
    case Access::kReadOnly:
      flags |= SQLITE_OPEN_READONLY;
      break;
    case Access::kReadWrite:
      flags |= SQLITE_OPEN_READWRITE;
      break;
    case Access::kMemory:
      flags |= SQLITE_OPEN_READWRITE | SQLITE_OPEN_MEMORY;
      break;
    case Access::kImmutable:
      flags |= SQLITE_OPEN_READONLY | SQLITE_OPEN_URI;
      name = ImmutableUri(path);
      break;
  }
  errno = 0;
  int code = sqlite3_open_v2(name.c_str(), &connection->handle_, flags, nullptr);
  if (code != SQLITE_OK) return connection->Error(code);
  sqlite3_extended_result_codes(connection->handle_, 1);
  sqlite3_busy_timeout(connection->handle_, busy_timeout_ms);
  // The file may come from anywhere: its schema gets no power, its cells are checked as they are read.
  TS_RETURN_IF_ERROR(connection->Execute("PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON"));
  return connection;
}

Connection::~Connection() {
  for (const auto& [sql, statement] : kept_) sqlite3_finalize(statement);
  sqlite3_close(handle_);
}

Result<Statement> Connection::Prepare(std::string_view sql, Lifetime lifetime) {
  bool kept = lifetime == Lifetime::kKept;
  std::string text(sql);
  if (kept) {
    if (auto found = kept_.find(text); found != kept_.end()) return Statement(this, found->second, true);
  }
  sqlite3_stmt* statement = nullptr;
  int code = sqlite3_prepare_v3(handle_, text.c_str(), static_cast<int>(text.size()),
                                kept ? SQLITE_PREPARE_PERSISTENT : 0, &statement, nullptr);
  if (code != SQLITE_OK) return Error(code);
  if (kept) kept_.emplace(std::move(text), statement);
  return Statement(this, statement, kept);
}

Status Connection::Execute(const std::string& sql) {
  errno = 0;
  int code = sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr);
  return code == SQLITE_OK ? Status() : Error(code);
}

Result<int64_t> Connection::QueryInteger(std::string_view sql) {
  TS_ASSIGN_OR_RETURN(Statement statement, Prepare(sql));
  TS_ASSIGN_OR_RETURN(bool row, statement.Step());
  if (!row) return Internal(StrCat(path_, ": no row from ", sql));
  return statement.Integer(0);
}

int64_t Connection::changes() const { return sqlite3_changes64(handle_); }
int64_t Connection::last_row_id() const { return sqlite3_last_insert_rowid(handle_); }

Result<std::string> Connection::Bytes() {
  sqlite3_int64 size = 0;
  unsigned char* bytes = sqlite3_serialize(handle_, "main", &size, 0);
  if (bytes == nullptr) return Error(SQLITE_NOMEM);
  std::string copy(reinterpret_cast<const char*>(bytes), static_cast<size_t>(size));
  sqlite3_free(bytes);
  return copy;
}

Status Connection::Error(int code) const {
  int primary = code & 0xff;
  // SQLite remembers the system's error of most calls, but not of a commit; errno was cleared before the
  // call.
  int system_error = handle_ == nullptr ? 0 : sqlite3_system_errno(handle_);
  if (system_error == 0) system_error = errno;
  std::string detail = handle_ == nullptr ? sqlite3_errstr(code) : sqlite3_errmsg(handle_);
  if (IsFull(primary, system_error)) {
    const bool limited = system_error == EFBIG;
    return Unavailable(StrCat(
        path_, limited ? ": the limit of a file's length (ulimit -f) is reached" : ": the disk is full",
        "; everything written before is safe, this write was not made; ",
        limited ? "raise the limit" : "free some space", " and run the same command again"));
  }
  switch (primary) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return Unavailable(StrCat(path_, ": another process held its lock for ", busy_timeout_ms_,
                                " ms; wait until that ends, or find it with: fuser ", path_));
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return Damaged(detail);
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
      return Unavailable(StrCat(path_, ": cannot be written (", detail,
                                "); make the file and its folder writable, or choose another path"));
    case SQLITE_CANTOPEN:
      return Unavailable(
          StrCat(path_, ": cannot be opened", system_error == 0 ? "" : ": ",
                 system_error == 0 ? "" : std::strerror(system_error),
                 "; make the file and its folder readable and writable, or choose another path"));
    case SQLITE_IOERR:
      return Unavailable(StrCat(path_, ": the system refused to read or write it (", detail,
                                system_error == 0 ? "" : ": ",
                                system_error == 0 ? "" : std::strerror(system_error),
                                "); look for the cause in the system's log (dmesg)"));
    case SQLITE_NOMEM:
      return Unavailable(
          StrCat(path_, ": out of memory; close other programs and run the same command again"));
    default:
      return Internal(StrCat(path_, ": SQLite: ", detail));
  }
}

Status Connection::Damaged(std::string_view finding) const {
  return Invalid(StrCat(path_, ": the file is damaged (", finding,
                        "); make a copy of it, then save what can be read with: sqlite3 ", path_,
                        " .recover | sqlite3 saved.db"));
}

// --- Transaction

Result<Transaction> Transaction::Begin(Connection& connection, Kind kind) {
  TS_ASSIGN_OR_RETURN(Statement begin,
                      connection.Prepare(kind == Kind::kWrite ? "BEGIN IMMEDIATE" : "BEGIN"));
  TS_RETURN_IF_ERROR(begin.Run());
  return Transaction(&connection);
}

Transaction::~Transaction() {
  if (connection_ == nullptr || sqlite3_get_autocommit(connection_->handle()) != 0) return;
  // Rolling back can only fail if SQLite has rolled back by itself, which it does on a full disk.
  (void)connection_->Execute("ROLLBACK");
}

Status Transaction::Commit() {
  TS_ASSIGN_OR_RETURN(Statement commit, connection_->Prepare("COMMIT"));
  TS_RETURN_IF_ERROR(commit.Run());
  connection_ = nullptr;
  return Status();
}

}  // namespace tunesmith::database
