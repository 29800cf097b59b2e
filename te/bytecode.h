// SPDX-License-Identifier: Apache-2.0
// A stage's body as a flat list of instructions, each of which works on a block of lanes: many values of one
// axis at once. The interpreter (te/interpret.h) runs it; the meaning of single operations is te/scalar.h's.
#pragma once

#include <cstdint>
#include <vector>

#include "te/affine.h"
#include "te/graph.h"

namespace tunesmith::te {

/// The most lanes that an instruction works on at once: registers of a body of usual size stay in cache.
inline constexpr int kLanes = 128;

enum class Opcode : uint8_t {
  kConstant,      // f or i = the instruction's constant; run once, as it never changes
  kAffine,        // i = affine
  kLoad,          // f or i = loads[extra]
  kFloatBinary,   // f = a `kind` b
  kIntBinary,     // i = a `kind` b, of `type`; bools too
  kFloatCompare,  // i = a `kind` b, of f registers
  kIntCompare,
  kFloatNegate,
  kIntNegate,
  kNot,
  kFloatSelect,  // f = c ? a : b; c is an i register
  kIntSelect,
  kFloatToFloat,  // rounds f to `type`
  kFloatToInt,    // i = cast of f to `type` with `rounding`
  kIntToFloat,    // f = cast of i to `type`
  kIntToInt,      // i = cast of i to `type`
  kCall,          // f = function(a, b, c)
  kFloatBits,     // i = the bits of a, whose type is `from`
  kIntBits,       // f = the value of type `type` with bits a
};

struct Instruction {
  Opcode op = Opcode::kConstant;
  DType type = DType::kF32;  // of the result
  DType from = DType::kF32;  // of the operands
  ExprKind kind = ExprKind::kAdd;
  Function function = Function::kExp;
  Rounding rounding = Rounding::kTowardsZero;
  int to = 0, a = 0, b = 0, c = 0;  // registers
  int extra = -1;                   // number of a load or an affine form
  double number = 0;
  int64_t integer = 0;
};

/// One dimension's index in a read: an affine form over the axes, or a register that was computed before.
struct LoadIndex {
  Affine affine;
  int reg = -1;  // an i register, or -1: affine
  int64_t extent = 0;
  int64_t stride = 0;  // in elements
};

struct Load {
  int tensor = -1;
  bool guarded = false;
  int otherwise = -1;  // a register of the tensor's kind, if guarded
  bool affine = true;  // all indices are
  Affine flat;         // if affine: the index into the tensor, in elements
  std::vector<LoadIndex> indices;
};

/// Registers are numbered separately for floating values and for integers and bools.
struct Bytecode {
  std::vector<Instruction> constants;  // to be run once
  std::vector<Instruction> instructions;
  std::vector<Load> loads;
  std::vector<Affine> affines;
  int float_registers = 0;
  int int_registers = 0;
  int result = 0;  // a register of the kind of the body's type
};

Bytecode Compile(const Graph& graph, const Stage& stage);

}  // namespace tunesmith::te
