// SPDX-License-Identifier: Apache-2.0
// What a sub-expression is worth while an operator is bound: a number, truth value or name that is known, or
// a value that each element computes.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "te/expr.h"

namespace tunesmith::te::language {

struct Operand {
  enum class Kind : uint8_t {
    kPoison,   // an error was reported; whatever is made of it is poison too
    kInteger,  // known
    kReal,     // known
    kTruth,    // known
    kName,     // known: relu, f32
    kValue,    // `value`, whose kVar are axes of the draft
  };
  Kind kind = Kind::kPoison;
  int64_t integer = 0;
  bool rounded = false;  // kInteger: came from a quotient that was not whole
  double real = 0;
  bool truth = false;
  std::string name;
  Expr value;
  int axis = -1;       // kValue: nothing but this axis
  bool reads = false;  // kValue: has an element of a tensor
  int64_t size = 1;    // kValue: nodes of the tree, and the longest path in it
  int depth = 1;

  bool poison() const { return kind == Kind::kPoison; }
  bool is_value() const { return kind == Kind::kValue; }
  bool is_number() const { return kind == Kind::kInteger || kind == Kind::kReal; }
  bool known() const { return !poison() && !is_value(); }
  double as_double() const { return kind == Kind::kInteger ? static_cast<double>(integer) : real; }

  static Operand Integer(int64_t value, bool rounded = false) {
    Operand o;
    o.kind = Kind::kInteger;
    o.integer = value;
    o.rounded = rounded;
    return o;
  }
  static Operand Real(double value) {
    Operand o;
    o.kind = Kind::kReal;
    o.real = value;
    return o;
  }
  static Operand Truth(bool value) {
    Operand o;
    o.kind = Kind::kTruth;
    o.truth = value;
    return o;
  }
  static Operand Name(std::string name) {
    Operand o;
    o.kind = Kind::kName;
    o.name = std::move(name);
    return o;
  }
};

/// The operand as a user would write it: 12, 0.5, true, relu; "a value" for what is not known.
std::string ToText(const Operand& operand);

}  // namespace tunesmith::te::language
