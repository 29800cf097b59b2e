// SPDX-License-Identifier: Apache-2.0
#include "codegen/llvm/placement.h"

#include <algorithm>

#include "support/strings.h"

namespace tunesmith::codegen {
namespace {

using ir::LoopKind;
using ir::Scope;
using ir::StmtKind;

constexpr int64_t kLine = 64;
constexpr int64_t kMostOnStack = 64 << 10;
/// A vector of the longest vector loop, so that a load that begins inside a buffer stays inside.
constexpr int64_t kSpareElements = 64;

int64_t RoundUp(int64_t bytes) { return (bytes + kLine - 1) / kLine * kLine; }

class Placer {
 public:
  explicit Placer(const ir::Function& function) : function_(function) {
    result_.buffers.resize(function.buffers.size());
  }

  Result<Placements> Run() {
    for (size_t i = 0; i < function_.buffers.size(); ++i) {
      const ir::Buffer& buffer = function_.buffers[i];
      Placement& placement = result_.buffers[i];
      placement.readable = buffer.elements;
      if (buffer.scope == Scope::kShared) {
        return Invalid(
            StrCat("codegen: '", buffer.name,
                   "' lies in memory shared by a group of threads, which a CPU has not; place it in "
                   "the scope of a thread"));
      }
      if (buffer.scope != Scope::kWorkspace) continue;
      placement.home = Home::kShared;
      placement.offset = result_.workspace.shared_bytes;
      result_.workspace.shared_bytes += RoundUp(buffer.elements * te::SizeOf(buffer.dtype));
    }
    int64_t stack = 0;
    if (function_.body) Visit(*function_.body, 1, false, &stack);
    return std::move(result_);
  }

 private:
  /// `lanes`: iterations of the enclosing vector loops. `stack`: bytes of the current LLVM function's frame.
  void Visit(const ir::StmtNode& s, int64_t lanes, bool parallel, int64_t* stack) {
    if (s.kind == StmtKind::kAlloc) Allocate(s.buffer, lanes, stack);
    if (s.kind == StmtKind::kFor && s.loop == LoopKind::kVector && s.extent->kind == te::ExprKind::kInt)
      lanes *= std::max<int64_t>(1, s.extent->integer);
    int64_t own_stack = 0;  // the body of a parallel loop is a function of its own
    bool outlined = s.kind == StmtKind::kFor && s.loop == LoopKind::kParallel && !parallel;
    for (const ir::Stmt& child : s.body)
      Visit(*child, lanes, parallel || outlined, outlined ? &own_stack : stack);
  }

  void Allocate(int id, int64_t lanes, int64_t* stack) {
    const ir::Buffer& buffer = function_.buffers[static_cast<size_t>(id)];
    Placement& placement = result_.buffers[static_cast<size_t>(id)];
    placement.lanes = lanes;
    int64_t elements = buffer.elements * lanes;
    int64_t bytes = RoundUp((elements + kSpareElements) * te::SizeOf(buffer.dtype));
    if (*stack + bytes <= kMostOnStack) {
      placement.home = Home::kStack;
      placement.readable = elements + kSpareElements;
      *stack += bytes;
      return;
    }
    placement.home = Home::kWorker;
    placement.readable = elements;
    placement.offset = result_.workspace.bytes_per_worker;
    result_.workspace.bytes_per_worker += RoundUp(elements * te::SizeOf(buffer.dtype));
  }

  const ir::Function& function_;
  Placements result_;
};

}  // namespace

Result<Placements> Place(const ir::Function& function) { return Placer(function).Run(); }

}  // namespace tunesmith::codegen
