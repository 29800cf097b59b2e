// SPDX-License-Identifier: Apache-2.0
// Turns loop IR into LLVM IR. One emitter writes one LLVM function; the body of a parallel loop is a function
// of its own.
#pragma once

#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "codegen/kernel.h"
#include "codegen/target.h"
#include "ir/ir.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/Module.h"
#include "support/status.h"

namespace tunesmith::codegen {

/// What the functions of one entry (main or pack) share.
struct Entry {
  const ir::Function& function;
  const Target& target;
  llvm::Module& module;
  std::string name;  // symbols begin with it
  std::vector<int64_t>
      workspace_at;  // by buffer: its offset in the shared or the worker's workspace; -1 if none
  Workspace workspace;
  int functions = 0;
};

/// Emits the function `name(void* const* buffers, void* workspace, const tunesmith_threads* threads)`.
Result<Workspace> EmitEntry(const ir::Function& function, const Target& target, const std::string& name,
                            llvm::Module* module);

class Emitter {
 public:
  /// Emits `body` as an internal function. `variables` are the loop variables of enclosing functions that it
  /// may use, passed as i64 in order; then come the loop's first and last iteration if `parallel` is given.
  static Result<llvm::Function*> EmitRegion(Entry* entry, const ir::Stmt& body,
                                            const std::vector<int>& variables,
                                            const std::vector<const ir::StmtNode*>& parallel);

 private:
  explicit Emitter(Entry* entry, llvm::Function* function);

  // ---- statements.cpp
  void Emit(const ir::Stmt& s);
  void EmitFor(const ir::StmtNode& s);
  void EmitSerial(const ir::StmtNode& s, llvm::Value* begin, llvm::Value* extent);
  void EmitVector(const ir::StmtNode& s);
  void EmitParallel(const ir::StmtNode& s);
  void EmitIterations(const std::vector<const ir::StmtNode*>& loops, llvm::Value* first, llvm::Value* last);
  void EmitIf(const ir::StmtNode& s);
  void EmitStore(const ir::StmtNode& s);
  bool EmitReduction(const ir::StmtNode& s);
  void EmitAlloc(const ir::StmtNode& s);
  void EmitCopy(const ir::StmtNode& s);
  /// for (i = begin; i < end; ++i) body(i)
  template <class Body>
  void Loop(llvm::Value* begin, llvm::Value* end, Body body);

  // ---- expressions.cpp
  llvm::Value* Emit(const te::Expr& e);
  llvm::Value* EmitNode(const te::ExprNode& e);
  llvm::Value* EmitArithmetic(const te::ExprNode& e, llvm::Value* a, llvm::Value* b);
  llvm::Value* EmitFloorDiv(llvm::Value* a, llvm::Value* b, bool remainder);
  llvm::Value* EmitFloatDiv(llvm::Value* a, llvm::Value* b);
  llvm::Value* EmitCompare(const te::ExprNode& e, llvm::Value* a, llvm::Value* b);
  llvm::Value* EmitCast(const te::ExprNode& e, llvm::Value* a);
  llvm::Value* EmitCall(const te::ExprNode& e, std::vector<llvm::Value*> args);
  llvm::Value* EmitRead(const te::ExprNode& e);

  // ---- memory.cpp
  /// The value of `e` where the lane variable stands at its first value; `e` may depend on it affinely.
  llvm::Value* AtFirstLane(const te::Expr& e);
  /// How an index moves with the lanes: 0, 1, another constant, or nothing if it is not affine.
  std::optional<int64_t> LaneStride(const te::Expr& index);
  llvm::Value* Address(int buffer, llvm::Value* index);
  llvm::Value* Load(int buffer, const te::Expr& index, llvm::Value* guard, llvm::Value* otherwise,
                    te::DType type);
  void Store(int buffer, const te::Expr& index, llvm::Value* value, bool streaming);
  /// Between how a value is computed (bf16, f16 as float, bool as i1) and how it lies in memory.
  llvm::Value* FromMemory(llvm::Value* stored, te::DType type);
  llvm::Value* ToMemory(llvm::Value* value, te::DType type);
  llvm::Type* MemoryType(te::DType type);
  llvm::Type* ValueType(te::DType type);
  llvm::Align AlignmentAt(int buffer, llvm::Value* index, int lanes);

  llvm::Value* Splat(llvm::Value* v);
  void Widen(llvm::Value** a, llvm::Value** b);
  llvm::Value* And(llvm::Value* a, llvm::Value* b);  // of masks; either may be null
  llvm::Value* I64(int64_t value) { return b_.getInt64(static_cast<uint64_t>(value)); }
  const ir::Buffer& BufferOf(int buffer) const {
    return entry_->function.buffers[static_cast<size_t>(buffer)];
  }
  bool DependsOnLane(const te::Expr& e);
  void Fail(Status status) {
    if (status_.ok()) status_ = std::move(status);
  }

  Entry* entry_;
  llvm::Function* function_;
  llvm::IRBuilder<> b_;
  std::vector<llvm::Value*> pointers_;  // by buffer
  std::vector<llvm::Value*> vars_;  // by variable, scalar i64; the lane variable stands at its first value
  llvm::Value* threads_ = nullptr;
  llvm::Value* workspace_ = nullptr;  // shared part
  llvm::Value* worker_ = nullptr;     // of a parallel body
  int lane_var_ = -1;
  int lanes_ = 0;
  llvm::Value* mask_ = nullptr;   // lanes that run; null: all
  bool first_lane_only_ = false;  // emitting the value at the first lane
  absl::flat_hash_map<const te::ExprNode*, llvm::Value*> memo_, first_lane_memo_;
  absl::flat_hash_map<const te::ExprNode*, bool> lane_memo_;
  Status status_;
};

}  // namespace tunesmith::codegen
