// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <memory>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "ir/simplify_stmt.h"

namespace tunesmith::ir {
namespace {

constexpr int64_t kEnd = std::numeric_limits<int64_t>::max();

/// Finds the iterations in which the conditions of a loop's body are known. It walks the body with the ranges
/// of the loops inside and solves each comparison, as multiple*var + rest < 0, for var.
class SteadyIterations {
 public:
  SteadyIterations(int var, Interval all, const Ranges& ranges)
      : var_(var), all_(all), steady_(all), ranges_(ranges) {}

  void Visit(const Stmt& s) {
    for (const Expr& e : {s->begin, s->extent, s->condition, s->index, s->value}) {
      if (e != nullptr) Visit(e);
    }
    if (s->kind != StmtKind::kFor) {
      for (const Stmt& child : s->body) Visit(child);
      return;
    }
    inner_.insert(s->var);
    size_t mark = EnterLoop(s->var, s->begin, s->extent, &ranges_);
    Visit(s->body[0]);
    LeaveLoop(s->var, mark, &ranges_);
    inner_.erase(s->var);
  }

  bool all_are() const { return steady_.low == all_.low && steady_.high == all_.high; }
  Interval steady() const { return steady_; }

 private:
  void Visit(const Expr& e) {
    if (e->args.empty() || (e.use_count() > 1 && !visited_.insert(e.get()).second)) return;
    const auto& args = e->args;
    switch (e->kind) {
      case ExprKind::kLess:
        if (args[0]->type == te::DType::kI64) Solve(args[0], args[1], 0, false);
        break;
      case ExprKind::kLessEqual:
      case ExprKind::kMin:
      case ExprKind::kMax:
        if (args[0]->type == te::DType::kI64) Solve(args[0], args[1], -1, false);
        break;
      case ExprKind::kEqual:
      case ExprKind::kNotEqual:
        if (args[0]->type == te::DType::kI64) Solve(args[0], args[1], 0, true);
        break;
      default:
        break;
    }
    for (const Expr& a : args) Visit(a);
  }

  /// Narrows the steady iterations to those in which a - b + offset < 0 (or == 0) has one value.
  void Solve(const Expr& a, const Expr& b, int64_t offset, bool equality) {
    Algebra algebra(&ranges_);
    auto difference = algebra.Difference(algebra.Normal(a), algebra.Normal(b));
    if (!difference) return;
    Linear rest = std::move(*difference);
    int64_t multiple = 0;
    for (size_t n = rest.terms.size(); n-- > 0;) {
      const Term& t = rest.terms[n];
      if (t.var == var_) {
        multiple = t.coefficient;
        rest = Without(rest, n);
      } else if (t.atom != nullptr || !inner_.contains(t.var)) {
        return;  // not affine, or also a matter of loops outside
      }
    }
    if (multiple == 0 || multiple == std::numeric_limits<int64_t>::min()) return;
    Box box = algebra.BoundsOf(rest);
    if (!box.Known()) return;
    box.low += offset;
    box.high += offset;
    // The sum is below 0 for all values of the inner variables, or never is.
    Interval below = Where(multiple, box.high, true), above = Where(multiple, box.low, false);
    if (equality) {
      // Equal nowhere: always below 0, or always above (that is, not below 1).
      above = Where(multiple, box.low - 1, false);
    }
    Narrow(Length(Common(below)) >= Length(Common(above)) ? below : above);
  }

  /// The values of the variable with multiple*var + constant < 0, or the others.
  static Interval Where(int64_t multiple, __int128 constant, bool below) {
    auto clamped = [](__int128 v) {
      return static_cast<int64_t>(std::clamp<__int128>(v, -__int128{kEnd}, __int128{kEnd}));
    };
    // Upwards: var <= floor((-constant - 1) / multiple); downwards likewise for the negated variable.
    if (multiple > 0) {
      int64_t last = clamped(FloorDiv<__int128>(-constant - 1, multiple));
      return below ? Interval{-kEnd, last} : Interval{last == kEnd ? kEnd : last + 1, kEnd};
    }
    int64_t first = clamped(FloorDiv<__int128>(constant, -static_cast<__int128>(multiple)));
    return below ? Interval{first == kEnd ? kEnd : first + 1, kEnd} : Interval{-kEnd, first};
  }

  Interval Common(Interval a) const { return {std::max(a.low, steady_.low), std::min(a.high, steady_.high)}; }
  static int64_t Length(Interval a) { return a.low > a.high ? 0 : a.high - a.low + 1; }
  void Narrow(Interval a) {
    Interval common = Common(a);
    if (Length(common) > 0) steady_ = common;
  }

  int var_;
  Interval all_;
  Interval steady_;
  Ranges ranges_;
  absl::flat_hash_set<int> inner_;  // variables of the loops around the expression at hand
  absl::flat_hash_set<const te::ExprNode*> visited_;
};

class Partitioner {
 public:
  Partitioner(Function* function, const std::vector<int>& partitioned)
      : function_(function), partitioned_(partitioned.begin(), partitioned.end()) {
    for (size_t n = 0; n < function->variables.size(); ++n) origin_.push_back(static_cast<int>(n));
  }

