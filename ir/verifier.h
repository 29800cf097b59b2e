// SPDX-License-Identifier: Apache-2.0
// The walk of ir/verify.h over a function (verify.cpp), and its rules, one small function each
// (verify_rules.cpp; for races and events see verify_races.h and verify_events.h).
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "ir/verify_races.h"
#include "support/status.h"

namespace tunesmith::ir {

inline bool IsShared(LoopKind kind) { return kind == LoopKind::kParallel || kind == LoopKind::kBound; }
inline bool IsConcurrent(LoopKind kind) { return IsShared(kind) || kind == LoopKind::kVector; }

class Verifier {
 public:
  explicit Verifier(const Function& f)
      : f_(f), algebra_(&ranges_), variables_(f.variables.size()), buffers_(f.buffers.size()) {}

  Status Run();

 private:
  struct VariableState {
    bool bound = false;  // by some loop of the function
    bool in_scope = false;
    LoopKind kind = LoopKind::kSerial;
    size_t depth = 0;  // loops around its loop
  };
  struct BufferState {
    bool alive = false;
    bool is_stored_to = false;  // anywhere in the function
    bool has_content = false;   // stored to on the way here, since its life began
    size_t depth = 0;           // loops around its Alloc
  };
  struct Loop {
    const StmtNode* loop;
    Interval range;
    size_t first_access;
    std::vector<bool> outside;  // variables in scope around it
  };

  // ---- the walk
  Status Visit(const Stmt& s);
  Status VisitLoop(const StmtNode& s);
  Status VisitChoice(const StmtNode& s);
  Status VisitStore(const StmtNode& s);
  Status VisitAlloc(const StmtNode& s);
  Status VisitCopy(const StmtNode& s);
  Status VisitExpression(const Expr& e);
  Status VisitRead(const Expr& e);
  Status Access(int buffer, const Expr& index, const Expr& last, bool store, bool reduces);
  void CollectStored(const Stmt& s);
  void Changed();
  std::shared_ptr<KnownRanges> KnownHere();

  // ---- the rules
  Status CheckBuffers() const;
  Status CheckType(const Expr& e, DType type) const;
  Status CheckNumbers(const StmtNode& s) const;
  Status CheckVariable(const te::ExprNode& e) const;
  Status CheckLoopKind(const StmtNode& s) const;
  Status CheckAlive(int buffer) const;
  Status CheckBounds(int buffer, const Linear& first, const Linear& last);
  int64_t LaneDistance(int var) const;
  Status CheckRegister(int buffer, const Linear& index) const;
  Status CheckWritten(int buffer) const;
  Status CheckContent(int buffer) const;
  Status CheckRaces(const Loop& loop) const;

  Status Broken(std::string_view rule, std::string_view reason) const;
  const Buffer& At(int buffer) const { return f_.buffers[static_cast<size_t>(buffer)]; }
  BufferState& StateOf(int buffer) { return buffers_[static_cast<size_t>(buffer)]; }
  const BufferState& StateOf(int buffer) const { return buffers_[static_cast<size_t>(buffer)]; }
  std::string Text(const Linear& form) const;

  const Function& f_;
  Ranges ranges_;
  Algebra algebra_;
  std::shared_ptr<KnownRanges> context_;  // of ranges_; null if they have changed
  std::vector<VariableState> variables_;
  std::vector<BufferState> buffers_;
  std::vector<Loop> loops_;
  std::vector<BufferAccess> accesses_;
  int never_ = 0;          // conditions and loops around that let nothing happen
  size_t concurrent_ = 0;  // loops around whose iterations are concurrent
  const StmtNode* statement_ = nullptr;
  const te::ExprNode* reduced_ = nullptr;             // of the store at hand
  absl::flat_hash_set<const te::ExprNode*> visited_;  // of the statement at hand
};

}  // namespace tunesmith::ir
