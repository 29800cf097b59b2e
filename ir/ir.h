// SPDX-License-Identifier: Apache-2.0
// Loop IR: what a plan becomes before it is code. Expressions are those of te/expr.h, where
//   Var(id)   is the variable of an enclosing loop,
//   Read(id)  loads one element of a buffer at ONE flat index (in elements); a guarded read gives
//   `otherwise`, and does
//             not touch memory, where its guard is false.
// The IR is scalar. A `vector` loop says that its iterations run as the lanes of vectors; the code generator
// widens whatever depends on its variable. So one statement means the same in the printer, the verifier, the
// interpreter and every backend. Statements are immutable trees, shared freely.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "schedule/kinds.h"
#include "te/expr.h"

namespace tunesmith::ir {

using schedule::LoopKind;
using schedule::Scope;
using te::DType;
using te::Expr;

struct Buffer {
  std::string name;
  DType dtype = DType::kF32;
  Scope scope = Scope::kParameter;
  int64_t elements = 0;   // flat size; addresses 0 … elements-1 are valid
  int64_t alignment = 1;  // in bytes, of element 0; at least SizeOf(dtype); kernels may rely on it
  int parameter = -1;     // kParameter: position among the function's arguments
  bool written = false;   // kParameter: false for what is only read
};

enum class StmtKind : uint8_t {
  kSeq,    // the statements of `body` in order
  kFor,    // for var in begin .. begin+extent
  kIf,     // body[0] where `condition` holds, else body[1] if there is one
  kStore,  // buffer[index] = value; value has the buffer's dtype
  kAlloc,  // `buffer` (kThread, kRegister or kShared) lives within body[0]; its content is undefined at first
  kPrefetch,  // asks for the cache line of buffer[index]; no effect on meaning, any address
  kCopy,      // starts an asynchronous copy of `extent` elements: buffer[index …] = source[value …]; `event`
              // fires at its end
  kWait,      // until `event` has fired `extent` times in all
  kSignal,    // fires `event` from here
  kRoles,     // each statement of `body` runs on its own group of threads, concurrently; they meet through
              // events
};

struct StmtNode;
using Stmt = std::shared_ptr<const StmtNode>;

struct StmtNode {
  StmtKind kind = StmtKind::kSeq;
  // kFor
  LoopKind loop = LoopKind::kSerial;
  int var = -1;
  std::string binding;
  int64_t grain = 1;
  Expr begin, extent;      // i64; extent also for kCopy (elements) and kWait (times)
  Expr condition;          // kIf: bool
  int buffer = -1;         // kStore, kAlloc, kPrefetch, kCopy (destination): number in Function::buffers
  int source = -1;         // kCopy: the buffer read
  int event = -1;          // kCopy, kWait, kSignal: number in Function::events
  Expr index;              // kStore, kPrefetch, kCopy: flat, i64
  Expr value;              // kStore; kCopy: the flat index in the source
  bool streaming = false;  // kStore: bypass the caches, the data is not read again soon
  std::vector<Stmt> body;
};

Stmt Seq(std::vector<Stmt> statements);  // flattens; a single statement is returned as it is
Stmt For(LoopKind kind, int var, Expr begin, Expr extent, Stmt body, int64_t grain = 1);
Stmt BoundFor(std::string binding, int var, Expr extent, Stmt body);
Stmt If(Expr condition, Stmt yes, Stmt no = nullptr);
Stmt Store(int buffer, Expr index, Expr value, bool streaming = false);
Stmt Alloc(int buffer, Stmt body);
Stmt Prefetch(int buffer, Expr index);
Stmt Copy(int buffer, Expr index, int source, Expr source_index, Expr elements, int event);
Stmt Wait(int event, Expr times);
Stmt Signal(int event);
Stmt Roles(std::vector<Stmt> bodies);

/// One entry of a kernel. Its arguments are the buffers of scope kParameter, in the order of `parameter`.
struct Function {
  std::string name;
  std::vector<Buffer> buffers;
  std::vector<std::string> variables;  // the printed name of each loop variable; Var(n) is variables[n]
  std::vector<std::string> events;
  Stmt body;
};

/// What a plan becomes: `pack` transforms weights ahead of time (it may be absent: no body), `main` is the
/// kernel. Parameters of main: the workload's parameters in order, a repacked weight in the place of the
/// plain one, then the outputs. Parameters of pack: the plain weights in order, then the packed buffers in
/// order.
struct Program {
  Function pack;
  Function main;
  std::vector<int> packed;  // for each packed buffer, in order: its parameter position in main
};

/// The function as text, one line a statement, Python-like blocks. The only printer.
std::string ToString(const Function& function);
std::string ToString(const Program& program);
/// One statement's own line, without its body, as messages quote it: "for i in 0..8".
std::string ToString(const Function& function, const StmtNode& statement);

}  // namespace tunesmith::ir
