// SPDX-License-Identifier: Apache-2.0
#include "te/bounds.h"

#include <algorithm>

#include "te/affine.h"
#include "te/scalar.h"

namespace tunesmith::te {
namespace {

using Wide = __int128;

std::optional<Interval> Narrow(Wide low, Wide high) {
  if (low < INT64_MIN || high > INT64_MAX) return std::nullopt;
  return Interval{static_cast<int64_t>(low), static_cast<int64_t>(high)};
}

std::optional<Interval> AxisRange(int var, const std::vector<Axis>& axes) {
  if (var < 0 || static_cast<size_t>(var) >= axes.size()) return std::nullopt;
  int64_t extent = axes[static_cast<size_t>(var)].extent;
  if (extent <= 0) return std::nullopt;
  return Interval{0, extent - 1};
}

std::optional<Interval> AffineBounds(const Affine& a, const std::vector<Axis>& axes) {
  Wide low = a.constant, high = a.constant;
  for (const auto& [var, coefficient] : a.terms) {
    auto range = AxisRange(var, axes);
    if (!range) return std::nullopt;
    Wide reach = static_cast<Wide>(coefficient) * range->high;
    (reach < 0 ? low : high) += reach;
  }
  return Narrow(low, high);
}

std::optional<Interval> Product(Interval a, Interval b) {
  Wide corners[] = {static_cast<Wide>(a.low) * b.low, static_cast<Wide>(a.low) * b.high,
                    static_cast<Wide>(a.high) * b.low, static_cast<Wide>(a.high) * b.high};
  return Narrow(*std::min_element(corners, corners + 4), *std::max_element(corners, corners + 4));
}

/// True, false, or nothing if it differs over the ranges.
std::optional<bool> Decide(ExprKind kind, Interval a, Interval b) {
  switch (kind) {
    case ExprKind::kLess:
      if (a.high < b.low) return true;
      if (a.low >= b.high) return false;
      return std::nullopt;
    case ExprKind::kLessEqual:
      if (a.high <= b.low) return true;
      if (a.low > b.high) return false;
      return std::nullopt;
    case ExprKind::kEqual:
    case ExprKind::kNotEqual:
      if (a.high < b.low || b.high < a.low) return kind == ExprKind::kNotEqual;
      if (a.low == a.high && b.low == b.high && a.low == b.low) return kind == ExprKind::kEqual;
      return std::nullopt;
    default:
      return std::nullopt;
  }
}

/// a / b or a % b of i64, b > 0 constant, as an expression without the division; null if it stays.
Expr ResolveDivision(ExprKind kind, const Affine& a, int64_t b, const std::vector<Axis>& axes) {
  bool quotient = kind == ExprKind::kDiv;
  // a = b * multiple + rest
  Affine multiple, rest;
  for (const auto& [var, coefficient] : a.terms) {
    if (coefficient % b == 0) {
      multiple.terms.emplace_back(var, coefficient / b);
    } else {
      rest.terms.emplace_back(var, coefficient);
    }
  }
  multiple.constant = FloorDiv(a.constant, b);
  rest.constant = FloorMod(a.constant, b);
  if (auto range = AffineBounds(rest, axes)) {
    int64_t low = FloorDiv(range->low, b);
    if (low == FloorDiv(range->high, b)) {
      multiple.constant += low;
      rest.constant -= low * b;
      return ToExpr(quotient ? multiple : rest);
    }
  }
  // (q*u + v) / (q*r) is u / r, and (q*u + v) % (q*r) is (u % r)*q + v, if 0 <= v < q. The candidates for q
  // are the coefficients.
  for (const auto& [var, coefficient] : a.terms) {
    int64_t q = coefficient;
    if (q <= 1 || q >= b || b % q != 0) continue;
    Affine u, v;
    for (const auto& [other, c] : a.terms) {
      if (c % q == 0) {
        u.terms.emplace_back(other, c / q);
      } else {
        v.terms.emplace_back(other, c);
      }
    }
    u.constant = FloorDiv(a.constant, q);
    v.constant = FloorMod(a.constant, q);
    auto range = AffineBounds(v, axes);
    if (!range || range->low < 0 || range->high >= q) continue;
    Expr divided = Binary(kind, ToExpr(u), Int(b / q));
    if (auto resolved = ResolveDivision(kind, u, b / q, axes)) divided = resolved;
    if (quotient) return divided;
    return divided * Int(q) + ToExpr(v);
  }
  // What is a multiple leaves the division even if the rest stays in it.
  if (multiple.terms.empty() && multiple.constant == 0) return nullptr;
  Expr divided = Binary(kind, ToExpr(rest), Int(b));
  return quotient ? divided + ToExpr(multiple) : divided;
}

Expr SimplifyBinary(const Expr& e, const std::vector<Axis>& axes) {
  if (auto affine = ToAffine(e)) return ToExpr(*affine);
  const Expr &a = e->args[0], &b = e->args[1];
  bool divides = e->kind == ExprKind::kDiv || e->kind == ExprKind::kMod;
  if (divides && e->type == DType::kI64 && b->kind == ExprKind::kInt && b->integer > 0) {
    if (auto affine = ToAffine(a)) {
      if (Expr resolved = ResolveDivision(e->kind, *affine, b->integer, axes)) return resolved;
    }
    if (auto range = Bounds(a, axes)) {
      int64_t low = FloorDiv(range->low, b->integer);
      if (low == FloorDiv(range->high, b->integer)) {
        return e->kind == ExprKind::kDiv ? Int(low) : a - Int(low * b->integer);
      }
    }
  }
  if (e->type == DType::kBool && a->type == DType::kI64) {
    auto x = Bounds(a, axes), y = Bounds(b, axes);
    if (x && y) {
      if (auto decided = Decide(e->kind, *x, *y)) return Bool(*decided);
    }
  }
  if ((e->kind == ExprKind::kMin || e->kind == ExprKind::kMax) && a->type == DType::kI64) {
    auto x = Bounds(a, axes), y = Bounds(b, axes);
    if (x && y && x->high <= y->low) return e->kind == ExprKind::kMin ? a : b;
    if (x && y && y->high <= x->low) return e->kind == ExprKind::kMin ? b : a;
  }
  return e;
}

Expr SimplifyRead(const Expr& e, const std::vector<Axis>& axes, const std::vector<Tensor>& tensors) {
  size_t rank = ReadRank(*e);
  if (!e->guarded || e->args[rank]) return e;
  const Tensor& tensor = tensors[static_cast<size_t>(e->id)];
  for (size_t d = 0; d < rank; ++d) {
    auto range = Bounds(e->args[d], axes);
    if (!range) return e;
    if (range->high < 0 || range->low >= tensor.shape[d]) return e->args[rank + 1];
    if (range->low < 0 || range->high >= tensor.shape[d]) return e;
  }
  return Read(e->type, e->id, {e->args.begin(), e->args.begin() + static_cast<ptrdiff_t>(rank)});
}

}  // namespace

std::optional<Interval> Bounds(const Expr& e, const std::vector<Axis>& axes) {
  if (auto affine = ToAffine(e)) return AffineBounds(*affine, axes);
  auto of = [&](size_t arg) { return Bounds(e->args[arg], axes); };
  switch (e->kind) {
    case ExprKind::kInt:
      return Interval{e->integer, e->integer};
    case ExprKind::kAdd:
    case ExprKind::kSub:
    case ExprKind::kMul:
    case ExprKind::kMin:
    case ExprKind::kMax: {
      if (e->type != DType::kI64) return std::nullopt;  // narrower types may wrap
      auto a = of(0), b = of(1);
      if (!a || !b) return std::nullopt;
      if (e->kind == ExprKind::kMul) return Product(*a, *b);
      if (e->kind == ExprKind::kMin) return Interval{std::min(a->low, b->low), std::min(a->high, b->high)};
      if (e->kind == ExprKind::kMax) return Interval{std::max(a->low, b->low), std::max(a->high, b->high)};
      if (e->kind == ExprKind::kAdd) return Narrow(Wide{a->low} + b->low, Wide{a->high} + b->high);
      return Narrow(Wide{a->low} - b->high, Wide{a->high} - b->low);
    }
    case ExprKind::kDiv:
    case ExprKind::kMod: {
      auto a = of(0), b = of(1);
      if (!a || !b || b->low != b->high || b->low <= 0) return std::nullopt;
      if (e->kind == ExprKind::kDiv) return Interval{FloorDiv(a->low, b->low), FloorDiv(a->high, b->low)};
      if (FloorDiv(a->low, b->low) == FloorDiv(a->high, b->low)) {
        return Interval{FloorMod(a->low, b->low), FloorMod(a->high, b->low)};
      }
      return Interval{0, b->low - 1};
    }
    case ExprKind::kSelect: {
      auto a = of(1), b = of(2);
      if (!a || !b) return std::nullopt;
      return Interval{std::min(a->low, b->low), std::max(a->high, b->high)};
    }
    case ExprKind::kCast: {
      if (e->type == DType::kBool || IsFloat(e->type)) return std::nullopt;
      auto a = of(0);
      if (a && a->low >= LowestInteger(e->type) && a->high <= HighestInteger(e->type)) return a;
      return Interval{LowestInteger(e->type), HighestInteger(e->type)};
    }
    case ExprKind::kRead:
      // What an index tensor of a narrow type holds.
      if (!IsInteger(e->type) || e->type == DType::kI64) return std::nullopt;
      return Interval{LowestInteger(e->type), HighestInteger(e->type)};
    default:
      return std::nullopt;
  }
}

Expr Simplify(const Expr& e, const std::vector<Axis>& axes, const std::vector<Tensor>& tensors) {
  if (e->args.empty()) {
    if (e->kind != ExprKind::kVar) return e;
    auto range = AxisRange(e->id, axes);
    return range && range->high == 0 ? Int(0) : e;
  }
  std::vector<Expr> args;
  args.reserve(e->args.size());
  bool changed = false;
  for (const Expr& arg : e->args) {
    args.push_back(arg ? Simplify(arg, axes, tensors) : nullptr);
    changed = changed || args.back() != arg;
  }
  Expr result = changed ? WithArguments(*e, std::move(args)) : e;
  if (result->args.empty()) return result;
  if (result->kind == ExprKind::kRead) return SimplifyRead(result, axes, tensors);
  if (result->kind == ExprKind::kNeg && result->type == DType::kI64) {
    if (auto affine = ToAffine(result)) return ToExpr(*affine);
  }
  if (result->args.size() == 2 && result->kind != ExprKind::kCall) return SimplifyBinary(result, axes);
  return result;
}

}  // namespace tunesmith::te
