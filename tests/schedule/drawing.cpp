// SPDX-License-Identifier: Apache-2.0
#include "tests/schedule/drawing.h"

#include <iterator>

#include "costmodel/features.h"
#include "support/strings.h"

namespace tunesmith::schedule::testing {

std::optional<Choice> Draw(const Space& space, ir::testing::Choices* choices) {
  for (int attempt = 0; attempt < 40; ++attempt) {
    Choice choice;
    for (const Hole& hole : space.holes())
      choice.push_back(static_cast<uint16_t>(choices->Sample(0, std::ssize(hole.domain) - 1)));
    if (space.Allows(choice)) return choice;
  }
  return std::nullopt;
}

std::string DifferenceOfParts(const Space& space, const Choice& choice, const Plan& whole) {
  uint64_t hash = 0;
  Summary sum;
  for (size_t part = space.parts(); part-- > 0;) {
    const Result<PartPlan> alone = space.PlanOfPart(part, choice);
    if (!alone.ok()) return StrCat("part ", part, ": ", MessageOf(alone.status()));
    for (NodeId root : alone->roots) {
      hash += HashOf(alone->plan, root);
      sum.Add(Summarise(alone->plan, root, Machine()));
    }
  }
  if (hash != HashOf(whole)) return "the parts' hashes differ from the whole plan's";
  const costmodel::Features parts = costmodel::FeaturesOf(sum, Machine());
  return parts == costmodel::FeaturesOf(Summarise(whole, Machine()), Machine()) ? "" : "features differ";
}

}  // namespace tunesmith::schedule::testing
