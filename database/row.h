// SPDX-License-Identifier: Apache-2.0
// Records into rows and back.
#pragma once

#include <string>
#include <string_view>

#include "database/record.h"
#include "database/sqlite.h"
#include "support/status.h"

namespace tunesmith::database {

/// The record of that number, which record.number has. Whatever the file holds, it satisfies Check: else the
/// file is damaged, and the error says so.
Result<Record> ReadRecord(Connection& connection, int64_t number);

/// Adds the record, and the texts it shares with others where they are new, within the open transaction;
/// false if its id is there already. A record that is there may get a definition by it.
Result<bool> InsertRow(Connection& connection, const Record& record);

}  // namespace tunesmith::database
