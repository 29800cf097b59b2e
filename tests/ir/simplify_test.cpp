// SPDX-License-Identifier: Apache-2.0
// What the simplifier makes of expressions: before => after.
#include "ir/simplify.h"

#include <gtest/gtest.h>

#include "tests/ir/expressions.h"

namespace tunesmith::ir::testing {
namespace {

const Expr i = Var(0), j = Var(1), k = Var(2), l = Var(3);

/// i, j, k and l run from 0 up to (not including) these.
Ranges Below(std::vector<int64_t> ends) {
  Ranges ranges;
  for (size_t n = 0; n < ends.size(); ++n) ranges.Set(static_cast<int>(n), {0, ends[n] - 1});
  return ranges;
}

std::string After(const Expr& e, const Ranges& ranges) { return Text(Simplify(e, ranges)); }

TEST(SimplifySums, AreCollectedInCanonicalOrder) {
  EXPECT_EQ(After(j * Int(3) + i + j - Int(4) + i * Int(2) + Int(1), Ranges()), "i*3 + j*4 - 3");
  EXPECT_EQ(After((i + j) * Int(4) - i * Int(4), Ranges()), "j*4");
  EXPECT_EQ(After(Int(7) - i, Ranges()), "7 - i");
  EXPECT_EQ(After(te::Unary(te::ExprKind::kNeg, i) - j, Ranges()), "-i - j");
}

TEST(SimplifySums, CollectOpaquePartsToo) {
  EXPECT_EQ(After(Div(i, 8) * Int(2) + j + Div(i, 8), Below({100, 8})), "j + i/8 * 3");
  EXPECT_EQ(After(i * j - j * i, Ranges()), "0");
}

TEST(SimplifyDivision, OfTiledIndexGivesTheTile) {
  Ranges ranges = Below({64, 48});
  Expr tiled = i * Int(48) + j;
  EXPECT_EQ(After(Div(tiled, 48), ranges), "i");
  EXPECT_EQ(After(Mod(tiled, 48), ranges), "j");
}

TEST(SimplifyDivision, TakesOutWhatDivides) {
  Ranges ranges = Below({64, 4, 16});
  Expr index = i * Int(64) + j * Int(16) + k + Int(128);
  EXPECT_EQ(After(Div(index, 16), ranges), "i*4 + j + 8");
  EXPECT_EQ(After(Mod(index, 16), ranges), "k");
  EXPECT_EQ(After(Div(index, 64), ranges), "i + 2");
  EXPECT_EQ(After(Mod(index, 64), ranges), "j*16 + k");
  EXPECT_EQ(After(Div(index, 32), ranges), "i*2 + j/2 + 4");
  EXPECT_EQ(After(Mod(index, 32), ranges), "k + j%2 * 16");
}

TEST(SimplifyDivision, KnowsNegativeOffsets) {
  Ranges ranges = Below({10, 8});
  EXPECT_EQ(After(Div(i * Int(8) + j - Int(8), 8), ranges), "i - 1");
  EXPECT_EQ(After(Div(i - Int(1), 16), ranges), "(i + 15) / 16 - 1");
  EXPECT_EQ(After(Mod(j - Int(8), 8), ranges), "j");
}

TEST(SimplifyDivision, StaysWhereTheRangeIsTooWide) {
  EXPECT_EQ(After(Div(i * Int(8) + j, 8), Below({10, 9})), "i + j/8");
  EXPECT_EQ(After(Div(i * Int(6) + j, 8), Below({10, 6})), "(i*6 + j) / 8");
  EXPECT_EQ(After(Mod(i, 8), Ranges()), "i%8");
}

TEST(SimplifyDivision, OfDivisionIsOne) {
  EXPECT_EQ(After(Div(Div(i, 7) + Int(2), 3), Below({1000})), "(i + 14) / 21");
  EXPECT_EQ(After(Mod(Mod(i, 24), 8), Below({1000})), "i%8");
}

TEST(SimplifyDivision, QuotientAndRemainderJoin) {
  EXPECT_EQ(After(Div(i, 14) * Int(14) + Mod(i, 14), Below({196})), "i");
  EXPECT_EQ(After(Div(i, 14) * Int(140) + Mod(i, 14) * Int(10) + j, Below({196, 10})), "i*10 + j");
}

TEST(SimplifyDivision, ByZeroIsDefined) {
  EXPECT_EQ(After(Div(i, 0), Below({8})), "0");
  EXPECT_EQ(After(Mod(i, 0), Below({8})), "i");
}

TEST(SimplifyExtremes, WithKnownOrderIsOneSide) {
  Ranges ranges = Below({4, 8});
  EXPECT_EQ(After(Min(j, Int(8)), ranges), "j");
  EXPECT_EQ(After(Max(i, Int(4)), ranges), "4");
  EXPECT_EQ(After(Min(i * Int(8) + j, i * Int(8)), ranges), "i*8");
  EXPECT_EQ(After(Min(Int(5), j), ranges), "min(j, 5)");
  EXPECT_EQ(After(Min(Min(j, Int(5)), Int(3)), ranges), "min(j, 3)");
}

TEST(SimplifyComparisons, AreDecidedByBounds) {
  Ranges ranges = Below({4, 8});
  EXPECT_EQ(After(Lt(i * Int(8) + j, Int(32)), ranges), "true");
  EXPECT_EQ(After(Lt(i * Int(8) + j, i * Int(8)), ranges), "false");
  EXPECT_EQ(After(Eq(i, Int(4)), ranges), "false");
  EXPECT_EQ(After(Ne(i * Int(2), Int(3)), ranges), "true");
}

TEST(SimplifyComparisons, HaveOneForm) {
  Ranges ranges = Below({4, 8, 100});
  EXPECT_EQ(After(Lt(i * Int(8) + j, Int(17)), ranges), "i*8 + j < 17");
  EXPECT_EQ(After(Le(Int(0), j - Int(3)), ranges), "2 < j");
  EXPECT_EQ(After(Le(i * Int(8), Int(17)), ranges), "i < 3");
  EXPECT_EQ(After(Lt(k + Int(2), i + Int(9)), ranges), "k < i + 7");
  EXPECT_EQ(After(Eq(Int(6), i * Int(2)), ranges), "i == 3");
  EXPECT_EQ(After(Not(Lt(i, Int(2))), ranges), "1 < i");
}

TEST(SimplifyConditions, DropWhatTheRestImplies) {
  Ranges ranges = Below({4, 8});
  EXPECT_EQ(After(And(Lt(j, Int(5)), Lt(j, Int(7))), ranges), "j < 5");
  EXPECT_EQ(After(And(Lt(j, Int(3)), Lt(Int(4), j)), ranges), "false");
  EXPECT_EQ(After(Or(Lt(j, Int(5)), Lt(Int(2), j)), ranges), "true");
  EXPECT_EQ(After(Or(Lt(j, Int(5)), Lt(j, Int(3))), ranges), "j < 5");
  EXPECT_EQ(After(And(Le(Int(0), i), Lt(j, Int(7))), ranges), "j < 7");
}

TEST(SimplifySelects, WithKnownConditionAreTheBranch) {
  Ranges ranges = Below({4, 8});
  EXPECT_EQ(After(te::Select(Lt(i, Int(4)), i, j), ranges), "i");
  EXPECT_EQ(After(te::Select(Lt(i, Int(2)), te::Float(1), te::Float(1)), ranges), "1");
}

TEST(SimplifyReads, ProvenGuardsGo) {
  Ranges ranges = Below({4, 8});
  auto read = [](Expr guard) {
    return te::GuardedRead(DType::kF32, 0, {i * Int(8) + j}, guard, te::Float(0));
  };
  EXPECT_EQ(After(read(Lt(j, Int(8))), ranges), "A[i*8 + j]");
  EXPECT_EQ(After(read(Lt(Int(8), j)), ranges), "0");
}

TEST(SimplifyReads, IndicesMayUseTheirGuard) {
  Ranges ranges = Below({64, 8});
  Expr read = te::GuardedRead(DType::kF32, 0, {Mod(i, 16)}, Lt(i, Int(16)), te::Float(0));
  EXPECT_EQ(After(read, ranges), "A[i if i < 16 | 0]");
}

TEST(Facts, NarrowRangesUntilForgotten) {
  Ranges ranges = Below({64, 8});
  size_t mark = ranges.Assume(And(Lt(i * Int(8) + j, Int(17)), Lt(Int(0), i)));
  EXPECT_EQ(ranges.Get(0)->low, 1);
  EXPECT_EQ(ranges.Get(0)->high, 2);
  EXPECT_EQ(ranges.Prove(Lt(i * Int(8) + j, Int(20))), true);
  ranges.Forget(mark);
  EXPECT_EQ(ranges.Get(0)->low, 0);
  EXPECT_EQ(ranges.Get(0)->high, 63);
  EXPECT_EQ(ranges.Prove(Lt(i * Int(8) + j, Int(20))), std::nullopt);
}

TEST(Facts, OfALoopsExtentHoldInside) {
  // for i in 0..2  for j in 0..min(256, 259 - 256*i): 256*i + j < 259
  Ranges ranges = Below({2, 256});
  ranges.Assume(Lt(j, Min(Int(256), Int(259) - i * Int(256))));
  EXPECT_EQ(ranges.Prove(Lt(i * Int(256) + j, Int(259))), true);
  EXPECT_EQ(ranges.Prove(Lt(i * Int(256) + j, Int(258))), std::nullopt);
}

TEST(Facts, CombineThroughSharedVariables) {
  Ranges ranges = Below({100, 100, 100});
  ranges.Assume(And(Lt(i, j), Lt(j, k)));
  EXPECT_EQ(ranges.Prove(Lt(i + Int(1), k)), true);
  EXPECT_EQ(ranges.Prove(Lt(k, i)), false);
  EXPECT_EQ(ranges.Prove(Lt(i + Int(2), k)), std::nullopt);
}

TEST(Facts, OfUnknownFormAreRecognised) {
  Ranges ranges = Below({100, 100});
  Expr odd = Eq(Mod(i * j, 2), Int(1));
  ranges.Assume(odd);
  EXPECT_EQ(ranges.Prove(odd), true);
  EXPECT_EQ(ranges.Prove(Not(odd)), false);
}

TEST(Proofs, SeeThroughMinAndDivision) {
  Ranges ranges = Below({100, 100});
  EXPECT_EQ(ranges.Prove(Le(Min(i, j) * Int(2), i + j)), std::nullopt);
  EXPECT_EQ(ranges.Prove(Le(Min(i, j), j)), true);
  EXPECT_EQ(ranges.Prove(Le(Div(i, 8) * Int(8), i)), true);
  EXPECT_EQ(ranges.Prove(Lt(i, Div(i, 8) * Int(8) + Int(8))), true);
}

TEST(Proofs, KnowThatFormsAreIntegers) {
  Ranges ranges = Below({3, 4});
  ranges.Assume(Lt(i * Int(4) + j, Int(10)));
  EXPECT_EQ(ranges.Prove(Lt(Div(i * Int(4) + j + Int(1), 3), Int(4))), true);
  EXPECT_EQ(ranges.Prove(Lt(Div(i * Int(4) + j + Int(3), 3), Int(4))), std::nullopt);
}

TEST(Proofs, FindTheOneFactAmongMany) {
  // A transposed convolution's weight: the guards of what else is read there say nothing of k.
  Ranges ranges = Below({27, 2, 2, 16});
  const Expr y = Div(i + Int(1), 2), odd = Mod(i + Int(1), 2);
  for (int shift = 0; shift < 6; ++shift) {
    ranges.Assume(Le(Int(0), y * Int(13) - j * Int(13) + Int(shift)));
    ranges.Assume(Lt(y * Int(13) - j * Int(13), Int(182 + shift)));
  }
  ranges.Assume(Lt(k * Int(16) + l, Int(31)));
  EXPECT_EQ(
      ranges.Prove(Lt(odd * Int(2108) + j * Int(4216) + k * Int(272) + l * Int(17), Int(2108 + 4216 + 511))),
      true);
  EXPECT_EQ(
      ranges.Prove(Lt(odd * Int(2108) + j * Int(4216) + k * Int(272) + l * Int(17), Int(2108 + 4216 + 510))),
      std::nullopt);
}

TEST(Proofs, TakeAFactForEachDimension) {
  // The weight of a transposed convolution of 3 x 3 with stride 2: 33 x 17 channels, read in tiles of 8.
  Ranges ranges = Below({27, 2, 27, 2, 33, 3, 8});
  const Expr rows = Mod(Var(0) + Int(1), 2) + Var(1) * Int(2),
             columns = Mod(Var(2) + Int(1), 2) + Var(3) * Int(2);
  const Expr channel = Var(5) * Int(8) + Var(6);
  const Expr index = rows * Int(1683) + columns * Int(561) + Var(4) * Int(17) + channel;
  for (const auto& [variable, fact] : {std::pair{1, Div(Var(0) + Int(1), 2)}, {3, Div(Var(2) + Int(1), 2)}}) {
    ranges.Assume(Le(Int(0), fact - Var(variable)));
    ranges.Assume(Lt(fact - Var(variable), Int(14)));
  }
  ranges.Assume(Lt(rows, Int(3)));
  ranges.Assume(Lt(columns, Int(3)));
  EXPECT_EQ(ranges.Prove(Lt(index, Int(3 * 3 * 33 * 17))), std::nullopt);
  ranges.Assume(Lt(channel, Int(17)));
  EXPECT_EQ(ranges.Prove(Lt(index, Int(3 * 3 * 33 * 17))), true);
  EXPECT_EQ(ranges.Prove(Lt(index, Int(3 * 3 * 33 * 17 - 1))), std::nullopt);
}

TEST(Bounds, AreExactForAffineForms) {
  Ranges ranges = Below({4, 8});
  auto bounds = ranges.Bounds(i * Int(8) - j + i - i * Int(9));
  ASSERT_TRUE(bounds);
  EXPECT_EQ(bounds->low, -7);
  EXPECT_EQ(bounds->high, 0);
  EXPECT_FALSE(ranges.Bounds(k + i));
}

TEST(Bounds, AreNothingWhereTheValueMightWrap) {
  Ranges ranges;
  ranges.Set(0, {0, int64_t{1} << 62});
  EXPECT_FALSE(ranges.Bounds(i * Int(4)));
  EXPECT_EQ(ranges.Prove(Lt(i, i * Int(4) + Int(1))), std::nullopt);
}

}  // namespace
}  // namespace tunesmith::ir::testing
