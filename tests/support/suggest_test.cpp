// SPDX-License-Identifier: Apache-2.0
#include "support/suggest.h"

#include <gtest/gtest.h>

#include <vector>

namespace tunesmith {
namespace {

const std::vector<std::string> kOperators = {"conv1d", "conv2d", "gemm", "layernorm", "softmax"};

TEST(Suggest, CountsEdits) {
  EXPECT_EQ(HalfEdits("gemm", "gemm"), 0);
  EXPECT_EQ(HalfEdits("", "abc"), 6);
  EXPECT_EQ(HalfEdits("abc", ""), 6);
  EXPECT_EQ(HalfEdits("gem", "gemm"), 2);
  EXPECT_EQ(HalfEdits("gemn", "gemm"), 2);
  EXPECT_EQ(HalfEdits("gmem", "gemm"), 2) << "neighbours swapped";
  EXPECT_EQ(HalfEdits("GEMM", "gemm"), 4) << "half an edit a letter";
  EXPECT_EQ(HalfEdits("kitten", "sitting"), 6);
}

TEST(Suggest, FindsTheNearest) {
  EXPECT_EQ(NearestName("sofmax", kOperators), "softmax");
  EXPECT_EQ(NearestName("layer_norm", kOperators), "layernorm");
  EXPECT_EQ(NearestName("Gemm", kOperators), "gemm");
  EXPECT_EQ(NearestName("conv3d", kOperators), "conv1d") << "the first of equals";
}

TEST(Suggest, IsSilentWhenNothingIsNear) {
  EXPECT_EQ(NearestName("attention", kOperators), std::nullopt);
  EXPECT_EQ(NearestName("", kOperators), std::nullopt);
  EXPECT_EQ(NearestName("N", std::vector<std::string>{"M"}), std::nullopt) << "nothing in common";
  EXPECT_EQ(NearestName("m", std::vector<std::string>{"M"}), "M");
  EXPECT_EQ(NearestName(std::string(100000, 'x'), kOperators), std::nullopt);
}

TEST(Suggest, WritesTheEndOfAMessage) {
  EXPECT_EQ(DidYouMean("sofmax", kOperators), "; did you mean 'softmax'?");
  EXPECT_EQ(DidYouMean("attention", kOperators), "");
}

}  // namespace
}  // namespace tunesmith
