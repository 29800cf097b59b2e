// SPDX-License-Identifier: Apache-2.0
#include "te/inputs.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "support/hash.h"
#include "tests/te/sample_graphs.h"

namespace tunesmith::te {
namespace {

Tensor Of(DType dtype, int64_t elements) { return {"A", dtype, {elements}, Role::kInput}; }

uint64_t Digest(const Value& value) {
  return HashBytes({reinterpret_cast<const char*>(value.data()), static_cast<size_t>(value.size_in_bytes())});
}

TEST(Inputs, AreTheSameOnEveryMachine) {
  std::string digests;
  for (InputKind kind : {InputKind::kUniform, InputKind::kLarge, InputKind::kTiny, InputKind::kCancelling,
                         InputKind::kEqual}) {
    uint64_t digest = 0;
    for (DType dtype : kAllDTypes) digest = digest * 31 + Digest(GenerateInput(kind, 42, 1, Of(dtype, 1000)));
    digests += std::to_string(digest) + " ";
  }
  EXPECT_EQ(
      digests,
      "2831634668243994063 5371709720676570798 7299423791386418044 84668933401225259 16995815460339608674 ");
}

TEST(Inputs, AnElementDependsOnNothingButItsPlace) {
  Value whole = GenerateInput(InputKind::kUniform, 5, 2, Of(DType::kF32, 100));
  EXPECT_EQ(whole.Load(77), GenerateElement(InputKind::kUniform, 5, 2, DType::kF32, 77).number);
  EXPECT_NE(Digest(whole), Digest(GenerateInput(InputKind::kUniform, 6, 2, Of(DType::kF32, 100))));
  EXPECT_NE(Digest(whole), Digest(GenerateInput(InputKind::kUniform, 5, 3, Of(DType::kF32, 100))));
}

TEST(Inputs, UniformOnesFillTheirRange) {
  Value value = GenerateInput(InputKind::kUniform, 1, 0, Of(DType::kF32, 20000));
  double low = 0, high = 0, sum = 0, squares = 0;
  for (int64_t i = 0; i < value.elements(); ++i) {
    double x = value.Load(i);
    low = std::min(low, x), high = std::max(high, x), sum += x, squares += x * x;
  }
  EXPECT_GE(low, -1);
  EXPECT_LT(low, -0.999);
  EXPECT_LT(high, 1);
  EXPECT_GT(high, 0.999);
  EXPECT_NEAR(sum / 20000, 0, 0.02);
  EXPECT_NEAR(squares / 20000, 1.0 / 3, 0.02);
}

TEST(Inputs, BytesTakeAllTheirValues) {
  for (DType dtype : {DType::kU8, DType::kI8}) {
    Value value = GenerateInput(InputKind::kUniform, 1, 0, Of(dtype, 10000));
    std::set<int64_t> seen;
    for (int64_t i = 0; i < value.elements(); ++i) seen.insert(value.LoadInteger(i));
    EXPECT_EQ(seen.size(), 256u);
  }
}

TEST(Inputs, HostileOnesAreHostile) {
  Value large = GenerateInput(InputKind::kLarge, 1, 0, Of(DType::kF32, 100));
  EXPECT_GT(std::fabs(large.Load(0)), 0x1p30);
  Value tiny = GenerateInput(InputKind::kTiny, 1, 0, Of(DType::kF32, 100));
  EXPECT_LT(std::fabs(tiny.Load(0)), 0x1p-69);
  EXPECT_NE(tiny.Load(0), 0);
  Value equal = GenerateInput(InputKind::kEqual, 1, 0, Of(DType::kF32, 100));
  EXPECT_EQ(equal.Load(0), equal.Load(99));
  Value cancelling = GenerateInput(InputKind::kCancelling, 1, 0, Of(DType::kF32, 10000));
  double sum = 0, magnitudes = 0;
  for (int64_t i = 0; i < 10000; ++i) {
    sum += cancelling.Load(i);
    magnitudes += std::fabs(cancelling.Load(i));
  }
  EXPECT_LT(std::fabs(sum), magnitudes / 20);
  Value bytes = GenerateInput(InputKind::kLarge, 1, 0, Of(DType::kI8, 100));
  for (int64_t i = 0; i < 100; ++i) EXPECT_TRUE(bytes.LoadInteger(i) == 127 || bytes.LoadInteger(i) == -128);
}

TEST(Inputs, OfAGraphAreThoseOfItsParameters) {
  auto inputs = GenerateInputs(InputKind::kUniform, 9, MatmulGraph(2, 3, 4));
  ASSERT_EQ(inputs.size(), 2u);
  EXPECT_EQ(inputs[1].shape(), (std::vector<int64_t>{4, 3}));
  EXPECT_EQ(inputs[1], GenerateInput(InputKind::kUniform, 9, 1, {"", DType::kF32, {4, 3}, Role::kWeight}));
}

}  // namespace
}  // namespace tunesmith::te
