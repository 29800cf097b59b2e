// SPDX-License-Identifier: Apache-2.0
// The tolerance from both sides: what correct kernels in f32 compute is accepted, on uniform and on hostile
// inputs; what a kernel computes that is a little wrong is refused. The errors of the wrong kernels below are
// between one and a hundred times the tolerance, so that a tolerance a hundred times as wide fails here.
#include "te/tolerance.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "te/inputs.h"
#include "te/interpret.h"
#include "te/scalar.h"
#include "tests/te/sample_graphs.h"

namespace tunesmith::te {
namespace {

/// What a kernel gives for the inputs of a graph with one f32 output.
using Kernel = std::function<std::vector<float>(const std::vector<Value>&)>;

/// How many elements the tolerance refuses; `worst` is the largest error as a multiple of its bound.
int64_t Refused(const Graph& graph, InputKind kind, const Kernel& kernel, double* worst = nullptr) {
  int64_t refused = 0;
  for (uint64_t seed : {1, 2, 3}) {
    auto inputs = GenerateInputs(kind, seed, graph);
    auto want = InterpretBounded(graph, inputs, {ErrorModelFor(kind), 1});
    EXPECT_TRUE(want.ok()) << want.status();
    std::vector<float> got = kernel(inputs);
    for (size_t i = 0; i < got.size(); ++i) {
      Expected expected = want->front().At(static_cast<int64_t>(i));
      if (!Accepts(expected, DType::kF32, reinterpret_cast<const uint8_t*>(&got[i]))) ++refused;
      double ratio = std::fabs(got[i] - expected.value) / expected.bound;
      if (worst != nullptr && std::isfinite(ratio)) *worst = std::max(*worst, ratio);
    }
  }
  return refused;
}

void ExpectAccepted(const Graph& graph, const Kernel& kernel) {
  double worst = 0;
  EXPECT_EQ(Refused(graph, InputKind::kUniform, kernel, &worst), 0) << "uniform, worst " << worst;
  for (InputKind kind : kHostileInputs) {
    worst = 0;
    EXPECT_EQ(Refused(graph, kind, kernel, &worst), 0) << static_cast<int>(kind) << ", worst " << worst;
  }
}

/// Refused with errors that a tolerance a hundred times as wide would accept.
void ExpectRefusedClosely(const Graph& graph, InputKind kind, const Kernel& kernel) {
  double worst = 0;
  EXPECT_GT(Refused(graph, kind, kernel, &worst), 0);
  EXPECT_LT(worst, 100);
}

constexpr int64_t kM = 12, kN = 16, kK = 1024;

/// C[i][j] = sum of A[i][k] * B[k][j], by `sum` over the two columns.
Kernel Product(int64_t m, int64_t n, int64_t k,
               const std::function<float(const std::vector<float>&, const std::vector<float>&)>& sum) {
  return [=](const std::vector<Value>& inputs) {
    std::vector<float> c, row(static_cast<size_t>(k)), column(static_cast<size_t>(k));
    for (int64_t i = 0; i < m; ++i) {
      for (int64_t j = 0; j < n; ++j) {
        for (int64_t l = 0; l < k; ++l) {
          row[static_cast<size_t>(l)] = inputs[0].as<float>()[i * k + l];
          column[static_cast<size_t>(l)] = inputs[1].as<float>()[l * n + j];
        }
        c.push_back(sum(row, column));
      }
    }
    return c;
  };
}

using Column = std::vector<float>;

float Sequential(const Column& a, const Column& b) {
  float sum = 0;
  for (size_t k = 0; k < a.size(); ++k) sum += a[k] * b[k];
  return sum;
}

float Fused(const Column& a, const Column& b) {
  float sum = 0;
  for (size_t k = 0; k < a.size(); ++k) sum = std::fma(a[k], b[k], sum);
  return sum;
}

/// Backwards, in 16 lanes that are added at the end.
float Lanes(const Column& a, const Column& b) {
  float lanes[16] = {};
  for (size_t k = a.size(); k-- > 0;) lanes[k % 16] = std::fma(a[k], b[k], lanes[k % 16]);
  float sum = 0;
  for (float lane : lanes) sum += lane;
  return sum;
}

/// All positive products first: the largest partial sums there can be.
float Sorted(const Column& a, const Column& b) {
  float sum = 0;
  for (bool positive : {true, false}) {
    for (size_t k = 0; k < a.size(); ++k) {
      if ((a[k] * b[k] > 0) == positive) sum += a[k] * b[k];
    }
  }
  return sum;
}

TEST(Tolerance, AcceptsMatrixProductsInAnyOrder) {
  Graph graph = MatmulGraph(kM, kN, kK);
  for (auto sum : {Sequential, Fused, Lanes}) ExpectAccepted(graph, Product(kM, kN, kK, sum));
  for (InputKind kind : kHostileInputs) {
    EXPECT_EQ(Refused(graph, kind, Product(kM, kN, kK, Sorted)), 0) << static_cast<int>(kind);
  }
}

/// A product of which each factor keeps `bits` bits.
auto Coarse(int bits) {
  return [bits](const Column& a, const Column& b) {
    auto cut = [bits](float x) {
      int exponent = 0;
      float fraction = std::frexp(x, &exponent);
      return std::ldexp(std::nearbyint(std::ldexp(fraction, bits)), exponent - bits);
    };
    double sum = 0;
    for (size_t k = 0; k < a.size(); ++k) sum += static_cast<double>(cut(a[k])) * cut(b[k]);
    return static_cast<float>(sum);
  };
}

float WithoutTheLast(const Column& a, const Column& b) {
  float sum = 0;
  for (size_t k = 0; k + 1 < a.size(); ++k) sum += a[k] * b[k];
  return sum;
}

TEST(Tolerance, RefusesAProductInLowPrecision) {
  Graph graph = MatmulGraph(kM, kN, kK);
  // As on units that keep 11 bits (TF32, FP16), and as in bf16.
  ExpectRefusedClosely(graph, InputKind::kUniform, Product(kM, kN, kK, Coarse(11)));
  EXPECT_GT(Refused(graph, InputKind::kUniform, Product(kM, kN, kK, Coarse(8))), kM * kN);
  // Of shorter sums, the hostile inputs tell too.
  ExpectRefusedClosely(MatmulGraph(4, 4, 32), InputKind::kEqual, Product(4, 4, 32, Coarse(13)));
  ExpectRefusedClosely(MatmulGraph(4, 4, 32), InputKind::kCancelling, Product(4, 4, 32, Coarse(13)));
  ExpectRefusedClosely(MatmulGraph(4, 4, 32), InputKind::kLarge, Product(4, 4, 32, Coarse(13)));
}

TEST(Tolerance, RefusesASumThatMissesATerm) {
  EXPECT_GT(Refused(MatmulGraph(kM, kN, kK), InputKind::kUniform, Product(kM, kN, kK, WithoutTheLast)),
            3 * kM * kN - 4);
  // A small term among large ones may hide.
  for (InputKind kind : {InputKind::kLarge, InputKind::kCancelling, InputKind::kEqual}) {
    EXPECT_GT(Refused(MatmulGraph(4, 4, 64), kind, Product(4, 4, 64, WithoutTheLast)), 3 * 8);
  }
}

TEST(Tolerance, OfIntegerProductsIsZero) {
  GraphBuilder g;
  int a = g.Add("A", {64}, Role::kInput, DType::kU8), b = g.Add("B", {64}, Role::kInput, DType::kI8);
  int c = g.Add("C", {}, Role::kOutput, DType::kI32);
  g.Reduce(c, {}, Reducer::kSum, {{"k", 64}},
           Cast(DType::kI32, g.At(a, {Var(0)})) * Cast(DType::kI32, g.At(b, {Var(0)})));
  for (InputKind kind : {InputKind::kUniform, InputKind::kLarge}) {
    auto inputs = GenerateInputs(kind, 1, g.graph);
    auto want = InterpretBounded(g.graph, inputs, {ErrorModelFor(kind), 1});
    ASSERT_TRUE(want.ok());
    Expected expected = want->front().At(0);
    EXPECT_EQ(expected.bound, 0);
    auto got = static_cast<int32_t>(expected.integer);
    EXPECT_TRUE(Accepts(expected, DType::kI32, reinterpret_cast<const uint8_t*>(&got)));
    ++got;
    EXPECT_FALSE(Accepts(expected, DType::kI32, reinterpret_cast<const uint8_t*>(&got)));
  }
}

constexpr int64_t kRows = 6, kColumns = 500;

/// The softmax of each row in f32; the exponential's results are scaled by 1 + `error` on odd columns.
Kernel SoftmaxKernel(float error) {
  return [error](const std::vector<Value>& inputs) {
    std::vector<float> y;
    for (int64_t r = 0; r < kRows; ++r) {
      const float* x = inputs[0].as<float>() + r * kColumns;
      float most = *std::max_element(x, x + kColumns), sum = 0;
      std::vector<float> e;
      for (int64_t c = 0; c < kColumns; ++c) {
        e.push_back(std::exp(x[c] - most) * (c % 2 != 0 ? 1 + error : 1));
        sum += e.back();
      }
      for (float value : e) y.push_back(value * (1 / sum));
    }
    return y;
  };
}

TEST(Tolerance, OfASoftmax) {
  Graph graph = SoftmaxGraph(kRows, kColumns);
  ExpectAccepted(graph, SoftmaxKernel(0));
  ExpectRefusedClosely(graph, InputKind::kUniform, SoftmaxKernel(0x1p-15f));
}

/// Y = (X - mean) / sqrt(variance + 1e-5) of each row.
Graph NormGraph() {
  GraphBuilder g;
  int x = g.Add("X", {kRows, kColumns}, Role::kInput), y = g.Add("Y", {kRows, kColumns}, Role::kOutput);
  int s = g.Add("s", {kRows}, Role::kTemp), v = g.Add("v", {kRows}, Role::kTemp);
  Expr n = Float(kColumns), at = g.At(x, {Var(0), Var(1)});
  Expr residue = at - g.At(s, {Var(0)}) / n;
  g.Reduce(s, {"r"}, Reducer::kSum, {{"c", kColumns}}, at);
  g.Reduce(v, {"r"}, Reducer::kSum, {{"c", kColumns}}, residue * residue);
  g.Pointwise(y, {"r", "c"}, residue * Call(Function::kRsqrt, {g.At(v, {Var(0)}) / n + Float(1e-5)}));
  return g.graph;
}

/// In f32, with this epsilon.
Kernel NormKernel(float epsilon) {
  return [epsilon](const std::vector<Value>& inputs) {
    std::vector<float> y;
    for (int64_t r = 0; r < kRows; ++r) {
      const float* x = inputs[0].as<float>() + r * kColumns;
      float sum = 0, squares = 0;
      for (int64_t c = 0; c < kColumns; ++c) sum += x[c];
      float mean = sum * (1.0f / kColumns);
      for (int64_t c = 0; c < kColumns; ++c) squares += (x[c] - mean) * (x[c] - mean);
      float scale = 1 / std::sqrt(squares / kColumns + epsilon);
      for (int64_t c = 0; c < kColumns; ++c) y.push_back((x[c] - mean) * scale);
    }
    return y;
  };
}

TEST(Tolerance, OfANormalisation) {
  ExpectAccepted(NormGraph(), NormKernel(1e-5f));
  ExpectRefusedClosely(NormGraph(), InputKind::kUniform, NormKernel(2e-5f));
}

/// 0.5 * x * (1 + erf(x / sqrt 2)) of every element.
Graph GeluGraph() {
  GraphBuilder g;
  int x = g.Add("X", {kRows * kColumns}, Role::kInput), y = g.Add("Y", {kRows * kColumns}, Role::kOutput);
  Expr at = g.At(x, {Var(0)});
  g.Pointwise(y, {"i"},
              Float(0.5) * at * (Float(1) + Call(Function::kErf, {at * Float(0.70710678118654752)})));
  return g.graph;
}

Kernel GeluKernel(float error) {
  return [error](const std::vector<Value>& inputs) {
    std::vector<float> y;
    for (int64_t i = 0; i < kRows * kColumns; ++i) {
      float x = inputs[0].as<float>()[i];
      y.push_back(0.5f * x * (1 + std::erf(x * 0.70710678f) + error));
    }
    return y;
  };
}

TEST(Tolerance, OfAGelu) {
  ExpectAccepted(GeluGraph(), GeluKernel(0));
  ExpectRefusedClosely(GeluGraph(), InputKind::kUniform, GeluKernel(0x1p-17f));
}

TEST(Tolerance, OfWhatOnlyCopiesIsZero) {
  GraphBuilder g;
  int x = g.Add("X", {4, 5}, Role::kInput), y = g.Add("Y", {4}, Role::kOutput);
  g.Reduce(y, {"i"}, Reducer::kMax, {{"j", 5}}, Binary(ExprKind::kMax, g.At(x, {Var(0), Var(1)}), Float(0)));
  auto want = InterpretBounded(g.graph, GenerateInputs(InputKind::kUniform, 1, g.graph), {});
  ASSERT_TRUE(want.ok());
  for (double bound : want->front().bounds) EXPECT_EQ(bound, 0);
}

// Equal terms round in the same direction again and again.
TEST(Tolerance, OfTermsThatRepeatIsTheWorstCase) {
  constexpr int64_t kTerms = 400;
  const auto model = [](const Expr& body, const GraphBuilder& given) {
    GraphBuilder g = given;
    g.Reduce(0, {"i"}, Reducer::kSum, {{"k", kTerms}}, body);
    return ModelOf(g.graph, g.graph.stages.back(), ErrorModel::kIndependent);
  };
  GraphBuilder g;
  g.Add("Y", {3}, Role::kOutput);
  const int x = g.Add("X", {3, kTerms}, Role::kInput), b = g.Add("B", {3}, Role::kInput);
  const Expr fresh = g.At(x, {Var(0), Var(1)}), same = g.At(b, {Var(0)});
  const Expr inside = g.AtOr(x, {Var(0), Var(1) + Int(200)}, Float(0));
  EXPECT_EQ(model(fresh, g), ErrorModel::kIndependent);
  EXPECT_EQ(model(fresh * same, g), ErrorModel::kIndependent);
  EXPECT_EQ(model(fresh + same, g), ErrorModel::kIndependent);
  EXPECT_EQ(model(inside * same, g), ErrorModel::kIndependent);
  EXPECT_EQ(model(same, g), ErrorModel::kWorstCase);
  EXPECT_EQ(model(inside + same, g), ErrorModel::kWorstCase);
  const Expr vanishes = g.AtOr(b, {Var(0) + Int(2)}, Float(0));
  EXPECT_EQ(model(fresh * vanishes, g), ErrorModel::kIndependent);
  EXPECT_EQ(model(fresh * vanishes - same, g), ErrorModel::kWorstCase);
  // Through a stage that only repeats it.
  GraphBuilder through = g;
  const int t = through.Add("t", {3, kTerms}, Role::kTemp);
  through.Pointwise(t, {"i", "k"}, through.At(b, {Var(0)}));
  EXPECT_EQ(model(through.At(t, {Var(0), Var(1)}), through), ErrorModel::kWorstCase);
}

TEST(Tolerance, GrowsByTheAlgorithmsFactor) {
  Graph graph = MatmulGraph(2, 2, 50);
  auto inputs = GenerateInputs(InputKind::kUniform, 1, graph);
  auto once = InterpretBounded(graph, inputs, {ErrorModel::kIndependent, 1});
  auto tenfold = InterpretBounded(graph, inputs, {ErrorModel::kIndependent, 10});
  ASSERT_TRUE(once.ok() && tenfold.ok());
  // But for the rounding of the output itself.
  EXPECT_NEAR(tenfold->front().bounds[0] / once->front().bounds[0], 10, 0.5);
}

bool AcceptsF32(double value, double bound, float got) {
  return Accepts({value, 0, bound}, DType::kF32, reinterpret_cast<const uint8_t*>(&got));
}

TEST(Tolerance, NanAndInfinityMustBeMet) {
  EXPECT_TRUE(AcceptsF32(NAN, 0, NAN));
  EXPECT_FALSE(AcceptsF32(NAN, 0, 1));
  EXPECT_FALSE(AcceptsF32(1, 0.5, NAN));
  EXPECT_TRUE(AcceptsF32(INFINITY, 0, INFINITY));
  EXPECT_FALSE(AcceptsF32(INFINITY, 0, -INFINITY));
  EXPECT_FALSE(AcceptsF32(INFINITY, 0, 3e38f));
  EXPECT_FALSE(AcceptsF32(1, 0.5, INFINITY));
  EXPECT_TRUE(AcceptsF32(1, 0.5, 1.5f));
  EXPECT_FALSE(AcceptsF32(1, 0.5, 1.6f));
  EXPECT_TRUE(AcceptsF32(0, 0, -0.0f));
}

TEST(Tolerance, IsPrinted) {
  EXPECT_EQ(ToString(Tolerance{ErrorModel::kWorstCase, 1}), "rounding errors at worst, n u sum|t|");
  EXPECT_EQ(ToString(Tolerance{ErrorModel::kIndependent, 4}),
            "rounding errors independent, sqrt(n) u, times 4");
  EXPECT_EQ(ToString(Expected{0.25, 0, 3e-7}, DType::kF32), "0.25 ± 3e-07");
  EXPECT_EQ(ToString(Expected{-7, -7, 0}, DType::kI32), "-7");
}

}  // namespace
}  // namespace tunesmith::te
