// SPDX-License-Identifier: Apache-2.0
#include "search/candidate.h"

#include <algorithm>
#include <limits>

#include "support/strings.h"

namespace tunesmith::search {
namespace {

/// Plans of different algorithms are different candidates, whatever they look like.
uint64_t HashOfCandidate(uint64_t plan_hash, int algorithm) {
  return plan_hash + static_cast<uint64_t>(algorithm);
}

/// The message begins with the step in quotes, and the step with its name.
void AddRefusal(const Status& refused, Drops* drops) {
  std::string_view message = MessageOf(refused);
  std::string_view step = message.substr(std::min<size_t>(1, message.size()));
  drops->Add(StrCat(kRefusedBy, step.substr(0, step.find(' '))), message);
}

}  // namespace

Problem Problem::Of(const te::Workload& workload, const schedule::Machine& machine,
                    const std::string& target) {
  Problem problem;
  problem.machine_ = machine;
  for (const te::Algorithm& a : workload.algorithms) {
    te::Graph graph = te::Normalize(a.graph);
    schedule::Space space = schedule::Space::Of(graph, machine, target);
    problem.algorithms_.push_back({a.name, a.tolerance_factor, std::move(graph), std::move(space)});
  }
  for (const SearchedAlgorithm& a : problem.algorithms_)
    problem.judges_.push_back(std::make_unique<PartJudge>(a.space, machine));
  return problem;
}

int64_t Problem::size() const {
  int64_t total = 0;
  for (const SearchedAlgorithm& a : algorithms_) {
    if (__builtin_add_overflow(total, a.space.size(), &total)) return std::numeric_limits<int64_t>::max();
  }
  return total;
}

std::optional<Candidate> Problem::Make(int algorithm, schedule::Choice choice, Drops* drops) const {
  const SearchedAlgorithm& a = algorithms_[static_cast<size_t>(algorithm)];
  drops->Consider();
  if (!a.space.Allows(choice)) {
    drops->Add(kContradiction);
    return std::nullopt;
  }
  uint64_t hash = 0;
  absl::InlinedVector<std::shared_ptr<const JudgedPart>, 4> parts;
  for (size_t part = 0; part < a.space.parts(); ++part) {
    parts.push_back(judges_[static_cast<size_t>(algorithm)]->Judge(part, choice));
    // A step may still refuse what the rules' own tests let through: such a choice is none.
    if (!parts.back()->refused.ok()) {
      AddRefusal(parts.back()->refused, drops);
      return std::nullopt;
    }
    hash += parts.back()->hash;
  }
  schedule::Summary whole;
  for (size_t part = parts.size(); part-- > 0;) {
    for (const schedule::Summary& nest : parts[part]->nests) whole.Add(nest);
  }
  Candidate c;
  c.algorithm = algorithm;
  c.choice = std::move(choice);
  c.hash = HashOfCandidate(hash, algorithm);
  c.features = costmodel::FeaturesOf(std::move(whole), machine_);
  return c;
}

schedule::Choice Problem::Draw(int algorithm, Random* random) const {
  const std::vector<schedule::Hole>& holes = algorithms_[static_cast<size_t>(algorithm)].space.holes();
  schedule::Choice choice;
  choice.reserve(holes.size());
  for (const schedule::Hole& h : holes) {
    choice.push_back(static_cast<uint16_t>(random->Below(h.domain.size())));
  }
  return choice;
}

schedule::Choice Problem::Numbered(int algorithm, int64_t number) const {
  schedule::Choice choice;
  for (const schedule::Hole& h : algorithms_[static_cast<size_t>(algorithm)].space.holes()) {
    choice.push_back(static_cast<uint16_t>(number % static_cast<int64_t>(h.domain.size())));
    number /= static_cast<int64_t>(h.domain.size());
  }
  return choice;
}

schedule::Trace Problem::TraceOf(const Candidate& c) const {
  const SearchedAlgorithm& a = algorithms_[static_cast<size_t>(c.algorithm)];
  schedule::Trace trace = a.space.TraceOf(c.choice);
  if (c.algorithm > 0) trace.algorithm = a.name;
  return trace;
}

Result<schedule::Plan> Problem::PlanOf(const Candidate& c) const {
  return algorithms_[static_cast<size_t>(c.algorithm)].space.PlanOf(c.choice);
}

Result<Candidate> Problem::FromTrace(const schedule::Trace& trace) const {
  Status refused = NotFound("the workload has no algorithm");
  for (size_t i : schedule::AlgorithmsFor(trace, algorithms_)) {
    Result<schedule::Plan> plan = schedule::Replay(trace, algorithms_[i].graph);
    if (!plan.ok()) {
      refused = plan.status();
      continue;
    }
    Candidate c;
    c.algorithm = static_cast<int>(i);
    c.hash = HashOfCandidate(schedule::HashOf(*plan), c.algorithm);
    c.features = costmodel::FeaturesOf(schedule::Summarise(*plan, machine_), machine_);
    return c;
  }
  return refused;
}

}  // namespace tunesmith::search
