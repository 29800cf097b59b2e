// SPDX-License-Identifier: Apache-2.0
// Resolves the names of one operator or function; see ResolveNames in te/language/syntax.h.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "te/language/syntax.h"

namespace tunesmith::te::language {

class Resolver {
 public:
  /// Functions before `functions_visible` may be called.
  Resolver(const File& file, Diagnostics* diagnostics, size_t functions_visible)
      : file_(file), diagnostics_(diagnostics), functions_visible_(functions_visible) {}

  void Function(const FunctionSyntax& function);
  void Operator(OperatorSyntax* op);

 private:
  struct Definition {
    size_t rank = 0;
    Span span;
  };
  using Definitions = std::map<std::string, Definition>;

  /// What an expression may be made of.
  enum class Place : uint8_t { kKnown /* at binding */, kFunction, kStage };

  // Declarations: resolve_declarations.cpp.
  void DeclareAttributes(const OperatorSyntax& op);
  /// Reports what there is too much of; false if something was.
  bool CheckCounts(const OperatorSyntax& op);
  void CollectSymbols(OperatorSyntax* op);
  void DeclareFacts(const OperatorSyntax& op);
  void DeclareTensors(const OperatorSyntax& op, const std::vector<TensorSyntax>& tensors);
  void CheckUnusedScalars(const OperatorSyntax& op);
  /// True if the name may be given to something; else reports. `what` is "the attribute", …
  bool Declarable(const Word& name, std::string_view what);
  void Body(const OperatorSyntax& op, const std::vector<Statement>& body, Span end, bool definition);
  void CollectDefinitions(const std::vector<Statement>& statements);
  void Statements(const std::vector<Statement>& statements, Definitions* defined);
  void Stage(const Statement& stage, Definitions* defined);
  void IntroduceAxis(const AxisSyntax& axis);
  void CheckUnreadTensors(const OperatorSyntax& op, bool definition);

  // Expressions: resolve_expressions.cpp.
  void Expression(const Node& node, Place place);
  void Name(const Node& node, Place place);
  void Read(const Node& node, Place place);
  void ReportUndefined(const Node& node);
  void Call(const Node& node, Place place);
  void Cast(const Node& node);
  void Reduce(const Node& node, Place place);
  void Case(const Node& node);
  void Table(const Node& node, Place place);
  void Type(const Word& type);
  bool IsScalar(const std::string& name) const;
  std::vector<std::string> ScalarNames() const;
  /// "t reads u, u reads t" if `from` needs `to` through the stages; else empty.
  std::string Path(const std::string& from, const std::string& to, std::set<std::string>* on_path) const;

  const File& file_;
  Diagnostics* diagnostics_;
  size_t functions_visible_;

  // Numbers and names: each with whether something uses it.
  std::map<std::string, bool> scalars_;
  std::map<std::string, std::vector<std::string>> choices_;  // of attributes
  std::set<std::string> choice_names_;
  std::set<std::string> arguments_;  // of a function

  // Tensors.
  std::map<std::string, Definition> declared_;  // parameters and outputs
  std::set<std::string> parameters_;
  std::map<std::string, std::vector<Span>> written_;       // every stage's tensor, in the current body
  Definitions first_;                                      // the first stage of each tensor
  std::map<std::string, std::set<std::string>> reads_of_;  // what the stages of a tensor read
  std::set<std::string> read_;
  std::set<std::string> circle_;          // tensors that were reported to need each other
  const Definitions* defined_ = nullptr;  // above the current stage
  const Statement* stage_ = nullptr;

  // Axes in scope, and the reductions of the current stage.
  std::vector<std::string> axes_;
  std::map<std::string, const Node*> reduced_;
};

}  // namespace tunesmith::te::language
