// SPDX-License-Identifier: Apache-2.0
#include "te/bytecode.h"

#include <map>

namespace tunesmith::te {
namespace {

class Compiler {
 public:
  explicit Compiler(const Graph& graph) : graph_(graph) {}

  Bytecode Run(const Stage& stage) {
    code_.result = Emit(stage.body);
    return std::move(code_);
  }

 private:
  /// The register that holds the value; a node that is shared is computed once.
  int Emit(const Expr& e) {
    auto [entry, is_new] = registers_.try_emplace(e.get(), -1);
    if (!is_new) return entry->second;
    int to = EmitNew(e);
    registers_[e.get()] = to;
    return to;
  }

  int NewRegister(DType type) { return IsFloat(type) ? code_.float_registers++ : code_.int_registers++; }

  int EmitNew(const Expr& e) {
    Instruction in;
    in.type = e->type;
    in.kind = e->kind;
    if (e->kind == ExprKind::kInt || e->kind == ExprKind::kFloat) {
      in.number = e->number;
      in.integer = e->integer;
      in.to = NewRegister(e->type);
      code_.constants.push_back(in);
      return in.to;
    }
    if (auto affine = ToAffine(e)) {
      in.op = Opcode::kAffine;
      in.extra = static_cast<int>(code_.affines.size());
      code_.affines.push_back(std::move(*affine));
    } else if (e->kind == ExprKind::kRead) {
      in.op = Opcode::kLoad;
      in.extra = EmitLoad(*e);
    } else {
      in.from = e->args[0]->type;
      Operands(*e, &in);
      in.op = OpcodeOf(*e);
      if (in.op == Opcode::kIntBits && IsFloat(in.from)) in.a = EmitBits(in.from, in.a);
      in.function = e->function;
      in.rounding = e->rounding;
    }
    in.to = NewRegister(e->type);
    code_.instructions.push_back(in);
    return in.to;
  }

  /// The bits of a floating register as an i register.
  int EmitBits(DType from, int a) {
    Instruction in;
    in.op = Opcode::kFloatBits;
    in.type = DType::kI64;
    in.from = from;
    in.a = a;
    in.to = NewRegister(DType::kI64);
    code_.instructions.push_back(in);
    return in.to;
  }

  void Operands(const ExprNode& e, Instruction* in) {
    if (e.kind == ExprKind::kSelect) {
      in->from = e.type;
      in->c = Emit(e.args[0]);
      in->a = Emit(e.args[1]);
      in->b = Emit(e.args[2]);
      return;
    }
    in->a = Emit(e.args[0]);
    if (e.args.size() > 1) in->b = Emit(e.args[1]);
    if (e.args.size() > 2) in->c = Emit(e.args[2]);
  }

  static Opcode OpcodeOf(const ExprNode& e) {
    bool to_float = IsFloat(e.type), from_float = IsFloat(e.args[0]->type);
    switch (e.kind) {
      case ExprKind::kNeg:
        return to_float ? Opcode::kFloatNegate : Opcode::kIntNegate;
      case ExprKind::kNot:
        return Opcode::kNot;
      case ExprKind::kLess:
      case ExprKind::kLessEqual:
      case ExprKind::kEqual:
      case ExprKind::kNotEqual:
        return from_float ? Opcode::kFloatCompare : Opcode::kIntCompare;
      case ExprKind::kSelect:
        return to_float ? Opcode::kFloatSelect : Opcode::kIntSelect;
      case ExprKind::kCast:
        if (from_float) return to_float ? Opcode::kFloatToFloat : Opcode::kFloatToInt;
        return to_float ? Opcode::kIntToFloat : Opcode::kIntToInt;
      case ExprKind::kCall:
        if (e.function != Function::kBits) return Opcode::kCall;
        if (to_float) return Opcode::kIntBits;
        return from_float ? Opcode::kFloatBits : Opcode::kIntToInt;
      default:
        return to_float ? Opcode::kFloatBinary : Opcode::kIntBinary;
    }
  }

  int EmitLoad(const ExprNode& read) {
    const Tensor& tensor = graph_.tensors[static_cast<size_t>(read.id)];
    Load load;
    load.tensor = read.id;
    load.guarded = read.guarded;
    size_t rank = ReadRank(read);
    if (read.guarded) load.otherwise = Emit(read.args[rank + 1]);
    int64_t stride = 1;
    load.indices.resize(rank);
    for (size_t d = rank; d-- > 0;) {
      LoadIndex& index = load.indices[d];
      index.extent = tensor.shape[d];
      index.stride = stride;
      if (auto affine = ToAffine(read.args[d])) {
        load.flat = load.flat + *affine * stride;
        index.affine = std::move(*affine);
      } else {
        index.reg = Emit(read.args[d]);
        load.affine = false;
      }
      stride *= tensor.shape[d];
    }
    code_.loads.push_back(std::move(load));
    return static_cast<int>(code_.loads.size()) - 1;
  }

  const Graph& graph_;
  Bytecode code_;
  std::map<const ExprNode*, int> registers_;
};

}  // namespace

Bytecode Compile(const Graph& graph, const Stage& stage) { return Compiler(graph).Run(stage); }

}  // namespace tunesmith::te
