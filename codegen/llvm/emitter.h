// SPDX-License-Identifier: Apache-2.0
// Turns loop IR into LLVM IR. One emitter writes one LLVM function: an entry's body, or the body of a
// parallel loop. Inside a vector loop, what depends on its variable becomes vectors and the rest stays
// scalar.
#pragma once

#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "codegen/kernel.h"
#include "codegen/llvm/arithmetic.h"
#include "codegen/llvm/placement.h"
#include "codegen/target.h"
#include "ir/ir.h"
#include "ir/simplify.h"
#include "llvm/IR/Module.h"
#include "support/status.h"

namespace tunesmith::codegen {

/// What the functions of one entry (main or pack) share.
struct Entry {
  const ir::Function& function;
  const Target& target;
  llvm::Module& module;
  std::string name;  // symbols begin with it
  Placements placements;
  int functions = 0;   // emitted so far
  int statements = 0;  // emitted so far, after unrolling
};

/// Emits the function `name(void* const* buffers, void* workspace, const tunesmith_threads* threads)`.
Result<Workspace> EmitEntry(const ir::Function& function, const Target& target, const std::string& name,
                            llvm::Module* module);

/// The value of an expression in all lanes of the vector loop that is being emitted.
struct Operand {
  llvm::Value* lanes = nullptr;   // a vector, where the lanes differ in no simple way; else:
  llvm::Value* scalar = nullptr;  // the same in all lanes; an i64 is scalar + constant + lane * stride
  int64_t constant = 0;           // i64 only, as the next four
  int64_t stride = 0;
  /// What each lane adds where that is no multiple of its number: a vector of i64 that begins with 0. The
  /// stride is 0 then.
  llvm::Constant* offsets = nullptr;
  int64_t factor = 1;     // a power of two that divides scalar; a null scalar is 0
  bool is_index = false;  // made of loop variables and constants alone, so it does not overflow

  bool varies() const { return lanes != nullptr || stride != 0 || offsets != nullptr; }
};

class Emitter {
 public:
  /// Emits `body` as an internal function. Its arguments: the buffers in `buffers`, the table of threads, the
  /// variables in `variables` (as i64), and for parallel loops, outermost first, whose innermost body is
  /// `body`, their first and last iteration. `ranges` are those of the variables.
  static Result<llvm::Function*> EmitRegion(Entry* entry, const ir::Stmt& body,
                                            const std::vector<int>& buffers,
                                            const std::vector<int>& variables,
                                            const std::vector<const ir::StmtNode*>& parallel,
                                            const ir::Ranges& ranges);

 private:
  Emitter(Entry* entry, llvm::Function* function, const ir::Ranges& ranges);

  // ---- loops.cpp: statements
  void Emit(const ir::Stmt& s);
  void EmitFor(const ir::StmtNode& s);
  void EmitSerial(const ir::StmtNode& s, const Operand& begin, const Operand& extent);
  void EmitVector(const ir::StmtNode& s, const Operand& begin, int64_t extent);
  /// The vector loop directly inside of `s`, if the lanes of one vector are the iterations of both; or null.
  const ir::StmtNode* InnerLanes(const ir::StmtNode& s) const;
  void EmitIterations(const std::vector<const ir::StmtNode*>& loops, llvm::Value* first, llvm::Value* last);
  void EmitIf(const ir::StmtNode& s);
  void EmitAlloc(const ir::StmtNode& s);
  void EmitPrefetch(const ir::StmtNode& s);
  void EmitCopy(const ir::StmtNode& s);
  /// for (i = begin; i < end; ++i) body(i); begin < end must hold unless `may_be_empty`.
  void Loop(llvm::Value* begin, llvm::Value* end, bool may_be_empty,
            llvm::function_ref<void(llvm::Value*)> body);
  /// if (condition) yes(), else no() if there is one
  void Branch(llvm::Value* condition, llvm::function_ref<void()> yes, llvm::function_ref<void()> no = {});
  /// Binds a loop variable, and says which values it has.
  void Bind(int var, const Operand& value);
  void SetRange(int var, const te::Expr& begin, const te::Expr& extent);
  /// The widest vector that is one register of the target for everything that `body` computes.
  int64_t LanesFor(const ir::StmtNode& body) const;

  // ---- entry.cpp
  void EmitParallel(const ir::StmtNode& s);

