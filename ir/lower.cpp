// SPDX-License-Identifier: Apache-2.0
#include "ir/lower.h"

#include <algorithm>

#include "ir/linear.h"
#include "ir/lower_bodies.h"
#include "ir/lower_prefetch.h"
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

/// Builds one function: the stages that are packed ahead of time, or all others.
class Nest : Bodies {
 public:
  Nest(const Plan& plan, bool packing) : Bodies(plan, packing) {}

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
    std::vector<Stmt> statements = Prefetches(n);
    for (StageId id = 0; id < static_cast<StageId>(plan_.stages.size()); ++id) {
      if (Emits(id) && PlanOf(id).place == Place::kLoop && PlanOf(id).at == n)
        statements.push_back(FillPadding(id));
    }
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

  /// What is asked for in an iteration of loop `n`.
  std::vector<Stmt> Prefetches(NodeId n) {
    std::vector<Stmt> statements;
    for (StageId id = 0; id < static_cast<StageId>(plan_.stages.size()); ++id) {
      if (!Emits(id)) continue;
      for (const schedule::Prefetched& p : PlanOf(id).prefetched) {
        if (p.loop != n || IsNear(p.tensor)) continue;
        const Storage& storage = StorageOf(p.tensor);
        statements.push_back(PrefetchRegion(plan_, id, p, storage, loops_, &function_));
      }
    }
    return statements;
  }

  /// Whether a tensor lives in registers or in memory of the thread: a later step may have placed it there.
  bool IsNear(int tensor) const {
    const StageId made = plan_.graph->StageOf(tensor);
    if (made < 0) return false;
    return PlanOf(made).place == Place::kLoop || (PlanOf(made).keep != kRoot && StaysInRegisters(made));
  }

  int AllocateRegion(StageId id) {
    Storage& storage = storage_[static_cast<size_t>(plan_.stage(id).tensor)];
    Buffer b;
    b.name = plan_.NameOf(id);
    b.dtype = TensorOf(id).dtype;
    b.scope = PlanOf(id).scope;
    storage.region = PlanOf(id).region;
    storage.layout = PlanOf(id).layout.empty() ? RowMajor(storage.region) : PlanOf(id).layout;
    if (b.scope == schedule::Scope::kRegister && PlanOf(id).layout.empty()) PadToLanes(id, &storage.layout);
    b.elements = ElementsOf(storage.layout);
    storage.buffer = AddBuffer(b);
    return storage.buffer;
  }

  /// The innermost vector loop around a stage's leaf; kRoot if there is none.
  NodeId VectorLoop(StageId id) const {
    NodeId n = PlanOf(id).leaf;
    while (n != kRoot && plan_.nodes[static_cast<size_t>(n)].kind != schedule::LoopKind::kVector)
      n = plan_.nodes[static_cast<size_t>(n)].parent;
    return n;
  }

  /// Whether lanes of a vector have different indices of this dimension.
  bool MovesWithLanes(StageId id, size_t dim) const {
    const auto& terms = PlanOf(id).axes[dim].terms;
    return std::any_of(terms.begin(), terms.end(), [&](const auto& t) {
      return plan_.nodes[static_cast<size_t>(t.first)].kind == schedule::LoopKind::kVector;
    });
  }

  /// By how much the index of this dimension is larger in the next iteration of the innermost vector loop.
  int64_t LaneStep(StageId id, size_t dim) const {
    const NodeId lanes = VectorLoop(id);
    return lanes == kRoot ? 0 : PlanOf(id).axes[dim].CoefficientOf(lanes);
  }

  /// The lanes of the vectors that compute a stage along its last dimension; 1 if there are none.
  int64_t LanesAlongRows(StageId id) const {
    if (LaneStep(id, static_cast<size_t>(plan_.stage(id).spatial) - 1) != 1) return 1;
    return plan_.nodes[static_cast<size_t>(VectorLoop(id))].extent;
  }

  /// Rows in registers that are no whole vectors long would overlap, and then are no registers: they are
  /// padded.
  void PadToLanes(StageId id, schedule::Layout* layout) const {
    if (layout->size() < 2) return;
    const int64_t lanes = LanesAlongRows(id);
    layout->back().extent = (layout->back().extent + lanes - 1) / lanes * lanes;
  }

