// SPDX-License-Identifier: Apache-2.0
#include "database/read_only_sql.h"

#include <sqlite3.h>

#include <algorithm>

#include "database/database_file.h"
#include "database/schema.h"
#include "database/sqlite.h"
#include "support/strings.h"

namespace tunesmith::database {
namespace {

// What a statement may do, asked by SQLite while it compiles one. All else is denied, what future versions of
// SQLite may add included.
int Judge(int action, const char* first, const char* second) {
  switch (action) {
    case SQLITE_SELECT:
    case SQLITE_READ:
    case SQLITE_RECURSIVE:
      return SQLITE_OK;
    case SQLITE_FUNCTION: {  // second: its name
      std::string_view name = second == nullptr ? "" : second;
      return name == "load_extension" || name == "fts3_tokenizer" ? SQLITE_DENY : SQLITE_OK;
    }
    case SQLITE_PRAGMA: {  // first: its name; second: its argument
      static constexpr std::string_view kDescribing[] = {"table_info",    "table_xinfo", "table_list",
                                                         "index_list",    "index_info",  "index_xinfo",
                                                         "function_list", "pragma_list", "compile_options"};
      static constexpr std::string_view kWithoutArgument[] = {
          "user_version", "application_id", "page_count", "page_size", "freelist_count", "journal_mode"};
      std::string_view name = first == nullptr ? "" : first;
      bool allowed =
          std::ranges::find(kDescribing, name) != std::end(kDescribing) ||
          (second == nullptr && std::ranges::find(kWithoutArgument, name) != std::end(kWithoutArgument));
      return allowed ? SQLITE_OK : SQLITE_DENY;
    }
    default:
      return SQLITE_DENY;
  }
}

int Authorize(void* denied, int action, const char* first, const char* second, const char*, const char*) {
  int verdict = Judge(action, first, second);
  if (verdict != SQLITE_OK) *static_cast<bool*>(denied) = true;
  return verdict;
}

// Table-valued functions come into being at their first use, as a table does, which the authorizer would
// deny.
constexpr char kTableFunctions[] =
    "SELECT 1 FROM json_each('[]'), json_tree('[]'), pragma_table_info(''), pragma_table_xinfo(''), "
    "pragma_table_list(''), pragma_index_list(''), pragma_index_info(''), pragma_index_xinfo(''), "
    "pragma_function_list, pragma_pragma_list, pragma_compile_options";

SqlValue ValueOf(const Statement& statement, int column) {
  switch (statement.ColumnType(column)) {
    case SQLITE_INTEGER:
      return statement.Integer(column);
    case SQLITE_FLOAT:
      return statement.Real(column);
    case SQLITE_TEXT:
      return statement.Text(column);
    case SQLITE_BLOB: {
      std::span<const std::byte> bytes = statement.Blob(column);
      return std::vector<std::byte>(bytes.begin(), bytes.end());
    }
    default:
      return std::monostate();
  }
}

constexpr char kReadOnly[] =
    "only reading is allowed here, give one SELECT (see also: tune db delete, tune db gc)";

// Compiles the one statement of `sql`; what is wrong with it is the user's, not the file's.
Result<sqlite3_stmt*> Compile(const Connection& connection, std::string_view sql, const bool& denied) {
  sqlite3_stmt* statement = nullptr;
  const char* rest = nullptr;
  int code =
      sqlite3_prepare_v2(connection.handle(), sql.data(), static_cast<int>(sql.size()), &statement, &rest);
  if (code != SQLITE_OK && denied) {
    return Invalid(StrCat("sql: ", sqlite3_errmsg(connection.handle()), "; ", kReadOnly));
  }
  // SQLite finds that `records` is a view before it asks the authorizer; that is not what stands in the way.
  const std::string_view message = sqlite3_errmsg(connection.handle());
  if (code != SQLITE_OK &&
      (message.starts_with("cannot modify ") || message.ends_with(" may not be modified")))
    return Invalid(StrCat("sql: the statement would write; ", kReadOnly));
  if ((code & 0xff) == SQLITE_ERROR || code == SQLITE_TOOBIG) {
    return Invalid(StrCat(
        "sql: ", sqlite3_errmsg(connection.handle()),
        "; the table to ask is `records`, its columns: SELECT name FROM pragma_table_info('records')"));
  }
  if (code != SQLITE_OK) return connection.Error(code);
  if (statement == nullptr) return Invalid("sql: no statement; give one SELECT");
  std::string_view remains(rest, static_cast<size_t>(sql.data() + sql.size() - rest));
  if (remains.find_first_not_of(" \t\r\n;") != std::string_view::npos) {
    sqlite3_finalize(statement);
    return Invalid("sql: more than one statement; give one SELECT");
  }
  if (sqlite3_stmt_readonly(statement) == 0) {
    sqlite3_finalize(statement);
    return Invalid(StrCat("sql: the statement would write; ", kReadOnly));
  }
  return statement;
}

}  // namespace

Status RunReadOnlySql(const std::string& path, std::string_view sql, const SqlVisitor& visitor) {
  if (sql.find('\0') != std::string_view::npos) return Invalid("sql: contains a NUL byte; give one SELECT");
  OpenOptions options;
  options.mode = OpenMode::kReadOnly;
  TS_ASSIGN_OR_RETURN(auto connection, OpenFile(path, options, SchemaSteps()));
  TS_RETURN_IF_ERROR(connection->Execute("PRAGMA query_only = ON"));
  sqlite3_db_config(connection->handle(), SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, nullptr);
  sqlite3_db_config(connection->handle(), SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_limit(connection->handle(), SQLITE_LIMIT_ATTACHED, 0);
  TS_RETURN_IF_ERROR(connection->Execute(kTableFunctions));
  bool denied = false;
  sqlite3_set_authorizer(connection->handle(), Authorize, &denied);

  TS_ASSIGN_OR_RETURN(sqlite3_stmt * compiled, Compile(*connection, sql, denied));
  Statement statement = connection->Adopt(compiled);
  std::vector<std::string> names;
  for (int i = 0; i < statement.columns(); ++i) names.push_back(statement.ColumnName(i));
  TS_RETURN_IF_ERROR(visitor.columns(names));
  std::vector<SqlValue> values(names.size());
  for (;;) {
    int code = sqlite3_step(statement.handle());
    if (code == SQLITE_DONE) return Status();
    if ((code & 0xff) == SQLITE_ERROR || code == SQLITE_TOOBIG) {
      return Invalid(StrCat("sql: ", sqlite3_errmsg(connection->handle()),
                            "; it failed on the values of a row, correct the statement"));
    }
    if (code != SQLITE_ROW) return connection->Error(code);
    for (size_t i = 0; i < values.size(); ++i) values[i] = ValueOf(statement, static_cast<int>(i));
    TS_RETURN_IF_ERROR(visitor.row(values));
  }
}

}  // namespace tunesmith::database