  // ---- expressions.cpp
  Operand Emit(const te::Expr& e);
  Operand EmitNode(const te::ExprNode& e);
  Operand EmitIndexArithmetic(te::ExprKind kind, const Operand& a, const Operand& b);  // of i64
  Operand EmitDivision(const te::ExprNode& e, const Operand& a, const Operand& b);
  Operand EmitComparison(const te::ExprNode& e, const Operand& a, const Operand& b);
  /// A comparison of an index that grows or falls by one a lane, as one of small integers.
  Operand EmitLaneComparison(te::ExprKind kind, const Operand& difference);
  Operand EmitSelect(const te::ExprNode& e);
  Operand EmitCall(const te::ExprNode& e);
  /// Applies `emit` to the scalars if none of the arguments varies, else to their vectors.
  Operand Map(te::DType result, std::initializer_list<Operand> arguments,
              llvm::function_ref<llvm::Value*(llvm::ArrayRef<llvm::Value*>)> emit);
  Operand Uniform(te::DType type, llvm::Value* scalar);
  llvm::Value* Scalar(const Operand& o);  // in lane 0; not for vectors
  /// An operand with what each lane adds to lane 0.
  Operand WithOffsets(Operand o, llvm::ArrayRef<int64_t> offsets);
  /// What each lane adds to lane 0; not for vectors.
  llvm::SmallVector<int64_t> OffsetsOf(const Operand& o) const;
  Operand AtLane(const Operand& o, int64_t lane) const;  // uniform; not for vectors
  llvm::Value* Vector(const Operand& o);
  /// The uniform value of an expression that must be one; an error if it varies by lane.
  llvm::Value* EmitScalar(const te::Expr& e, const char* what);

  // ---- loads.cpp
  Operand EmitRead(const te::ExprNode& e);
  llvm::Value* LoadLanes(int buffer, const Operand& index, llvm::Value* allowed, llvm::Value* otherwise);
  bool IsNear(const Operand& index) const;
  llvm::Value* LoadNear(int buffer, const Operand& index, llvm::Value* wanted);
  llvm::Value* LoadApart(int buffer, const Operand& index);
  /// Element `index` (in lane 0) of a buffer, and what is known of its alignment in bytes.
  llvm::Value* Address(int buffer, const Operand& index);
  llvm::Align AlignmentOf(int buffer, const Operand& index) const;
  llvm::Value* Addresses(int buffer, const Operand& index);  // of all lanes
  /// The index where the buffer has a copy for each lane.
  Operand IndexOf(int buffer, const te::Expr& index);
  /// Whether all lanes' elements exist, whatever masks and guards say.
  bool Inside(int buffer, const te::Expr& index) const;
  /// Zeros to load from where nothing may be loaded.
  llvm::Value* Zeros();
  /// Whether the machine loads and stores vectors of these elements under masks.
  bool MasksHave(llvm::Type* element) const;
  llvm::Instruction* Annotate(int buffer, llvm::Instruction* access) const;

  // ---- stores.cpp
  void EmitStore(const ir::StmtNode& s);
  // ---- dot_products.cpp
  /// Emits an unrolled loop in a vector loop as one instruction, if that is what it computes.
  bool EmitDotProduct(const ir::StmtNode& loop, const Operand& begin, int64_t extent);
  bool EmitReduction(const ir::StmtNode& s, const Operand& index);
  void StoreScalar(int buffer, const Operand& index, llvm::Value* value);
  void StoreLanes(const ir::StmtNode& s, const Operand& index, llvm::Value* value);
  void StoreStreaming(int buffer, const Operand& index, llvm::Value* stored);
  llvm::Value* Reduce(te::ExprKind kind, te::DType type, llvm::Value* lanes);

  // ---- small things
  llvm::Value* I64(int64_t value) { return b_.getInt64(static_cast<uint64_t>(value)); }
  llvm::Type* VectorOf(llvm::Type* element) {
    return llvm::FixedVectorType::get(element, static_cast<unsigned>(lanes_));
  }
  llvm::Value* Splat(llvm::Value* v) {
    return v->getType()->isVectorTy() ? v : b_.CreateVectorSplat(static_cast<unsigned>(lanes_), v);
  }
  llvm::Value* And(llvm::Value* a, llvm::Value* b);  // of masks; null: all
  const ir::Buffer& BufferOf(int buffer) const {
    return entry_->function.buffers[static_cast<size_t>(buffer)];
  }
  const Placement& PlacementOf(int buffer) const {
    return entry_->placements.buffers[static_cast<size_t>(buffer)];
  }
  llvm::Type* ElementOf(int buffer) const { return MemoryType(b_.getContext(), BufferOf(buffer).dtype); }
  void Fail(Status status) {
    if (status_.ok()) status_ = std::move(status);
  }

  Entry* entry_;
  llvm::Function* function_;
  Builder b_;
  std::vector<llvm::Value*> pointers_;  // by buffer; null if it is not there
  std::vector<Operand> vars_;           // by variable
  ir::Ranges ranges_;                   // of the variables
  llvm::Value* threads_ = nullptr;
  bool parallel_ = false;        // inside a parallel loop, where no other can start
  bool streams_ = false;         // has stores around the caches
  int64_t lanes_ = 1;            // of the vector loop; 1 outside
  llvm::Value* mask_ = nullptr;  // lanes that run; null: all
  absl::flat_hash_map<const te::ExprNode*, Operand> memo_;  // of the statement at hand
  Status status_;
};

}  // namespace tunesmith::codegen
