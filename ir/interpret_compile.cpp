// SPDX-License-Identifier: Apache-2.0
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "ir/accesses.h"
#include "ir/interpret_code.h"
#include "ir/types.h"

namespace tunesmith::ir::interpret {
namespace {

using te::ExprKind;
using te::ExprNode;

class Compiler {
 public:
  explicit Compiler(const Function& function) : function_(function) {
    variable_slots_.assign(function.variables.size(), -1);
  }

  Result<Code> Run() {
    if (function_.body != nullptr) TS_RETURN_IF_ERROR(Statement(function_.body));
    Emit(Op::kHalt);
    return std::move(code_);
  }

 private:
  Status Wrong(const std::string& reason) const {
    std::string where = function_.name;
    if (statement_ != nullptr) where += ": " + ToString(function_, *statement_);
    return Invalid(where + ": " + reason);
  }

  Instruction& Emit(Op op) {
    code_.instructions.push_back({op});
    code_.instructions.back().statement = static_cast<int>(code_.statements.size()) - 1;
    return code_.instructions.back();
  }
  int Here() const { return static_cast<int>(code_.instructions.size()); }
  Instruction& At(int n) { return code_.instructions[static_cast<size_t>(n)]; }
  int Slot(Cell initial = {0}) {
    code_.slots.push_back(initial);
    return static_cast<int>(code_.slots.size()) - 1;
  }

  Status CheckBuffer(int buffer) const {
    if (buffer >= 0 && static_cast<size_t>(buffer) < function_.buffers.size()) return absl::OkStatus();
    return Wrong("there is no buffer " + std::to_string(buffer));
  }
  Status CheckEvent(int event) const {
    if (event >= 0 && static_cast<size_t>(event) < function_.events.size()) return absl::OkStatus();
    return Wrong("there is no event " + std::to_string(event));
  }

  /// The slot of an expression of the type, computed from here on.
  Result<int> Value(const Expr& e, DType type) {
    if (e == nullptr) return Wrong("an expression is missing");
    if (e->type != type) {
      return Wrong("a value of type " + std::string(te::NameOf(e->type)) + " where " +
                   std::string(te::NameOf(type)) + " is needed");
    }
    return Expression(e);
  }

  Result<int> Expression(const Expr& e);
  Result<int> Leaf(const ExprNode& e);
  Result<int> LoadOf(const ExprNode& e);
  static Instruction Operation(const ExprNode& e);
  Status Statement(const Stmt& s);
  Status Loop(const StmtNode& s);
  Status StoreOf(const StmtNode& s);
  Status CopyOf(const StmtNode& s);
  Status RolesOf(const StmtNode& s);

