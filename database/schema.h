// SPDX-License-Identifier: Apache-2.0
// The tables of a database file, and how an older file becomes a newer one. What each table holds is told in
// docs/formats/database.md.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "database/sqlite.h"
#include "support/status.h"

namespace tunesmith::database {

/// SQLite's application_id of our files: "Tune". It stands in the file's header.
inline constexpr uint32_t kApplicationId = 0x54756e65;

/// Step n brings a file from schema version n to n + 1; version 0 is a file without tables. A released step
/// never changes: a new file takes the same way as an old one.
std::span<const std::string_view> SchemaSteps();

/// Brings the file to version steps.size(), in one transaction, whatever other processes do meanwhile. A file
/// of a newer version is an error and stays as it is.
Status Upgrade(Connection& connection, std::span<const std::string_view> steps);

/// "…: written by a newer Tunesmith …"
Status NewerVersion(std::string_view path, int64_t version, size_t known);

}  // namespace tunesmith::database
