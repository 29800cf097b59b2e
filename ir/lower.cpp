// SPDX-License-Identifier: Apache-2.0
#include "ir/lower.h"

#include <algorithm>

#include "ir/lower_places.h"
#include "ir/simplify.h"
#include "ir/verify.h"
#include "support/strings.h"

namespace tunesmith::ir {
namespace {

using schedule::Guard;
using schedule::kRoot;
using schedule::NodeId;
using schedule::Place;
using schedule::Plan;
using schedule::Span;
using schedule::StageId;
using te::ExprKind;

Expr AllOf(const std::vector<Expr>& conditions) {
  Expr all;
  for (const Expr& c : conditions) all = all ? te::Binary(ExprKind::kAnd, all, c) : c;
  return all;
}

/// Builds one function: the stages that are packed ahead of time, or all others.
class Nest : Places {
 public:
  Nest(const Plan& plan, bool packing) : Places(plan, packing) { loops_.resize(plan.nodes.size()); }

  Result<Function> Build(std::vector<int>* packed) {
    function_.name = packing_ ? "pack" : "main";
    TS_RETURN_IF_ERROR(PlaceParameters(packed));
    function_.body = Children(kRoot);
    return std::move(function_);
  }

  /// The variables of loops that the plan marks for partition.
  const std::vector<int>& partitioned() const { return partitioned_; }

 private:
  // ---- loops

  Expr Enter(NodeId n) {
    function_.variables.push_back(plan_.LoopName(n));
    loops_[static_cast<size_t>(n)] = te::Var(static_cast<int>(function_.variables.size()) - 1);
    return loops_[static_cast<size_t>(n)];
  }

  Stmt Loop(NodeId n, const Expr& var, Stmt body) {
    const schedule::Node& node = plan_.nodes[static_cast<size_t>(n)];
    if (node.partition) partitioned_.push_back(var->id);
    return For(node.kind, var->id, te::Int(0), te::Int(node.extent), std::move(body), node.grain);
  }

  bool Contains(NodeId n) const {  // a leaf of this function below (or at) n
    const schedule::Node& node = plan_.nodes[static_cast<size_t>(n)];
    if (node.is_leaf()) return Emits(node.stage);
    return std::any_of(node.children.begin(), node.children.end(), [&](NodeId c) { return Contains(c); });
  }

  Stmt Visit(NodeId n) {
    const schedule::Node& node = plan_.nodes[static_cast<size_t>(n)];
    if (node.is_leaf()) return Leaf(node.stage);
    Expr var = Enter(n);
    Stmt body = Children(n);
    loops_[static_cast<size_t>(n)] = nullptr;
    return Loop(n, var, std::move(body));
  }

  /// The content of a loop (or the root): its children, around each of them what reductions need, around all
  /// of them the buffers that live here.
  Stmt Children(NodeId n) {
    std::vector<int> allocated;
    std::vector<StageId> keeps;
    for (StageId id = 0; id < static_cast<StageId>(plan_.stages.size()); ++id) {
      if (!Emits(id)) continue;
      const schedule::StagePlan& s = PlanOf(id);
      // Sums that stay in registers until the consumer has taken them need no memory.
      bool stays = s.keep != kRoot && StaysInRegisters(id);
      if (s.place == Place::kLoop && s.at == n && !stays) allocated.push_back(AllocateRegion(id));
      if (s.keep == n && n != kRoot) {
        allocated.push_back(AllocateKept(id));
        keeps.push_back(id);
      }
    }
    std::vector<Stmt> statements;
    for (NodeId child : plan_.ChildrenOf(n)) {
      if (!Contains(child)) continue;
      for (StageId id : keeps) {
        if (plan_.ChildTowards(n, PlanOf(id).leaf) == child) statements.push_back(BeginKept(id, n));
      }
      for (StageId id = 0; id < static_cast<StageId>(plan_.stages.size()); ++id) {
        if (Emits(id) && StartsAt(id, n, child))
          statements.push_back(
              Spatial(id, n, [&] { return StoreStart(id, StorageOf(plan_.stage(id).tensor)); }));
      }
      statements.push_back(Completed(n, child, Visit(child)));
      for (StageId id : keeps) {
        if (plan_.ChildTowards(n, PlanOf(id).leaf) == child) statements.push_back(EndKept(id, n));
      }
    }
    statements.erase(std::remove(statements.begin(), statements.end(), nullptr), statements.end());
    Stmt body = Seq(std::move(statements));
    for (size_t i = allocated.size(); i-- > 0;) body = Alloc(allocated[i], std::move(body));
    return body;
  }

