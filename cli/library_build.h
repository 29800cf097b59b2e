// SPDX-License-Identifier: Apache-2.0
// From records to a generated library: what tune build does, and tune run at its end if a folder is named.
#pragma once

#include <string>
#include <vector>

#include "cli/command.h"

namespace tunesmith::cli {

/// Options that say what the library is to be.
struct LibraryOptions {
  std::string output;  // the folder
  std::string name;    // empty: made from the suite's or the operator's name
  std::string missing = "default";
  /// Adds the options; -o must be given if `required`.
  void AddTo(CLI::App* app, bool required);
  /// Fails if the library could not be written after all the work, or if no folder is named for what is said
  /// of it.
  Status Check() const;
};

/// Makes the library of these workloads and writes it. For each level of the processor up to `target` it
/// holds the best recorded kernel (database/filter.h) under the scenario, or the default schedule; without a
/// record for `target` itself the default schedule or an error that names all workloads concerned, as the
/// options say. Null for the database: there are no records. The bytes depend on the arguments and the
/// records alone. The result is what the library holds, as a table for people.
Result<std::string> BuildLibrary(const LibraryOptions& options, const WorkloadOptions& words,
                                 const std::vector<NamedWorkload>& workloads, const codegen::Target& target,
                                 const measure::Scenario& scenario, database::Database* database);

}  // namespace tunesmith::cli
