// SPDX-License-Identifier: Apache-2.0
#include "cli/output_check.h"

#include <gtest/gtest.h>

#include <cstring>

#include "te/language.h"

namespace tunesmith::cli {
namespace {

/// A row times a column: 1 * 4 + 2 * 5 + 3 * 6 = 32, the one element of C.
class OutputCheckTest : public ::testing::Test {
 protected:
  void SetUp() override {
    Result<te::Operator> matmul = te::StandardOperator("matmul");
    ASSERT_TRUE(matmul.ok()) << matmul.status();
    Result<te::Workload> bound = te::Bind(*matmul, {"M=1", "N=1", "K=3"});
    ASSERT_TRUE(bound.ok()) << bound.status();
    workload_ = *std::move(bound);
  }

  static std::vector<uint8_t> Bytes(const std::vector<float>& values) {
    std::vector<uint8_t> bytes(values.size() * sizeof(float));
    std::memcpy(bytes.data(), values.data(), bytes.size());
    return bytes;
  }

  Status Check(float output, const Allowance& allowance = {}) {
    OutputCheck check(workload_.definition());
    return check.Check({Bytes({1, 2, 3}), Bytes({4, 5, 6})}, {Bytes({output})}, allowance);
  }

  te::Workload workload_;
};

TEST_F(OutputCheckTest, AcceptsWhatTheDefinitionGives) { EXPECT_TRUE(Check(32).ok()); }

TEST_F(OutputCheckTest, NamesTheFirstWrongElement) {
  std::string why(MessageOf(Check(32.5)));
  EXPECT_TRUE(why.starts_with("C[0, 0] is 32.5, but must be 32 ± ")) << why;
}

TEST_F(OutputCheckTest, TakesTheBoundAsOftenAsIsSaid) {
  // The bound is some units in the last place of 32, of 2^-18 each.
  const float off = 32 + 0x1p-16F;
  EXPECT_FALSE(Check(off).ok());
  EXPECT_TRUE(Check(off, {1000, 0}).ok());
}

TEST_F(OutputCheckTest, TakesAShareOfTheLargestIfThatIsSaid) {
  const float off = 32 + 0x1p-11F;  // 1.5e-5 of 32
  EXPECT_FALSE(Check(off).ok());
  EXPECT_TRUE(Check(off, {1, 2e-5}).ok());
  EXPECT_FALSE(Check(off, {1, 1e-5}).ok());
}

TEST_F(OutputCheckTest, TakesNoShareOfIntegers) {
  Result<te::Operator> matmul = te::StandardOperator("matmul");
  ASSERT_TRUE(matmul.ok()) << matmul.status();
  Result<te::Workload> bound = te::Bind(*matmul, {"M=1", "N=1", "K=3", "dtype=u8s8s32"});
  ASSERT_TRUE(bound.ok()) << bound.status();
  OutputCheck check(bound->definition());
  const Blobs inputs = {{1, 2, 3}, {4, 5, 6}};
  EXPECT_TRUE(check.Check(inputs, {{32, 0, 0, 0}}, {1, 0.5}).ok());
  EXPECT_EQ(MessageOf(check.Check(inputs, {{33, 0, 0, 0}}, {1, 0.5})), "C[0, 0] is 33, but must be 32");
}

}  // namespace
}  // namespace tunesmith::cli
