// SPDX-License-Identifier: Apache-2.0
// From a path to a connection: is there a file, is it ours, may it be used; and making a new one. Whatever is
// not ours is left as it is, to the byte.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "database/database.h"
#include "database/sqlite.h"
#include "support/status.h"

namespace tunesmith::database {

/// Opens the database at `path`, which has (or is brought to, or gets) the schema of `steps`; OpenDatabase's
/// rules. `steps` is SchemaSteps() but in tests.
Result<std::unique_ptr<Connection>> OpenFile(const std::string& path, const OpenOptions& options,
                                             std::span<const std::string_view> steps);

}  // namespace tunesmith::database