  int AllocateRegion(StageId id) {
    Storage& storage = storage_[static_cast<size_t>(plan_.stage(id).tensor)];
    Buffer b;
    b.name = plan_.NameOf(id);
    b.dtype = TensorOf(id).dtype;
    b.scope = PlanOf(id).scope;
    storage.region = PlanOf(id).region;
    storage.layout = PlanOf(id).layout.empty() ? RowMajor(storage.region) : PlanOf(id).layout;
    b.elements = ElementsOf(storage.layout);
    storage.buffer = AddBuffer(b);
    return storage.buffer;
  }

  int AllocateKept(StageId id) {
    Storage& storage = kept_[static_cast<size_t>(id)];
    storage.region.clear();
    for (int d = 0; d < plan_.stage(id).spatial; ++d) {
      storage.region.push_back(SpanOf(plan_, PlanOf(id).axes[static_cast<size_t>(d)], PlanOf(id).keep));
    }
    storage.layout = RowMajor(storage.region);
    Buffer b;
    b.name = plan_.NameOf(id) + "_kept";
    b.dtype = plan_.stage(id).accumulator;
    b.scope = schedule::Scope::kRegister;
    b.elements = ElementsOf(storage.layout);
    storage.buffer = AddBuffer(b);
    return storage.buffer;
  }

  // ---- reductions

  /// True if the start values of stage `id` are stored right before `child` of `n`: it is (or contains) the
  /// outermost loop that the stage reduces over, or the leaf if there is none. Kept accumulators start
  /// elsewhere.
  bool StartsAt(StageId id, NodeId n, NodeId child) const {
    const schedule::StagePlan& s = PlanOf(id);
    if (plan_.stage(id).reducer == te::Reducer::kNone || s.keep != kRoot) return false;
    if (child != s.leaf && !plan_.Encloses(child, s.leaf)) return false;
    for (NodeId above = n; above != kRoot; above = plan_.nodes[static_cast<size_t>(above)].parent) {
      if (plan_.Reduces(id, above)) return false;
    }
    return child == s.leaf || plan_.Reduces(id, child);
  }

  /// The stage's spatial loops below `n`, around what `body` gives, under the guards that only concern them.
  template <class Body>
  Stmt Spatial(StageId id, NodeId n, Body body) {
    std::vector<NodeId> copied;
    for (NodeId loop : plan_.LoopsAbove(PlanOf(id).leaf)) {
      if (plan_.Encloses(n, loop) && plan_.IsSpatial(id, loop)) copied.push_back(loop);
    }
    std::vector<Expr> vars;
    for (NodeId loop : copied) vars.push_back(Enter(loop));
    Stmt statement = body();
    for (size_t i = copied.size(); i-- > 0;) {
      loops_[static_cast<size_t>(copied[i])] = nullptr;
      statement = Loop(copied[i], vars[i], std::move(statement));
    }
    return statement;
  }

  std::vector<Expr> OwnIndices(StageId id) const {
    std::vector<Expr> indices;
    for (int d = 0; d < plan_.stage(id).spatial; ++d)
      indices.push_back(Evaluate(PlanOf(id).axes[static_cast<size_t>(d)], loops_));
    return indices;
  }

