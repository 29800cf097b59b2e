// SPDX-License-Identifier: Apache-2.0
// Evaluates expressions of the source while an operator is bound: known parts to numbers, the rest to
// te::Expr. Checks types. Reductions become stages of the draft.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "te/language/draft.h"
#include "te/language/environment.h"
#include "te/language/vocabulary.h"

namespace tunesmith::te::language {

class Evaluator {
 public:
  /// Without a draft, only known values can be computed.
  explicit Evaluator(Environment* environment, Draft* draft = nullptr)
      : environment_(environment), draft_(draft), diagnostics_(environment->diagnostics()) {}

  /// The value of an expression without axes; poison after a report.
  Operand Known(const Node& node);
  std::optional<int64_t> KnownInteger(const Node& node);
  std::optional<bool> KnownTruth(const Node& node);

  /// Adds the stage to the draft.
  void Stage(const Statement& statement);

  /// The dtype of this name: its own, or what an attribute, a fact or an argument says.
  std::optional<DType> TypeNamed(const Word& name);

 private:
  using Frame = std::map<std::string, Operand>;  // the arguments of a function

  // evaluate.cpp
  /// `whole`: the value is all that its stage stores, up to a cast.
  Operand Evaluate(const Node& node, bool whole = false);
  Operand Name(const Node& node);
  Operand Case(const Node& node, bool whole);
  Operand FunctionCall(const Node& node, size_t number, bool whole);
  Operand Read(const Node& node);
  Expr Index(const Node& node, int* alone);
  Operand Table(const Node& node);

  // evaluate_stage.cpp
  Operand Reduce(const Node& node, bool whole);
  Operand ArgReduce(const Node& node, ReducerWord word, Operand body, const std::vector<int>& axes,
                    bool whole);
  std::optional<DType> Accumulator(const Node& node, ReducerWord word, const Operand& body);
  int IntroduceAxis(const AxisSyntax& axis);
  /// The axes in scope that the expression uses.
  std::vector<int> FreeAxes(const Expr& e) const;
  /// Adds a stage that defines a new temporary; the read of its element at the same axes.
  Operand Hoist(std::string_view suffix, DraftStage stage, DType dtype);

  // evaluate_known.cpp: operations on known operands
  Operand KnownBinary(const Node& node, const Operand& a, const Operand& b);
  Operand IntegerBinary(const Node& node, int64_t a, int64_t b, bool rounded);
  Operand KnownCall(const Node& node, const BuiltIn& built_in, const std::vector<Operand>& args);
  /// The error of a quotient or remainder of integers whose divisor is known to be 0.
  DivisionByZero ByZero(const Node& node) const;
  Operand KnownByZero(const Node& node);

  // evaluate_typed.cpp: operations on values
  Operand Unary(const Node& node);
  Operand Binary(const Node& node);
  Operand Logical(const Node& node);
  Operand TypedBinary(const Node& node, std::string_view op, const Node& a_node, const Operand& a,
                      const Node& b_node, const Operand& b);
  Operand Call(const Node& node, bool whole);
  Operand BuiltInCall(const Node& node, const BuiltIn& built_in);
  Operand SelectCall(const Node& node, bool whole);
  Operand Extreme(const Node& node);
  Operand CastCall(const Node& node, bool whole);
  /// Two operands as expressions of one type, that of the one which is a value.
  bool Unify(std::string_view what, const Node& a_node, const Operand& a, const Node& b_node,
             const Operand& b, Expr* x, Expr* y);
  /// A known operand, or a value of this very type, as an expression of the type; null after a report.
  Expr As(DType type, const Operand& operand, const Node& node);

  Operand Value(Expr e, std::initializer_list<const Operand*> parts, const Node& node);
  Operand Poison(Span span, std::string message, std::string inferred = "", std::string fix = "");
  /// An error that other bindings would avoid.
  Operand ValueError(const Node& node, std::string message, std::string fix);
  std::string Quote(const Node& node) const { return environment_->file().source.Quote(node.span); }
  /// "A[i, k] is i8".
  std::string TypeText(const Node& node, const Operand& operand) const;

  Environment* environment_;
  Draft* draft_;
  Diagnostics* diagnostics_;
  const Statement* stage_ = nullptr;
  std::vector<std::pair<std::string, int>> scope_;  // axes by name, outermost first
  const Frame* frame_ = nullptr;
  size_t functions_visible_ = SIZE_MAX;
  int nesting_ = 0;
  int64_t steps_ = 0;
};

}  // namespace tunesmith::te::language
