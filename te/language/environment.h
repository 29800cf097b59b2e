// SPDX-License-Identifier: Apache-2.0
// The symbols, attributes and facts of an operator that is being bound.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "te/language/operand.h"
#include "te/language/syntax.h"

namespace tunesmith::te::language {

/// What the attribute takes: declared by its default.
Bindable Describe(const OperatorSyntax& op, const AttributeSyntax& attribute);

/// The operator's symbols and attributes; see Operator::bindables.
std::vector<Bindable> BindablesOf(const OperatorSyntax& op);

class Environment {
 public:
  Environment(const File& file, const OperatorSyntax& op, Diagnostics* diagnostics)
      : file_(file), op_(op), diagnostics_(diagnostics) {}

  /// Reads "NAME=VALUE" for symbols and attributes; with `partial`, symbols and attributes may stay unbound.
  Status Give(const std::vector<std::string>& bindings, bool partial);
  /// Binds a name that is not bound yet.
  void Set(const std::string& name, int64_t value) { values_.insert({name, Operand::Integer(value)}); }
  /// Symbols and attributes that have neither a value nor a default.
  std::vector<std::string> Open() const;
  /// Makes these unknown: what depends on them has no value, which is no error.
  void LeaveOpen();

  /// Evaluates the defaults of attributes, the conditions among the facts, which parameters exist, and all
  /// shapes. Reports what is wrong.
  void Evaluate();
  /// Symbols of existing parameters and attributes without default that have no value.
  std::vector<std::string> Unbound();

  /// A symbol, attribute or fact; null if there is none of this name. A fact is evaluated when it is first
  /// asked for.
  const Operand* Find(const std::string& name);
  /// "H = 5, KH = 7": the values of the names that an expression uses, those inside facts too.
  std::string ValuesIn(const Node& node);

  /// By number of parameter or output: nothing if it does not exist.
  const std::vector<std::optional<std::vector<int64_t>>>& parameter_shapes() const { return parameters_; }
  const std::vector<std::optional<std::vector<int64_t>>>& output_shapes() const { return outputs_; }
  std::optional<DType> TypeOf(const TensorSyntax& tensor);
  /// The bindings that differ from the defaults, as text: what binds the operator again.
  std::map<std::string, std::string> Canonical() const;

  /// Counts reports that other bindings would avoid: a condition that does not hold, a negative extent, a
  /// division by zero, an overflow. Together with the number of all reports it tells whether the operator or
  /// its bindings are wrong.
  size_t value_errors = 0;

  const File& file() const { return file_; }
  const OperatorSyntax& op() const { return op_; }
  Diagnostics* diagnostics() { return diagnostics_; }

 private:
  Status GiveOne(const std::string& name, const std::string& text);
  /// Values for the attributes that are not given.
  void EvaluateDefaults();
  /// False if the attributes that are known so far exclude the tensor. Reports nothing.
  bool MayExist(const TensorSyntax& tensor) const;
  /// The tensor's shape; nothing if it does not exist, or after a report.
  std::optional<std::vector<int64_t>> Shape(const TensorSyntax& tensor);
  void ReportValue(Span span, std::string message, std::string inferred, std::string fix);
  void CollectValues(const Node& node, std::vector<std::string>* names);

  const File& file_;
  const OperatorSyntax& op_;
  Diagnostics* diagnostics_;
  std::map<std::string, Operand> values_;
  std::map<std::string, std::string> given_;
  std::vector<std::optional<std::vector<int64_t>>> parameters_, outputs_;
  std::map<std::string, Operand> defaults_;
  std::set<std::string> facts_;  // those in values_
};

}  // namespace tunesmith::te::language