  /// Guards over spatial loops alone: an element that they exclude does not exist in the whole tensor.
  std::vector<Expr> SpatialGuards(StageId id) const {
    std::vector<Expr> conditions;
    for (const Guard& g : PlanOf(id).guards) {
      bool spatial = std::none_of(g.value.terms.begin(), g.value.terms.end(),
                                  [&](const auto& t) { return plan_.Reduces(id, t.first); });
      if (spatial) AddGuard(g, &conditions);
    }
    return conditions;
  }

  void AddGuard(const Guard& g, std::vector<Expr>* conditions) const {
    Expr value = Evaluate(g.value, loops_);
    Span reach = SpanOf(plan_, g.value, kRoot);
    if (reach.first.constant < 0) conditions->push_back(te::Binary(ExprKind::kLessEqual, te::Int(0), value));
    if (reach.first.constant + reach.extent > g.extent)
      conditions->push_back(te::Binary(ExprKind::kLess, value, te::Int(g.extent)));
  }

  Stmt Guarded(const std::vector<Expr>& conditions, Stmt statement) const {
    return conditions.empty() ? statement : If(AllOf(conditions), std::move(statement));
  }

  Stmt StoreStart(StageId id, const Storage& storage) {
    const te::Stage& stage = plan_.stage(id);
    bool kept = &storage == &kept_[static_cast<size_t>(id)];
    Stmt store = Store(storage.buffer, Address(storage, OwnIndices(id), loops_),
                       Stored(storage, te::Identity(stage.reducer, stage.accumulator)));
    return kept ? store : Guarded(SpatialGuards(id), std::move(store));
  }

  /// All loops above `n`, and `n`, over which the stage reduces, are at their first (last) iteration; null if
  /// there is none.
  Expr AtEnd(StageId id, NodeId n, bool last) const {
    std::vector<Expr> conditions;
    for (NodeId loop = n; loop != kRoot; loop = plan_.nodes[static_cast<size_t>(loop)].parent) {
      int64_t extent = plan_.nodes[static_cast<size_t>(loop)].extent;
      if (plan_.Reduces(id, loop) && extent > 1) {
        conditions.push_back(
            te::Binary(ExprKind::kEqual, loops_[static_cast<size_t>(loop)], te::Int(last ? extent - 1 : 0)));
      }
    }
    return AllOf(conditions);
  }

  Stmt BeginKept(StageId id, NodeId n) {
    const Storage& kept = kept_[static_cast<size_t>(id)];
    Stmt start = Spatial(id, n, [&] { return StoreStart(id, kept); });
    Expr first = AtEnd(id, n, false);
    if (!first) return start;
    Stmt load = Spatial(id, n, [&] {
      const Storage& memory = StorageOf(plan_.stage(id).tensor);
      std::vector<Expr> indices = OwnIndices(id);
      Expr address = Address(memory, indices, loops_);
      DType type = BufferOf(memory).dtype;
      std::vector<Expr> guards = SpatialGuards(id);
      Expr value =
          guards.empty()
              ? te::Read(type, memory.buffer, {address})
              : te::GuardedRead(
                    type, memory.buffer, {address}, AllOf(guards),
                    te::Cast(type, te::Identity(plan_.stage(id).reducer, plan_.stage(id).accumulator)));
      return Store(kept.buffer, Address(kept, indices, loops_), Stored(kept, value));
    });
    return If(first, start, load);
  }

  /// Every reader of the stage runs inside `loop`.
  bool ReadOnlyWithin(StageId id, NodeId loop) const {
    std::vector<int> consumers = plan_.graph->ConsumersOf(plan_.stage(id).tensor);
    return !consumers.empty() && TensorOf(id).role != te::Role::kOutput &&
           std::all_of(consumers.begin(), consumers.end(), [&](StageId c) {
             return PlanOf(c).leaf >= 0 && plan_.Encloses(loop, PlanOf(c).leaf);
           });
  }

