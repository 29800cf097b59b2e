// SPDX-License-Identifier: Apache-2.0
// The instructions that the interpreter of loop IR runs: expressions are flattened into slots, once for each
// statement and shared node; control flow is jumps, so that concurrent roles can be suspended anywhere.
#pragma once

#include <cstdint>
#include <vector>

#include "ir/ir.h"
#include "support/status.h"

namespace tunesmith::ir::interpret {

/// Integers and bool in `i`, every floating type in `f`.
union Cell {
  int64_t i;
  double f;
};

enum class Op : uint8_t {
  // Expressions; `dst` receives the result, `a`, `b`, `c` are slots of arguments.
  kNegInteger,
  kNegFloat,
  kNot,
  kInteger,  // binary, by `kind` and `type`
  kFloat,
  kCompareInteger,
  kCompareFloat,
  kSelect,
  kCastFloatFloat,
  kCastFloatInteger,
  kCastIntegerInteger,
  kCastIntegerFloat,
  kCall,
  kBits,  // from type `from` to `type`
  kLoad,  // `buffer` at slot a; where slot b (if any) is false: slot c
  // Statements; `statement` is their number in Code::statements.
  kStore,  // `buffer` at slot a = slot b
  kLoop,   // begins at slot a, slot b iterations; variable in `dst`; after the last continues at `target`
  kNext,   // back to the loop at `target`
  kJump,
  kJumpUnless,  // slot a
  kAlloc,
  kFree,
  kCopy,  // `buffer` at slot a from `source` at slot b, slot c elements
  kWait,  // slot a times
  kSignal,
  kRoles,  // `count` bodies, which begin at the targets of the kJumps that follow; then at `target`
  kHalt,
};

struct Instruction {
  Op op;
  te::ExprKind kind = te::ExprKind::kInt;
  te::Function function = te::Function::kExp;
  te::Rounding rounding = te::Rounding::kTowardsZero;
  DType type = DType::kI64;
  DType from = DType::kI64;
  LoopKind loop = LoopKind::kSerial;
  bool reduces = false;  // an access of `b[i] = combine(b[i], x)`
  int dst = -1, a = -1, b = -1, c = -1;
  int buffer = -1, source = -1, event = -1;
  int target = -1, count = 0;
  int statement = -1;
};

struct Code {
  std::vector<Instruction> instructions;
  std::vector<Cell> slots;  // their values at the start: constants are in place
  std::vector<const StmtNode*> statements;
  bool concurrent = false;  // has parallel, bound or vector loops, roles or copies
};

/// Fails where the function is not even well formed: numbers out of range, missing parts, variables used
/// outside their loop, values of the wrong type.
Result<Code> Compile(const Function& function);

}  // namespace tunesmith::ir::interpret
