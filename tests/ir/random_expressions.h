// SPDX-License-Identifier: Apache-2.0
// Random expressions over integer variables with ranges, as a fuzzer of the simplifier wants them: mostly
// affine, often divided, with constants that are likely to meet the edges of the ranges.
#pragma once

#include <cstdint>
#include <vector>

#include "ir/simplify.h"
#include "te/scalar.h"
#include "tests/ir/expressions.h"
#include "tests/ir/property.h"

namespace tunesmith::ir::testing {

struct RandomCase {
  Choices random;
  std::vector<Interval> ranges;  // by variable

  explicit RandomCase(Choices choices, int variables = 4) : random(std::move(choices)) {
    for (int v = 0; v < variables; ++v) {
      int64_t low = random.Between(0, 3) == 0 ? random.Between(-20, 20) : 0;
      ranges.push_back({low, low + random.Between(0, 17)});
    }
  }

  Ranges AsRanges() const {
    Ranges r;
    for (size_t v = 0; v < ranges.size(); ++v) r.Set(static_cast<int>(v), ranges[v]);
    return r;
  }
  std::vector<int64_t> Values() {
    std::vector<int64_t> values;
    for (const Interval& r : ranges) values.push_back(random.Sample(r.low, r.high));
    return values;
  }
  /// A variable, or a constant that may be the size of a tile.
  Expr Leaf() {
    static constexpr int64_t kTiles[] = {1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48};
    switch (random.Between(0, 3)) {
      case 0:
        return Int(random.Between(-20, 20));
      case 1:
        return Int(kTiles[random.Between(0, 10)]);
      default:
        return Var(static_cast<int>(random.Between(0, static_cast<int64_t>(ranges.size()) - 1)));
    }
  }
  Expr Integer(int depth) {
    if (depth == 0) return Leaf();
    auto part = [&] { return Integer(depth - 1 - static_cast<int>(random.Between(0, 1) * (depth > 1))); };
    switch (random.Between(0, 11)) {
      case 0:
      case 1:
      case 2:
        return part() + part();
      case 3:
        return part() - part();
      case 4:
      case 5:
        return part() * Leaf();
      case 6:
        return part() / Leaf();
      case 7:
        return te::Binary(te::ExprKind::kMod, part(), Leaf());
      case 8:
        return Min(part(), part());
      case 9:
        return Max(part(), part());
      case 10:
        return te::Select(Condition(depth - 1), part(), part());
      default:
        return random.Between(0, 3) == 0 ? te::Unary(te::ExprKind::kNeg, part()) : Leaf();
    }
  }
  Expr AffineSum() {
    Expr sum = Int(random.Between(-10, 10));
    for (size_t v = 0; v < ranges.size(); ++v) {
      sum = sum + Var(static_cast<int>(v)) * Int(random.Between(-3, 4));
    }
    return sum;
  }
  /// What indices and guards of lowered loops look like.
  Expr IndexLike() {
    switch (random.Between(0, 3)) {
      case 0:
        return AffineSum() + Div(AffineSum(), random.Between(2, 6)) * Int(random.Between(-3, 3));
      case 1:
        return AffineSum() + Mod(AffineSum(), random.Between(2, 6)) * Int(random.Between(-3, 3));
      case 2:
        return AffineSum() + Min(AffineSum(), AffineSum());
      default:
        return AffineSum();
    }
  }
  Expr Condition(int depth) {
    int64_t choice = random.Between(0, depth > 0 ? 8 : 5);
    if (choice <= 1) return Lt(Integer(depth), Integer(depth));
    if (choice <= 3) return Le(Integer(depth), Integer(depth));
    if (choice == 4) return Eq(Integer(depth), Integer(depth));
    if (choice == 5) return Ne(Integer(depth), Integer(depth));
    if (choice == 6) return And(Condition(depth - 1), Condition(depth - 1));
    if (choice == 7) return Or(Condition(depth - 1), Condition(depth - 1));
    return Not(Condition(depth - 1));
  }
};

/// The value of an expression of i64 and bool without reads.
inline int64_t ValueOf(const Expr& e, const std::vector<int64_t>& variables) {
  auto arg = [&](size_t n) { return ValueOf(e->args[n], variables); };
  switch (e->kind) {
    case te::ExprKind::kInt:
      return e->integer;
    case te::ExprKind::kVar:
      return variables[static_cast<size_t>(e->id)];
    case te::ExprKind::kNeg:
      return te::WrappingSub(0, arg(0));
    case te::ExprKind::kNot:
      return arg(0) == 0;
    case te::ExprKind::kLess:
    case te::ExprKind::kLessEqual:
    case te::ExprKind::kEqual:
    case te::ExprKind::kNotEqual:
      return te::Compare(e->kind, arg(0), arg(1));
    case te::ExprKind::kSelect:
      return arg(0) != 0 ? arg(1) : arg(2);
    default:
      return te::ApplyInteger(e->kind, e->type, arg(0), arg(1));
  }
}

}  // namespace tunesmith::ir::testing
