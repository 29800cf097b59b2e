// SPDX-License-Identifier: Apache-2.0
#include "measure/scenario.h"

#include <gtest/gtest.h>

namespace tunesmith::measure {
namespace {

TEST(Scenario, ReadsAsItIsWritten) {
  EXPECT_EQ(ToString(Scenario()), "warm threads=1 pinned huge");
  for (int n = 0; n < 8; ++n) {
    const Scenario scenario{(n & 1) != 0, 1 + n, (n & 2) != 0, (n & 4) != 0};
    EXPECT_EQ(ParseScenario(ToString(scenario)).value(), scenario) << ToString(scenario);
  }
}

TEST(Scenario, AnythingElseIsRefused) {
  for (const char* text :
       {"", "warm", "warm threads=0 pinned huge", "warm threads=2x pinned huge", "hot threads=2 pinned huge",
        "warm threads=2 pinned huge ", "warm  threads=2 pinned", "warm threads=99999999999 pinned huge"}) {
    EXPECT_EQ(MessageOf(ParseScenario(text).status()),
              "'" + std::string(text) + "' is no scenario; one reads 'warm threads=2 pinned huge'");
  }
}

}  // namespace
}  // namespace tunesmith::measure
