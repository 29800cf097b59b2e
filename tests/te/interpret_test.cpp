// SPDX-License-Identifier: Apache-2.0
#include "te/interpret.h"

#include <gtest/gtest.h>

#include <cmath>

#include "te/inputs.h"
#include "te/scalar.h"
#include "tests/te/sample_graphs.h"

namespace tunesmith::te {
namespace {

Value Make(DType dtype, std::vector<int64_t> shape, const std::vector<double>& elements) {
  Value value(dtype, std::move(shape));
  for (size_t i = 0; i < elements.size(); ++i) value.Store(static_cast<int64_t>(i), elements[i]);
  return value;
}

std::vector<double> Elements(const Value& value) {
  std::vector<double> elements;
  for (int64_t i = 0; i < value.elements(); ++i) elements.push_back(value.Load(i));
  return elements;
}

/// The only output.
std::vector<double> OutputOf(const Graph& graph, const std::vector<Value>& inputs) {
  auto outputs = Interpret(graph, inputs);
  EXPECT_TRUE(outputs.ok()) << outputs.status();
  return outputs.ok() ? Elements(outputs->front()) : std::vector<double>();
}

/// Y[i] = body, for a body that reads A[i].
std::vector<double> Map(DType from, DType to, const std::vector<double>& elements,
                        const std::function<Expr(Expr)>& body) {
  GraphBuilder g;
  auto n = static_cast<int64_t>(elements.size());
  int a = g.Add("A", {n}, Role::kInput, from), y = g.Add("Y", {n}, Role::kOutput, to);
  g.Pointwise(y, {"i"}, body(g.At(a, {Var(0)})));
  return OutputOf(g.graph, {Make(from, {n}, elements)});
}

/// Y = reducer over A.
std::vector<double> Fold(Reducer reducer, DType dtype, const std::vector<double>& elements) {
  GraphBuilder g;
  auto n = static_cast<int64_t>(elements.size());
  int a = g.Add("A", {n}, Role::kInput, dtype), y = g.Add("Y", {}, Role::kOutput, dtype);
  g.Reduce(y, {}, reducer, {{"i", n}}, g.At(a, {Var(0)}));
  return OutputOf(g.graph, {Make(dtype, {n}, elements)});
}

using Doubles = std::vector<double>;

TEST(Interpret, AMatrixProduct) {
  EXPECT_EQ(OutputOf(MatmulGraph(2, 2, 3), {Make(DType::kF32, {2, 3}, {1, 2, 3, 4, 5, 6}),
                                            Make(DType::kF32, {3, 2}, {1, 0, 0, 1, 2, 3})}),
            (Doubles{7, 11, 16, 23}));
}

TEST(Interpret, ReductionsOfNothingAreTheIdentity) {
  EXPECT_EQ(OutputOf(MatmulGraph(2, 2, 0), {Make(DType::kF32, {2, 0}, {}), Make(DType::kF32, {0, 2}, {})}),
            (Doubles{0, 0, 0, 0}));
  EXPECT_EQ(Fold(Reducer::kProd, DType::kF32, {}), Doubles{1});
  EXPECT_EQ(Fold(Reducer::kMax, DType::kF32, {}), Doubles{-INFINITY});
  EXPECT_EQ(Fold(Reducer::kMin, DType::kI8, {}), Doubles{127});
  EXPECT_EQ(Fold(Reducer::kAny, DType::kBool, {}), Doubles{0});
  EXPECT_EQ(Fold(Reducer::kAll, DType::kBool, {}), Doubles{1});
}

TEST(Interpret, EmptyOutputsHaveNoElements) {
  EXPECT_EQ(OutputOf(MatmulGraph(0, 2, 3),
                     {Make(DType::kF32, {0, 3}, {}), Make(DType::kF32, {3, 2}, {1, 2, 3, 4, 5, 6})}),
            Doubles{});
}

TEST(Interpret, EveryReducer) {
  EXPECT_EQ(Fold(Reducer::kSum, DType::kF32, {1, 2, 3.5}), Doubles{6.5});
  EXPECT_EQ(Fold(Reducer::kProd, DType::kF32, {1, 2, 3.5}), Doubles{7});
  EXPECT_EQ(Fold(Reducer::kMax, DType::kF32, {1, 3.5, 2}), Doubles{3.5});
  EXPECT_EQ(Fold(Reducer::kMin, DType::kF32, {1, -3.5, 2}), Doubles{-3.5});
  EXPECT_EQ(Fold(Reducer::kAny, DType::kBool, {0, 1, 0}), Doubles{1});
  EXPECT_EQ(Fold(Reducer::kAll, DType::kBool, {1, 1, 0}), Doubles{0});
  EXPECT_EQ(Fold(Reducer::kSum, DType::kI8, {100, 100}), Doubles{-56});  // wraps
  EXPECT_EQ(Fold(Reducer::kProd, DType::kI16, {300, 300}), Doubles{24464});
}

TEST(Interpret, SumsAreComputedInDouble) {
  // In f32 the small terms would be lost.
  EXPECT_EQ(Fold(Reducer::kSum, DType::kF32, {0x1p24, 1, 1, 1, -0x1p24}), Doubles{3});
}

TEST(Interpret, IntegersWrapAndDivideDown) {
  Expr two = Int(2, DType::kI8);
  EXPECT_EQ(Map(DType::kI8, DType::kI8, {100, -100}, [&](Expr a) { return a * two; }), (Doubles{-56, 56}));
  EXPECT_EQ(Map(DType::kI8, DType::kI8, {7, -7}, [&](Expr a) { return a / two; }), (Doubles{3, -4}));
  EXPECT_EQ(Map(DType::kI8, DType::kI8, {7, -7}, [&](Expr a) { return Binary(ExprKind::kMod, a, two); }),
            (Doubles{1, 1}));
  EXPECT_EQ(Map(DType::kI8, DType::kI8, {7, 0}, [&](Expr a) { return two / a; }), (Doubles{0, 0}));
  EXPECT_EQ(Map(DType::kI8, DType::kI8, {7, 0}, [&](Expr a) { return Binary(ExprKind::kMod, two, a); }),
            (Doubles{2, 2}));
}

TEST(Interpret, OutputsRoundToTheirType) {
  EXPECT_EQ(
      Map(DType::kF32, DType::kBF16, {1 + 0x1p-7 + 0x1p-9}, [](Expr a) { return Cast(DType::kBF16, a); }),
      Doubles{1 + 0x1p-7});
  EXPECT_EQ(Map(DType::kF64, DType::kF32, {0.1}, [](Expr a) { return Cast(DType::kF32, a); }), Doubles{0.1f});
  EXPECT_EQ(Map(DType::kF32, DType::kI8, {2.5, -1e9, NAN},
                [](Expr a) { return Cast(DType::kI8, a, Rounding::kNearestEven); }),
            (Doubles{2, -128, 0}));
}

TEST(Interpret, TemporariesOfF32AreNotRounded) {
  GraphBuilder g;
  int a = g.Add("A", {1}, Role::kInput), y = g.Add("Y", {1}, Role::kOutput), t = g.Add("t", {1}, Role::kTemp);
  g.Pointwise(t, {"i"}, g.At(a, {Var(0)}) + Float(0x1p-30));
  g.Pointwise(y, {"i"}, g.At(t, {Var(0)}) - Float(1));
  EXPECT_EQ(OutputOf(g.graph, {Make(DType::kF32, {1}, {1})}), Doubles{0x1p-30});
}

TEST(Interpret, TemporariesOfSixteenBitsAreRounded) {
  GraphBuilder g;
  int a = g.Add("A", {1}, Role::kInput, DType::kBF16), y = g.Add("Y", {1}, Role::kOutput, DType::kBF16);
  int t = g.Add("t", {1}, Role::kTemp, DType::kBF16);
  g.Pointwise(t, {"i"}, g.At(a, {Var(0)}) + Float(0x1p-10, DType::kBF16));
  g.Pointwise(y, {"i"}, g.At(t, {Var(0)}) - Float(1, DType::kBF16));
  EXPECT_EQ(OutputOf(g.graph, {Make(DType::kBF16, {1}, {1})}), Doubles{0});
}

TEST(Interpret, GuardedReadsGiveTheOtherValue) {
  for (int64_t step : {-2, -1, 0, 1, 2, 3}) {
    GraphBuilder g;
    int a = g.Add("A", {5}, Role::kInput), y = g.Add("Y", {7}, Role::kOutput);
    g.Pointwise(y, {"i"}, g.AtOr(a, {Var(0) * Int(step) - Int(1)}, Float(9)));
    Doubles expected;
    for (int64_t i = 0; i < 7; ++i) {
      int64_t at = i * step - 1;
      expected.push_back(at >= 0 && at < 5 ? static_cast<double>(at + 1) : 9);
    }
    EXPECT_EQ(OutputOf(g.graph, {Make(DType::kF32, {5}, {1, 2, 3, 4, 5})}), expected) << "step " << step;
  }
}

TEST(Interpret, IndicesMayDivideAndReadTensors) {
  GraphBuilder g;
  int a = g.Add("A", {3}, Role::kInput), index = g.Add("I", {4}, Role::kInput, DType::kI8);
  int y = g.Add("Y", {4}, Role::kOutput), z = g.Add("Z", {4}, Role::kOutput);
  g.Pointwise(y, {"i"}, g.At(a, {Var(0) / Int(2)}));
  g.Pointwise(z, {"i"}, g.AtOr(a, {Cast(DType::kI64, g.At(index, {Var(0)}))}, Float(-1)));
  auto outputs =
      Interpret(g.graph, {Make(DType::kF32, {3}, {1, 2, 3}), Make(DType::kI8, {4}, {2, -1, 0, 3})});
  ASSERT_TRUE(outputs.ok()) << outputs.status();
  EXPECT_EQ(Elements((*outputs)[0]), (Doubles{1, 1, 2, 2}));
  EXPECT_EQ(Elements((*outputs)[1]), (Doubles{3, -1, 1, -1}));
}

TEST(Interpret, FunctionsComparisonsAndSelections) {
  Doubles x = {-1.5, 0, 2.5};
  auto call = [&](Function f) {
    return Map(DType::kF64, DType::kF64, x, [f](Expr a) { return Call(f, {a}); });
  };
  EXPECT_EQ(call(Function::kExp), (Doubles{std::exp(-1.5), 1, std::exp(2.5)}));
  EXPECT_EQ(call(Function::kErf), (Doubles{std::erf(-1.5), 0, std::erf(2.5)}));
  EXPECT_EQ(call(Function::kAbs), (Doubles{1.5, 0, 2.5}));
  EXPECT_EQ(call(Function::kFloor), (Doubles{-2, 0, 2}));
  EXPECT_EQ(call(Function::kRound), (Doubles{-2, 0, 2}));
  Expr zero = Float(0, DType::kF64), one = Float(1, DType::kF64), minus = Float(-1, DType::kF64);
  auto sign = [&](Expr a) {
    return Select(Binary(ExprKind::kLess, a, zero), minus,
                  Select(Binary(ExprKind::kEqual, a, zero), zero, one));
  };
  EXPECT_EQ(Map(DType::kF64, DType::kF64, x, sign), (Doubles{-1, 0, 1}));
}

TEST(Interpret, NanAndInfinityPropagate) {
  Doubles y = Map(DType::kF32, DType::kF32, {NAN, INFINITY}, [](Expr a) { return a * Float(2) - a; });
  EXPECT_TRUE(std::isnan(y[0]));
  EXPECT_TRUE(std::isnan(y[1]));  // inf - inf
}

TEST(Interpret, RefusesInputsThatDoNotFit) {
  auto few = Interpret(MatmulGraph(2, 2, 2), {Value(DType::kF32, {2, 2})});
  EXPECT_EQ(MessageOf(few.status()),
            "the graph has 2 parameters, but 1 inputs were given: give one for each, in order");
  auto small = Interpret(MatmulGraph(2, 2, 2), {Value(DType::kF32, {2, 2}), Value(DType::kF32, {3})});
  EXPECT_EQ(MessageOf(small.status()), "input B has 3 elements of f32: give 4 of f32");
  auto other = Interpret(MatmulGraph(2, 2, 2), {Value(DType::kF32, {2, 2}), Value(DType::kF64, {2, 2})});
  EXPECT_EQ(MessageOf(other.status()), "input B has 4 elements of f64: give 4 of f32");
}

TEST(Interpret, RefusesWhatDoesNotFitInMemory) {
  GraphBuilder g;
  int64_t huge = int64_t{1} << 46;
  int a = g.Add("A", {1}, Role::kInput), y = g.Add("Y", {huge}, Role::kOutput);
  g.Pointwise(y, {"i"}, g.At(a, {Int(0)}));
  EXPECT_EQ(MessageOf(Interpret(g.graph, {Value(DType::kF32, {1})}).status()),
            "tensor Y of 70368744177664 elements does not fit in memory: use smaller extents");
}

/// Elements evaluated one by one, in a scattered order, are those of the whole.
void ExpectSameOneByOne(const Graph& graph) {
  auto inputs = GenerateInputs(InputKind::kUniform, 7, graph);
  for (ErrorModel model : {ErrorModel::kWorstCase, ErrorModel::kIndependent}) {
    Tolerance tolerance{model, 3};
    auto whole = InterpretBounded(graph, inputs, tolerance);
    auto plain = Interpret(graph, inputs);
    auto elements = ElementEvaluator::Create(graph, inputs, tolerance);
    ASSERT_TRUE(whole.ok() && plain.ok() && elements.ok()) << whole.status();
    for (size_t o = 0; o < whole->size(); ++o) {
      const Value& value = (*whole)[o].value;
      EXPECT_EQ(value, (*plain)[o]);
      for (int64_t i = 0; i < value.elements(); ++i) {
        int64_t at = (i * 7919) % value.elements();
        Expected got = elements->Evaluate(static_cast<int>(o), at), want = (*whole)[o].At(at);
        EXPECT_EQ(got.value, want.value) << "element " << at;
        EXPECT_EQ(got.bound, want.bound) << "element " << at;
      }
      // And in runs, from another start.
      auto runs = ElementEvaluator::Create(graph, inputs, tolerance);
      ASSERT_TRUE(runs.ok());
      for (int64_t first = value.elements() - 17; first >= 0; first -= 23) {
        auto run = runs->Evaluate(static_cast<int>(o), first, 17);
        for (int64_t i = 0; i < 17; ++i)
          EXPECT_EQ(run[static_cast<size_t>(i)].value, (*whole)[o].At(first + i).value);
      }
    }
  }
}

TEST(ElementEvaluator, AgreesWithTheWhole) {
  ExpectSameOneByOne(MatmulGraph(5, 40, 200));
  ExpectSameOneByOne(SoftmaxGraph(3, 301));
  ExpectSameOneByOne(ConvGraph({.n = 2, .h = 5, .w = 7, .ci = 6, .co = 12, .stride = 2, .groups = 3}));
  ExpectSameOneByOne(GqaGraph(2, 6, 3, 50, 4));
}

TEST(Interpret, ANormalisedGraphMeansTheSame) {
  for (const Graph& graph :
       {ConvGraph({.n = 2, .h = 5, .w = 7, .ci = 6, .co = 12, .stride = 2, .groups = 3}),
        ConvGraph({.h = 1, .w = 6}), ConvGraph({.kh = 1, .kw = 1, .ph = 0, .pw = 0}),
        ConvGraph({.ci = 6, .co = 6, .groups = 6}), ConvGraph({.ph = 0, .pw = 0}), GqaGraph(2, 6, 3, 5, 4),
        GqaGraph(1, 4, 4, 3, 1), SoftmaxGraph(1, 9), SoftmaxGraph(4, 1), MatmulGraph(1, 1, 9)}) {
    auto inputs = GenerateInputs(InputKind::kUniform, 3, graph);
    EXPECT_EQ(OutputOf(Normalize(graph), inputs), OutputOf(graph, inputs)) << ToString(graph);
  }
}

}  // namespace
}  // namespace tunesmith::te
