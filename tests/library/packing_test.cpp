// SPDX-License-Identifier: Apache-2.0
// Where a kernel finds its weights, and when two packings count as one.
#include "library/packing.h"

#include <gtest/gtest.h>

#include "tests/te/sample_graphs.h"

namespace tunesmith::library {
namespace {

using Kind = measure::Signature::Kind;

/// C[2, 3] = A[2, 5] W[5, 3], and a second weight V of one row that is added.
te::Graph TwoWeights() {
  te::Graph graph = te::MatmulGraph(2, 3, 5);
  graph.tensors[1].role = te::Role::kWeight;
  te::Tensor second{"V", te::DType::kF32, {3}, te::Role::kWeight};
  graph.tensors.insert(graph.tensors.begin() + 2, second);
  return graph;
}

/// Reads W as `w_elements` repacked elements, or as it is if that is 0, and V as it is.
Variant VariantWith(int64_t w_elements) {
  Variant variant;
  variant.signature.main = {
      {Kind::kInput, 0, 4}, {Kind::kInput, 1, 4}, {Kind::kInput, 2, 4}, {Kind::kOutput, 0, 4}};
  if (w_elements == 0) return variant;
  variant.signature.main[1] = {Kind::kPacked, 0, 64};
  variant.signature.packed = {{w_elements, 4}};
  variant.signature.pack = {{Kind::kInput, 1, 4}, {Kind::kInput, 2, 4}, {Kind::kPacked, 0, 64}};
  variant.pack_program = "pack W";
  return variant;
}

TEST(Packing, CopiesWhatTheKernelReadsAsItIs) {
  Packing packing = PackingOf(TwoWeights(), VariantWith(0)).value();
  ASSERT_EQ(packing.main.size(), 4u);
  EXPECT_FALSE(packing.main[0].packed);
  EXPECT_TRUE(packing.main[1].packed);
  EXPECT_EQ(packing.main[1].parameter, 1);  // copied from there
  EXPECT_EQ(packing.main[1].offset, 64);    // behind the header
  EXPECT_EQ(packing.main[2].offset, 128);   // 5 x 3 x 4 bytes are 60
  EXPECT_FALSE(packing.main[3].packed);
  EXPECT_EQ(packing.bytes, 192);
  EXPECT_TRUE(packing.pack.empty());
}

TEST(Packing, GivesRepackedWeightsTheirOwnSize) {
  Packing packing = PackingOf(TwoWeights(), VariantWith(40)).value();
  EXPECT_EQ(packing.main[1].parameter, -1);  // nothing is copied
  EXPECT_EQ(packing.main[1].offset, 64);
  EXPECT_EQ(packing.main[2].offset, 256);  // 160 bytes, rounded up
  EXPECT_EQ(packing.main[2].parameter, 2);
  EXPECT_EQ(packing.bytes, 320);
  ASSERT_EQ(packing.pack.size(), 3u);
  EXPECT_EQ(packing.pack[0].parameter, 1);
  EXPECT_FALSE(packing.pack[0].packed);
  EXPECT_EQ(packing.pack[1].parameter, 2);
  EXPECT_TRUE(packing.pack[2].packed);
  EXPECT_EQ(packing.pack[2].offset, 64);
}

TEST(Packing, HasALayoutThatDiffersWhereTheBytesWould) {
  const te::Graph graph = TwoWeights();
  Packing plain = PackingOf(graph, VariantWith(0)).value(),
          packed = PackingOf(graph, VariantWith(40)).value();
  EXPECT_EQ(plain.layout, PackingOf(graph, VariantWith(0)).value().layout);
  EXPECT_NE(plain.layout, packed.layout);
  EXPECT_NE(packed.layout, PackingOf(graph, VariantWith(48)).value().layout);
  Variant otherwise = VariantWith(40);
  otherwise.pack_program = "pack W in another order";
  EXPECT_NE(packed.layout, PackingOf(graph, otherwise).value().layout);
}

TEST(Packing, IsNothingWithoutWeights) {
  te::Graph graph = TwoWeights();
  for (te::Tensor& tensor : graph.tensors) {
    if (tensor.role == te::Role::kWeight) tensor.role = te::Role::kInput;
  }
  EXPECT_EQ(PackingOf(graph, VariantWith(0)).value().bytes, 0);
  EXPECT_EQ(MessageOf(PackingOf(graph, VariantWith(40)).status()),
            "packing: parameter 1 is packed, but it is no weight");
  Variant few = VariantWith(0);
  few.signature.main.pop_back();
  EXPECT_EQ(MessageOf(PackingOf(graph, few).status()),
            "packing: the kernel has 3 arguments, the operator 4 parameters");
}

}  // namespace
}  // namespace tunesmith::library
