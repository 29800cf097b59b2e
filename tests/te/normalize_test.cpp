// SPDX-License-Identifier: Apache-2.0
#include "te/normalize.h"

#include <gtest/gtest.h>

#include "tests/te/sample_graphs.h"

namespace tunesmith::te {
namespace {

/// The tensors that are not temporary, then the stages.
std::string Text(const Graph& graph) {
  std::string out;
  for (const Tensor& tensor : graph.tensors) {
    if (tensor.role == Role::kTemp) continue;
    out += tensor.name + "[";
    for (size_t d = 0; d < tensor.shape.size(); ++d) {
      out += (d > 0 ? ", " : "") + std::to_string(tensor.shape[d]);
    }
    out += "] ";
  }
  return out + "\n" + ToString(graph);
}

std::string Normalized(const Graph& graph) {
  EXPECT_TRUE(Verify(graph).ok()) << Verify(graph);
  Graph normal = Normalize(graph);
  EXPECT_TRUE(Verify(normal).ok()) << Verify(normal);
  EXPECT_EQ(Text(Normalize(normal)), Text(normal)) << "normalising twice changes more";
  return Text(normal);
}

TEST(Normalize, LeavesAMatrixProductAlone) {
  EXPECT_EQ(Normalized(MatmulGraph(4, 5, 6)),
            "A[4, 6] B[6, 5] C[4, 5] \n"
            "C[i, j] = sum(k) A[i, k] * B[k, j]\n");
}

TEST(Normalize, DropsAxesOfExtentOne) {
  EXPECT_EQ(Normalized(MatmulGraph(1, 5, 6)),
            "A[6] B[6, 5] C[5] \n"
            "C[j] = sum(k) A[k] * B[k, j]\n");
  EXPECT_EQ(Normalized(MatmulGraph(1, 1, 1)),
            "A[] B[] C[] \n"
            "C[] = A[] * B[]\n");
}

TEST(Normalize, KeepsEmptyAxes) {
  EXPECT_EQ(Normalized(MatmulGraph(4, 5, 0)),
            "A[4, 0] B[0, 5] C[4, 5] \n"
            "C[i, j] = sum(k) A[i, k] * B[k, j]\n");
}

TEST(Normalize, TurnsAPointwiseConvolutionIntoAMatrixProduct) {
  EXPECT_EQ(Normalized(ConvGraph({.h = 14, .w = 7, .ci = 8, .co = 16, .kh = 1, .kw = 1, .ph = 0, .pw = 0})),
            "X[98, 8] W[8, 16] bias[16] Y[98, 16] \n"
            "acc[yx, o] = sum(c) X[yx, c] * W[c, o]\n"
            "Y[yx, o] = max(acc[yx, o] + bias[o], 0)\n");
}

TEST(Normalize, KeepsTheAxesOfAStridedPointwiseConvolution) {
  EXPECT_EQ(Normalized(ConvGraph({.ci = 3, .co = 6, .kh = 1, .kw = 1, .stride = 2, .ph = 0, .pw = 0})),
            "X[8, 8, 3] W[3, 6] bias[6] Y[4, 4, 6] \n"
            "acc[y, x, o] = sum(c) X[y*2, x*2, c] * W[c, o]\n"
            "Y[y, x, o] = max(acc[y, x, o] + bias[o], 0)\n");
}

TEST(Normalize, AConvolutionKeepsItsGuards) {
  EXPECT_EQ(Normalized(ConvGraph({})),
            "X[8, 8, 4] W[3, 3, 4, 4] bias[4] Y[8, 8, 4] \n"
            "acc[y, x, o] = sum(dy, dx, c) X[y + dy - 1, x + dx - 1, c | 0] * W[dy, dx, c, o]\n"
            "Y[y, x, o] = max(acc[y, x, o] + bias[o], 0)\n");
}

TEST(Normalize, AGuardOfExtentOneIsKept) {
  EXPECT_EQ(Normalized(ConvGraph({.h = 1, .w = 8})),
            "X[1, 8, 4] W[3, 3, 4, 4] bias[4] Y[8, 4] \n"
            "acc[x, o] = sum(dy, dx, c) X[dy - 1, x + dx - 1, c | 0] * W[dy, dx, c, o]\n"
            "Y[x, o] = max(acc[x, o] + bias[o], 0)\n");
}

TEST(Normalize, AConvolutionWithoutPaddingWalksKernelRowsAsOneAxis) {
  EXPECT_EQ(Normalized(ConvGraph({.ph = 0, .pw = 0})),
            "X[8, 32] W[3, 12, 4] bias[4] Y[6, 6, 4] \n"
            "acc[y, x, o] = sum(dy, dxc) X[y + dy, x*4 + dxc] * W[dy, dxc, o]\n"
            "Y[y, x, o] = max(acc[y, x, o] + bias[o], 0)\n");
}

TEST(Normalize, AWindowOverTwoMergedAxesStepsByWholePixels) {
  GraphBuilder g;
  int x = g.Add("X", {4, 5, 3}, Role::kInput), y = g.Add("Y", {3, 4, 3}, Role::kOutput);
  g.Reduce(y, {"y", "x", "c"}, Reducer::kMax, {{"dy", 2}, {"dx", 2}},
           g.At(x, {Var(0) + Var(3), Var(1) + Var(4), Var(2)}));
  EXPECT_EQ(Normalized(g.graph),
            "X[4, 15] Y[3, 12] \n"
            "Y[y, xc] = max(dy, dx) X[y + dy, xc + dx*3]\n");
}

TEST(Normalize, ADepthwiseConvolutionIsAffine) {
  EXPECT_EQ(Normalized(ConvGraph({.ci = 6, .co = 6, .groups = 6})),
            "X[8, 8, 6] W[3, 3, 6] bias[6] Y[8, 8, 6] \n"
            "acc[y, x, o] = sum(dy, dx) X[y + dy - 1, x + dx - 1, o | 0] * W[dy, dx, o]\n"
            "Y[y, x, o] = max(acc[y, x, o] + bias[o], 0)\n");
}

TEST(Normalize, AGroupedConvolutionSplitsItsOutputChannels) {
  EXPECT_EQ(Normalized(ConvGraph({.ci = 6, .co = 12, .groups = 3})),
            "X[8, 8, 6] W[3, 3, 2, 3, 4] bias[3, 4] Y[8, 8, 3, 4] \n"
            "acc[y, x, o.o, o.i] = sum(dy, dx, c) X[y + dy - 1, x + dx - 1, o.o*2 + c | 0] * "
            "W[dy, dx, c, o.o, o.i]\n"
            "Y[y, x, o.o, o.i] = max(acc[y, x, o.o, o.i] + bias[o.o, o.i], 0)\n");
}

TEST(Normalize, HeadsThatShareKeysAreSplit) {
  EXPECT_EQ(Normalized(GqaGraph(2, 6, 3, 5, 4)),
            "Q[6, 2, 4] K[6, 5, 4] V[6, 5, 4] O[6, 2, 4] \n"
            "p[bh.o, h.i, s] = sum(d) Q[bh.o, h.i, d] * K[bh.o, s, d] * 0.5\n"
            "m[bh.o, h.i] = max(s) p[bh.o, h.i, s]\n"
            "e[bh.o, h.i, s] = exp(p[bh.o, h.i, s] - m[bh.o, h.i])\n"
            "t[bh.o, h.i] = sum(s) e[bh.o, h.i, s]\n"
            "O[bh.o, h.i, d] = sum(s) (e[bh.o, h.i, s] / t[bh.o, h.i] * V[bh.o, s, d])\n");
}

TEST(Normalize, ElementwiseStagesBecomeOneAxis) {
  GraphBuilder g;
  int a = g.Add("A", {3, 4, 5}, Role::kInput), y = g.Add("Y", {3, 4, 5}, Role::kOutput);
  int t = g.Add("t", {3, 4, 5}, Role::kTemp);
  g.Pointwise(t, {"i", "j", "k"}, g.At(a, {Var(0), Var(1), Var(2)}) + Float(1));
  g.Pointwise(y, {"i", "j", "k"}, g.At(t, {Var(0), Var(1), Var(2)}) * Float(2));
  EXPECT_EQ(Normalized(g.graph),
            "A[60] Y[60] \n"
            "t[ijk] = A[ijk] + 1\n"
            "Y[ijk] = t[ijk] * 2\n");
}

TEST(Normalize, ATransposeKeepsItsAxes) {
  GraphBuilder g;
  int a = g.Add("A", {3, 4}, Role::kInput), y = g.Add("Y", {4, 3}, Role::kOutput);
  g.Pointwise(y, {"j", "i"}, g.At(a, {Var(1), Var(0)}));
  EXPECT_EQ(Normalized(g.graph),
            "A[3, 4] Y[4, 3] \n"
            "Y[j, i] = A[i, j]\n");
}

TEST(Normalize, MergesReductionAxes) {
  GraphBuilder g;
  int a = g.Add("A", {2, 3, 4, 5}, Role::kInput), y = g.Add("Y", {2, 5}, Role::kOutput);
  g.Reduce(y, {"n", "c"}, Reducer::kSum, {{"i", 3}, {"j", 4}}, g.At(a, {Var(0), Var(2), Var(3), Var(1)}));
  EXPECT_EQ(Normalized(g.graph),
            "A[2, 12, 5] Y[2, 5] \n"
            "Y[n, c] = sum(ij) A[n, ij, c]\n");
}

TEST(Normalize, AnIndexUsedAsANumberKeepsItsAxis) {
  GraphBuilder g;
  int a = g.Add("A", {3, 4}, Role::kInput), y = g.Add("Y", {3, 4}, Role::kOutput);
  g.Pointwise(y, {"i", "j"}, g.At(a, {Var(0), Var(1)}) + Cast(DType::kF32, Var(1)));
  EXPECT_EQ(Normalized(g.graph),
            "A[3, 4] Y[3, 4] \n"
            "Y[i, j] = A[i, j] + f32(j)\n");
}

TEST(Normalize, AReductionThatIsStoredInAnotherTypeIsCastByAStageOfItsOwn) {
  Graph graph = MatmulGraph(4, 5, 6);
  graph.tensors[2].dtype = DType::kBF16;
  EXPECT_EQ(Normalized(graph),
            "A[4, 6] B[6, 5] C[4, 5] \n"
            "C_wide[i, j] = sum(k) A[i, k] * B[k, j]\n"
            "C[i, j] = bf16(C_wide[i, j])\n");
}

TEST(Normalize, DropsStagesThatNothingNeeds) {
  GraphBuilder g;
  int a = g.Add("A", {3}, Role::kInput), y = g.Add("Y", {3}, Role::kOutput);
  int dead = g.Add("dead", {3}, Role::kTemp), t = g.Add("t", {3}, Role::kTemp);
  g.Pointwise(dead, {"i"}, g.At(a, {Var(0)}));
  g.Pointwise(t, {"i"}, g.At(a, {Var(0)}) + Float(1));
  g.Pointwise(y, {"i"}, g.At(t, {Var(0)}) + g.At(t, {Var(0)}));
  EXPECT_EQ(Normalized(g.graph),
            "A[3] Y[3] \n"
            "t[i] = A[i] + 1\n"
            "Y[i] = t[i] + t[i]\n");
}

Workload Of(Graph graph) {
  Workload workload;
  workload.algorithms.push_back({"direct", std::move(graph), 1});
  return workload;
}

TEST(WorkloadHash, NamesTheComputationNotItsSource) {
  std::string matmul = WorkloadHash(Of(MatmulGraph(98, 16, 8)));
  EXPECT_EQ(matmul.size(), 32u);
  Graph renamed = MatmulGraph(98, 16, 8);
  for (Tensor& tensor : renamed.tensors) tensor.name += "'";
  for (Axis& axis : renamed.stages[0].axes) axis.name += "'";
  EXPECT_EQ(WorkloadHash(Of(renamed)), matmul);
  EXPECT_NE(WorkloadHash(Of(MatmulGraph(98, 16, 9))), matmul);
  Graph plain = MatmulGraph(98, 16, 8);
  plain.tensors[1].role = Role::kInput;
  EXPECT_NE(WorkloadHash(Of(plain)), matmul);
}

TEST(WorkloadHash, IsTheSameForEverAndOnEveryMachine) {
  EXPECT_EQ(WorkloadHash(Of(MatmulGraph(4, 5, 6))), "aade0b775b620c5e6552a98691573b17");
}

TEST(Verify, RefusesAReadThatLeavesItsTensor) {
  Graph graph = MatmulGraph(4, 5, 6);
  graph.tensors[0].shape = {4, 5};
  EXPECT_EQ(MessageOf(Verify(graph)), "stage C: it reads A at 0…5 in dimension 1 of extent 5");
}

TEST(Verify, RefusesAStageBeforeWhatItReads) {
  Graph graph = SoftmaxGraph(3, 4);
  std::swap(graph.stages[0], graph.stages[1]);
  EXPECT_EQ(MessageOf(Verify(graph)), "stage e: it reads m before its definition");
}

TEST(Verify, RefusesMixedTypes) {
  Graph graph = MatmulGraph(4, 5, 6);
  graph.tensors[0].dtype = DType::kF64;
  EXPECT_EQ(MessageOf(Verify(graph)), "stage C: it reads A as another type");
}

TEST(Verify, RefusesATensorWithoutAStage) {
  Graph graph = MatmulGraph(4, 5, 6);
  graph.stages.clear();
  EXPECT_EQ(MessageOf(Verify(graph)), "no stage defines tensor C");
}

}  // namespace
}  // namespace tunesmith::te
