// SPDX-License-Identifier: Apache-2.0
#include "tests/ir/random_programs.h"

#include <algorithm>
#include <functional>

#include "ir/interpret.h"
#include "tests/ir/expressions.h"

namespace tunesmith::ir::testing {
namespace {

constexpr int kA = 0, kB = 1, kSum = 2;

class Generator {
 public:
  explicit Generator(Choices* choices) : choices_(*choices) {}

  Function Make() {
    f_.name = "f";
    rows_ = choices_.Between(1, 9);
    columns_ = choices_.Between(1, 20);
    f_.buffers.push_back({"A", DType::kF32, Scope::kParameter, rows_ * columns_, 4, 0, false});
    f_.buffers.push_back({"B", DType::kF32, Scope::kParameter, rows_ * columns_, 4, 1, true});
    Tile row = Split("y", rows_), column = Split("x", columns_);
    f_.body = choices_.Between(0, 2) == 0 ? Sums(row, column) : Pointwise(row, column);
    return std::move(f_);
  }

 private:
  /// outer * factor + inner < extent
  struct Tile {
    int outer, inner;
    int64_t factor, extent;
    Expr at;
    bool ends_early;  // the inner loop's extent says where it ends; else a guard does
  };

  Tile Split(const std::string& name, int64_t extent) {
    Tile t;
    t.outer = NewVariable(name + ".o");
    t.inner = NewVariable(name + ".i");
    t.factor = choices_.Between(1, 8);
    t.extent = extent;
    t.at = Var(t.outer) * Int(t.factor) + Var(t.inner);
    t.ends_early = choices_.Between(0, 3) == 0;
    return t;
  }
  int NewVariable(const std::string& name) {
    f_.variables.push_back(name);
    return static_cast<int>(f_.variables.size()) - 1;
  }
  static int64_t Tiles(const Tile& t) { return (t.extent + t.factor - 1) / t.factor; }

  Stmt Outer(const Tile& t, LoopKind kind, Stmt body) {
    return For(kind, t.outer, Int(0), Int(Tiles(t)), std::move(body));
  }
  Stmt Inner(const Tile& t, LoopKind kind, Stmt body) {
    if (!t.ends_early || kind == LoopKind::kVector || kind == LoopKind::kUnroll) {
      return For(kind, t.inner, Int(0), Int(t.factor), std::move(body));
    }
    return For(kind, t.inner, Int(0), Min(Int(t.factor), Int(t.extent) - Var(t.outer) * Int(t.factor)), body);
  }
  Stmt Guarded(const Tile& row, const Tile& column, Stmt s) {
    return If(And(Lt(row.at, Int(rows_)), Lt(column.at, Int(columns_))), std::move(s));
  }
  LoopKind InnerKind() {
    constexpr LoopKind kKinds[] = {LoopKind::kSerial, LoopKind::kVector, LoopKind::kUnroll};
    return kKinds[choices_.Between(0, 2)];
  }
  Expr Read(Expr row, Expr column, Expr guard) {
    Expr at = row * Int(columns_) + column;
    if (guard == nullptr) return te::Read(DType::kF32, kA, {at});
    return te::GuardedRead(DType::kF32, kA, {at}, guard, te::Float(3));
  }

  Stmt Pointwise(const Tile& row, const Tile& column) {
    int64_t dy = choices_.Between(-2, 2), dx = choices_.Between(-2, 2);
    Expr y = row.at + Int(dy), x = column.at + Int(dx);
    Expr guard = And(And(Le(Int(0), y), Lt(y, Int(rows_))), And(Le(Int(0), x), Lt(x, Int(columns_))));
    Expr value = Read(y, x, guard);
    if (choices_.Between(0, 1) == 0) {
      value = te::Select(Eq(Var(row.outer), Int(choices_.Between(0, 2))), value,
                         te::Unary(te::ExprKind::kNeg, value));
    }
    Stmt store = Guarded(row, column, Store(kB, row.at * Int(columns_) + column.at, value));
    LoopKind outer = choices_.Between(0, 1) == 0 ? LoopKind::kParallel : LoopKind::kSerial;
    if (choices_.Between(0, 1) == 0) {
      return Outer(
          row, outer,
          Inner(row, LoopKind::kSerial, Outer(column, LoopKind::kSerial, Inner(column, InnerKind(), store))));
    }
    return Outer(
        column, outer,
        Outer(row, LoopKind::kSerial, Inner(row, LoopKind::kSerial, Inner(column, InnerKind(), store))));
  }

