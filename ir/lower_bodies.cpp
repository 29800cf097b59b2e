// SPDX-License-Identifier: Apache-2.0
#include "ir/lower_bodies.h"

#include <algorithm>

namespace tunesmith::ir {

using schedule::Guard;
using te::ExprKind;

namespace {

/// `index` inside 0 … extent-1: what has to be checked of that.
void AddInside(const Expr& index, int64_t extent, std::vector<Expr>* conditions) {
  conditions->push_back(te::Binary(ExprKind::kLessEqual, te::Int(0), index));
  conditions->push_back(te::Binary(ExprKind::kLess, index, te::Int(extent)));
}

/// Guarded reads of a reduction outside of which an iteration contributes nothing: a factor 0 of a sum's
/// term, or the start value itself. Such iterations are left out, so that padding costs nothing.
void CollectSkips(te::Reducer reducer, const Expr& e, const Expr& identity, std::vector<Expr>* skips) {
  if (e->kind == ExprKind::kRead && e->guarded) {
    if (te::Same(e->args.back(), identity)) skips->push_back(e);
    return;
  }
  if (e->kind == ExprKind::kCast && reducer == te::Reducer::kSum) {
    const Expr& inner = e->args[0];
    Expr zero = te::IsFloat(inner->type) ? te::Float(0, inner->type) : te::Int(0, inner->type);
    CollectSkips(reducer, inner, zero, skips);
  }
  if (e->kind == ExprKind::kMul && reducer == te::Reducer::kSum) {
    for (const Expr& factor : e->args) CollectSkips(reducer, factor, identity, skips);
  }
}

}  // namespace

Expr AllOf(const std::vector<Expr>& conditions) {
  Expr all;
  for (const Expr& c : conditions) all = all ? te::Binary(ExprKind::kAnd, all, c) : c;
  return all;
}

std::vector<Expr> Bodies::OwnIndices(StageId id) const {
  std::vector<Expr> indices;
  for (int d = 0; d < plan_.stage(id).spatial; ++d)
    indices.push_back(Evaluate(PlanOf(id).axes[static_cast<size_t>(d)], loops_));
  return indices;
}

void Bodies::AddGuard(const Guard& g, std::vector<Expr>* conditions) const {
  Expr value = Evaluate(g.value, loops_);
  Span reach = SpanOf(plan_, g.value, kRoot);
  if (reach.first.constant < 0) conditions->push_back(te::Binary(ExprKind::kLessEqual, te::Int(0), value));
  if (reach.first.constant + reach.extent > g.extent)
    conditions->push_back(te::Binary(ExprKind::kLess, value, te::Int(g.extent)));
}

Stmt Bodies::Guarded(const std::vector<Expr>& conditions, Stmt statement) {
  return conditions.empty() ? statement : If(AllOf(conditions), std::move(statement));
}

Expr Bodies::Stored(const Storage& storage, Expr value) const {
  DType type = BufferOf(storage).dtype;
  return value->type == type ? value : te::Cast(type, value);
}

Expr Bodies::Load(StageId reader, const Expr& read, bool skip) {
  const Storage& storage = Find(read->id, PlanOf(reader).leaf);
  const te::Tensor& tensor = plan_.graph->tensors[static_cast<size_t>(read->id)];
  std::vector<Expr> indices(read->args.begin(),
                            read->args.begin() + static_cast<int64_t>(te::ReadRank(*read)));
  Expr address = Address(storage, indices, loops_);
  DType type = BufferOf(storage).dtype;
  Expr load;
  if (read->guarded && !skip) {
    std::vector<Expr> inside;
    for (size_t d = 0; d < indices.size(); ++d) AddInside(indices[d], tensor.shape[d], &inside);
    load = te::GuardedRead(type, storage.buffer, {address}, inside.empty() ? te::Bool(true) : AllOf(inside),
                           te::Cast(type, read->args.back()));
  } else {
    load = te::Read(type, storage.buffer, {address});
  }
  return type == read->type ? load : te::Cast(read->type, load);
}

Expr Bodies::Body(StageId id, const std::vector<Expr>& skipped) {
  return te::Substitute(plan_.stage(id).body, [&](const Expr& e) -> Expr {
    if (e->kind == ExprKind::kVar) return Evaluate(PlanOf(id).axes[static_cast<size_t>(e->id)], loops_);
    if (e->kind != ExprKind::kRead) return nullptr;
    bool skip = std::any_of(skipped.begin(), skipped.end(),
                            [&](const Expr& s) { return s->id == e->id && te::Same(OverLoops(id, s), e); });
    return Load(id, e, skip);
  });
}

Expr Bodies::OverLoops(StageId id, const Expr& e) const {
  return te::Substitute(e, [&](const Expr& v) -> Expr {
    return v->kind == ExprKind::kVar ? Evaluate(PlanOf(id).axes[static_cast<size_t>(v->id)], loops_)
                                     : nullptr;
  });
}

bool Bodies::IsSpatial(StageId id, const Guard& g) const {
  return std::none_of(g.value.terms.begin(), g.value.terms.end(),
                      [&](const auto& t) { return plan_.Reduces(id, t.first); });
}

bool Bodies::IsOwn(const Storage& storage) const {
  const schedule::Scope scope = BufferOf(storage).scope;
  return scope == schedule::Scope::kRegister || scope == schedule::Scope::kThread;
}

bool Bodies::Protects(StageId id, const Guard& g) {
  bool needed = false;
  auto moves_with = [&](const te::Affine& a) {
    return std::any_of(g.value.terms.begin(), g.value.terms.end(),
                       [&](const auto& t) { return a.CoefficientOf(t.first) != 0; });
  };
  auto leaves = [&](const te::Affine& index, const Span& stored) {
    Span reach = SpanOf(plan_, index + stored.first * -1, kRoot);
    return reach.first.constant < 0 || reach.first.constant + reach.extent > stored.extent;
  };
  const Storage& target = Find(plan_.stage(id).tensor, PlanOf(id).leaf);
  for (size_t d = 0; d < target.region.size(); ++d) {
    const te::Affine& index = PlanOf(id).axes[d];
    needed = needed || (moves_with(index) && leaves(index, target.region[d]));
  }
  te::Visit(plan_.stage(id).body, [&](const Expr& e) {
    if (e->kind != ExprKind::kRead || e->guarded) return;
    const Storage& storage = Find(e->id, PlanOf(id).leaf);
    StageId source = plan_.graph->StageOf(e->id);
    bool partial = source >= 0 && !Packed(source) && !PlanOf(source).guards.empty();
    for (size_t d = 0; d < te::ReadRank(*e); ++d) {
      std::optional<te::Affine> index = schedule::IndexOverLoops(plan_, id, e->args[d]);
      if (!index) {
        needed = true;
        continue;
      }
      if (!moves_with(*index)) continue;
      needed = needed || partial || leaves(*index, storage.region[d]);
    }
  });
  return needed;
}

Stmt Bodies::Leaf(StageId id) {
  const te::Stage& stage = plan_.stage(id);
  const schedule::StagePlan& s = PlanOf(id);
  const Storage& target = Find(stage.tensor, s.leaf);
  std::vector<Expr> conditions;
  for (const Guard& g : s.guards) {
    // Elements beyond the tensor's end may be computed where nobody else sees them and nothing illegal is
    // read.
    if (!IsSpatial(id, g) || !IsOwn(target) || Protects(id, g)) AddGuard(g, &conditions);
  }
  std::vector<Expr> skips;
  if (stage.reducer != te::Reducer::kNone) {
    CollectSkips(stage.reducer, stage.body, te::Identity(stage.reducer, stage.accumulator), &skips);
  }
  for (const Expr& read : skips) {
    const te::Tensor& tensor = plan_.graph->tensors[static_cast<size_t>(read->id)];
    for (size_t d = 0; d < tensor.shape.size(); ++d)
      AddInside(OverLoops(id, read->args[d]), tensor.shape[d], &conditions);
  }
  Expr address = Address(target, OwnIndices(id), loops_);
  Expr value = Body(id, skips);
  if (stage.reducer != te::Reducer::kNone) {
    value = te::Combine(stage.reducer, te::Read(BufferOf(target).dtype, target.buffer, {address}), value);
  }
  bool streaming = s.streaming && stage.reducer == te::Reducer::kNone;
  return Guarded(conditions, Store(target.buffer, address, Stored(target, value), streaming));
}

}  // namespace tunesmith::ir
