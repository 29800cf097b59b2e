// SPDX-License-Identifier: Apache-2.0
// The texts of a generated library's folder.
#pragma once

#include <string>
#include <vector>

#include "library/library.h"
#include "library/tables.h"

namespace tunesmith::library {

/// include/NAME.h
std::string HeaderText(const Library& library, const std::vector<NamedKernel>& kernels);

/// manifest.json (docs/formats/manifest.md); `files` are the paths of all other files. Errors: a record's
/// environment is not JSON.
Result<std::string> ManifestText(const Library& library, const std::vector<NamedKernel>& kernels,
                                 const std::vector<std::string>& files);

/// What a manifest's member "format" says.
inline constexpr char kManifestFormat[] = "tunesmith library 1";

/// lib/cmake/NAME/NAMEConfig.cmake: the targets NAME::NAME and NAME::static.
std::string CMakeConfigText(const std::string& name);

}  // namespace tunesmith::library
