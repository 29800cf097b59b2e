// SPDX-License-Identifier: Apache-2.0
// A user's own SQL over a database file, unable to change anything: `tune db sql`.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "support/status.h"

namespace tunesmith::database {

/// NULL, INTEGER, REAL, TEXT or BLOB.
using SqlValue = std::variant<std::monostate, int64_t, double, std::string, std::vector<std::byte>>;

/// Called once with the names of the columns, then once for each row; an error ends the query and is
/// returned.
struct SqlVisitor {
  std::function<Status(std::span<const std::string> names)> columns;
  std::function<Status(std::span<const SqlValue> values)> row;
};

/// Runs one SELECT (or VALUES, WITH … SELECT, EXPLAIN of one, or a PRAGMA that only describes the schema) on
/// the file, which must be a database of ours. It cannot write: the connection is read-only, and SQLite asks
/// an authorizer that allows nothing but reading; extensions cannot be loaded and other files not attached.
/// The table `records` has a row a record, docs/formats/database.md says more.
Status RunReadOnlySql(const std::string& path, std::string_view sql, const SqlVisitor& visitor);

}  // namespace tunesmith::database
