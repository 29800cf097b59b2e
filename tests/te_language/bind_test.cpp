// SPDX-License-Identifier: Apache-2.0
// What binding gives besides stages: names to bind, canonical bindings, workloads that must not depend on how
// they were asked for, and the limit on memory.
#include <gtest/gtest.h>

#include "support/strings.h"
#include "te/language.h"

namespace tunesmith::te {
namespace {

constexpr std::string_view kSource = R"(
op f(X: T[N, M], Z: T[L] if more; S = 1, PH = S, eps = 1e-5, more = false, T = f32 | f64, K) -> (Y: T[N])
    where S >= 1
{
  Y[n] = (sum(m) X[n, m]) * (S + PH + eps + K) + select(more, Z[0], 0)
}
algorithm other tolerance 4 if more {
  Y[n] = (sum(m) X[n, m] * (S + PH + eps + K)) + Z[0]
}
)";

Operator Source() {
  auto module = Parse(kSource, "f.te");
  EXPECT_TRUE(module.ok()) << MessageOf(module.status());
  return module->operators[0];
}

TEST(Bindables, AreSymbolsThenAttributes) {
  std::string text;
  for (const Bindable& b : Source().bindables()) {
    StrAppend(&text, b.name, " ", static_cast<int>(b.kind), " ", b.standard, " ", StrJoin(b.choices, ","),
              "\n");
  }
  EXPECT_EQ(text,
            "N 0  \nM 0  \nL 0  \nS 1 1 \nPH 1 S \neps 2 1e-5 \nmore 3 false \nT 4 f32 f32,f64\nK 1  \n");
}

TEST(Bind, KeepsWhatDiffersFromTheDefaults) {
  Operator op = Source();
  auto plain = Bind(op, {"N=2", "M=3", "K=4"});
  ASSERT_TRUE(plain.ok()) << MessageOf(plain.status());
  EXPECT_EQ(plain->op, "f");
  std::map<std::string, std::string> expected{{"N", "2"}, {"M", "3"}, {"K", "4"}};
  EXPECT_EQ(plain->bindings, expected);
  auto spelled = Bind(op, {"T=f32", "eps=0.00001", "more=0", "PH=1", "K=4", "S=1", "M=03", "N=2"});
  ASSERT_TRUE(spelled.ok()) << MessageOf(spelled.status());
  EXPECT_EQ(spelled->bindings, expected);
  EXPECT_EQ(ToString(spelled->definition()), ToString(plain->definition()));
  auto other = Bind(op, {"N=2", "M=3", "K=4", "S=2", "more=true", "L=1", "T=f64"});
  ASSERT_TRUE(other.ok()) << MessageOf(other.status());
  expected = {{"N", "2"}, {"M", "3"}, {"K", "4"}, {"L", "1"}, {"S", "2"}, {"T", "f64"}, {"more", "1"}};
  EXPECT_EQ(other->bindings, expected);
}

TEST(Bind, BindingsBindAgain) {
  Operator op = Source();
  auto first = Bind(op, {"N=2", "M=3", "K=-4", "S=2", "more=true", "L=1", "T=f64", "eps=0.25"});
  ASSERT_TRUE(first.ok()) << MessageOf(first.status());
  std::vector<std::string> again;
  for (const auto& [name, value] : first->bindings) again.push_back(StrCat(name, "=", value));
  auto second = Bind(op, again);
  ASSERT_TRUE(second.ok()) << MessageOf(second.status());
  EXPECT_EQ(second->bindings, first->bindings);
  EXPECT_EQ(WorkloadHash(*second), WorkloadHash(*first));
}

TEST(Bind, OffersTheAlgorithmsThatApply) {
  Operator op = Source();
  auto one = Bind(op, {"N=2", "M=3", "K=4"});
  ASSERT_TRUE(one.ok()) << MessageOf(one.status());
  ASSERT_EQ(one->algorithms.size(), 1u);
  EXPECT_EQ(one->algorithms[0].name, "direct");
  EXPECT_EQ(one->algorithms[0].tolerance_factor, 1);
  auto two = Bind(op, {"N=2", "M=3", "K=4", "more=1", "L=5"});
  ASSERT_TRUE(two.ok()) << MessageOf(two.status());
  ASSERT_EQ(two->algorithms.size(), 2u);
  EXPECT_EQ(two->algorithms[1].name, "other");
  EXPECT_EQ(two->algorithms[1].tolerance_factor, 4);
}

TEST(SourceOf, IsAnOperatorAloneWithTheFunctionsOfItsFile) {
  auto module = Parse(
      "# about f\nfn twice(x)=x+x   # twice\nop other(X: f32[N]) -> (Y: f32[N]) { Y[i] = X[i] }\n"
      "op f(X:f32[N]; act = none | relu) -> (Y: f32[N]) {\n  # a choice\n  if act == relu {\n    Y[i] = "
      "max(twice(X[i]), "
      "0)\n  } else {\n    Y[i] = twice(X[i])\n  }\n}\nalgorithm g tolerance 2 { Y[i] = X[i] * 2 }\n",
      "f.te");
  ASSERT_TRUE(module.ok()) << MessageOf(module.status());
  const std::string source = SourceOf(module->operators[1]);
  EXPECT_EQ(source,
            "fn twice(x) = x + x\n"
            "\n"
            "op f(X: f32[N]; act = none | relu) -> (Y: f32[N]) {\n"
            "  if act == relu {\n"
            "    Y[i] = max(twice(X[i]), 0)\n"
            "  } else {\n"
            "    Y[i] = twice(X[i])\n"
            "  }\n"
            "}\n"
            "algorithm g tolerance 2 {\n"
            "  Y[i] = X[i] * 2\n"
            "}\n");
  EXPECT_EQ(SourceOf(Parse(source, "again.te")->operators[0]), source);
}

TEST(SourceOf, OfEachStandardOperatorBindsToTheSameWorkload) {
  for (const std::string& name : StandardOperators()) {
    Result<Operator> op = StandardOperator(name);
    ASSERT_TRUE(op.ok());
    const std::string source = SourceOf(*op);
    Result<Module> module = Parse(source, name);
    ASSERT_TRUE(module.ok()) << MessageOf(module.status());
    ASSERT_EQ(module->operators.size(), 1u);
    EXPECT_EQ(SourceOf(module->operators[0]), source);
    std::vector<std::string> bindings;
    for (const Bindable& b : op->bindables()) {
      if (b.standard.empty()) bindings.push_back(b.name + "=4");
    }
    Result<Workload> workload = Bind(*op, bindings), again = Bind(module->operators[0], bindings);
    ASSERT_EQ(workload.ok(), again.ok()) << name;
    if (workload.ok()) {
      EXPECT_EQ(WorkloadHash(*workload), WorkloadHash(*again)) << name;
      EXPECT_EQ(workload->algorithms.size(), again->algorithms.size()) << name;
    }
  }
}

TEST(Bind, CountsParametersAndOutputsAgainstTheMemory) {
  auto module =
      Parse("op f(X: f64[N]) -> (Y: u8[N]) {\n  t[i, j < 100] = X[i]\n  Y[i] = u8(t[i, 0])\n}\n", "f.te");
  ASSERT_TRUE(module.ok());
  EXPECT_TRUE(Bind(module->operators[0], {"N=1024"}, 9216).ok());
  EXPECT_EQ(MessageOf(Bind(module->operators[0], {"N=1024"}, 4096).status()),
            "f: its tensors need 9 KiB (X 8 KiB, Y 1 KiB), this machine has 4 KiB; bind smaller extents");
  EXPECT_FALSE(Bind(module->operators[0], {"N=1024"}, 9215).ok());
}

}  // namespace
}  // namespace tunesmith::te
