// SPDX-License-Identifier: Apache-2.0
// The files of te/ops/, as the build embeds them (cmake/EmbedOperators.cmake).
#pragma once

#include <string_view>
#include <vector>

#include "te/language.h"

namespace tunesmith::te::language {

struct StandardFile {
  std::string_view name;  // "te/ops/matmul.te"
  std::string_view text;
};
/// All files, sorted by name.
const std::vector<StandardFile>& StandardFiles();

}  // namespace tunesmith::te::language