  Stmt Visit(const Stmt& s) {
    if (s->kind == StmtKind::kFor) {
      if (Stmt divided = Divided(s)) return Visit(divided);
    }
    if (s->body.empty()) return s;
    auto copy = std::make_shared<StmtNode>(*s);
    for (size_t n = 0; n < s->body.size(); ++n) {
      size_t mark = ranges_.facts().size();
      if (s->kind == StmtKind::kFor) {
        mark = EnterLoop(s->var, s->begin, s->extent, &ranges_);
      } else if (s->kind == StmtKind::kIf) {
        mark = ranges_.Assume(n == 0 ? s->condition : Negation(s->condition));
      }
      copy->body[n] = Visit(s->body[n]);
      if (s->kind == StmtKind::kFor) {
        LeaveLoop(s->var, mark, &ranges_);
      } else {
        ranges_.Forget(mark);
      }
    }
    return copy;
  }

 private:
  /// The loop's boundary and steady iterations, simplified; null if it is not to be divided.
  Stmt Divided(const Stmt& s) {
    if (s->loop == LoopKind::kVector || !partitioned_.contains(origin_[static_cast<size_t>(s->var)]) ||
        !done_.insert(s->var).second || s->begin->kind != ExprKind::kInt ||
        s->extent->kind != ExprKind::kInt) {
      return nullptr;
    }
    Interval all{s->begin->integer, s->begin->integer + s->extent->integer - 1};
    Ranges inside = ranges_;
    inside.Set(s->var, all);
    SteadyIterations iterations(s->var, all, inside);
    iterations.Visit(s->body[0]);
    if (iterations.all_are()) return nullptr;
    Interval steady = iterations.steady();
    if (s->loop == LoopKind::kParallel || s->loop == LoopKind::kBound) return Chosen(s, all, steady);
    std::vector<Stmt> pieces;
    pieces.push_back(Piece(s, {all.low, steady.low - 1}, true));
    pieces.push_back(Piece(s, steady, false));
    pieces.push_back(Piece(s, {steady.high + 1, all.high}, true));
    return Seq(std::move(pieces));
  }

  /// The iterations in the interval as a loop; null if there are none. A copy gets new variables.
  Stmt Piece(const Stmt& s, Interval iterations, bool copy) {
    if (iterations.low > iterations.high) return nullptr;
    Stmt loop = For(s->loop, s->var, te::Int(iterations.low), te::Int(iterations.high - iterations.low + 1),
                    s->body[0], s->grain);
    StatementSimplifier simplifier(ranges_);
    size_t fresh = function_->variables.size();
    if (copy) simplifier.RenameLoops(function_, &origin_);
    Stmt piece = simplifier.Visit(loop);
    for (size_t v = fresh; v < origin_.size(); ++v) {
      if (origin_[v] == origin_[static_cast<size_t>(s->var)]) done_.insert(static_cast<int>(v));
    }
    return piece;
  }

  /// One loop whose body depends on which iterations it is. Parallel loops that are nested directly in it
  /// make one iteration space with it and must stay so: the choice is made inside the innermost of them.
  Stmt Chosen(const Stmt& s, Interval all, Interval steady) {
    std::vector<Stmt> nest = {s};
    while (s->loop == LoopKind::kParallel && nest.back()->body[0]->kind == StmtKind::kFor &&
           nest.back()->body[0]->loop == LoopKind::kParallel) {
      nest.push_back(nest.back()->body[0]);
    }
    Expr var = te::Var(s->var);
    Stmt body = Branch(nest, steady, false);
    if (steady.high < all.high) {
      body = If(te::Binary(ExprKind::kLess, var, te::Int(steady.high + 1)), body,
                Branch(nest, {steady.high + 1, all.high}, true));
    }
    if (steady.low > all.low) {
      body = If(te::Binary(ExprKind::kLess, var, te::Int(steady.low)),
                Branch(nest, {all.low, steady.low - 1}, true), body);
    }
    for (size_t n = nest.size(); n-- > 0;) {
      auto loop = std::make_shared<StmtNode>(*nest[n]);
      loop->body[0] = std::move(body);
      body = std::move(loop);
    }
    return body;
  }

  /// The innermost loop's body, simplified for these iterations of the outermost.
  Stmt Branch(const std::vector<Stmt>& nest, Interval iterations, bool copy) {
    Ranges ranges = ranges_;
    ranges.Set(nest[0]->var, iterations);
    for (size_t n = 1; n < nest.size(); ++n)
      EnterLoop(nest[n]->var, nest[n]->begin, nest[n]->extent, &ranges);
    StatementSimplifier simplifier(ranges);
    if (copy) simplifier.RenameLoops(function_, &origin_);
    Stmt body = simplifier.Visit(nest.back()->body[0]);
    return body == nullptr ? Seq({}) : body;
  }

  Function* function_;
  absl::flat_hash_set<int> partitioned_;
  absl::flat_hash_set<int> done_;  // variables of loops that have been divided, and of their pieces
  std::vector<int> origin_;        // by variable: the one that it is a copy of
  Ranges ranges_;
};

}  // namespace

void Partition(Function* function, const std::vector<int>& partitioned) {
  if (function->body == nullptr) return;
  function->body = Simplify(function->body, Ranges());
  Partitioner partitioner(function, partitioned);
  function->body = partitioner.Visit(function->body);
}

}  // namespace tunesmith::ir
