// SPDX-License-Identifier: Apache-2.0
// Moves conditions out of loops (HoistConditions in ir/lower.h).
#include <algorithm>

#include "ir/lower.h"
#include "te/affine.h"

namespace tunesmith::ir {
namespace {

using te::ExprKind;

void Conjuncts(const Expr& condition, std::vector<Expr>* parts) {
  if (condition->kind == ExprKind::kAnd) {
    Conjuncts(condition->args[0], parts);
    Conjuncts(condition->args[1], parts);
  } else {
    parts->push_back(condition);
  }
}

Expr AllOf(const std::vector<Expr>& parts) {
  Expr all;
  for (const Expr& p : parts) all = all ? te::Binary(ExprKind::kAnd, all, p) : p;
  return all;
}

Stmt Under(const std::vector<Expr>& conditions, Stmt body) {
  return conditions.empty() ? body : If(AllOf(conditions), std::move(body));
}

bool DependsOn(const Expr& e, int var) {
  bool found = false;
  te::Visit(e, [&](const Expr& node) { found = found || (node->kind == ExprKind::kVar && node->id == var); });
  return found;
}

/// The condition as `form >= 0`, if it is an affine comparison.
std::optional<te::Affine> NonNegativeForm(const Expr& condition) {
  if (condition->kind != ExprKind::kLess && condition->kind != ExprKind::kLessEqual) return std::nullopt;
  std::optional<te::Affine> a = te::ToAffine(condition->args[0]), b = te::ToAffine(condition->args[1]);
  if (!a || !b) return std::nullopt;
  te::Affine form = *b + *a * -1;
  if (condition->kind == ExprKind::kLess) form.constant -= 1;
  return form;
}

/// Narrows begin … end by `condition`; false if it does not bound `var` by an affine form of outer variables.
bool Narrow(const Expr& condition, int var, Expr* begin, Expr* end) {
  std::optional<te::Affine> form = NonNegativeForm(condition);
  if (!form) return false;
  int64_t c = form->CoefficientOf(var);
  if (c == 0) return false;
  te::Affine rest = te::Substitute(*form, var, te::Affine());
  if (c > 0) {  // var >= -rest / c, rounded up
    rest = rest * -1;
    rest.constant += c - 1;
    *begin = te::Binary(ExprKind::kMax, *begin, te::ToExpr(rest) / te::Int(c));
  } else {  // var <= rest / -c, rounded down
    *end = te::Binary(ExprKind::kMin, *end, te::ToExpr(rest) / te::Int(-c) + te::Int(1));
  }
  return true;
}

bool IsVector(const StmtNode& s) { return s.kind == StmtKind::kFor && s.loop == LoopKind::kVector; }

/// `around`: the vector loop directly around this one, which is one too; or null. The lanes of both are those
/// of one vector: what moves with any of them stays inside.
Stmt HoistFor(const StmtNode& loop, const StmtNode* around) {
  const Stmt& child = loop.body[0];
  Stmt body = IsVector(loop) && IsVector(*child) ? HoistFor(*child, &loop) : HoistConditions(child);
  auto with = [&](Expr begin, Expr extent, Stmt inner) {
    StmtNode copy = loop;
    copy.begin = std::move(begin);
    copy.extent = std::move(extent);
    copy.body = {std::move(inner)};
    return std::make_shared<const StmtNode>(std::move(copy));
  };
  if (body->kind != StmtKind::kIf || body->body.size() != 1) return with(loop.begin, loop.extent, body);
  std::vector<Expr> parts, outside, inside;
  Conjuncts(body->condition, &parts);
  Expr begin = loop.begin, end = loop.begin + loop.extent;
  bool narrowed = false;
  for (const Expr& part : parts) {
    // Parallel loops nest directly in one another, or not at all: nothing may come between.
    if (!DependsOn(part, loop.var) && loop.loop != LoopKind::kParallel &&
        (around == nullptr || !DependsOn(part, around->var))) {
      outside.push_back(part);
    } else if (loop.loop == LoopKind::kSerial && Narrow(part, loop.var, &begin, &end)) {
      narrowed = true;
    } else {
      inside.push_back(part);
    }
  }
  Stmt inner = Under(inside, body->body[0]);
  Expr extent = narrowed ? te::Binary(ExprKind::kMax, end - begin, te::Int(0)) : loop.extent;
  return Under(outside, with(begin, extent, std::move(inner)));
}

}  // namespace

Stmt HoistConditions(const Stmt& s) {
  switch (s->kind) {
    case StmtKind::kFor:
      return HoistFor(*s, nullptr);
    case StmtKind::kIf: {
      Stmt yes = HoistConditions(s->body[0]);
      if (s->body.size() > 1) return If(s->condition, yes, HoistConditions(s->body[1]));
      if (yes->kind == StmtKind::kIf && yes->body.size() == 1) {
        return If(te::Binary(ExprKind::kAnd, s->condition, yes->condition), yes->body[0]);
      }
      return If(s->condition, yes);
    }
    case StmtKind::kAlloc: {
      Stmt body = HoistConditions(s->body[0]);
      if (body->kind == StmtKind::kIf && body->body.size() == 1)
        return If(body->condition, Alloc(s->buffer, body->body[0]));
      return Alloc(s->buffer, body);
    }
    case StmtKind::kSeq: {
      std::vector<Stmt> statements;
      for (const Stmt& each : s->body) statements.push_back(HoistConditions(each));
      return Seq(std::move(statements));
    }
    default:
      return s;
  }
}

}  // namespace tunesmith::ir
