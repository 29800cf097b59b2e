// SPDX-License-Identifier: Apache-2.0
// Laws that hold for all cases, tried on some that RapidCheck draws; always the same ones.
#pragma once

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <sstream>
#include <utility>

namespace tunesmith {

/// Fails the test, with the shrunk counterexample, if an RC_ASSERT in `law` does not hold for one of `cases`.
template <class Law>
void ExpectLaw(Law&& law, int cases = 200) {
  rc::detail::TestParams params;
  params.seed = 2024;
  params.maxSuccess = cases;
  const rc::detail::TestResult result =
      rc::detail::checkTestable(std::forward<Law>(law), rc::detail::TestMetadata(), params);
  std::ostringstream text;
  rc::detail::printResultMessage(result, text);
  EXPECT_TRUE(result.template is<rc::detail::SuccessResult>()) << text.str();
}

}  // namespace tunesmith
