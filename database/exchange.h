// SPDX-License-Identifier: Apache-2.0
// Records out of one database and into another, as JSON lines (docs/formats/record.md).
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "database/database.h"
#include "database/filter.h"
#include "database/record.h"
#include "support/files.h"
#include "support/status.h"

namespace tunesmith::database {

/// Gives the records of the filter to `write`, each as a line with its end; returns how many. An error of
/// `write` ends the export and is returned.
Result<int64_t> Export(Database& database, const Filter& filter,
                       const std::function<Status(std::string_view line)>& write);

/// Judges a record from outside beyond its form: whether its trace replays and makes the workload that the
/// record names. An error says what is wrong, without place.
using Verifier = std::function<Status(const Record&)>;

/// A file, open, whose every line is a record that a verifier accepts.
struct CheckedFile {
  std::string path;
  FileDescriptor file;
};

/// Opens all files, then reads and verifies every line of each, so that nothing need be imported where one is
/// bad; the error has up to ten findings, one a line, as "path:line: field: what is wrong". A pipe is copied
/// into a temporary file first. Empty lines are skipped; a line is at most kMaxLineBytes long.
Result<std::vector<CheckedFile>> CheckFiles(std::span<const std::string> paths, const Verifier& verify);

/// Adds the records of the file to the database, in batches, so that other processes are not locked out:
/// after a full disk the same command continues, because a record that is there already is only counted.
Result<InsertCounts> Import(Database& database, const CheckedFile& file);

inline constexpr int64_t kMaxLineBytes = int64_t{1} << 30;

}  // namespace tunesmith::database
