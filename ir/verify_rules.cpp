// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "ir/types.h"
#include "ir/verifier.h"
#include "support/strings.h"

namespace tunesmith::ir {
namespace {

using schedule::kMostLanes;

/// Whether both are vector loops, the one directly inside of the other.
bool IsLanesInside(const StmtNode& s, const StmtNode& around) {
  return s.loop == LoopKind::kVector && around.loop == LoopKind::kVector && around.body[0].get() == &s;
}

bool IsPrivate(Scope scope) { return scope == Scope::kThread || scope == Scope::kRegister; }

}  // namespace

Status Verifier::Broken(std::string_view rule, std::string_view reason) const {
  std::string where = statement_ == nullptr ? std::string() : ToString(f_, *statement_) + ": ";
  return Invalid(StrCat(f_.name, ": ", rule, ": ", where, reason));
}

std::string Verifier::Text(const Linear& form) const {
  te::ExprNames names;
  names.var = [this](int id) { return f_.variables[static_cast<size_t>(id)]; };
  names.tensor = [this](int id) { return At(id).name; };
  return te::ToString(ToExpr(form), names);
}

/// types, scopes: the buffers themselves make sense.
Status Verifier::CheckBuffers() const {
  std::vector<bool> taken(f_.buffers.size());
  for (const Buffer& b : f_.buffers) {
    if (b.elements < 0 || b.alignment < te::SizeOf(b.dtype)) {
      return Broken("types", StrCat("buffer '", b.name, "' has ", b.elements, " elements aligned to ",
                                    b.alignment, " bytes; an element has ", te::SizeOf(b.dtype)));
    }
    if (b.scope != Scope::kParameter) continue;
    size_t position = static_cast<size_t>(b.parameter);
    if (b.parameter < 0 || position >= taken.size() || taken[position]) {
      return Broken("scopes", StrCat("parameter '", b.name, "' has position ", b.parameter,
                                     ", which is not there or taken"));
    }
    taken[position] = true;
  }
  // Positions are 0, 1, … without gaps.
  if (!std::is_sorted(taken.rbegin(), taken.rend())) {
    return Broken("scopes", "the positions of the parameters have gaps");
  }
  return absl::OkStatus();
}

/// types: the expression is there and has this type.
Status Verifier::CheckType(const Expr& e, DType type) const {
  if (e == nullptr) return Broken("types", "an expression is missing");
  if (e->type == type) return absl::OkStatus();
  return Broken("types",
                StrCat("a value of type ", te::NameOf(e->type), " where ", te::NameOf(type), " is needed"));
}

/// scopes: buffers, events and bodies that a statement names exist.
Status Verifier::CheckNumbers(const StmtNode& s) const {
  auto buffer = [&](int n) { return n >= 0 && static_cast<size_t>(n) < f_.buffers.size(); };
  auto event = [&](int n) { return n >= 0 && static_cast<size_t>(n) < f_.events.size(); };
  bool ok = std::all_of(s.body.begin(), s.body.end(), [](const Stmt& child) { return child != nullptr; });
  switch (s.kind) {
    case StmtKind::kFor:
      ok = ok && s.body.size() == 1 && s.var >= 0 && static_cast<size_t>(s.var) < variables_.size();
      break;
    case StmtKind::kIf:
      ok = ok && (s.body.size() == 1 || s.body.size() == 2);
      break;
    case StmtKind::kAlloc:
      ok = ok && s.body.size() == 1 && buffer(s.buffer);
      break;
    case StmtKind::kStore:
    case StmtKind::kPrefetch:
      ok = ok && buffer(s.buffer);
      break;
    case StmtKind::kCopy:
      ok = ok && buffer(s.buffer) && buffer(s.source) && event(s.event);
      break;
    case StmtKind::kWait:
    case StmtKind::kSignal:
      ok = ok && event(s.event);
      break;
    case StmtKind::kSeq:
    case StmtKind::kRoles:
      break;
  }
  if (ok) return absl::OkStatus();
  return Broken("scopes", "names a buffer, variable, event or body that does not exist");
}

/// scopes: a variable is used inside its loop.
Status Verifier::CheckVariable(const te::ExprNode& e) const {
  if (e.id >= 0 && static_cast<size_t>(e.id) < variables_.size() &&
      variables_[static_cast<size_t>(e.id)].in_scope) {
    return absl::OkStatus();
  }
  bool named = e.id >= 0 && static_cast<size_t>(e.id) < variables_.size();
  return Broken("scopes", StrCat("variable '", named ? f_.variables[static_cast<size_t>(e.id)] : StrCat(e.id),
                                 "' is used outside its loop"));
}

/// constants: extents that must be constant are; parallel loops nest only perfectly; scopes: no variable is
/// bound twice.
Status Verifier::CheckLoopKind(const StmtNode& s) const {
  if (variables_[static_cast<size_t>(s.var)].bound) {
    return Broken("scopes", "its variable is bound by another loop too");
  }
  if (s.loop == LoopKind::kVector || s.loop == LoopKind::kUnroll) {
    if (s.extent->kind != te::ExprKind::kInt) return Broken("constants", "its extent is not constant");
    if (s.loop == LoopKind::kUnroll) return absl::OkStatus();
    // Those of vector loops directly around it are lanes of the same vector.
    int64_t lanes = std::min(s.extent->integer, kMostLanes + 1);
    const StmtNode* inside = &s;
    for (size_t n = loops_.size(); n-- > 0 && IsLanesInside(*inside, *loops_[n].loop);) {
      inside = loops_[n].loop;
      lanes *= inside->extent->integer;
    }
    if (lanes > kMostLanes) return Broken("constants", StrCat("a vector has at most ", kMostLanes, " lanes"));
    return absl::OkStatus();
  }
  if (s.loop != LoopKind::kParallel) return absl::OkStatus();
  if (s.grain < 1) return Broken("constants", "its grain is below 1");
  for (const Loop& outer : loops_) {
    LoopKind kind = outer.loop->loop;
    if (kind != LoopKind::kParallel && kind != LoopKind::kVector) continue;
    const StmtNode& around = *loops_.back().loop;
    if (kind == LoopKind::kParallel && around.loop == kind && around.body[0].get() == &s) continue;
    return Broken("constants", StrCat("it is inside ", ToString(f_, *outer.loop),
                                      ", but parallel loops nest only directly in one another"));
  }
  return absl::OkStatus();
}

/// scopes: the buffer lives, and here.
Status Verifier::CheckAlive(int buffer) const {
  const Buffer& b = At(buffer);
  if (b.scope == Scope::kParameter || b.scope == Scope::kWorkspace) return absl::OkStatus();
  const BufferState& state = StateOf(buffer);
  if (!state.alive) return Broken("scopes", StrCat("'", b.name, "' is used outside its Alloc"));
  if (!IsPrivate(b.scope)) return absl::OkStatus();
  for (size_t n = state.depth; n < loops_.size(); ++n) {
    if (IsShared(loops_[n].loop->loop)) {
      return Broken("scopes", StrCat("'", b.name, "' belongs to one thread, but is allocated outside of ",
                                     ToString(f_, *loops_[n].loop)));
    }
  }
  return absl::OkStatus();
}

/// bounds: 0 <= first and last < elements.
Status Verifier::CheckBounds(int buffer, const Linear& first, const Linear& last) {
  const Buffer& b = At(buffer);
  Linear room;
  bool ok = algebra_.BoundsOf(first).Fits() && algebra_.BoundsOf(last).Fits() &&
            algebra_.NonNegative(first) && Combine(Linear::Constant(b.elements - 1), 1, last, -1, &room) &&
            algebra_.NonNegative(room);
  if (ok) return absl::OkStatus();
  Box low = algebra_.BoundsOf(first), high = algebra_.BoundsOf(last);
  std::string range = "is not known to lie";
  if (low.Known() && low.Fits() && high.Known() && high.Fits()) {
    range =
        StrCat("may lie in ", static_cast<int64_t>(low.low), " … ", static_cast<int64_t>(high.high), ", not");
  }
  return Broken("bounds", StrCat("index ", Text(first), " of '", b.name, "' ", range, " within its ",
                                 b.elements, " elements; guard the access"));
}

/// How far apart the neighbours of a vector loop lie: by one, or where another one is directly inside, whose
/// iterations come first, by its extent.
int64_t Verifier::LaneDistance(int var) const {
  size_t n = 0;
  while (loops_[n].loop->var != var) ++n;
  int64_t distance = 1;
  for (++n; n < loops_.size() && IsLanesInside(*loops_[n].loop, *loops_[n - 1].loop); ++n)
    distance *= loops_[n].loop->extent->integer;
  return distance;
}

/// registers: the index is constant once unrolled loops are expanded, plus the lane.
Status Verifier::CheckRegister(int buffer, const Linear& index) const {
  if (At(buffer).scope != Scope::kRegister) return absl::OkStatus();
  // Loops around the Alloc do not change which register is meant, but they are no constants in it either.
  auto unrolled = [&](int var) { return variables_[static_cast<size_t>(var)].kind == LoopKind::kUnroll; };
  for (const Term& t : index.terms) {
    bool ok = true;
    if (t.atom == nullptr) {
      ok = unrolled(t.var) || (variables_[static_cast<size_t>(t.var)].kind == LoopKind::kVector &&
                               (t.coefficient == 1 || t.coefficient == LaneDistance(t.var)));
    } else {
      te::Visit(t.atom, [&](const Expr& e) {
        ok = ok && e->kind != te::ExprKind::kRead && (e->kind != te::ExprKind::kVar || unrolled(e->id));
      });
    }
    if (!ok) {
      Linear single;
      single.terms.push_back(t);
      return Broken("registers", StrCat("the index of register buffer '", At(buffer).name, "' contains ",
                                        Text(single), ", which is neither unrolled nor the lane"));
    }
  }
  return absl::OkStatus();
}

/// read-only
Status Verifier::CheckWritten(int buffer) const {
  if (At(buffer).scope != Scope::kParameter || At(buffer).written) return absl::OkStatus();
  return Broken("read-only", StrCat("stores to parameter '", At(buffer).name, "', which is only read"));
}

/// lifetimes
Status Verifier::CheckContent(int buffer) const {
  if (!IsPrivate(At(buffer).scope) || StateOf(buffer).has_content) return absl::OkStatus();
  return Broken("lifetimes", StrCat("reads '", At(buffer).name, "' before anything is stored to it"));
}

/// races
Status Verifier::CheckRaces(const Loop& loop) const {
  std::vector<std::vector<const BufferAccess*>> by_buffer(f_.buffers.size());
  for (size_t n = loop.first_access; n < accesses_.size(); ++n) {
    const BufferAccess& a = accesses_[n];
    // What is allocated inside is dead by now.
    const Scope scope = At(a.buffer).scope;
    if (scope != Scope::kParameter && scope != Scope::kWorkspace && !StateOf(a.buffer).alive) continue;
    auto& list = by_buffer[static_cast<size_t>(a.buffer)];
    bool known = std::any_of(list.begin(), list.end(), [&](const BufferAccess* other) {
      return other->context == a.context && other->statement == a.statement &&
             other->index.constant == a.index.constant && AddScaled(other->index, a.index, -1).Is(0) &&
             (other->store || !a.store);
    });
    if (!known) list.push_back(&a);
  }
  DisjointIterations disjoint(loop.loop->var, loop.range, &loop.outside);
  for (const auto& list : by_buffer) {
    auto store = std::find_if(list.begin(), list.end(), [](const BufferAccess* a) { return a->store; });
    if (store == list.end()) continue;
    if (loop.loop->loop == LoopKind::kVector) {
      // Lanes may meet in one reduction, at an element that is the same for all of them.
      bool reduction = std::all_of(list.begin(), list.end(), [&](const BufferAccess* a) {
        return a->reduces && a->statement == (*store)->statement &&
               std::none_of(a->index.terms.begin(), a->index.terms.end(), [&](const Term& t) {
                 if (t.atom == nullptr) return t.var == loop.loop->var;
                 bool lane = false;
                 te::Visit(t.atom, [&](const Expr& e) {
                   lane = lane || (e->kind == te::ExprKind::kVar && e->id == loop.loop->var);
                 });
                 return lane;
               });
      });
      if (reduction) continue;
    }
    if (disjoint.Prove(list)) continue;
    const StmtNode& s = *(*store)->statement;
    return Invalid(StrCat(f_.name, ": races: ", ToString(f_, s), ": iterations of '",
                          f_.variables[static_cast<size_t>(loop.loop->var)],
                          "' may touch the same element of '", At((*store)->buffer).name,
                          "'; run the loop serially, or keep its iterations apart"));
  }
  return absl::OkStatus();
}

}  // namespace tunesmith::ir
