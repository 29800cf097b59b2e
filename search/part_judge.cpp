// SPDX-License-Identifier: Apache-2.0
#include "search/part_judge.h"

#include <algorithm>

namespace tunesmith::search {

PartJudge::PartJudge(const schedule::Space& space, const schedule::Machine& machine, size_t most_kept)
    : space_(space),
      machine_(machine),
      most_kept_(std::max<size_t>(most_kept / std::max<size_t>(space.parts(), 1), 1)),
      known_(space.parts()) {}

std::shared_ptr<const JudgedPart> PartJudge::Judge(size_t part, const schedule::Choice& choice) {
  const absl::Span<const uint16_t> holes = space_.HolesOf(part, choice);
  schedule::Choice values(holes.begin(), holes.end());
  {
    std::lock_guard lock(mutex_);
    if (auto at = known_[part].find(values); at != known_[part].end()) return at->second;
  }
  std::shared_ptr<const JudgedPart> judged = JudgeAnew(part, choice);
  std::lock_guard lock(mutex_);
  if (known_[part].size() >= most_kept_) known_[part].clear();
  return known_[part].emplace(std::move(values), std::move(judged)).first->second;
}

std::shared_ptr<const JudgedPart> PartJudge::JudgeAnew(size_t part, const schedule::Choice& choice) const {
  auto judged = std::make_shared<JudgedPart>();
  Result<schedule::PartPlan> made = space_.PlanOfPart(part, choice);
  if (!made.ok()) {
    judged->refused = made.status();
    return judged;
  }
  for (schedule::NodeId root : made->roots) {
    judged->hash += schedule::HashOf(made->plan, root);
    schedule::Summary nest = schedule::Summarise(made->plan, root, machine_);
    if (!nest.stages.empty()) judged->nests.push_back(std::move(nest));
  }
  return judged;
}

}  // namespace tunesmith::search
