// SPDX-License-Identifier: Apache-2.0
#include "te/expr.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "te/affine.h"
#include "te/bounds.h"
#include "te/scalar.h"

namespace tunesmith::te {
namespace {

std::string Text(const Expr& e) {
  ExprNames names;
  names.var = [](int id) { return std::string(1, static_cast<char>('i' + id)); };
  names.tensor = [](int id) { return std::string(1, static_cast<char>('A' + id)); };
  return ToString(e, names);
}

const Expr i = Var(0), j = Var(1), k = Var(2);

TEST(ExprPrint, UsesAsFewParenthesesAsKeepTheMeaning) {
  Expr a = Read(DType::kF32, 0, {i, k}), b = Read(DType::kF32, 1, {k, j});
  EXPECT_EQ(Text(a * b + Float(1)), "A[i, k] * B[k, j] + 1");
  EXPECT_EQ(Text(a * (b + Float(0.5))), "A[i, k] * (B[k, j] + 0.5)");
  EXPECT_EQ(Text(a - (b - a)), "A[i, k] - (B[k, j] - A[i, k])");
  EXPECT_EQ(Text((a - b) - a), "A[i, k] - B[k, j] - A[i, k]");
  EXPECT_EQ(Text(a + (b + a)), "A[i, k] + (B[k, j] + A[i, k])");  // floating sums do not associate
  EXPECT_EQ(Text(a / (b * a)), "A[i, k] / (B[k, j] * A[i, k])");
  EXPECT_EQ(Text(Unary(ExprKind::kNeg, a * b)), "-(A[i, k] * B[k, j])");
  EXPECT_EQ(Text(Unary(ExprKind::kNeg, a) * b), "-A[i, k] * B[k, j]");
}

TEST(ExprPrint, IndicesReadAsTheyAreWritten) {
  EXPECT_EQ(Text(i * Int(2) + j - Int(1)), "i*2 + j - 1");
  EXPECT_EQ(Text(i + Int(-3)), "i - 3");
  EXPECT_EQ(Text(i + (j + k)), "i + j + k");
  EXPECT_EQ(Text((i + j) * Int(4)), "(i + j) * 4");
  EXPECT_EQ(Text(i / Int(4) * Int(2)), "i/4 * 2");
  EXPECT_EQ(Text(i * (j / k)), "i * (j/k)");
}

TEST(ExprPrint, ConditionsCallsCastsAndGuards) {
  Expr less = Binary(ExprKind::kLess, i, Int(4)), equal = Binary(ExprKind::kEqual, j, k);
  EXPECT_EQ(Text(Binary(ExprKind::kOr, Binary(ExprKind::kAnd, less, equal), equal)),
            "i < 4 && j == k || j == k");
  EXPECT_EQ(Text(Binary(ExprKind::kAnd, less, Binary(ExprKind::kOr, less, equal))),
            "i < 4 && (i < 4 || j == k)");
  EXPECT_EQ(Text(GuardedRead(DType::kF32, 0, {i - Int(1), j}, nullptr, Float(0))), "A[i - 1, j | 0]");
  EXPECT_EQ(Text(GuardedRead(DType::kF32, 0, {i}, less, Float(0))), "A[i if i < 4 | 0]");
  EXPECT_EQ(Text(Cast(DType::kI8, Read(DType::kF32, 0, {i}), Rounding::kNearestEven)), "i8.nearest(A[i])");
  EXPECT_EQ(Text(Call(Function::kPow, {Read(DType::kF32, 0, {i}), Float(2)})), "pow(A[i], 2)");
}

TEST(ExprPrint, NumbersAreTheShortestThatReadBack) {
  EXPECT_EQ(Text(Float(0.1)), "0.1");
  EXPECT_EQ(Text(Float(0.1, DType::kF64)), "0.1");
  EXPECT_EQ(Text(Float(1e-5)), "1e-05");
  EXPECT_EQ(Text(Float(-INFINITY)), "-inf");
}

TEST(ExprFold, ConstantsWrapInTheirType) {
  EXPECT_TRUE(IsConstant(Int(200, DType::kU8) + Int(100, DType::kU8), 44));
  EXPECT_TRUE(IsConstant(Int(INT64_MAX) + Int(1), INT64_MIN));
  EXPECT_TRUE(IsConstant(Int(-7) / Int(2), -4));
  EXPECT_TRUE(IsConstant(Binary(ExprKind::kMod, Int(-7), Int(2)), 1));
  EXPECT_TRUE(IsConstant(Int(7) / Int(0), 0));
  EXPECT_TRUE(IsConstant(Binary(ExprKind::kMod, Int(7), Int(0)), 7));
  EXPECT_TRUE(IsConstant(Int(INT64_MIN) / Int(-1), INT64_MIN));
}

TEST(ExprFold, IdentitiesDisappear) {
  EXPECT_EQ(i + Int(0), i);
  EXPECT_EQ(i * Int(1), i);
  EXPECT_EQ(i / Int(1), i);
  EXPECT_TRUE(IsConstant(i * Int(0), 0));
  EXPECT_TRUE(IsConstant(Binary(ExprKind::kMod, i, Int(1)), 0));
  Expr a = Read(DType::kF32, 0, {i});
  EXPECT_EQ(a * Float(1), a);
  // 0 * x is NaN for an infinite x, and x + 0 is 0 for -0.
  EXPECT_EQ((a * Float(0))->kind, ExprKind::kMul);
  EXPECT_EQ((a + Float(0))->kind, ExprKind::kAdd);
}

TEST(ExprSubstitute, FoldsWhatBecomesConstant) {
  Expr e = Substitute(i * Int(4) + j, [](const Expr& v) { return v->id == 0 ? Int(2) : nullptr; });
  EXPECT_EQ(Text(e), "8 + j");
}

TEST(ExprSubstitute, DoesNotLookAgainAtWhatItPutThere) {
  // i becomes 0 and j becomes i: folded, 0 + i is the new i, which must not become 0.
  Expr e = Substitute(i + j, [](const Expr& v) { return v->id == 0 ? Int(0) : i; });
  EXPECT_EQ(Text(e), "i");
  Expr read = GuardedRead(DType::kF32, 0, {i}, Binary(ExprKind::kLess, i, j), Read(DType::kF32, 0, {j}));
  e = Substitute(read, [](const Expr& v) -> Expr {
    if (v->kind == ExprKind::kRead) return Read(DType::kF32, 1, v->args);
    return v->id == 0 ? Int(3) : Int(2);
  });
  EXPECT_EQ(e->id, 1);
  EXPECT_EQ(Text(e->args[0]), "2");
}

TEST(Scalar, RoundingToNarrowTypesIsHalfToEven) {
  EXPECT_EQ(RoundTo(DType::kBF16, 1 + 0x1p-8), 1);               // a tie: to the even neighbour below
  EXPECT_EQ(RoundTo(DType::kBF16, 1 + 3 * 0x1p-8), 1 + 0x1p-6);  // a tie: to the even neighbour above
  EXPECT_EQ(RoundTo(DType::kBF16, 1 + 0x1p-8 + 0x1p-40), 1 + 0x1p-7);
  EXPECT_EQ(RoundTo(DType::kF16, 65519.99), 65504);
  EXPECT_EQ(RoundTo(DType::kF16, 65520), INFINITY);
  EXPECT_EQ(RoundTo(DType::kF16, 0x1p-25), 0);
  EXPECT_EQ(RoundTo(DType::kF16, 0x1.8p-25), 0x1p-24);
  EXPECT_EQ(RoundTo(DType::kF32, 1e39), INFINITY);
}

TEST(Scalar, SixteenBitPatternsRoundTrip) {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    double half = F16FromBits(static_cast<uint16_t>(bits)), brain = BF16FromBits(static_cast<uint16_t>(bits));
    if (!std::isnan(half)) {
      ASSERT_EQ(F16Bits(half), bits);
    }
    if (!std::isnan(brain)) {
      ASSERT_EQ(BF16Bits(brain), bits);
    }
  }
}

TEST(Scalar, CastsToIntegersRoundAsNamedAndSaturate) {
  EXPECT_EQ(CastToInteger(DType::kI8, Rounding::kTowardsZero, -1.5), -1);
  EXPECT_EQ(CastToInteger(DType::kI8, Rounding::kNearestEven, 2.5), 2);
  EXPECT_EQ(CastToInteger(DType::kI8, Rounding::kDown, -1.5), -2);
  EXPECT_EQ(CastToInteger(DType::kI8, Rounding::kUp, 1.1), 2);
  EXPECT_EQ(CastToInteger(DType::kI8, Rounding::kTowardsZero, 300), 127);
  EXPECT_EQ(CastToInteger(DType::kU8, Rounding::kTowardsZero, -3), 0);
  EXPECT_EQ(CastToInteger(DType::kI64, Rounding::kTowardsZero, 1e30), INT64_MAX);
  EXPECT_EQ(CastToInteger(DType::kI32, Rounding::kTowardsZero, NAN), 0);
  EXPECT_EQ(CastToFloat(DType::kBF16, (int64_t{1} << 62) + (int64_t{1} << 54) + 1), 0x1p62 + 0x1p55);
}

TEST(Bounds, AreExactForAffineForms) {
  std::vector<Axis> axes = {{"i", 4}, {"j", 3}};
  auto range = Bounds(i * Int(2) - j + Int(1), axes);
  ASSERT_TRUE(range);
  EXPECT_EQ(range->low, -1);
  EXPECT_EQ(range->high, 7);
  EXPECT_FALSE(Bounds(i, {{"i", 0}}));
  EXPECT_FALSE(Bounds(i * Int(INT64_MAX), {{"i", 4}}));
}

TEST(Simplify, ResolvesDivisionsByRanges) {
  std::vector<Axis> axes = {{"i", 6}, {"j", 4}, {"k", 2}};
  auto simple = [&](const Expr& e) { return Text(Simplify(e, axes, {})); };
  EXPECT_EQ(simple((i * Int(4) + j) / Int(4)), "i");
  EXPECT_EQ(simple(Binary(ExprKind::kMod, i * Int(4) + j, Int(4))), "j");
  EXPECT_EQ(simple((i * Int(4) + j) / Int(8)), "i/2");
  EXPECT_EQ(simple(Binary(ExprKind::kMod, i * Int(4) + j, Int(8))), "i%2 * 4 + j");
  EXPECT_EQ(simple((i + Int(5)) / Int(4)), "(i + 1) / 4 + 1");
  EXPECT_EQ(simple(Binary(ExprKind::kMod, i * Int(4) + k - Int(4), Int(2))), "k");
  EXPECT_EQ(simple(j / Int(4)), "0");
  EXPECT_EQ(simple((j - Int(4)) / Int(4)), "-1");
  EXPECT_EQ(simple(Binary(ExprKind::kLess, j, Int(4))), "true");
  EXPECT_EQ(simple(Binary(ExprKind::kLess, j, Int(3))), "j < 3");
  EXPECT_EQ(simple(j + i * Int(1) - Int(0)), "i + j");
}

TEST(Simplify, DropsGuardsThatAlwaysHold) {
  std::vector<Tensor> tensors = {{"A", DType::kF32, {6}, Role::kInput}};
  std::vector<Axis> axes = {{"i", 4}};
  auto simple = [&](const Expr& index) {
    return Text(Simplify(GuardedRead(DType::kF32, 0, {index}, nullptr, Float(7)), axes, tensors));
  };
  EXPECT_EQ(simple(i + Int(2)), "A[i + 2]");
  EXPECT_EQ(simple(i + Int(3)), "A[i + 3 | 7]");
  EXPECT_EQ(simple(i - Int(1)), "A[i - 1 | 7]");
  EXPECT_EQ(simple(i + Int(6)), "7");
}

}  // namespace
}  // namespace tunesmith::te