  /// Kept accumulators that are complete after one iteration of their loop and read only there.
  bool StaysInRegisters(StageId id) const {
    NodeId keep = PlanOf(id).keep;
    for (NodeId loop = keep; loop != kRoot; loop = plan_.nodes[static_cast<size_t>(loop)].parent) {
      if (plan_.Reduces(id, loop) && plan_.nodes[static_cast<size_t>(loop)].extent > 1) return false;
    }
    return ReadOnlyWithin(id, keep);
  }

  /// Kept accumulators go to memory unless every reader takes them from the registers.
  Stmt EndKept(StageId id, NodeId n) {
    const Storage& kept = kept_[static_cast<size_t>(id)];
    if (StaysInRegisters(id)) return nullptr;
    bool inside = ReadOnlyWithin(id, n);
    Expr last = AtEnd(id, n, true);
    Stmt store = Spatial(id, n, [&] {
      const Storage& memory = StorageOf(plan_.stage(id).tensor);
      std::vector<Expr> indices = OwnIndices(id);
      Expr value = te::Read(BufferOf(kept).dtype, kept.buffer, {Address(kept, indices, loops_)});
      bool final_store = !inside && !last;
      return Guarded(SpatialGuards(id), Store(memory.buffer, Address(memory, indices, loops_),
                                              Stored(memory, value), PlanOf(id).streaming && final_store));
    });
    return inside ? If(te::Unary(ExprKind::kNot, last), store) : store;
  }

  /// A child that reads a reduction which loops around both have not finished runs in their last iteration
  /// only.
  Stmt Completed(NodeId n, NodeId child, Stmt statement) {
    std::vector<Expr> conditions;
    if (const schedule::Node& node = plan_.nodes[static_cast<size_t>(child)]; node.removed) return statement;
    for (StageId id = 0; id < static_cast<StageId>(plan_.stages.size()); ++id) {
      NodeId leaf = PlanOf(id).leaf;
      if (!Emits(id) || (child != leaf && !plan_.Encloses(child, leaf))) continue;
      te::Visit(plan_.stage(id).body, [&](const Expr& e) {
        if (e->kind != ExprKind::kRead) return;
        StageId source = plan_.graph->StageOf(e->id);
        if (source < 0 || source == id || PlanOf(source).leaf < 0 || Packed(source) != packing_) return;
        NodeId made = PlanOf(source).leaf;
        // Only where the paths part: there the reader comes after the producer.
        if (!plan_.Encloses(n, made) || child == made || plan_.Encloses(child, made)) return;
        if (Expr last = AtEnd(source, n, true)) conditions.push_back(last);
      });
    }
    std::sort(conditions.begin(), conditions.end());
    conditions.erase(std::unique(conditions.begin(), conditions.end(),
                                 [](const Expr& a, const Expr& b) { return te::Same(a, b); }),
                     conditions.end());
    return Guarded(conditions, std::move(statement));
  }

  // ---- bodies

  Expr Stored(const Storage& storage, Expr value) const {
    DType type = BufferOf(storage).dtype;
    return value->type == type ? value : te::Cast(type, value);
  }

  /// `index` inside 0 … extent-1: what has to be checked of that.
  static void AddInside(const Expr& index, int64_t extent, std::vector<Expr>* conditions) {
    conditions->push_back(te::Binary(ExprKind::kLessEqual, te::Int(0), index));
    conditions->push_back(te::Binary(ExprKind::kLess, index, te::Int(extent)));
  }

