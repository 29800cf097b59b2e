// SPDX-License-Identifier: Apache-2.0
// Expressions of every type, rebuilt from simplified parts.
#include <algorithm>
#include <numeric>
#include <utility>

#include "ir/algebra.h"

namespace tunesmith::ir {

using te::DType;
using te::ExprNode;

namespace {

bool IsTrue(const Expr& e) { return e->kind == ExprKind::kInt && e->integer != 0; }
bool IsFalse(const Expr& e) { return e->kind == ExprKind::kInt && e->integer == 0; }

/// The expression itself if it became one like it: then whatever contains it need not be built again.
Expr Unchanged(const Expr& e, Expr simplified) { return Compare(e, simplified) == 0 ? e : simplified; }

bool ReadsWithin(const Expr& e, int* budget) {
  if (e->kind == ExprKind::kRead || --*budget < 0) return true;
  for (const Expr& a : e->args) {
    if (a != nullptr && ReadsWithin(a, budget)) return true;
  }
  return false;
}

/// A set with a bit for each variable, by its number modulo 64.
uint64_t VariablesOf(const Expr& e) {
  if (e->kind == ExprKind::kVar) return uint64_t{1} << (e->id % 64);
  uint64_t set = 0;
  for (const Expr& a : e->args) set |= VariablesOf(a);
  return set;
}

/// Both sides of a comparison from sum + constant, each term on the side where it is positive.
void Sides(const Linear& sum, int64_t constant, Linear* left, Linear* right) {
  for (const Term& t : sum.terms) {
    if (t.coefficient > 0) {
      left->terms.push_back(t);
    } else {
      right->terms.push_back({t.var, -t.coefficient, t.atom});
    }
  }
  // sum + constant: 0 is on the right of the comparison. The constant goes where it is positive, unless one
  // side has nothing else.
  if (left->terms.empty()) {
    left->constant = constant;
  } else if (right->terms.empty() || constant < 0) {
    right->constant = -constant;
  } else {
    left->constant = constant;
  }
}

}  // namespace

bool Reads(const Expr& e) {
  int budget = 200;  // anything larger is treated as if it did
  return ReadsWithin(e, &budget);
}

void Flatten(ExprKind kind, const Expr& e, std::vector<Expr>* operands) {
  if (e->kind != kind) {
    operands->push_back(e);
    return;
  }
  for (const Expr& a : e->args) Flatten(kind, a, operands);
}

Expr Negation(const Expr& a) {
  switch (a->kind) {
    case ExprKind::kInt:
      return te::Bool(a->integer == 0);
    case ExprKind::kNot:
      return a->args[0];
    case ExprKind::kEqual:
      return te::Binary(ExprKind::kNotEqual, a->args[0], a->args[1]);
    case ExprKind::kNotEqual:
      return te::Binary(ExprKind::kEqual, a->args[0], a->args[1]);
    case ExprKind::kLess:
      if (te::IsFloat(a->args[0]->type)) break;  // not(a < NaN) is not NaN <= a
      return te::Binary(ExprKind::kLessEqual, a->args[1], a->args[0]);
    case ExprKind::kLessEqual:
      if (te::IsFloat(a->args[0]->type)) break;
      return te::Binary(ExprKind::kLess, a->args[1], a->args[0]);
    case ExprKind::kAnd:
      return te::Binary(ExprKind::kOr, Negation(a->args[0]), Negation(a->args[1]));
    case ExprKind::kOr:
      return te::Binary(ExprKind::kAnd, Negation(a->args[0]), Negation(a->args[1]));
    default:
      break;
  }
  return te::Unary(ExprKind::kNot, a);
}

void Algebra::Reset() {
  for (Memory* memory : {&memories_.with_facts, &memories_.without_facts}) {
    if (!memory->normal.empty()) memory->normal.clear();
    if (!memory->simplified.empty()) memory->simplified.clear();
    if (!memory->boxes.empty()) memory->boxes.clear();
  }
}

Expr Algebra::Simplified(const Expr& e) {
  if (e->type == DType::kI64) {
    if (e->kind == ExprKind::kInt) return e;
    Linear form = Normal(e);
    return Spells(e, form) ? e : ToExpr(form);
  }
  if (e->args.empty()) return e;
  if (e.use_count() == 1) return SimplifiedUncached(e);
  if (auto found = memory_->simplified.find(e.get()); found != memory_->simplified.end()) {
    return found->second.second;
  }
  Expr result = SimplifiedUncached(e);
  memory_->simplified.emplace(e.get(), std::make_pair(e, result));
  return result;
}

Expr Algebra::SimplifiedUncached(const Expr& e) {
  const auto& args = e->args;
  switch (e->kind) {
    case ExprKind::kLess:
    case ExprKind::kLessEqual:
    case ExprKind::kEqual:
    case ExprKind::kNotEqual:
      if (args[0]->type != DType::kI64) return ByFacts(Rebuilt(e));
      return ByFacts(Comparison(e));
    case ExprKind::kAnd:
    case ExprKind::kOr:
      return Unchanged(e, ByFacts(Junction(e)));
    case ExprKind::kNot: {
      Expr a = Simplified(args[0]);
      Expr negated = Negation(a);
      // What became comparisons again has a canonical form of its own.
      return negated->kind == ExprKind::kNot || IsTrue(negated) || IsFalse(negated) ? ByFacts(negated)
                                                                                    : Simplified(negated);
    }
    case ExprKind::kSelect: {
      Expr condition = Simplified(args[0]);
      if (IsTrue(condition)) return Simplified(args[1]);
      if (IsFalse(condition)) return Simplified(args[2]);
      Expr yes = Simplified(args[1]), no = Simplified(args[2]);
      if (condition->kind == ExprKind::kNot) {
        condition = condition->args[0];
        std::swap(yes, no);
      }
      if (Compare(yes, no) == 0) return yes;
      if (e->type == DType::kBool && IsTrue(yes) && IsFalse(no)) return condition;
      if (condition == args[0] && yes == args[1] && no == args[2]) return e;
      return te::Select(std::move(condition), std::move(yes), std::move(no));
    }
    case ExprKind::kRead:
      return ReadOf(e);
    default:
      return Rebuilt(e);
  }
}

Expr Algebra::Rebuilt(const Expr& e) {
  std::vector<Expr> args;
  args.reserve(e->args.size());
  bool changed = false;
  for (const Expr& a : e->args) {
    args.push_back(Simplified(a));
    changed |= args.back() != a;
  }
  if (!changed) return e;
  switch (e->kind) {
    case ExprKind::kNeg:
    case ExprKind::kNot:
      return te::Unary(e->kind, std::move(args[0]));
    case ExprKind::kCast:
      return te::Cast(e->type, std::move(args[0]), e->rounding);
    case ExprKind::kCall:
      if (e->function == te::Function::kBits) return te::Bits(e->type, std::move(args[0]));
      return te::Call(e->function, std::move(args));
    default:
      return te::Binary(e->kind, std::move(args[0]), std::move(args[1]));
  }
}

Expr Algebra::ReadOf(const Expr& e) {
  size_t rank = te::ReadRank(*e);
  std::vector<Expr> indices;
  indices.reserve(rank);
  if (!e->guarded) {
    bool changed = false;
    for (const Expr& a : e->args) {
      indices.push_back(Simplified(a));
      changed |= indices.back() != a;
    }
    return changed ? te::Read(e->type, e->id, std::move(indices)) : e;
  }
  Expr guard = Simplified(e->args[rank]);
  if (IsFalse(guard)) return Simplified(e->args[rank + 1]);
  auto simplify_indices = [&] {
    for (size_t n = 0; n < rank; ++n) indices.push_back(Simplified(e->args[n]));
    return true;
  };
  if (IsTrue(guard)) {
    simplify_indices();
    return te::Read(e->type, e->id, std::move(indices));
  }
  // Where the guard is false the index does not matter; but an index that reads must not fault even there.
  bool nested = Reads(guard);
  for (size_t n = 0; n < rank; ++n) nested |= Reads(e->args[n]);
  if (nested) {
    simplify_indices();
  } else {
    Under(guard, simplify_indices);
  }
  Expr otherwise = Simplified(e->args[rank + 1]);
  if (indices[0] == e->args[0] && guard == e->args[rank] && otherwise == e->args[rank + 1] && rank == 1)
    return e;
  return te::GuardedRead(e->type, e->id, std::move(indices), std::move(guard), std::move(otherwise));
}

Expr Algebra::Comparison(const Expr& e) {
  ExprKind kind = e->kind;
  Linear a = Normal(e->args[0]), b = Normal(e->args[1]);
  auto built = [&](ExprKind as, const Linear& left, const Linear& right) {
    if (e->kind == as && Spells(e->args[0], left) && Spells(e->args[1], right)) return e;
    return te::Binary(as, ToExpr(left), ToExpr(right));
  };
  auto plain = [&] { return built(kind, a, b); };
  auto difference = Difference(a, b);
  if (!difference) return plain();
  Linear d = std::move(*difference), negated;
  if (!Combine(Linear(), 1, d, -1, &negated)) return plain();
  if (kind == ExprKind::kEqual || kind == ExprKind::kNotEqual) {
    bool equal = kind == ExprKind::kEqual;
    if (d.is_constant()) return te::Bool((d.constant == 0) == equal);
    Linear below = d, above = negated;  // d <= -1, d >= 1
    if (!__builtin_sub_overflow(above.constant, 1, &above.constant) && NonNegative(above)) {
      return te::Bool(!equal);
    }
    if (!__builtin_sub_overflow(below.constant, 1, &below.constant) && NonNegative(below)) {
      return te::Bool(!equal);
    }
    if (!ranges_->facts().empty() && NonNegative(d) && NonNegative(negated)) return te::Bool(equal);
  } else {
    // As d < 0: integers allow to write a <= b as a < b + 1.
    if (kind == ExprKind::kLessEqual && __builtin_sub_overflow(d.constant, 1, &d.constant)) return plain();
    if (d.is_constant()) return te::Bool(d.constant < 0);
    if (NonNegative(d)) return te::Bool(false);
    negated.constant = ~d.constant;  // -d - 1
    if (NonNegative(negated)) return te::Bool(true);
  }
  // Both sides divided by what all multiples have in common; no side wraps if the terms' bounds do not.
  int64_t common = 0;
  for (const Term& t : d.terms) {
    if (t.coefficient == std::numeric_limits<int64_t>::min()) return plain();
    common = std::gcd(common, t.coefficient);
  }
  Linear sum;
  for (const Term& t : d.terms) sum.terms.push_back({t.var, t.coefficient / common, t.atom});
  __int128 size = d.constant < 0 ? -static_cast<__int128>(d.constant) : d.constant;
  for (const Term& t : sum.terms) {
    Linear single;
    single.terms.push_back(t);
    Box box = BoundsOf(single);
    if (!box.Fits()) return plain();
    size += std::max(box.high < 0 ? -box.high : box.high, box.low < 0 ? -box.low : box.low);
  }
  if (size > std::numeric_limits<int64_t>::max()) return plain();
  Linear left, right;
  if (kind == ExprKind::kEqual || kind == ExprKind::kNotEqual) {
    if (d.constant % common != 0) return te::Bool(kind == ExprKind::kNotEqual);
    // One sign for x == y and y == x.
    if (sum.terms[0].coefficient < 0) {
      for (Term& t : sum.terms) t.coefficient = -t.coefficient;
      d.constant = -d.constant;
    }
    Sides(sum, d.constant / common, &left, &right);
    return built(kind, left, right);
  }
  // common*sum + constant < 0  is  sum < ceil(-constant / common)  is  sum + floor(constant / common) < 0
  Sides(sum, FloorDiv(d.constant, common), &left, &right);
  return built(ExprKind::kLess, left, right);
}

Expr Algebra::Junction(const Expr& e) {
  bool all = e->kind == ExprKind::kAnd;
  std::vector<Expr> operands, kept;
  Flatten(e->kind, e, &operands);
  for (const Expr& a : operands) {
    Expr simplified = Simplified(a);
    if (simplified->kind == ExprKind::kInt) {
      if ((simplified->integer != 0) != all) return te::Bool(!all);
      continue;
    }
    Flatten(e->kind, simplified, &kept);
  }
  // Each operand is simplified as if the others did not decide: for `and` they hold, for `or` they do not.
  // What is replaced by a constant that way is redundant, or decides the whole.
  std::vector<uint64_t> variables;  // none for what reads: it must not be left out where it would not fault
  for (const Expr& a : kept) variables.push_back(Reads(a) ? 0 : VariablesOf(a));
  constexpr size_t kManyOperands = 8;  // the work grows with the square
  for (size_t n = kept.size() > kManyOperands ? 0 : kept.size(); n-- > 0 && kept.size() > 1;) {
    Expr others;
    for (size_t m = 0; m < kept.size(); ++m) {
      if (m == n || (variables[m] & variables[n]) == 0) continue;
      Expr holds = all ? kept[m] : Negation(kept[m]);
      others = others == nullptr ? holds : te::Binary(ExprKind::kAnd, std::move(others), std::move(holds));
    }
    if (others == nullptr) continue;
    Expr operand = Under(all ? others : Simplified(others), [&] { return Simplified(kept[n]); });
    if (operand->kind != ExprKind::kInt) continue;
    if ((operand->integer != 0) != all) return te::Bool(!all);
    kept.erase(kept.begin() + static_cast<ptrdiff_t>(n));
    variables.erase(variables.begin() + static_cast<ptrdiff_t>(n));
  }
  Expr result;
  for (Expr& a : kept) {
    result = result == nullptr ? std::move(a) : te::Binary(e->kind, std::move(result), std::move(a));
  }
  return result == nullptr ? te::Bool(all) : result;
}

Expr Algebra::ByFacts(Expr condition) {
  if (condition->kind == ExprKind::kInt) return condition;
  for (const Ranges::Fact& fact : ranges_->facts()) {
    if (fact.opaque == nullptr) continue;
    if (Compare(fact.opaque, condition) == 0) return te::Bool(true);
    const Expr& a = fact.opaque;
    bool opposite =
        (a->kind == ExprKind::kNot && Compare(a->args[0], condition) == 0) ||
        (condition->kind == ExprKind::kNot && Compare(condition->args[0], a) == 0) ||
        (a->kind == ExprKind::kNotEqual && condition->kind == ExprKind::kEqual &&
         Compare(a->args[0], condition->args[0]) == 0 && Compare(a->args[1], condition->args[1]) == 0);
    if (opposite) return te::Bool(false);
  }
  return condition;
}

Expr Simplify(const Expr& e, const Ranges& ranges) {
  Ranges scratch = ranges;
  return Algebra(&scratch).Simplified(e);
}

}  // namespace tunesmith::ir
