// SPDX-License-Identifier: Apache-2.0
// Every candidate of operators that nobody thought of is a program that computes what the operator says, and
// its trace is the same candidate.
#include "tests/schedule/random_operators.h"

#include <gtest/gtest.h>

#include "ir/lower.h"
#include "schedule/sketch.h"
#include "search/tuner.h"
#include "support/strings.h"
#include "te/language.h"
#include "tests/codegen/running.h"
#include "tests/schedule/definition.h"
#include "tests/schedule/drawing.h"

namespace tunesmith::schedule::testing {
namespace {

using ir::testing::Choices;
using ir::testing::ExpectForAll;

TEST(RandomOperators, EveryDrawComputesTheOperator) {
  const std::vector<codegen::Target> targets = codegen::testing::RunnableTargets();
  int drawn = 0, cases = 0, unproven = 0;
  ExpectForAll(1000, [&](Choices choices) -> std::string {
    ++cases;
    const codegen::Target& target = targets[static_cast<size_t>(choices.Between(0, std::ssize(targets) - 1))];
    const std::string text = RandomOperator(&choices);
    const Result<te::Module> module = te::Parse(text, "random.te");
    if (!module.ok()) return StrCat(MessageOf(module.status()), "\n", text);
    const Result<te::Workload> workload = te::Bind(module->operators[0], {}, int64_t{1} << 24);
    if (!workload.ok()) return StrCat(MessageOf(workload.status()), "\n", text);
    const te::Graph graph = te::Normalize(workload->algorithms[0].graph);
    const Space space = Space::Of(graph, search::MachineOf(target, 2), target.name);
    Definition definition(graph);
    for (int n = 0; n < 4; ++n) {
      const std::optional<Choice> choice = Draw(space, &choices);
      if (!choice) continue;
      ++drawn;
      const Trace trace = space.TraceOf(*choice);
      const std::string what = StrCat(text, ToString(trace));
      const Result<Plan> built = space.PlanOf(*choice);
      if (!built.ok()) return StrCat(MessageOf(built.status()), "\n", what);
      const Result<Trace> read = ParseTrace(ToString(trace));
      if (!read.ok()) return StrCat(MessageOf(read.status()), "\n", what);
      const Result<Plan> plan = Replay(*read, graph);
      if (!plan.ok()) return StrCat(MessageOf(plan.status()), "\n", what);
      if (HashOf(*plan) != HashOf(*built)) return StrCat("the trace is another plan\n", what);
      std::string wrong = DifferenceOfParts(space, *choice, *plan);
      const Result<ir::Program> program = ir::Lower(*plan);
      // Not every index that guards keep inside is proven so; what is not is no program.
      if (!program.ok() && MessageOf(program.status()).find("main: bounds: ") != std::string_view::npos) {
        ++unproven;
        continue;
      }
      if (!program.ok()) return StrCat(MessageOf(program.status()), "\n", what, ToString(*plan));
      if (wrong.empty()) wrong = definition.DifferenceOf(*program);
      if (wrong.empty() && n == 0) wrong = definition.DifferenceOf(*program, target);
      if (!wrong.empty()) return StrCat(wrong, "\n", what, ToString(*plan));
    }
    return "";
  });
  EXPECT_GE(drawn, 3 * cases);
  EXPECT_LE(unproven, drawn / 100);
}

}  // namespace
}  // namespace tunesmith::schedule::testing
