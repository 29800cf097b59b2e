// SPDX-License-Identifier: Apache-2.0
#include "evaluator.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>
#include <type_traits>

namespace tunesmith::math_test {

using te::ExprKind;
using te::Function;

namespace {

/// a < b ? a : b, which is a minimum, or a < b ? b : a.
bool IsChoice(const te::ExprNode& select, const te::ExprNode& less) {
  auto same = [&](int yes, int no) {
    return te::Same(select.args[1], less.args[yes]) && te::Same(select.args[2], less.args[no]);
  };
  return same(0, 1) || same(1, 0);
}

}  // namespace

template <typename Float, typename Bits>
Evaluator<Float, Bits>::Evaluator(const te::Expr& e) : root_(e) {
  Compile(e);
  cells_.resize(steps_.size() * kBlock);
  for (size_t n = 0; n < steps_.size(); ++n) {
    if (steps_[n].kind != ExprKind::kInt && steps_[n].kind != ExprKind::kFloat) continue;
    for (size_t i = 0; i < kBlock; ++i) cells_[n * kBlock + i].i = static_cast<Bits>(steps_[n].immediate);
  }
}

template <typename Float, typename Bits>
int Evaluator<Float, Bits>::Compile(const te::Expr& e) {
  if (auto known = slots_.find(e.get()); known != slots_.end()) return known->second;
  Step step{e->kind, e->function, false, 0, -1, -1, -1};
  if (e->kind == ExprKind::kInt) {
    step.immediate = e->integer;
  } else if (e->kind == ExprKind::kFloat) {
    Cell cell;
    cell.f = static_cast<Float>(e->number);
    step.immediate = cell.i;
  } else if (e->kind == ExprKind::kRead) {
    step.immediate = e->id;
  } else {
    if (e->args.size() > 0) step.a = Compile(e->args[0]);
    if (e->args.size() > 1) step.b = Compile(e->args[1]);
    if (e->args.size() > 2) step.c = Compile(e->args[2]);
    step.on_floats = te::IsFloat(e->args[0]->type);
    if (e->kind != ExprKind::kCall || e->function != Function::kBits) ++operations_;
    const te::ExprNode& first = *e->args[0];
    if (e->kind == ExprKind::kSelect && first.kind == ExprKind::kLess && IsChoice(*e, first)) --operations_;
  }
  te::DType floating = sizeof(Float) == 4 ? te::DType::kF32 : te::DType::kF64;
  te::DType integer = sizeof(Float) == 4 ? te::DType::kI32 : te::DType::kI64;
  if (e->type != floating && e->type != integer && e->type != te::DType::kBool) {
    throw std::logic_error("a node of type " + std::string(te::NameOf(e->type)));
  }
  steps_.push_back(step);
  return slots_[e.get()] = static_cast<int>(steps_.size()) - 1;
}

template <typename Float, typename Bits>
void Evaluator<Float, Bits>::Run(std::span<const Float> x, std::span<const Float> y,
                                 std::span<Float> results) {
  for (size_t start = 0; start < x.size(); start += kBlock) {
    size_t count = std::min(kBlock, x.size() - start);
    for (size_t n = 0; n < steps_.size(); ++n) {
      Cell* out = &cells_[n * kBlock];
      if (steps_[n].kind == ExprKind::kRead) {
        std::span<const Float> from = steps_[n].immediate == 0 ? x : y;
        for (size_t i = 0; i < count; ++i) out[i].f = from[start + i];
      } else if (steps_[n].a >= 0) {
        Execute(steps_[n], out, count);
      }
    }
    for (size_t i = 0; i < count; ++i) results[start + i] = cells_[(steps_.size() - 1) * kBlock + i].f;
  }
}

template <typename Float, typename Bits>
void Evaluator<Float, Bits>::Execute(const Step& step, Cell* out, size_t count) {
  using Unsigned = std::make_unsigned_t<Bits>;
  const Cell* a = &cells_[static_cast<size_t>(step.a) * kBlock];
  const Cell* b = step.b < 0 ? a : &cells_[static_cast<size_t>(step.b) * kBlock];
  const Cell* c = step.c < 0 ? a : &cells_[static_cast<size_t>(step.c) * kBlock];
  auto floats = [&](auto apply) {
    for (size_t i = 0; i < count; ++i) out[i].f = apply(a[i].f, b[i].f);
  };
  auto integers = [&](auto apply) {
    for (size_t i = 0; i < count; ++i) {
      out[i].i = static_cast<Bits>(apply(static_cast<Unsigned>(a[i].i), static_cast<Unsigned>(b[i].i)));
    }
  };
  auto compare = [&](auto apply) {
    for (size_t i = 0; i < count; ++i) {
      out[i].i = step.on_floats ? apply(a[i].f, b[i].f) : apply(a[i].i, b[i].i);
    }
  };
  switch (step.kind) {
    case ExprKind::kNeg:
      if (!step.on_floats) break;
      return floats([](Float x, Float) { return -x; });
    case ExprKind::kNot:
      return integers([](Unsigned x, Unsigned) { return x ^ 1; });
    case ExprKind::kAnd:
      return integers([](Unsigned x, Unsigned y) { return x & y; });
    case ExprKind::kOr:
      return integers([](Unsigned x, Unsigned y) { return x | y; });
    case ExprKind::kAdd:
      if (step.on_floats) return floats([](Float x, Float y) { return x + y; });
      return integers([](Unsigned x, Unsigned y) { return x + y; });
    case ExprKind::kSub:
      if (step.on_floats) return floats([](Float x, Float y) { return x - y; });
      return integers([](Unsigned x, Unsigned y) { return x - y; });
    case ExprKind::kMul:
      if (step.on_floats) return floats([](Float x, Float y) { return x * y; });
      return integers([](Unsigned x, Unsigned y) { return x * y; });
    case ExprKind::kDiv:
      if (step.on_floats) return floats([](Float x, Float y) { return x / y; });
      for (size_t i = 0; i < count; ++i) {  // rounds down
        out[i].i = a[i].i / b[i].i - (a[i].i % b[i].i != 0 && (a[i].i < 0) != (b[i].i < 0));
      }
      return;
    case ExprKind::kMod:
      for (size_t i = 0; i < count; ++i) {
        Bits rest = a[i].i % b[i].i;
        out[i].i = rest != 0 && (rest < 0) != (b[i].i < 0) ? rest + b[i].i : rest;
      }
      return;
    case ExprKind::kLess:
      return compare([](auto x, auto y) { return x < y; });
    case ExprKind::kEqual:
      return compare([](auto x, auto y) { return x == y; });
    case ExprKind::kNotEqual:
      return compare([](auto x, auto y) { return x != y; });
    case ExprKind::kSelect:
      for (size_t i = 0; i < count; ++i) out[i] = a[i].i != 0 ? b[i] : c[i];
      return;
    case ExprKind::kCast:
      if (step.on_floats) break;
      for (size_t i = 0; i < count; ++i) out[i].f = static_cast<Float>(a[i].i);
      return;
    case ExprKind::kCall:
      switch (step.function) {
        case Function::kBits:
          std::copy(a, a + count, out);
          return;
        case Function::kFma:
          for (size_t i = 0; i < count; ++i) out[i].f = std::fma(a[i].f, b[i].f, c[i].f);
          return;
        case Function::kAbs:
          return floats([](Float x, Float) { return std::fabs(x); });
        case Function::kFloor:
          return floats([](Float x, Float) { return std::floor(x); });
        case Function::kSqrt:
          return floats([](Float x, Float) { return std::sqrt(x); });
        default:
          break;
      }
      throw std::logic_error("a call of " + std::string(te::NameOf(step.function)));
    default:
      break;
  }
  throw std::logic_error("an operation that expanded math must not contain");
}

template class Evaluator<float, int32_t>;
template class Evaluator<double, int64_t>;

}  // namespace tunesmith::math_test
