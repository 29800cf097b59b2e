// SPDX-License-Identifier: Apache-2.0
#include "measure/scenario.h"

#include <vector>

#include "support/strings.h"

namespace tunesmith::measure {

std::string ToString(const Scenario& scenario) {
  return StrCat(scenario.cold ? "cold" : "warm", " threads=", scenario.threads,
                scenario.pinned ? " pinned" : " unpinned", scenario.huge_pages ? " huge" : " small");
}

Result<Scenario> ParseScenario(std::string_view text) {
  const std::vector<std::string_view> words = StrSplit(text, ' ');
  Scenario scenario;
  constexpr std::string_view kThreads = "threads=";
  if (words.size() == 4 && words[1].starts_with(kThreads)) {
    const std::string_view digits = words[1].substr(kThreads.size());
    const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), scenario.threads);
    scenario.cold = words[0] == "cold";
    scenario.pinned = words[2] == "pinned";
    scenario.huge_pages = words[3] == "huge";
    // What prints as it was read was read completely.
    if (parsed.ec == std::errc() && scenario.threads >= 1 && ToString(scenario) == text) return scenario;
  }
  return Invalid(StrCat("'", text, "' is no scenario; one reads 'warm threads=2 pinned huge'"));
}

}  // namespace tunesmith::measure
