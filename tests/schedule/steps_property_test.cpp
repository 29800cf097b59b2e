// SPDX-License-Identifier: Apache-2.0
// The law of steps: whatever they are and however they follow one another, what they do not refuse computes
// what the operator says.
#include <gtest/gtest.h>

#include "ir/lower.h"
#include "support/strings.h"
#include "tests/codegen/running.h"
#include "tests/schedule/definition.h"
#include "tests/schedule/random_schedules.h"

namespace tunesmith::schedule::testing {
namespace {

using ir::testing::ExpectForAll;

/// Rules that a plan may break without a step being wrong: they depend on steps that may still come
/// (registers that no lane tells apart yet; a parallel loop with something beside it; lanes that meet), or on
/// how all weights are read.
bool MayBreak(std::string_view message) {
  for (std::string_view allowed : {": registers: ", ": constants: ", ": races: ", "lower: "}) {
    if (message.find(allowed) != std::string_view::npos) return true;
  }
  return false;
}

struct Count {
  int cases = 0, steps = 0, refused_steps = 0, lowered = 0, refused_code = 0;
};

/// What is wrong with a random schedule of a random workload, compiled, too, if a target is given.
std::string Check(Choices choices, const codegen::Target* target, Count* count) {
  RandomWorkload workload = MakeWorkload(&choices);
  RandomSchedule schedule = MakeSchedule(workload.graph, 10, &choices);
  ++count->cases;
  count->steps += static_cast<int>(schedule.trace.steps.size());
  count->refused_steps += schedule.refused;
  std::string what = StrCat(workload.text, ToString(schedule.trace), ToString(schedule.plan));
  auto program = ir::Lower(schedule.plan);
  if (!program.ok()) {
    std::string_view message = MessageOf(program.status());
    return MayBreak(message) ? "" : StrCat(message, "\n", what);
  }
  ++count->lowered;
  Definition definition(workload.graph);
  std::string wrong = definition.DifferenceOf(*program);
  if (wrong.empty() && target != nullptr) wrong = definition.DifferenceOf(*program, *target);
  // The backend may refuse a program, such as loops whose range differs between lanes: an answer, not a
  // kernel.
  if (wrong.find(": codegen: ") != std::string::npos) {
    ++count->refused_code;
    wrong.clear();
  }
  return wrong.empty() ? "" : StrCat(wrong, "\n", what);
}

TEST(Steps, LeaveTheMeaningUnchanged) {
  Count count;
  ExpectForAll(6000, [&](Choices choices) { return Check(std::move(choices), nullptr, &count); });
  // The law is about something: schedules have several steps, and most of them become programs.
  EXPECT_GT(count.steps, 2 * count.cases);
  EXPECT_GT(count.lowered, count.cases * 3 / 4);
}

TEST(Steps, CompiledLeaveTheMeaningUnchanged) {
  for (const codegen::Target& target : codegen::testing::RunnableTargets()) {
    Count count;
    ExpectForAll(120, [&](Choices choices) { return Check(std::move(choices), &target, &count); });
    EXPECT_GT(count.lowered, 60) << target.name;
    EXPECT_LE(count.refused_code, count.lowered / 10) << target.name;
  }
}

/// The text of a trace says all of it, and replays to the same plan.
TEST(Traces, ReplayFromTheirText) {
  ExpectForAll(1500, [&](Choices choices) {
    RandomWorkload workload = MakeWorkload(&choices);
    RandomSchedule schedule = MakeSchedule(workload.graph, 12, &choices);
    std::string text = ToString(schedule.trace);
    auto parsed = ParseTrace(text);
    if (!parsed.ok()) return StrCat(MessageOf(parsed.status()), "\n", text);
    if (parsed->steps != schedule.trace.steps || parsed->stages != schedule.trace.stages ||
        parsed->parameters != schedule.trace.parameters || parsed->target != schedule.trace.target ||
        ToString(*parsed) != text) {
      return StrCat("read as another trace:\n", text, ToString(*parsed));
    }
    auto replayed = Replay(*parsed, workload.graph);
    if (!replayed.ok()) return StrCat(MessageOf(replayed.status()), "\n", text);
    if (ToString(*replayed) != ToString(schedule.plan) || HashOf(*replayed) != HashOf(schedule.plan))
      return StrCat("replays to another plan:\n", text, ToString(*replayed), ToString(schedule.plan));
    return std::string();
  });
}

}  // namespace
}  // namespace tunesmith::schedule::testing
