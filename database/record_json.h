// SPDX-License-Identifier: Apache-2.0
// A record as one line of JSON: the form in which records travel between databases (docs/formats/record.md).
#pragma once

#include <string>
#include <string_view>

#include "database/record.h"
#include "support/status.h"

namespace tunesmith::database {

/// The version of the line's format, the value of its first field "tunesmith_record".
inline constexpr int kRecordFormat = 3;

/// The record as one JSON object, without a newline; fields in a fixed order, numbers in the shortest form
/// that reads back as the same value. The record must satisfy Check.
std::string ToJsonLine(const Record& record);

/// The inverse: any bytes in, a record that satisfies Check out. Fails on anything that is not an object, a
/// field missing, unknown or of the wrong type, another format version, or a record that Check refuses (an id
/// that does not match its content included). The message names the field.
Result<Record> FromJsonLine(std::string_view line);

}  // namespace tunesmith::database
