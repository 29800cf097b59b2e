// SPDX-License-Identifier: Apache-2.0
// Records into rows and back.
#pragma once

#include <string>
#include <string_view>

#include "database/record.h"
#include "database/sqlite.h"
#include "support/status.h"

namespace tunesmith::database {

/// SELECT of one record by its number (the one parameter), with the columns that ReadRow takes.
const std::string& RowSql();
/// SELECT of the fastest record of a key (parameters: BindKey), with the same columns.
const std::string& BestSql();

/// The record of the current row. Whatever the file holds, it satisfies Check: else the file is damaged, and
/// the error says so.
Result<Record> ReadRow(const Connection& connection, const Statement& row);

/// Adds the record, and the texts it shares with others where they are new, within the open transaction;
/// false if its id is there already.
Result<bool> InsertRow(Connection& connection, const Record& record);

/// "…: the file is damaged (record number …: `finding`); …"
Status DamagedRow(const Connection& connection, int64_t number, std::string_view finding);

}  // namespace tunesmith::database