  const Function& function_;
  Code code_;
  const StmtNode* statement_ = nullptr;
  std::vector<int> variable_slots_;                 // -1: not in scope
  absl::flat_hash_map<const ExprNode*, int> done_;  // of the statement at hand
  const ExprNode* reduced_ = nullptr;               // the read of b[i] in b[i] = combine(b[i], x)
};

Result<int> Compiler::Leaf(const ExprNode& e) {
  Cell cell;
  if (e.kind == ExprKind::kInt) {
    cell.i = e.integer;
    return Slot(cell);
  }
  if (e.kind == ExprKind::kFloat) {
    cell.f = e.number;
    return Slot(cell);
  }
  if (e.id < 0 || static_cast<size_t>(e.id) >= variable_slots_.size() ||
      variable_slots_[static_cast<size_t>(e.id)] < 0) {
    return Wrong("variable " + std::to_string(e.id) + " is used outside its loop");
  }
  return variable_slots_[static_cast<size_t>(e.id)];
}

Result<int> Compiler::Expression(const Expr& e) {
  if (e == nullptr) return Wrong("an expression is missing");
  if (auto found = done_.find(e.get()); found != done_.end()) return found->second;
  if (std::string wrong = TypeErrorOf(*e, function_.buffers); !wrong.empty()) return Wrong(wrong);
  int slot = -1;
  if (e->args.empty()) {
    TS_ASSIGN_OR_RETURN(slot, Leaf(*e));
  } else if (e->kind == ExprKind::kRead) {
    TS_ASSIGN_OR_RETURN(slot, LoadOf(*e));
  } else {
    int args[3] = {-1, -1, -1};
    for (size_t n = 0; n < e->args.size(); ++n) {
      TS_ASSIGN_OR_RETURN(args[n], Expression(e->args[n]));
    }
    Instruction instruction = Operation(*e);
    slot = Slot();
    instruction.statement = static_cast<int>(code_.statements.size()) - 1;
    instruction.dst = slot;
    instruction.a = args[0];
    instruction.b = args[1];
    instruction.c = args[2];
    code_.instructions.push_back(instruction);
  }
  done_.emplace(e.get(), slot);
  return slot;
}

/// What a node does, without its operands.
Instruction Compiler::Operation(const ExprNode& e) {
  Instruction instruction{Op::kInteger};
  DType from = e.args[0]->type;
  bool floating = te::IsFloat(from);
  instruction.kind = e.kind;
  instruction.type = e.type;
  instruction.from = from;
  instruction.function = e.function;
  instruction.rounding = e.rounding;
  switch (e.kind) {
    case ExprKind::kNeg:
      instruction.op = floating ? Op::kNegFloat : Op::kNegInteger;
      break;
    case ExprKind::kNot:
      instruction.op = Op::kNot;
      break;
    case ExprKind::kLess:
    case ExprKind::kLessEqual:
    case ExprKind::kEqual:
    case ExprKind::kNotEqual:
      instruction.op = floating ? Op::kCompareFloat : Op::kCompareInteger;
      break;
    case ExprKind::kSelect:
      instruction.op = Op::kSelect;
      break;
    case ExprKind::kCast:
      instruction.op = floating ? (te::IsFloat(e.type) ? Op::kCastFloatFloat : Op::kCastFloatInteger)
                                : (te::IsFloat(e.type) ? Op::kCastIntegerFloat : Op::kCastIntegerInteger);
      break;
    case ExprKind::kCall:
      instruction.op = e.function == te::Function::kBits ? Op::kBits : Op::kCall;
      break;
    default:
      instruction.op = floating ? Op::kFloat : Op::kInteger;
      break;
  }
  return instruction;
}

Result<int> Compiler::LoadOf(const ExprNode& e) {
  int guard = -1, otherwise = -1;
  TS_ASSIGN_OR_RETURN(int index, Value(e.args[0], DType::kI64));
  if (e.guarded) {
    TS_ASSIGN_OR_RETURN(guard, Value(e.args[1], DType::kBool));
    TS_ASSIGN_OR_RETURN(otherwise, Value(e.args[2], e.type));
  }
  int slot = Slot();
  Instruction& load = Emit(Op::kLoad);
  load.buffer = e.id;
  load.dst = slot;
  load.a = index;
  load.b = guard;
  load.c = otherwise;
  load.reduces = &e == reduced_;
  return slot;
}

Status Compiler::Statement(const Stmt& s) {
  if (s == nullptr) return Wrong("a statement is missing");
  done_.clear();
  if (s->kind == StmtKind::kSeq) {
    for (const Stmt& child : s->body) TS_RETURN_IF_ERROR(Statement(child));
    return absl::OkStatus();
  }
  statement_ = s.get();
  code_.statements.push_back(s.get());
  switch (s->kind) {
    case StmtKind::kSeq:
      break;
    case StmtKind::kFor:
      return Loop(*s);
    case StmtKind::kIf: {
      TS_ASSIGN_OR_RETURN(int condition, Value(s->condition, DType::kBool));
      int branch = Here();
      Emit(Op::kJumpUnless).a = condition;
      TS_RETURN_IF_ERROR(Statement(s->body.empty() ? nullptr : s->body[0]));
      if (s->body.size() > 1) {
        int skip = Here();
        Emit(Op::kJump);
        At(branch).target = Here();
        TS_RETURN_IF_ERROR(Statement(s->body[1]));
        At(skip).target = Here();
      } else {
        At(branch).target = Here();
      }
      return absl::OkStatus();
    }
    case StmtKind::kStore:
      return StoreOf(*s);
    case StmtKind::kAlloc: {
      TS_RETURN_IF_ERROR(CheckBuffer(s->buffer));
      Emit(Op::kAlloc).buffer = s->buffer;
      int number = At(Here() - 1).statement;
      TS_RETURN_IF_ERROR(Statement(s->body.empty() ? nullptr : s->body[0]));
      Instruction& end = Emit(Op::kFree);
      end.buffer = s->buffer;
      end.statement = number;
      return absl::OkStatus();
    }
    case StmtKind::kPrefetch:
      return absl::OkStatus();
    case StmtKind::kCopy:
      return CopyOf(*s);
    case StmtKind::kWait: {
      TS_RETURN_IF_ERROR(CheckEvent(s->event));
      TS_ASSIGN_OR_RETURN(int times, Value(s->extent, DType::kI64));
      Instruction& wait = Emit(Op::kWait);
      wait.event = s->event;
      wait.a = times;
      return absl::OkStatus();
    }
    case StmtKind::kSignal:
      TS_RETURN_IF_ERROR(CheckEvent(s->event));
      Emit(Op::kSignal).event = s->event;
      return absl::OkStatus();
    case StmtKind::kRoles:
      return RolesOf(*s);
  }
  return absl::OkStatus();
}

Status Compiler::Loop(const StmtNode& s) {
  TS_ASSIGN_OR_RETURN(int begin, Value(s.begin, DType::kI64));
  TS_ASSIGN_OR_RETURN(int extent, Value(s.extent, DType::kI64));
  if (s.var < 0 || static_cast<size_t>(s.var) >= variable_slots_.size()) return Wrong("has no variable");
  int& in_scope = variable_slots_[static_cast<size_t>(s.var)];
  if (in_scope >= 0) return Wrong("its variable is that of a loop around it");
  int slot = in_scope = Slot();
  int head = Here();
  Instruction& loop = Emit(Op::kLoop);
  loop.loop = s.loop;
  loop.dst = slot;
  loop.a = begin;
  loop.b = extent;
  if (s.loop != LoopKind::kSerial && s.loop != LoopKind::kUnroll) code_.concurrent = true;
  TS_RETURN_IF_ERROR(Statement(s.body.empty() ? nullptr : s.body[0]));
  variable_slots_[static_cast<size_t>(s.var)] = -1;
  done_.clear();
  Emit(Op::kNext).target = head;
  At(head).target = Here();
  return absl::OkStatus();
}

Status Compiler::StoreOf(const StmtNode& s) {
  TS_RETURN_IF_ERROR(CheckBuffer(s.buffer));
  TS_ASSIGN_OR_RETURN(int index, Value(s.index, DType::kI64));
  reduced_ = ReducedRead(s);
  bool reduces = reduced_ != nullptr;
  TS_ASSIGN_OR_RETURN(int value, Value(s.value, function_.buffers[static_cast<size_t>(s.buffer)].dtype));
  reduced_ = nullptr;
  Instruction& store = Emit(Op::kStore);
  store.buffer = s.buffer;
  store.a = index;
  store.b = value;
  store.reduces = reduces;
  return absl::OkStatus();
}

Status Compiler::CopyOf(const StmtNode& s) {
  TS_RETURN_IF_ERROR(CheckBuffer(s.buffer));
  TS_RETURN_IF_ERROR(CheckBuffer(s.source));
  TS_RETURN_IF_ERROR(CheckEvent(s.event));
  if (function_.buffers[static_cast<size_t>(s.buffer)].dtype !=
      function_.buffers[static_cast<size_t>(s.source)].dtype) {
    return Wrong("copies between buffers of different types");
  }
  TS_ASSIGN_OR_RETURN(int to, Value(s.index, DType::kI64));
  TS_ASSIGN_OR_RETURN(int from, Value(s.value, DType::kI64));
  TS_ASSIGN_OR_RETURN(int elements, Value(s.extent, DType::kI64));
  Instruction& copy = Emit(Op::kCopy);
  copy.buffer = s.buffer;
  copy.source = s.source;
  copy.event = s.event;
  copy.a = to;
  copy.b = from;
  copy.c = elements;
  code_.concurrent = true;
  return absl::OkStatus();
}

Status Compiler::RolesOf(const StmtNode& s) {
  int head = Here();
  Emit(Op::kRoles).count = static_cast<int>(s.body.size());
  for (size_t n = 0; n < s.body.size(); ++n) Emit(Op::kJump);
  for (size_t n = 0; n < s.body.size(); ++n) {
    At(head + 1 + static_cast<int>(n)).target = Here();
    TS_RETURN_IF_ERROR(Statement(s.body[n]));
    Emit(Op::kHalt);
  }
  At(head).target = Here();
  code_.concurrent = true;
  return absl::OkStatus();
}

}  // namespace

Result<Code> Compile(const Function& function) { return Compiler(function).Run(); }

}  // namespace tunesmith::ir::interpret
