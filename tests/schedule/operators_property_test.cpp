// SPDX-License-Identifier: Apache-2.0
// Every candidate of every standard operator, and of some with further algorithms, on every level of the
// processor, is a program that verifies and computes what the operator says, and is made of parts that do not
// depend on each other.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <iterator>
#include <map>
#include <sstream>

#include "ir/lower.h"
#include "ir/verify.h"
#include "schedule/sketch.h"
#include "search/tuner.h"
#include "support/strings.h"
#include "te/language.h"
#include "tests/codegen/running.h"
#include "tests/ir/property.h"
#include "tests/schedule/definition.h"
#include "tests/schedule/drawing.h"

namespace tunesmith::schedule::testing {
namespace {

using ir::testing::Choices;
using ir::testing::ExpectForAll;

/// The standard operators, and some whose further algorithms have the definition's structure or another.
std::vector<te::Operator> Operators() {
  std::vector<te::Operator> all;
  for (const std::string& name : te::StandardOperators()) all.push_back(te::StandardOperator(name).value());
  constexpr std::string_view kFurther = R"(
op split_sum(X: f32[R, C]) -> (Y: f32[R]) {
  Y[r] = sum(c) X[r, c]
}
algorithm split tolerance 2 if C % 4 == 0 {
  p[r, s < 4] = sum(c < C/4) X[r, s*(C/4) + c]
  Y[r]        = sum(s) p[r, s]
}

op centred(X: f32[R, C]) -> (Y: f32[R, C]) where C >= 1 {
  mean[r] = (sum(c) X[r, c]) / C
  Y[r, c] = (X[r, c] - mean[r]) * 2
}
algorithm doubled tolerance 2 {
  mean[r] = (sum(c) X[r, c]) / C
  Y[r, c] = X[r, c] - mean[r] + (X[r, c] - mean[r])
}
algorithm scaled tolerance 2 {
  mean[r] = sum(c) X[r, c] * (1.0 / C)
  Y[r, c] = (X[r, c] - mean[r]) * 2
}

# Two stages that may each copy X, of which one has the name that the other's copy would get.
op gated(X: f32[M, K], V: f32[K, N], W: f32[K, N]) -> (Y: f32[M, N]) {
  X_packed[i, j] = sum(k) X[i, k] * V[k, j]
  gate[i, j]     = sum(k) X[i, k] * W[k, j]
  Y[i, j]        = X_packed[i, j] * sigmoid(gate[i, j])
}

# Two weights that are packed, the last one's stage first.
op two_layers(X: f32[M, K], weight V: f32[N, K], weight W: f32[L, N]) -> (Y: f32[M, L]) {
  h[i, j] = sum(k) X[i, k] * V[j, k]
  Y[i, l] = sum(j) max(h[i, j], 0) * W[l, j]
}

# A weight that is copied for one of its readers.
op by_norms(X: f32[M, K], weight W: f32[N, K]) -> (Y: f32[M, N]) {
  s[j]    = sum(k) W[j, k] * W[j, k]
  d[i, j] = sum(k) X[i, k] * W[j, k]
  Y[i, j] = d[i, j] * rsqrt(s[j] + 1)
}

# What could be computed with the product, but for something that comes later.
op waits(A: f32[M, K], C: f32[K, N], R: f32[M, N]) -> (Y: f32[M, N]) {
  a[i, j] = sum(k) A[i, k] * C[k, j]
  m[i]    = max(j) R[i, j]
  Y[i, j] = a[i, j] + m[i]
}

# A row's maximum that is read by rows, and by what is computed with a product.
op placed_already(A: f32[M, K], C: f32[K, N], R: f32[M, N]) -> (Y: f32[M, N]) {
  m[i]    = max(j) R[i, j]
  a[i, j] = sum(k) A[i, k] * C[k, j]
  c[i, j] = exp(a[i, j] - m[i])
  Y[i, j] = c[i, j] * c[i, j] + m[i]
}

# Names that a row's partial sums would get.
op row_names(X: f32[R, C]) -> (Y: f32[R], Y_lanes: f32[R]) {
  Y[r]       = sum(c) X[r, c]
  Y_lanes[r] = max(c) X[r, c]
}
)";
  te::Module further = te::Parse(kFurther, "further.te").value();
  all.insert(all.end(), further.operators.begin(), further.operators.end());
  return all;
}

/// Bindings with small extents, those that do not bind left out. Shapes of an operator may depend on one
/// another, so that a few are tried.
Result<te::Workload> BindSmall(const te::Operator& op, Choices* choices, std::string* text) {
  static constexpr int64_t kExtents[] = {4, 8, 1, 3, 7, 16, 19, 33, 2};
  Result<te::Workload> bound = Invalid("no bindings");
  for (int attempt = 0; attempt < 12; ++attempt) {
    std::vector<std::string> bindings;
    for (const te::Bindable& b : op.bindables()) {
      if (b.kind == te::Bindable::Kind::kExtent) {
        bindings.push_back(StrCat(b.name, "=", kExtents[choices->Between(0, std::ssize(kExtents) - 1)]));
      } else if (b.kind == te::Bindable::Kind::kInteger) {
        // Strides and windows are small; what has no default may be an extent as well.
        if (b.standard.empty() && choices->Between(0, 1) == 1) {
          bindings.push_back(StrCat(b.name, "=", kExtents[choices->Between(0, std::ssize(kExtents) - 1)]));
        } else if (b.standard.empty() || choices->Between(0, 2) > 0) {
          bindings.push_back(StrCat(b.name, "=", choices->Between(0, 4)));
        }
      } else if (b.kind == te::Bindable::Kind::kTruth) {
        bindings.push_back(StrCat(b.name, choices->Between(0, 1) == 0 ? "=false" : "=true"));
      } else if (b.kind == te::Bindable::Kind::kChoice) {
        bindings.push_back(StrCat(
            b.name, "=", b.choices[static_cast<size_t>(choices->Between(0, std::ssize(b.choices) - 1))]));
      } else if (b.standard.empty()) {
        bindings.push_back(StrCat(b.name, "=0.5"));
      }
    }
    *text = StrCat(op.name(), " ", StrJoin(bindings, " "));
    bound = te::Bind(op, bindings, int64_t{1} << 24);
    if (bound.ok()) break;
  }
  return bound;
}

int64_t Iterations(const te::Graph& graph) {
  int64_t total = 0;
  for (const te::Stage& s : graph.stages) {
    int64_t iterations = 1;
    for (const te::Axis& a : s.axes) iterations *= a.extent;
    total += iterations;
  }
  return total;
}

/// The first algorithm of a standard operator with these bindings.
te::Graph GraphOf(const char* text) {
  std::istringstream stream(text);
  const std::vector<std::string> words{std::istream_iterator<std::string>(stream), {}};
  te::Operator op = te::StandardOperator(words[0]).value();
  return te::Normalize(
      te::Bind(op, std::vector<std::string>{words.begin() + 1, words.end()}).value().algorithms[0].graph);
}

/// Expects draws, changed in one way or another, to be programs that compute the workload; says how many
/// there were.
int ExpectDrawsCompute(const char* text, const te::Graph& graph, const Space& space,
                       const codegen::Target& target, const std::function<void(Choices*, Choice*)>& change) {
  Definition definition(graph);
  int drawn = 0;
  ExpectForAll(8, [&](Choices choices) -> std::string {
    std::optional<Choice> choice = Draw(space, &choices);
    if (choice) change(&choices, &*choice);
    if (!choice || !space.Allows(*choice)) return "";
    ++drawn;
    const Trace trace = space.TraceOf(*choice);
    const Result<Plan> plan = Replay(trace, graph);
    if (!plan.ok()) return StrCat(text, ": ", MessageOf(plan.status()), "\n", ToString(trace));
    std::string wrong = DifferenceOfParts(space, *choice, *plan);
    const Result<ir::Program> program = ir::Lower(*plan);
    if (wrong.empty())
      wrong = program.ok() ? definition.DifferenceOf(*program, target) : MessageOf(program.status());
    return wrong.empty() ? "" : StrCat(text, ": ", wrong, "\n", ToString(trace), ToString(*plan));
  });
  return drawn;
}

class Level : public ::testing::TestWithParam<codegen::Target> {};

// Windows of extents that no tile divides, too large to be interpreted: every draw becomes a program.
TEST_P(Level, EveryDrawOfUnevenWindowsLowers) {
  const codegen::Target& target = GetParam();
  constexpr const char* kWorkloads[] = {
      "conv2d_transpose N=1 H=14 W=14 CI=33 CO=17 K=3 S=2 P=1",
      "conv2d_transpose N=2 H=9 W=14 CI=33 CO=17 K=5 S=3 P=2",
      "conv2d_transpose N=1 H=14 W=14 CI=64 CO=48 K=4 S=2 P=1",
      "conv2d_transpose N=1 H=13 W=11 CI=17 CO=33 K=7 S=4 P=3",
      "conv2d N=1 H=29 W=31 CI=33 CO=17 KH=3 KW=3 S=2 P=1",
      "conv2d N=1 H=29 W=31 CI=19 CO=33 KH=5 KW=3 P=2 DIL=2",
      "conv2d N=1 H=29 W=31 CI=33 CO=66 KH=3 KW=3 P=1 G=33",
      "conv3d N=1 D=7 H=9 W=11 CI=5 CO=17 K=3 P=1",
      "max_pool2d N=1 H=29 W=31 C=19 K=3 S=2 P=1",
  };
  for (const char* text : kWorkloads) {
    const te::Graph graph = GraphOf(text);
    const Space space = Space::Of(graph, search::MachineOf(target, 2), target.name);
    int drawn = 0;
    ExpectForAll(25, [&](Choices choices) -> std::string {
      const std::optional<Choice> choice = Draw(space, &choices);
      if (!choice) return "";
      ++drawn;
      const Trace trace = space.TraceOf(*choice);
      const Result<Plan> plan = Replay(trace, graph);
      const Result<ir::Program> program = plan.ok() ? ir::Lower(*plan) : plan.status();
      const Status status = program.ok() ? ir::Verify(*program) : program.status();
      return status.ok() ? "" : StrCat(text, ": ", MessageOf(status), "\n", ToString(trace));
    });
    EXPECT_GE(drawn, 5) << text;
  }
}

// Few outputs and a sum that is long enough to be cut into pieces for the threads.
TEST_P(Level, EveryDrawOfASumInPiecesComputesIt) {
  const codegen::Target& target = GetParam();
  constexpr const char* kWorkloads[] = {
      "matmul M=3 N=9 K=5003",
      "matmul M=1 N=17 K=8192 bias=1 act=relu",
      "matmul M=2 N=16 K=4100 dtype=u8s8s32",
      "batch_matmul B=2 M=2 N=9 K=4103",
      "conv2d N=1 H=1 W=2 CI=8201 CO=9 KH=1 KW=1",
      "reduce_sum R=20011 C=9 axis=0",
  };
  for (const char* text : kWorkloads) {
    const te::Graph graph = GraphOf(text);
    const Space space = Space::Of(graph, search::MachineOf(target, 2), target.name);
    const auto pieces = std::find_if(space.holes().begin(), space.holes().end(),
                                     [](const Hole& hole) { return hole.name.ends_with(".pieces"); });
    ASSERT_NE(pieces, space.holes().end()) << text;
    ASSERT_EQ(pieces->domain, (std::vector<int64_t>{1, 2, 8})) << text;
    const auto hole = static_cast<size_t>(pieces - space.holes().begin());
    const int cut = ExpectDrawsCompute(text, graph, space, target, [&](Choices* choices, Choice* choice) {
      if ((*choice)[hole] == 0) (*choice)[hole] = static_cast<uint16_t>(choices->Between(1, 2));
    });
    EXPECT_GE(cut, 3) << text;
  }
}

// Few columns and a sum that is long enough for its lanes.
TEST_P(Level, EveryDrawOfFewColumnsComputesIt) {
  const codegen::Target& target = GetParam();
  constexpr const char* kWorkloads[] = {"matmul M=9 N=3 K=133 bias=1 act=relu",
                                        "matmul M=1 N=2 K=208",
                                        "matmul M=13 N=3 K=96",
                                        "batch_matmul B=2 M=9 N=3 K=70",
                                        "matmul M=6 N=3 K=129 dtype=u8s8s32",
                                        "batch_matmul B=3 M=8 N=2 K=131"};
  for (const char* text : kWorkloads) {
    const te::Graph graph = GraphOf(text);
    const Space space = Space::Of(graph, search::MachineOf(target, 2), target.name);
    const bool fits = std::any_of(space.holes().begin(), space.holes().end(),
                                  [](const Hole& hole) { return hole.name.ends_with(".columns"); });
    EXPECT_EQ(fits, target.vector_bytes >= 32) << text;
    const int drawn = ExpectDrawsCompute(text, graph, space, target, [](Choices*, Choice*) {});
    EXPECT_GE(drawn, 3) << text;
  }
}

TEST_P(Level, EveryDrawOfEveryOperatorComputesIt) {
  const codegen::Target& target = GetParam();
  constexpr int64_t kMostIterations = 60000;  // interpreted in a few milliseconds
  const std::vector<te::Operator> operators = Operators();
  size_t algorithms = 0;
  for (const te::Operator& op : operators) {
    std::map<std::string, int> drawn;  // of each algorithm
    int compiled = 0;
    ExpectForAll(25, [&](Choices choices) -> std::string {
      std::string text;
      auto workload = BindSmall(op, &choices, &text);
      if (!workload.ok()) return "";
      for (const te::Algorithm& algorithm : workload->algorithms) {
        te::Graph graph = te::Normalize(algorithm.graph);
        if (Iterations(graph) > kMostIterations) continue;
        Space space = Space::Of(graph, search::MachineOf(target, 2), target.name);
        auto choice = Draw(space, &choices);
        if (!choice) continue;
        ++drawn[algorithm.name];
        Trace trace = space.TraceOf(*choice);
        std::string what = StrCat(text, " (", algorithm.name, ")\n", ToString(trace));
        auto read = ParseTrace(ToString(trace));
        if (!read.ok()) return StrCat(MessageOf(read.status()), "\n", what);
        auto plan = Replay(*read, graph);
        if (!plan.ok()) return StrCat(MessageOf(plan.status()), "\n", what);
        std::string wrong = DifferenceOfParts(space, *choice, *plan);
        if (!wrong.empty()) return StrCat(wrong, "\n", what, ToString(*plan));
        auto program = ir::Lower(*plan);
        if (!program.ok()) return StrCat(MessageOf(program.status()), "\n", what, ToString(*plan));
        Definition definition(graph);
        wrong = definition.DifferenceOf(*program);
        if (wrong.empty() && compiled < 4) {
          ++compiled;
          wrong = definition.DifferenceOf(*program, target);
        }
        if (!wrong.empty()) return StrCat(wrong, "\n", what, ToString(*plan));
      }
      return "";
    });
    EXPECT_TRUE(drawn.contains("direct")) << op.name();
    algorithms += drawn.size();
    for (const auto& [algorithm, times] : drawn) EXPECT_GE(times, 5) << op.name() << ", " << algorithm;
  }
  EXPECT_EQ(algorithms, operators.size() + 3);
}

INSTANTIATE_TEST_SUITE_P(Targets, Level, ::testing::ValuesIn(codegen::testing::RunnableTargets()),
                         [](const auto& info) {
                           std::string name = info.param.name;
                           std::replace_if(
                               name.begin(), name.end(), [](char c) { return !isalnum(c); }, '_');
                           return name;
                         });

}  // namespace
}  // namespace tunesmith::schedule::testing
