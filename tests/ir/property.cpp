// SPDX-License-Identifier: Apache-2.0
#include "tests/ir/property.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <cstdlib>
#include <sstream>

namespace tunesmith::ir::testing {

void ExpectForAll(int cases, const std::function<std::string(Choices)>& law) {
  rc::detail::TestParams params;
  const char* seed = std::getenv("TUNESMITH_SEED");
  params.seed = seed ? std::strtoull(seed, nullptr, 10) : 2024;  // one run is as the other
  params.maxSuccess = cases;
  params.maxSize = 120;
  auto result = rc::detail::checkTestable(
      [&](const std::vector<uint8_t>& bytes) {
        std::string wrong = law(Choices(bytes));
        if (!wrong.empty()) RC_FAIL(wrong);
      },
      rc::detail::TestMetadata(), params);
  rc::detail::SuccessResult success;
  if (result.match(success)) return;
  std::ostringstream text;
  rc::detail::printResultMessage(result, text);
  ADD_FAILURE() << text.str();
}

}  // namespace tunesmith::ir::testing
