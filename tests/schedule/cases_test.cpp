// SPDX-License-Identifier: Apache-2.0
// Runs the text cases in cases/: an operator and steps in, the plan, the program or an error out. With
// --update, rewrites what is expected to what came out.
//
//   == what the case shows
//   -- operator
//   op copy(X: f32[N]) -> (Y: f32[N]) { Y[i] = X[i] }
//   -- with            bindings, if the operator has symbols
//   N=17
//   -- steps           as in a trace; -- trace: the whole text of a trace
//   split i 8 mask
//   -- before          the plan without the steps, if it is worth seeing
//   -- plan            the plan after them; -- ir: the program; -- error: why a step, or lowering, refuses
// Every plan that comes out is lowered and interpreted, and must compute what the operator says.
#include <gtest/gtest.h>

#include <fstream>
#include <set>

#include "ir/lower.h"
#include "schedule/steps.h"
#include "schedule/trace.h"
#include "support/strings.h"
#include "te/language.h"
#include "tests/schedule/definition.h"
#include "tests/te/sample_graphs.h"
#include "tests/text_cases/text_cases.h"

namespace tunesmith::schedule::testing {
namespace {

using tunesmith::testing::ReadCases;
using tunesmith::testing::ReadFile;
using tunesmith::testing::Section;
using tunesmith::testing::TextCase;

constexpr char kFolder[] = TUNESMITH_SOURCE_DIR "/tests/schedule/cases";
bool update = false;

bool IsInput(const Section& s) {
  return s.name == "operator" || s.name == "with" || s.name == "steps" || s.name == "trace";
}

Result<te::Graph> GraphOf(const TextCase& c) {
  TS_ASSIGN_OR_RETURN(te::Module module, te::Parse(*c.Find("operator"), "test.te"));
  std::vector<std::string> bindings;
  if (const std::string* with = c.Find("with")) {
    for (std::string_view word : Words(*with, " \n")) bindings.emplace_back(word);
  }
  TS_ASSIGN_OR_RETURN(te::Workload workload, te::Bind(module.operators.back(), bindings));
  return workload.definition();
}

Result<Plan> PlanOf(const TextCase& c, const te::Graph& graph) {
  const std::string* text = c.Find("trace");
  std::string whole = text ? *text : ToString(TraceFor(graph, "test")) + *c.Find("steps");
  TS_ASSIGN_OR_RETURN(Trace trace, ParseTrace(whole));
  return Replay(trace, graph);
}

/// What came out: the sections that the case shows, the plan if it shows none yet, or the error.
std::vector<Section> Evaluate(const TextCase& c) {
  auto graph = GraphOf(c);
  if (!graph.ok()) {
    ADD_FAILURE() << c.title << ": " << MessageOf(graph.status());
    return {};
  }
  std::vector<Section> out;
  if (c.Find("before")) out.push_back({"before", ToString(InitialPlan(std::make_shared<te::Graph>(*graph)))});
  auto plan = PlanOf(c, *graph);
  if (!plan.ok()) {
    out.push_back({"error", StrCat(MessageOf(plan.status()), "\n")});
    return out;
  }
  auto program = ir::Lower(*plan);
  if (!program.ok()) {
    out.push_back({"error", StrCat(MessageOf(program.status()), "\n")});
    return out;
  }
  EXPECT_EQ(Definition(*graph).DifferenceOf(*program), "") << c.title;
  if (c.Find("plan") || !c.Find("ir")) out.push_back({"plan", ToString(*plan)});
  if (c.Find("ir")) out.push_back({"ir", ir::ToString(*program)});
  return out;
}

class CaseFile : public ::testing::TestWithParam<std::filesystem::path> {};

TEST_P(CaseFile, PrintsWhatIsExpected) {
  std::vector<TextCase> cases = ReadCases(ReadFile(GetParam()));
  ASSERT_FALSE(cases.empty());
  for (TextCase& c : cases) {
    ASSERT_TRUE(c.Find("operator") && (c.Find("steps") || c.Find("trace"))) << c.title;
    std::vector<Section> expected;
    for (const Section& s : c.sections) {
      if (!IsInput(s)) expected.push_back(s);
    }
    std::vector<Section> actual = Evaluate(c);
    if (update) {
      std::erase_if(c.sections, [](const Section& s) { return !IsInput(s); });
      c.sections.insert(c.sections.end(), actual.begin(), actual.end());
      continue;
    }
    ASSERT_EQ(expected.size(), actual.size()) << c.title;
    for (size_t s = 0; s < actual.size(); ++s) {
      EXPECT_EQ(expected[s].name, actual[s].name) << c.title;
      EXPECT_EQ(expected[s].text, actual[s].text) << c.title;
    }
  }
  if (update) std::ofstream(GetParam(), std::ios::binary) << WriteCases(cases);
}

INSTANTIATE_TEST_SUITE_P(Cases, CaseFile, ::testing::ValuesIn(tunesmith::testing::CaseFiles(kFolder)),
                         [](const auto& info) { return info.param.stem().string(); });

// The language has no stage that nobody reads; a graph may.
TEST(Steps, RefuseToPlaceWhatNobodyReads) {
  te::Graph graph = te::MatmulGraph(4, 4, 4);
  te::Tensor unread = graph.tensors.back();
  unread.name = "D";
  unread.role = te::Role::kTemp;
  te::Stage copy = graph.stages.back();
  copy.tensor = static_cast<int>(graph.tensors.size());
  graph.tensors.push_back(unread);
  graph.stages.insert(graph.stages.begin(), copy);
  const Plan plan = InitialPlan(std::make_shared<te::Graph>(graph));
  Result<Plan> placed =
      ComputeAt(plan, StageNamed(plan, "D").value(), LoopNamed(plan, "C.i").value(), Scope::kThread);
  ASSERT_FALSE(placed.ok());
  EXPECT_EQ(MessageOf(placed.status()), "at D C.i: no stage reads it");
}

}  // namespace
}  // namespace tunesmith::schedule::testing

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  tunesmith::schedule::testing::update = tunesmith::testing::HasUpdateFlag(argc, argv);
  return RUN_ALL_TESTS();
}
