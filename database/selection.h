// SPDX-License-Identifier: Apache-2.0
// A filter as SQL.
#pragma once

#include <cstddef>
#include <string>
#include <variant>
#include <vector>

#include "database/filter.h"
#include "database/sqlite.h"
#include "support/status.h"

namespace tunesmith::database {

/// A SELECT of the column record.number, in the filter's order, and the values of its parameters. Values are
/// never part of the text.
struct Selection {
  std::string sql;
  std::vector<std::variant<int64_t, double, std::string, std::vector<std::byte>>> parameters;
  int conditions = 0;  ///< how many the filter has; order and limits are none

  /// Binds the parameters; they must be the first of the statement.
  void BindTo(Statement& statement) const;
};

/// Fails if an id or workload prefix is not hexadecimal, a count is negative, or the order is kBest without
/// best_per_key.
Result<Selection> SelectionOf(const Filter& filter);

/// The 16 bytes of an id. `hex` must be 32 hexadecimal digits.
std::vector<std::byte> IdBytes(std::string_view hex);

/// SELECT of the number of a key; its parameters in the order of BindKey.
const std::string& KeyNumberSql();
void BindKey(const Key& key, Statement& statement);

}  // namespace tunesmith::database
