// SPDX-License-Identifier: Apache-2.0
#include "tests/codegen/listing.h"

#include <gtest/gtest.h>

#include <iterator>
#include <regex>

namespace tunesmith::codegen::testing {

Listing ListingOf(const ir::Program& program, const Target& target) {
  Result<Listing> listing = List(program, target);
  EXPECT_TRUE(listing.ok()) << MessageOf(listing.status());
  return listing.ok() ? *listing : Listing();
}

Listing ListingOf(const ir::Function& function, const Target& target) {
  ir::Program program;
  program.main = function;
  return ListingOf(program, target);
}

int64_t Count(const std::string& text, const std::string& pattern) {
  const std::regex regex(pattern);
  return std::distance(std::sregex_iterator(text.begin(), text.end(), regex), std::sregex_iterator());
}

}  // namespace tunesmith::codegen::testing
