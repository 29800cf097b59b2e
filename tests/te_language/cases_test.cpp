// SPDX-License-Identifier: Apache-2.0
// Runs the text cases in cases/: .te in, stages, ranges, canonical form or errors out. With --update,
// rewrites what is expected to what came out.
//
//   == what the case shows
//   -- source
//   op copy(X: f32[N]) -> (Y: f32[N]) { Y[i] = X[i] }
//   -- with            bindings; the last operator of the source is bound
//   N=4
//   -- stages          the graph of each algorithm; -- formatted: Format; -- error: the message
//   input X: f32[4] …
// With "given" for "with", what Describe says of these bindings: -- ranges, or -- error. Without either, an
// error is that of Parse, else of Check.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "support/strings.h"
#include "te/language.h"
#include "tests/text_cases/text_cases.h"

namespace tunesmith::te {
namespace {

using tunesmith::testing::ReadCases;
using tunesmith::testing::Section;
using tunesmith::testing::TextCase;
using tunesmith::testing::WriteCases;

bool update = false;

std::string_view RoleName(Role role) {
  switch (role) {
    case Role::kInput:
      return "input";
    case Role::kWeight:
      return "weight";
    case Role::kOutput:
      return "output";
    case Role::kTemp:
      return "temp";
  }
  return "";
}

std::string Stages(const Workload& workload) {
  std::string out;
  for (const Algorithm& algorithm : workload.algorithms) {
    if (&algorithm != workload.algorithms.data()) {
      StrAppend(&out, "algorithm ", algorithm.name, " tolerance ", algorithm.tolerance_factor, "\n");
    }
    for (const Tensor& tensor : algorithm.graph.tensors) {
      bool first = &algorithm == workload.algorithms.data();
      if (!first && tensor.role != Role::kTemp) continue;
      StrAppend(&out, RoleName(tensor.role), " ", tensor.name, ": ", NameOf(tensor.dtype), "[",
                StrJoin(tensor.shape, ", "), "]\n");
    }
    out += ToString(algorithm.graph);
  }
  return out;
}

template <class T, class Print>
Section Output(std::string name, const Result<T>& result, Print print) {
  if (!result.ok()) return {"error", StrCat(MessageOf(result.status()), "\n")};
  return {std::move(name), print(*result)};
}

Section Evaluate(const TextCase& c) {
  const std::string file = "test.te";
  const std::string* source = c.Find("source");
  const std::string *with = c.Find("with"), *given = c.Find("given");
  auto text = [](const std::string& s) { return s; };
  if (c.Find("formatted")) return Output("formatted", Format(*source, file), text);
  auto module = Parse(*source, file);
  if (!module.ok()) return {"error", StrCat(MessageOf(module.status()), "\n")};
  const Operator& op = module->operators.back();
  std::vector<std::string> bindings;
  if (with || given) {
    for (std::string_view word : Words(with ? *with : *given, " \n")) bindings.emplace_back(word);
  }
  if (given) return Output("ranges", Describe(op, bindings), text);
  if (!with) return {"error", StrCat(Render(Check(op)), "\n")};
  return Output("stages", Bind(op, bindings, int64_t{8} << 30), Stages);
}

class CaseFile : public ::testing::TestWithParam<std::filesystem::path> {};

TEST_P(CaseFile, PrintsWhatIsExpected) {
  std::string text = tunesmith::testing::ReadFile(GetParam());
  std::vector<TextCase> cases = ReadCases(text);
  ASSERT_FALSE(cases.empty());
  for (TextCase& c : cases) {
    ASSERT_TRUE(c.Find("source")) << c.title;
    Section actual = Evaluate(c);
    Section& expected = c.sections.back();
    if (update) {
      if (expected.name == "source" || expected.name == "with" || expected.name == "given") {
        c.sections.push_back(actual);
      } else {
        expected = actual;
      }
      continue;
    }
    EXPECT_EQ(expected.name, actual.name) << c.title;
    EXPECT_EQ(expected.text, actual.text) << c.title;
  }
  if (update) std::ofstream(GetParam(), std::ios::binary) << WriteCases(cases);
}

INSTANTIATE_TEST_SUITE_P(Cases, CaseFile,
                         ::testing::ValuesIn(tunesmith::testing::CaseFiles(TUNESMITH_SOURCE_DIR
                                                                           "/tests/te_language/cases")),
                         [](const auto& info) { return info.param.stem().string(); });

}  // namespace
}  // namespace tunesmith::te

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  tunesmith::te::update = tunesmith::testing::HasUpdateFlag(argc, argv);
  return RUN_ALL_TESTS();
}