  /// A read of a stage as a load. `skip` says that the statement runs only where the read's guard holds.
  Expr Load(StageId reader, const Expr& read, bool skip) {
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

  /// A stage's expression over the function's variables and buffers.
  Expr Body(StageId id, const std::vector<Expr>& skipped) {
    return te::Substitute(plan_.stage(id).body, [&](const Expr& e) -> Expr {
      if (e->kind == ExprKind::kVar) return Evaluate(PlanOf(id).axes[static_cast<size_t>(e->id)], loops_);
      if (e->kind != ExprKind::kRead) return nullptr;
      bool skip = std::any_of(skipped.begin(), skipped.end(),
                              [&](const Expr& s) { return s->id == e->id && te::Same(OverLoops(id, s), e); });
      return Load(id, e, skip);
    });
  }

  Expr OverLoops(StageId id, const Expr& e) const {
    return te::Substitute(e, [&](const Expr& v) -> Expr {
      return v->kind == ExprKind::kVar ? Evaluate(PlanOf(id).axes[static_cast<size_t>(v->id)], loops_)
                                       : nullptr;
    });
  }

  /// Guarded reads of a reduction outside of which an iteration contributes nothing: a factor 0 of a sum's
  /// term, or the start value itself. Such iterations are left out, so that padding costs nothing.
  static void CollectSkips(te::Reducer reducer, const Expr& e, const Expr& identity,
                           std::vector<Expr>* skips) {
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

  /// Whether guard `g` of a stage protects an access: without it, an index that moves with g's loops could
  /// leave what is stored, or read an element that was never computed.
  bool Protects(StageId id, const Guard& g) {
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

  Stmt Leaf(StageId id) {
    const te::Stage& stage = plan_.stage(id);
    const schedule::StagePlan& s = PlanOf(id);
    const Storage& target = Find(stage.tensor, s.leaf);
    schedule::Scope scope = BufferOf(target).scope;
    bool own = scope == schedule::Scope::kRegister || scope == schedule::Scope::kThread;
    std::vector<Expr> conditions;
    for (const Guard& g : s.guards) {
      bool reduces = std::any_of(g.value.terms.begin(), g.value.terms.end(),
                                 [&](const auto& t) { return plan_.Reduces(id, t.first); });
      // Elements beyond the tensor's end may be computed where nobody else sees them and nothing illegal is
      // read.
      if (reduces || !own || Protects(id, g)) AddGuard(g, &conditions);
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

  LoopValues loops_;
  std::vector<int> partitioned_;
};

Status CheckAccumulators(const Plan& plan) {
  for (StageId id = 0; id < static_cast<StageId>(plan.stages.size()); ++id) {
    const te::Stage& stage = plan.stage(id);
    const te::Tensor& tensor = plan.graph->tensors[static_cast<size_t>(stage.tensor)];
    if (stage.reducer != te::Reducer::kNone && tensor.dtype != stage.accumulator) {
      return Invalid(StrCat("lower: '", tensor.name, "' accumulates in ", te::NameOf(stage.accumulator),
                            " but is stored as ", te::NameOf(tensor.dtype),
                            "; normalise the graph first (te::Normalize)"));
    }
  }
  return absl::OkStatus();
}

Result<Function> LowerFunction(const Plan& plan, bool packing, std::vector<int>* packed) {
  Nest nest(plan, packing);
  TS_ASSIGN_OR_RETURN(Function function, nest.Build(packed));
  function.body = Simplify(function.body, Ranges());
  Partition(&function, nest.partitioned());
  function.body = HoistConditions(function.body);
  function.body = Simplify(function.body, Ranges());
  TS_RETURN_IF_ERROR(Verify(function));
  return function;
}

}  // namespace

Result<Program> Lower(const Plan& plan) {
  TS_RETURN_IF_ERROR(CheckAccumulators(plan));
  Program program;
  TS_ASSIGN_OR_RETURN(program.main, LowerFunction(plan, false, &program.packed));
  if (!program.packed.empty()) {
    std::vector<int> unused;
    TS_ASSIGN_OR_RETURN(program.pack, LowerFunction(plan, true, &unused));
  }
  return program;
}

}  // namespace tunesmith::ir