  /// B[y, x] = sum over k of A[y, k] + A[k % rows, x], a tile in registers.
  Stmt Sums(Tile row, Tile column) {
    int64_t depth = choices_.Between(1, 5), steps = choices_.Between(1, 3);
    int64_t reach = std::min(depth * steps, columns_);
    f_.buffers.push_back({"sum", DType::kF32, Scope::kRegister, row.factor * column.factor, 64, -1, false});
    Tile k = Split("k", reach);
    auto nest = [&](const std::function<Stmt(const Tile&, const Tile&, Expr)>& body) {
      Tile y = row, x = column;
      y.inner = NewVariable("y.i");
      x.inner = NewVariable("x.i");
      y.at = Var(y.outer) * Int(y.factor) + Var(y.inner);
      x.at = Var(x.outer) * Int(x.factor) + Var(x.inner);
      LoopKind lanes = x.factor > 1 && choices_.Between(0, 1) == 0 ? LoopKind::kVector : LoopKind::kUnroll;
      Stmt inside = body(y, x, Var(y.inner) * Int(x.factor) + Var(x.inner));
      return For(LoopKind::kUnroll, y.inner, Int(0), Int(y.factor),
                 For(lanes, x.inner, Int(0), Int(x.factor), inside));
    };
    Stmt start = nest([&](const Tile&, const Tile&, Expr at) { return Store(kSum, at, te::Float(0)); });
    Stmt load = nest([&](const Tile& y, const Tile& x, Expr at) {
      Expr inside = And(Lt(y.at, Int(rows_)), Lt(x.at, Int(columns_)));
      return Store(kSum, at,
                   te::GuardedRead(DType::kF32, kB, {y.at * Int(columns_) + x.at}, inside, te::Float(0)));
    });
    Stmt add = nest([&](const Tile& y, const Tile& x, Expr at) {
      Expr value = te::Read(DType::kF32, kSum, {at}) + Read(y.at, k.at, nullptr) +
                   Read(Mod(k.at, rows_), x.at, nullptr);
      return If(Lt(k.at, Int(reach)), Guarded(y, x, Store(kSum, at, value)));
    });
    Stmt write = nest([&](const Tile& y, const Tile& x, Expr at) {
      return Guarded(y, x, Store(kB, y.at * Int(columns_) + x.at, te::Read(DType::kF32, kSum, {at})));
    });
    Stmt tile = Alloc(
        kSum, Seq({If(Eq(Var(k.outer), Int(0)), start, load), Inner(k, LoopKind::kSerial, add), write}));
    return Outer(row, choices_.Between(0, 1) == 0 ? LoopKind::kParallel : LoopKind::kSerial,
                 Outer(k, LoopKind::kSerial, Outer(column, LoopKind::kSerial, tile)));
  }

  Choices& choices_;
  Function f_;
  int64_t rows_ = 1, columns_ = 1;
};

/// Counts the places that can be damaged, and damages one.
class Damager {
 public:
  Damager(int64_t place, Choices* choices) : place_(place), choices_(*choices) {}

  Stmt Visit(const Stmt& s) {
    auto copy = std::make_shared<StmtNode>(*s);
    for (Stmt& child : copy->body) child = Visit(child);
    if (places_++ != place_) return copy;
    switch (s->kind) {
      case StmtKind::kFor:
        return Loop(copy);
      case StmtKind::kIf:
        if (choices_.Between(0, 1) == 0) return copy->body[0];
        copy->condition = Moved(s->condition);
        return copy;
      case StmtKind::kStore:
        if (choices_.Between(0, 1) == 0) {
          copy->index = s->index + Int(choices_.Between(0, 1) * 2 - 1);
        } else {
          copy->value = Moved(s->value);
        }
        return copy;
      case StmtKind::kAlloc:
        return choices_.Between(0, 1) == 0 ? copy->body[0] : Stmt(copy);
      case StmtKind::kSeq:
        if (s->body.size() < 2) return copy;
        if (choices_.Between(0, 1) == 0) {
          std::swap(copy->body[0], copy->body[1]);
        } else {
          copy->body.erase(copy->body.begin() +
                           choices_.Between(0, static_cast<int64_t>(s->body.size()) - 1));
        }
        return copy;
      default:
        return copy;
    }
  }
  int64_t places() const { return places_; }

 private:
  Stmt Loop(const std::shared_ptr<StmtNode>& loop) {
    switch (choices_.Between(0, 3)) {
      case 0:
        loop->extent = loop->extent + Int(1);
        break;
      case 1:
        loop->begin = loop->begin - Int(1);
        break;
      case 2:
        loop->loop = LoopKind::kParallel;
        break;
      default:
        loop->loop = LoopKind::kVector;
        break;
    }
    return loop;
  }

  /// One constant or guard of the expression changed.
  Expr Moved(const Expr& e) {
    int64_t constants = 0;
    te::Visit(e, [&](const Expr& node) { constants += node->kind == te::ExprKind::kInt; });
    if (constants == 0) return e;
    int64_t chosen = choices_.Between(0, std::min<int64_t>(constants, 200) - 1),
            by = choices_.Between(0, 1) * 2 - 1;
    return Move(e, &chosen, by);
  }
  static Expr Move(const Expr& e, int64_t* chosen, int64_t by) {
    if (e->kind == te::ExprKind::kInt && e->type == DType::kI64) {
      return (*chosen)-- == 0 ? Int(e->integer + by) : e;
    }
    auto copy = std::make_shared<te::ExprNode>(*e);
    for (Expr& a : copy->args) a = Move(a, chosen, by);
    return copy;
  }

  int64_t place_, places_ = 0;
  Choices& choices_;
};

}  // namespace

Function RandomProgram(Choices* choices) { return Generator(choices).Make(); }

Function Damaged(const Function& function, Choices* choices) {
  Damager counter(-1, choices);
  counter.Visit(function.body);
  Function damaged = function;
  int64_t place = choices->Between(0, std::min<int64_t>(counter.places(), 255));
  if (place == counter.places()) {
    damaged.buffers[static_cast<size_t>(choices->Between(0, 1))].elements -= 1;
    return damaged;
  }
  damaged.body = Damager(place, choices).Visit(function.body);
  return damaged;
}

Result<te::Value> RunOnIntegers(const Function& function) {
  std::vector<te::Value> values;
  for (int p = 0; p < 2; ++p)
    values.emplace_back(DType::kF32, std::vector<int64_t>{function.buffers[p].elements});
  for (int64_t n = 0; n < values[0].elements(); ++n) values[0].Store(n, static_cast<double>(n * 7 % 23 - 11));
  TS_RETURN_IF_ERROR(Interpret(function, &values));
  return values[1];
}

}  // namespace tunesmith::ir::testing
