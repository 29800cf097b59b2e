// SPDX-License-Identifier: Apache-2.0
#include "ir/simplify_stmt.h"

#include <algorithm>
#include <memory>
#include <utility>

namespace tunesmith::ir {

namespace {

bool IsInt(const Expr& e) { return e->kind == ExprKind::kInt; }

/// A copy of the statement to be changed.
std::shared_ptr<StmtNode> CopyOf(const Stmt& s) { return std::make_shared<StmtNode>(*s); }

/// Whether the statement does something whenever it runs.
bool IsActive(const Stmt& s) {
  switch (s->kind) {
    case StmtKind::kSeq:
      return std::any_of(s->body.begin(), s->body.end(), IsActive);
    case StmtKind::kFor:
    case StmtKind::kAlloc:
      return IsActive(s->body[0]);
    case StmtKind::kIf:
      return s->body.size() > 1;
    default:
      return true;
  }
}

/// An interval outside of which a loop's body, which is simplified, does nothing.
Interval ActiveIterations(const Stmt& s, int var, Ranges* ranges) {
  Interval active = *ranges->Get(var);
  size_t mark = ranges->facts().size();
  switch (s->kind) {
    case StmtKind::kSeq: {
      std::swap(active.low, active.high);
      for (const Stmt& child : s->body) {
        Interval part = ActiveIterations(child, var, ranges);
        active = {std::min(active.low, part.low), std::max(active.high, part.high)};
      }
      return active;
    }
    case StmtKind::kIf:
      if (s->body.size() > 1) return active;
      ranges->AssumeSimplified(s->condition);
      active = ActiveIterations(s->body[0], var, ranges);
      ranges->Forget(mark);
      return active;
    case StmtKind::kFor:
      if (IsActive(s->body[0])) return active;
      mark = EnterLoop(s->var, s->begin, s->extent, ranges);
      active = ActiveIterations(s->body[0], var, ranges);
      LeaveLoop(s->var, mark, ranges);
      return active;
    case StmtKind::kAlloc:
      return ActiveIterations(s->body[0], var, ranges);
    default:
      return active;
  }
}

}  // namespace

size_t EnterLoop(int var, const Expr& begin, const Expr& extent, Ranges* ranges) {
  if (IsInt(begin) && IsInt(extent)) {
    ranges->Set(var, {begin->integer, begin->integer + std::max<int64_t>(extent->integer, 1) - 1});
    return ranges->facts().size();
  }
  Algebra algebra(ranges);
  Linear first = algebra.Normal(begin);
  Linear last = AddScaled(AddScaled(first, algebra.Normal(extent), 1), Linear::Constant(-1), 1);
  Box low = algebra.BoundsOf(first), high = algebra.BoundsOf(last);
  if (low.Known() && low.Fits() && high.Known() && high.Fits()) {
    ranges->Set(var, {static_cast<int64_t>(low.low),
                      static_cast<int64_t>(std::max(high.high, low.low))});  // never an empty box
  } else {
    ranges->Erase(var);
  }
  size_t mark = ranges->facts().size();
  Linear before_last, after_first, self = Linear::Variable(var);
  // The first comes first: knowing it, an extent of max(end - begin, 0) says that the variable is before end.
  if (low.Fits() && !first.is_constant() && Combine(self, 1, first, -1, &after_first)) {
    ranges->AssumeNonNegative(after_first);
  }
  if (high.Fits() && Combine(last, 1, self, -1, &before_last)) ranges->AssumeNonNegative(before_last);
  return mark;
}

void LeaveLoop(int var, size_t mark, Ranges* ranges) {
  ranges->Forget(mark);
  ranges->Erase(var);
}

void StatementSimplifier::RenameLoops(Function* function, std::vector<int>* origin) {
  function_ = function;
  origin_ = origin;
}

void StatementSimplifier::Replace(int var, Linear form) {
  size_t index = static_cast<size_t>(var);
  if (index >= replacements_.size()) replacements_.resize(index + 1);
  replacements_[index] = std::move(form);
  algebra_.Reset();
}

Stmt StatementSimplifier::Visit(const Stmt& s) {
  switch (s->kind) {
    case StmtKind::kSeq: {
      std::vector<Stmt> kept;
      bool changed = false;
      for (const Stmt& child : s->body) {
        Stmt visited = Visit(child);
        changed |= visited != child;
        if (visited != nullptr) kept.push_back(std::move(visited));
      }
      if (kept.empty()) return nullptr;
      return changed ? Seq(std::move(kept)) : s;
    }
    case StmtKind::kFor:
      return Loop(s);
    case StmtKind::kIf:
      return Choice(s);
    case StmtKind::kStore:
    case StmtKind::kPrefetch:
    case StmtKind::kCopy:
    case StmtKind::kWait:
      return Leaf(s);
    case StmtKind::kAlloc: {
      Stmt body = Visit(s->body[0]);
      if (body == nullptr || body == s->body[0]) return body == nullptr ? nullptr : s;
      return Alloc(s->buffer, std::move(body));
    }
    case StmtKind::kSignal:
      return s;
    case StmtKind::kRoles: {
      std::vector<Stmt> bodies;
      for (const Stmt& child : s->body) bodies.push_back(Body(child));
      return Roles(std::move(bodies));
    }
  }
  return s;
}

Stmt StatementSimplifier::Leaf(const Stmt& s) {
  auto simplified = [&](const Expr& e) { return e == nullptr ? nullptr : algebra_.Simplified(e); };
  Expr index = simplified(s->index), value = simplified(s->value), extent = simplified(s->extent);
  // A sum of terms that turned out to be 0 stores what is there.
  if (s->kind == StmtKind::kStore && value->kind == te::ExprKind::kRead && value->id == s->buffer &&
      !value->guarded && te::Same(value->args[0], index))
    return nullptr;
  if (index == s->index && value == s->value && extent == s->extent) return s;
  auto leaf = CopyOf(s);
  leaf->index = std::move(index);
  leaf->value = std::move(value);
  leaf->extent = std::move(extent);
  return leaf;
}

Stmt StatementSimplifier::Body(const Stmt& s) {
  Stmt visited = Visit(s);
  return visited == nullptr ? Seq({}) : visited;
}

Stmt StatementSimplifier::Loop(const Stmt& s) {
  Expr begin = algebra_.Simplified(s->begin), extent = algebra_.Simplified(s->extent);
  Box count = algebra_.BoundsOf(extent);
  if (count.Known() && count.high <= 0) return nullptr;
  size_t var = static_cast<size_t>(s->var);
  if (te::IsConstant(extent, 1)) {
    Replace(s->var, algebra_.Normal(begin));
    Stmt body = Visit(s->body[0]);
    replacements_[var].reset();
    algebra_.Reset();
    return body;
  }
  int own = s->var;
  if (function_ != nullptr) {
    own = static_cast<int>(function_->variables.size());
    function_->variables.push_back(function_->variables[var]);
    origin_->push_back((*origin_)[var]);
    Replace(s->var, Linear::Variable(own));
  }
  size_t mark = EnterLoop(own, begin, extent, &ranges_);
  algebra_.Reset();
  Stmt body = Visit(s->body[0]);
  LeaveLoop(own, mark, &ranges_);
  if (function_ != nullptr) replacements_[var].reset();
  algebra_.Reset();
  if (body == nullptr) return nullptr;
  if (own == s->var && begin == s->begin && extent == s->extent && body == s->body[0]) return Trimmed(s);
  auto loop = CopyOf(s);
  loop->var = own;
  loop->begin = std::move(begin);
  loop->extent = std::move(extent);
  loop->body[0] = std::move(body);
  return Trimmed(std::move(loop));
}

/// for i in 0..8 if i < 3 S   =>   for i in 0..3 S
Stmt StatementSimplifier::Trimmed(Stmt loop) {
  // Lanes stay as many as they are: they are masked. Bound loops have the extent that the launch gives.
  if (loop->loop == LoopKind::kVector || loop->loop == LoopKind::kBound || !IsInt(loop->begin) ||
      !IsInt(loop->extent) || IsActive(loop->body[0])) {
    return loop;
  }
  size_t mark = EnterLoop(loop->var, loop->begin, loop->extent, &ranges_);
  std::optional<Interval> all = ranges_.Get(loop->var);
  Interval active = ActiveIterations(loop->body[0], loop->var, &ranges_);
  LeaveLoop(loop->var, mark, &ranges_);
  if (active.low == all->low && active.high == all->high) return loop;
  auto trimmed = CopyOf(loop);
  trimmed->begin = te::Int(active.low);
  trimmed->extent = te::Int(active.high - active.low + 1);
  // Its variable is no longer what it was: the new range says more about the body.
  return StatementSimplifier(ranges_).Visit(trimmed);
}

Stmt StatementSimplifier::Under(const Expr& assumption, const Stmt& s) {
  size_t mark = ranges_.AssumeSimplified(assumption);
  algebra_.Reset();
  Stmt visited = Visit(s);
  ranges_.Forget(mark);
  algebra_.Reset();
  return visited;
}

Stmt StatementSimplifier::Choice(const Stmt& s) {
  Expr condition = algebra_.Simplified(s->condition);
  bool has_else = s->body.size() > 1;
  if (IsInt(condition)) {
    if (condition->integer != 0) return Visit(s->body[0]);
    return has_else ? Visit(s->body[1]) : nullptr;
  }
  Stmt yes = Under(condition, s->body[0]);
  if (condition == s->condition && yes == s->body[0] && !has_else) return s;
  Expr negation = has_else ? algebra_.Simplified(Negation(condition)) : nullptr;
  Stmt no = has_else ? Under(negation, s->body[1]) : nullptr;
  if (yes != nullptr) return If(std::move(condition), std::move(yes), std::move(no));
  return no == nullptr ? nullptr : If(std::move(negation), std::move(no));
}

Stmt Simplify(const Stmt& statement, const Ranges& ranges) {
  Stmt simplified = StatementSimplifier(ranges).Visit(statement);
  return simplified == nullptr ? Seq({}) : simplified;
}

}  // namespace tunesmith::ir