  /// Zeros where a row is padded: what no lane ever stored may be anything, and arithmetic with numbers that
  /// are not normal is a hundred times slower on some machines. Null if there is no padding.
  Stmt FillPadding(StageId id) {
    const Storage& storage = storage_[static_cast<size_t>(plan_.stage(id).tensor)];
    if (storage.buffer < 0 || BufferOf(storage).scope != schedule::Scope::kRegister ||
        !PlanOf(id).layout.empty() || storage.layout.size() < 2)
      return nullptr;
    const int64_t row = storage.layout.back().extent;
    if (row == storage.region.back().extent) return nullptr;
    const int64_t lanes = LanesAlongRows(id);
    auto variable = [&](std::string_view what) {
      function_.variables.push_back(StrCat(plan_.NameOf(id), ".", what));
      return static_cast<int>(function_.variables.size()) - 1;
    };
    const int rows = variable("row"), lane = variable("lane");
    const te::DType type = BufferOf(storage).dtype;
    const Expr index = te::Var(rows) * te::Int(row) + te::Int(row - lanes) + te::Var(lane);
    const Expr zero = te::IsFloat(type) ? te::Float(0, type) : te::Int(0, type);
    return For(schedule::LoopKind::kUnroll, rows, te::Int(0), te::Int(BufferOf(storage).elements / row),
               For(schedule::LoopKind::kVector, lane, te::Int(0), te::Int(lanes),
                   Store(storage.buffer, index, zero)));
  }

  int AllocateKept(StageId id) {
    Storage& storage = kept_[static_cast<size_t>(id)];
    storage.region.clear();
    for (int d = 0; d < plan_.stage(id).spatial; ++d) {
      storage.region.push_back(SpanOf(plan_, PlanOf(id).axes[static_cast<size_t>(d)], PlanOf(id).keep));
    }
    storage.layout = RowMajor(storage.region);
    // A vector's lanes are neighbours, whichever dimensions they run along.
    std::stable_partition(storage.layout.begin(), storage.layout.end(), [&](const schedule::Piece& p) {
      return !MovesWithLanes(id, static_cast<size_t>(p.dim));
    });
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

  /// Guards over spatial loops alone: an element that they exclude does not exist in the whole tensor.
  std::vector<Expr> SpatialGuards(StageId id) const {
    std::vector<Expr> conditions;
    for (const Guard& g : PlanOf(id).guards) {
      if (IsSpatial(id, g)) AddGuard(g, &conditions);
    }
    return conditions;
  }

  Stmt StoreStart(StageId id, const Storage& storage) {
    const te::Stage& stage = plan_.stage(id);
    bool kept = &storage == &kept_[static_cast<size_t>(id)];
    Stmt store = Store(storage.buffer, Address(storage, OwnIndices(id), loops_),
                       Stored(storage, te::Identity(stage.reducer, stage.accumulator)));
    if (kept) return store;
    // Where the sum goes on unguarded, beyond the tensor's end in memory of its own, it starts so.
    std::vector<Expr> conditions;
    for (const Guard& g : PlanOf(id).guards) {
      if (IsSpatial(id, g) && (!IsOwn(storage) || Protects(id, g))) AddGuard(g, &conditions);
    }
    return Guarded(conditions, std::move(store));
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

  /// Conditions under which all is complete that stage `id`, in `child` of loop `n`, is computed from inside
  /// of the loop.
  void AwaitSources(StageId id, NodeId n, NodeId child, std::vector<Expr>* conditions) const {
    te::Visit(plan_.stage(id).body, [&](const Expr& e) {
      if (e->kind != ExprKind::kRead) return;
      StageId source = plan_.graph->StageOf(e->id);
      if (source < 0 || source == id || PlanOf(source).leaf < 0 || Packed(source) != packing_) return;
      NodeId made = PlanOf(source).leaf;
      // Only where the paths part: there the reader comes after the producer.
      if (!plan_.Encloses(n, made) || child == made || plan_.Encloses(child, made)) return;
      if (Expr last = AtEnd(source, n, true)) conditions->push_back(last);
      AwaitSources(source, n, child, conditions);
    });
  }

  /// A child that reads a reduction which loops around both have not finished runs in their last iteration
  /// only.
  Stmt Completed(NodeId n, NodeId child, Stmt statement) {
    std::vector<Expr> conditions;
    if (const schedule::Node& node = plan_.nodes[static_cast<size_t>(child)]; node.removed) return statement;
    for (StageId id = 0; id < static_cast<StageId>(plan_.stages.size()); ++id) {
      NodeId leaf = PlanOf(id).leaf;
      if (!Emits(id) || (child != leaf && !plan_.Encloses(child, leaf))) continue;
      AwaitSources(id, n, child, &conditions);
    }
    std::sort(conditions.begin(), conditions.end(),
              [](const Expr& a, const Expr& b) { return Compare(a, b) < 0; });
    conditions.erase(std::unique(conditions.begin(), conditions.end(),
                                 [](const Expr& a, const Expr& b) { return te::Same(a, b); }),
                     conditions.end());
    return Guarded(conditions, std::move(statement));
  }

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
