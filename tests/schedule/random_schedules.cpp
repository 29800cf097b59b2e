// SPDX-License-Identifier: Apache-2.0
#include "tests/schedule/random_schedules.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>

#include "support/strings.h"
#include "te/language.h"

namespace tunesmith::schedule::testing {
namespace {

/// Symbols M, N and K are bound; L is at least 3.
constexpr const char* kOperators[] = {
    "op f(A: f32[M, K], weight B: f32[K, N], bias: f32[N]) -> (C: f32[M, N]) {\n"
    "  acc[i, j] = sum(k) A[i, k] * B[k, j]\n"
    "  C[i, j] = max(acc[i, j] + bias[j], 0)\n}",
    "op f(A: f32[M, K]) -> (C: f32[M]) { C[i] = sum(k) A[i, k] }",
    "op f(X: f32[L, K], weight W: f32[3, K, N]) -> (Y: f32[L, N]) {\n"
    "  Y[x, o] = sum(d, c) X[x + d - 1, c | 0] * W[d, c, o]\n}",
    "op f(X: f32[M, N]) -> (Y: f32[M, N]) {\n"
    "  m[i] = max(j) X[i, j]\n"
    "  e[i, j] = exp(X[i, j] - m[i])\n"
    "  s[i] = sum(j) e[i, j]\n"
    "  Y[i, j] = e[i, j] / (s[i] + 1)\n}",
    "op f(X: f32[L]) -> (Y: f32[L - 2]) {\n"
    "  t[i] = X[i] * X[i]\n"
    "  Y[i] = t[i] + t[i + 1] + t[i + 2]\n}",
    "op f(X: f32[L, N]) -> (Y: f32[L, N]) {\n"
    "  t[i, j] = X[i, j] * 2\n"
    "  Y[i, j] = t[i - 1, j | 0] + t[i, j] + t[i + 1, j | 3]\n}",
    "op f(X: f32[M, N]) -> (T: f32[M, N], Y: f32[N, M]) {\n"
    "  T[i, j] = abs(X[i, j]) + 1\n"
    "  Y[j, i] = T[i, j] * X[i, j]\n}",
    "op f(X: f32[M, N]) -> (Y: i32[M]) { Y[i] = i32(argmax(j) X[i, j]) }",
    "op f(X: i32[M, K], Z: i32[K]) -> (Y: i32[M], P: i32[M]) {\n"
    "  Y[i] = min(k) (X[i, k] + Z[k])\n"
    "  P[i] = prod:i32(k) X[i, k]\n}",
    "op f(X: f32[M, K]) -> (Y: bool[M], Z: bool[M]) {\n"
    "  Y[i] = any(k) (X[i, k] > 0.5)\n"
    "  Z[i] = all(k) (X[i, k] < 0.9)\n}",
    "op f(X: f32[N], weight W: f32[N], weight S: f32[N]) -> (Y: f32[N]) {\n"
    "  w[i] = W[i] * S[i]\n"
    "  Y[i] = X[i] * w[i]\n}",
    "op f(X: f32[N]) -> (Y: f32[N]) {\n"
    "  a[i] = X[i] + 1\n"
    "  b[i] = a[i] * X[i]\n"
    "  c[i] = a[i] - b[i]\n"
    "  Y[i] = a[i] * c[i]\n}",
    "op f(X: f32[2*M, K]) -> (Y: f32[M, K]) { Y[i, k] = max(d < 2) X[2*i + d, k] }",
    "op f(A: f32[M, K], B: f32[K, N]) -> (C: f32[M]) {\n"
    "  t[i, j] = sum(k) A[i, k] * B[k, j]\n"
    "  C[i] = sum(j) t[i, j] * t[i, j]\n}",
    "op f(X: f32[N, N]) -> (Y: f32[N]) {\n"
    "  t[i, j] = X[j, i] + 1\n"
    "  Y[i] = t[i, i] + t[0, i]\n}",
};

constexpr int64_t kExtents[] = {4, 1, 2, 3, 8, 5, 7, 13, 0};
constexpr int64_t kFactors[] = {2, 4, 1, 3, 5, 8, 16};

template <class T, size_t N>
T OneOf(const T (&values)[N], Choices* choices) {
  return values[choices->Between(0, static_cast<int64_t>(N) - 1)];
}

std::string LoopOf(const Plan& plan, Choices* choices) {
  std::vector<std::string> loops;
  for (NodeId n = 0; n < static_cast<NodeId>(plan.nodes.size()); ++n) {
    const Node& node = plan.nodes[static_cast<size_t>(n)];
    if (!node.removed && !node.is_leaf()) loops.push_back(plan.LoopName(n));
  }
  if (loops.empty()) return "none";
  return loops[static_cast<size_t>(choices->Between(0, std::min<int64_t>(255, std::ssize(loops) - 1)))];
}

StageId StageOf(const Plan& plan, Choices* choices) {
  return static_cast<StageId>(choices->Between(0, std::ssize(plan.stages) - 1));
}

/// Some of the loops above a leaf, in another order.
std::vector<std::string> Order(const Plan& plan, Choices* choices) {
  StageId id = StageOf(plan, choices);
  NodeId leaf = plan.stages[static_cast<size_t>(id)].leaf;
  std::vector<std::string> names;
  if (leaf < 0) return {"none"};
  for (NodeId n : plan.LoopsAbove(leaf)) {
    if (choices->Between(0, 3) == 3) continue;
    auto at = names.begin() + choices->Between(0, std::min<int64_t>(255, std::ssize(names)));
    names.insert(at, plan.LoopName(n));
  }
  if (names.empty()) names.push_back("none");
  return names;
}

/// One of the tensors that a stage reads, or the first of all.
int ReadBy(const Plan& plan, StageId id, Choices* choices) {
  std::vector<int> read;
  te::Visit(plan.stage(id).body, [&](const te::Expr& e) {
    if (e->kind == te::ExprKind::kRead) read.push_back(e->id);
  });
  return read.empty() ? 0 : read[static_cast<size_t>(choices->Between(0, std::ssize(read) - 1))];
}

}  // namespace

RandomWorkload MakeWorkload(Choices* choices) {
  RandomWorkload made;
  std::string source = OneOf(kOperators, choices);
  std::vector<std::string> bindings;
  for (const char* symbol : {"M", "N", "K", "L"}) {
    int64_t extent = OneOf(kExtents, choices);
    if (*symbol == 'L') extent += 3;
    bool named = source.find(StrCat("[", symbol)) != std::string::npos ||
                 source.find(StrCat(", ", symbol)) != std::string::npos ||
                 source.find(StrCat("*", symbol)) != std::string::npos;
    if (named) bindings.push_back(StrCat(symbol, "=", extent));
  }
  // Nothing has a first element.
  if (source.find("t[0, i]") != std::string::npos && bindings[0] == "N=0") bindings[0] = "N=1";
  made.text = StrCat(source, "\n", StrJoin(bindings, " "), "\n");
  auto module = te::Parse(source, "random.te");
  EXPECT_TRUE(module.ok()) << MessageOf(module.status());
  auto workload = te::Bind(module->operators.back(), bindings);
  EXPECT_TRUE(workload.ok()) << MessageOf(workload.status());
  made.graph = workload->definition();
  if (choices->Between(0, 3) == 3) made.graph = te::Normalize(made.graph);
  return made;
}

Step MakeStep(const Plan& plan, Choices* choices) {
  // The steps that most others build on come most often.
  static constexpr Verb kVerbs[] = {Verb::kSplit,  Verb::kOrder,     Verb::kVector,   Verb::kAt,
                                    Verb::kFuse,   Verb::kKeep,      Verb::kCache,    Verb::kPack,
                                    Verb::kInline, Verb::kFactor,    Verb::kParallel, Verb::kUnroll,
                                    Verb::kLayout, Verb::kPartition, Verb::kStream,   Verb::kSplit,
                                    Verb::kOrder,  Verb::kSplit,     Verb::kPrefetch};
  Step step;
  step.verb = OneOf(kVerbs, choices);
  auto stage = [&] { return plan.NameOf(StageOf(plan, choices)); };
  auto loop = [&] { return LoopOf(plan, choices); };
  auto fresh = [&] { return StrCat("n", plan.graph->tensors.size()); };
  switch (step.verb) {
    case Verb::kInline:
    case Verb::kPack:
    case Verb::kStream:
      step.names = {stage()};
      break;
    case Verb::kPrefetch: {
      StageId toucher = StageOf(plan, choices);
      const bool own = choices->Between(0, 3) == 3;
      int tensor = own ? plan.stage(toucher).tensor : ReadBy(plan, toucher, choices);
      step.names = {plan.graph->tensors[static_cast<size_t>(tensor)].name, plan.NameOf(toucher), loop()};
      step.numbers = {choices->Between(1, 4)};
      break;
    }
    case Verb::kCache: {
      StageId consumer = StageOf(plan, choices);
      int tensor = ReadBy(plan, consumer, choices);
      const te::Tensor& source = plan.graph->tensors[static_cast<size_t>(tensor)];
      step.names = {source.name, plan.NameOf(consumer), fresh()};
      if (choices->Between(0, 1) == 1) {
        for (size_t d = 0; d < source.shape.size(); ++d) step.numbers.push_back(OneOf(kFactors, choices));
      }
      break;
    }
    case Verb::kAt:
      step.names = {stage(), loop()};
      if (choices->Between(0, 3) == 3) step.names.push_back("registers");
      break;
    case Verb::kFuse:
      step.names = {stage(), stage(), loop()};
      break;
    case Verb::kSplit:
      step.names = {loop(), choices->Between(0, 1) == 0 ? "mask" : "peel"};
      step.numbers = {OneOf(kFactors, choices)};
      break;
    case Verb::kOrder:
      step.names = Order(plan, choices);
      break;
    case Verb::kVector:
    case Verb::kUnroll:
    case Verb::kPartition:
      step.names = {loop()};
      break;
    case Verb::kParallel:
      step.names = {loop()};
      if (choices->Between(0, 1) == 1) step.numbers = {choices->Between(1, 3)};
      break;
    case Verb::kKeep:
      step.names = {stage(), loop()};
      break;
    case Verb::kFactor:
      step.names = {stage(), loop(), fresh()};
      break;
    case Verb::kLayout: {
      StageId id = StageOf(plan, choices);
      const te::Tensor& tensor = plan.graph->tensors[static_cast<size_t>(plan.stage(id).tensor)];
      step.names = {plan.NameOf(id)};
      for (int64_t d = 0; d < std::ssize(tensor.shape); ++d)
        step.numbers.insert(step.numbers.begin() + choices->Between(0, d), d);
      if (step.numbers.empty()) step.numbers = {0};
      if (choices->Between(0, 1) == 1) {
        step.names.push_back(StrCat(step.numbers.size()));
        step.numbers.push_back(choices->Between(0, std::max<int64_t>(std::ssize(tensor.shape) - 1, 0)));
        step.numbers.push_back(OneOf(kFactors, choices));
      }
      break;
    }
  }
  return step;
}

RandomSchedule MakeSchedule(const te::Graph& graph, int most_steps, Choices* choices) {
  RandomSchedule made;
  made.plan = InitialPlan(std::make_shared<te::Graph>(graph));
  made.trace = TraceFor(graph, "test");
  int64_t steps = choices->Between(1, most_steps);
  for (int64_t s = 0; s < steps; ++s) {
    Step step = MakeStep(made.plan, choices);
    auto next = Apply(made.plan, step);
    if (!next.ok()) {
      ++made.refused;
      continue;
    }
    made.plan = *std::move(next);
    made.trace.steps.push_back(std::move(step));
  }
  return made;
}

}  // namespace tunesmith::schedule::testing
