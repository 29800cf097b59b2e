// SPDX-License-Identifier: Apache-2.0
// Names where they are declared: attributes, facts, tensors, stages and axes.
#include <algorithm>

#include "support/strings.h"
#include "te/language/resolver.h"
#include "te/language/vocabulary.h"

namespace tunesmith::te::language {
namespace {

std::string Count(size_t n, std::string_view what) { return StrCat(n, " ", what, n == 1 ? "" : "s"); }

size_t CountStages(const std::vector<Statement>& statements) {
  size_t count = 0;
  for (const Statement& statement : statements) {
    count += statement.condition ? CountStages(statement.yes) + CountStages(statement.no) : 1;
  }
  return count;
}

}  // namespace

bool Resolver::Declarable(const Word& name, std::string_view what) {
  if (!IsVocabulary(name.text)) return true;
  diagnostics_->Report(name.span, StrCat(what, " ", name.text, " has the name of a function or a type"), "",
                       "choose another name");
  return false;
}

void Resolver::Function(const FunctionSyntax& function) {
  Declarable(function.name, "the function");
  for (size_t i = 0; i < functions_visible_; ++i) {
    if (file_.functions[i].name.text != function.name.text) continue;
    diagnostics_->Report(function.name.span, StrCat("the function ", function.name.text, " is defined twice"),
                         "", "rename one of them");
  }
  for (const Word& argument : function.arguments) {
    Declarable(argument, "the argument");
    if (!arguments_.insert(argument.text).second) {
      diagnostics_->Report(argument.span, StrCat("the argument ", argument.text, " is named twice"), "",
                           "rename one of them");
    }
  }
  Expression(*function.value, Place::kFunction);
}

void Resolver::Operator(OperatorSyntax* op) {
  size_t before = diagnostics_->reported();
  if (IsCKeyword(op->name.text)) {
    diagnostics_->Report(op->name.span,
                         StrCat("the operator ", op->name.text, " has a name that C keeps for itself"), "",
                         StrCat("call it ", op->name.text, "_op"));
  }
  if (!CheckCounts(*op)) return;
  DeclareAttributes(*op);
  CollectSymbols(op);
  DeclareFacts(*op);
  DeclareTensors(*op, op->parameters);
  for (const TensorSyntax& tensor : op->parameters) parameters_.insert(tensor.name.text);
  DeclareTensors(*op, op->outputs);
  Body(*op, op->body, op->end, true);
  std::set<std::string> names{"direct"};
  for (const AlgorithmSyntax& algorithm : op->algorithms) {
    if (!names.insert(algorithm.name.text).second) {
      diagnostics_->Report(algorithm.name.span,
                           StrCat("the algorithm ", algorithm.name.text, " is declared already"),
                           algorithm.name.text == "direct" ? "the definition is the algorithm direct" : "",
                           "choose another name");
    }
    if (algorithm.condition) Expression(*algorithm.condition, Place::kKnown);
    Body(*op, algorithm.body, algorithm.end, false);
  }
  // What is wrong may be the use that is missing.
  if (diagnostics_->reported() == before) CheckUnusedScalars(*op);
}

bool Resolver::CheckCounts(const OperatorSyntax& op) {
  size_t before = diagnostics_->reported();
  auto check = [&](size_t count, size_t most, std::string_view what) {
    if (count <= most) return;
    diagnostics_->Report(op.name.span, StrCat("the operator ", op.name.text, " has ", count, " ", what),
                         StrCat("at most ", most, " are allowed"), "split it into several operators");
  };
  check(op.parameters.size() + op.outputs.size(), kMostDeclarations, "parameters and outputs");
  check(op.attributes.size(), kMostDeclarations, "attributes");
  check(op.facts.size(), kMostDeclarations, "facts");
  check(op.algorithms.size(), kMostDeclarations, "algorithms");
  check(CountStages(op.body), kMostStages, "stages");
  for (const AlgorithmSyntax& algorithm : op.algorithms) {
    check(CountStages(algorithm.body), kMostStages, StrCat("stages in the algorithm ", algorithm.name.text));
  }
  return diagnostics_->reported() == before;
}

void Resolver::DeclareAttributes(const OperatorSyntax& op) {
  for (const AttributeSyntax& attribute : op.attributes) {
    const std::string& name = attribute.name.text;
    Declarable(attribute.name, "the attribute");
    if (scalars_.contains(name)) {
      diagnostics_->Report(attribute.name.span, StrCat("the attribute ", name, " is declared twice"), "",
                           "remove one of them");
    }
    scalars_[name] = false;
    for (const Word& choice : attribute.choices) {
      auto& of_this = choices_[name];
      if (std::find(of_this.begin(), of_this.end(), choice.text) != of_this.end()) {
        diagnostics_->Report(choice.span, StrCat(choice.text, " stands twice among the names of ", name), "",
                             "remove one of them");
      }
      of_this.push_back(choice.text);
      choice_names_.insert(choice.text);
    }
  }
}

void Resolver::CollectSymbols(OperatorSyntax* op) {
  std::set<std::string> facts;
  for (const FactSyntax& fact : op->facts) facts.insert(fact.name.text);
  for (const TensorSyntax& tensor : op->parameters) {
    for (const NodePtr& extent : tensor.shape) {
      VisitNodes(*extent, [&](const Node& node) {
        const std::string& name = node.word.text;
        if (node.kind != NodeKind::kName || facts.contains(name) || DTypeNamed(name)) return;
        if (choice_names_.contains(name) && !scalars_.contains(name)) return;
        if (scalars_.contains(name)) return;
        Declarable(node.word, "the symbol");
        scalars_[name] = true;
        op->symbols.push_back(name);
      });
    }
  }
  // A default may use all symbols, but only the attributes before it.
  auto all = scalars_;
  for (const AttributeSyntax& attribute : op->attributes) scalars_.erase(attribute.name.text);
  for (const AttributeSyntax& attribute : op->attributes) {
    if (attribute.value) Expression(*attribute.value, Place::kKnown);
    scalars_.insert({attribute.name.text, false});
  }
}

void Resolver::DeclareFacts(const OperatorSyntax& op) {
  for (const FactSyntax& fact : op.facts) {
    Expression(*fact.value, Place::kKnown);
    const std::string& name = fact.name.text;
    if (fact.name.empty()) continue;
    Declarable(fact.name, "the fact");
    if (scalars_.contains(name)) {
      diagnostics_->Report(fact.name.span, StrCat(name, " is declared twice"),
                           StrCat(name, " is also a symbol, an attribute or another fact"),
                           "choose another name");
    }
    scalars_.insert({name, false});
  }
}

void Resolver::DeclareTensors(const OperatorSyntax& op, const std::vector<TensorSyntax>& tensors) {
  for (const TensorSyntax& tensor : tensors) {
    const std::string& name = tensor.name.text;
    Declarable(tensor.name, "the tensor");
    if (IsCKeyword(name)) {
      diagnostics_->Report(tensor.name.span,
                           StrCat("the tensor ", name, " has a name that C keeps for itself"), "",
                           StrCat("call it ", name, "_"));
    }
    if (!declared_.insert({name, {tensor.shape.size(), tensor.span}}).second) {
      diagnostics_->Report(tensor.name.span, StrCat("the tensor ", name, " is declared twice"), "",
                           StrCat("rename one of them in ", op.name.text));
    }
    Type(tensor.type);
    for (const NodePtr& extent : tensor.shape) Expression(*extent, Place::kKnown);
    if (tensor.condition) Expression(*tensor.condition, Place::kKnown);
  }
}

void Resolver::CheckUnusedScalars(const OperatorSyntax& op) {
  for (const AttributeSyntax& attribute : op.attributes) {
    if (scalars_[attribute.name.text]) continue;
    diagnostics_->Report(attribute.name.span, StrCat("nothing uses the attribute ", attribute.name.text), "",
                         "remove it");
  }
  for (const FactSyntax& fact : op.facts) {
    if (fact.name.empty() || scalars_[fact.name.text]) continue;
    diagnostics_->Report(fact.name.span, StrCat("nothing uses the fact ", fact.name.text), "", "remove it");
  }
}

void Resolver::CollectDefinitions(const std::vector<Statement>& statements) {
  for (const Statement& statement : statements) {
    if (statement.condition) {
      CollectDefinitions(statement.yes);
      CollectDefinitions(statement.no);
      continue;
    }
    written_[statement.tensor.text].push_back(statement.tensor.span);
    auto& reads = reads_of_[statement.tensor.text];
    VisitNodes(*statement.value, [&](const Node& node) {
      if (node.kind == NodeKind::kRead) reads.insert(node.word.text);
    });
  }
}

void Resolver::Body(const OperatorSyntax& op, const std::vector<Statement>& body, Span end, bool definition) {
  written_.clear();
  first_.clear();
  reads_of_.clear();
  read_.clear();
  CollectDefinitions(body);
  circle_.clear();
  Definitions defined;
  size_t before = diagnostics_->reported();
  Statements(body, &defined);
  for (const TensorSyntax& output : op.outputs) {
    if (written_.contains(output.name.text)) continue;
    std::string axes = StrJoin(
        output.shape, ", ", [n = 0](std::string* out, const NodePtr&) mutable { StrAppend(out, "i", n++); });
    diagnostics_->Report(end, StrCat("no stage defines the output ", output.name.text),
                         StrCat(output.name.text, " has ", Count(output.shape.size(), "dimension")),
                         StrCat("add the stage ", output.name.text, "[", axes, "] = ..."));
  }
  if (diagnostics_->reported() == before) CheckUnreadTensors(op, definition);
}

void Resolver::CheckUnreadTensors(const OperatorSyntax& op, bool definition) {
  for (const TensorSyntax& parameter : op.parameters) {
    if (!definition || read_.contains(parameter.name.text)) continue;
    diagnostics_->Report(parameter.name.span, StrCat("no stage reads the parameter ", parameter.name.text),
                         "", "read it, or remove it");
  }
  for (const auto& [name, spans] : written_) {
    if (read_.contains(name) || declared_.contains(name)) continue;
    diagnostics_->Report(spans[0], StrCat("no stage reads ", name),
                         StrCat(name, " is no output of ", op.name.text), "read it, or remove its stage");
  }
}

void Resolver::Statements(const std::vector<Statement>& statements, Definitions* defined) {
  for (const Statement& statement : statements) {
    if (!statement.condition) {
      Stage(statement, defined);
      continue;
    }
    Expression(*statement.condition, Place::kKnown);
    Definitions yes = *defined, no = *defined;
    Statements(statement.yes, &yes);
    Statements(statement.no, &no);
    defined->insert(yes.begin(), yes.end());
    defined->insert(no.begin(), no.end());
  }
}

void Resolver::Stage(const Statement& stage, Definitions* defined) {
  const std::string& name = stage.tensor.text;
  size_t rank = stage.axes.size();
  auto declared = declared_.find(name);
  if (parameters_.contains(name)) {
    diagnostics_->Report(stage.tensor.span, StrCat("a stage defines the parameter ", name), "",
                         "give the stage's tensor another name");
  } else if (declared != declared_.end() && declared->second.rank != rank) {
    diagnostics_->Report(stage.tensor.span,
                         StrCat(name, " has ", Count(declared->second.rank, "dimension"), ", not ", rank),
                         StrCat("it is declared as ", file_.source.Quote(declared->second.span)),
                         "write one axis for each dimension");
  } else if (declared == declared_.end()) {
    Declarable(stage.tensor, "the tensor");
  }
  if (auto other = defined->find(name); other != defined->end()) {
    diagnostics_->Report(
        stage.tensor.span, StrCat(name, " is defined twice"),
        StrCat("line ", file_.source.LineOf(other->second.span.begin), " defines it already"),
        "give one of them another name, or put them into the branches of an if");
  }
  axes_.clear();
  reduced_.clear();
  for (const AxisSyntax& axis : stage.axes) IntroduceAxis(axis);
  VisitNodes(*stage.value, [&](const Node& node) {
    for (const AxisSyntax& axis : node.axes) reduced_.insert({axis.name.text, &node});
  });
  stage_ = &stage;
  defined_ = defined;
  Expression(*stage.value, Place::kStage);
  stage_ = nullptr;
  Definition definition{rank, stage.tensor.span};
  auto first = first_.insert({name, definition}).first->second;
  if (declared == declared_.end() && first.rank != rank) {
    diagnostics_->Report(
        stage.tensor.span, StrCat(name, " has ", Count(first.rank, "dimension"), ", not ", rank),
        StrCat("line ", file_.source.LineOf(first.span.begin), " defines it in another branch"),
        "use one rank in all branches, or two names");
  }
  defined->insert({name, definition});
}

void Resolver::IntroduceAxis(const AxisSyntax& axis) {
  const std::string& name = axis.name.text;
  if (Declarable(axis.name, "the axis")) {
    if (std::find(axes_.begin(), axes_.end(), name) != axes_.end()) {
      diagnostics_->Report(axis.name.span, StrCat("the axis ", name, " is named twice"), "",
                           "give one of them another name");
    } else if (IsScalar(name)) {
      diagnostics_->Report(axis.name.span,
                           StrCat("the axis ", name, " has the name of a symbol, an attribute or a fact"), "",
                           "choose another name");
    }
  }
  if (axis.extent) Expression(*axis.extent, Place::kKnown);
  axes_.push_back(name);
}

void ResolveNames(File* file, Diagnostics* diagnostics) {
  std::map<std::string, Span> operators;
  size_t functions = 0;
  for (int item : file->order) {
    Resolver resolver(*file, diagnostics, functions);
    if (item >= 0) {
      resolver.Function(file->functions[static_cast<size_t>(item)]);
      ++functions;
      continue;
    }
    OperatorSyntax* op = &file->operators[static_cast<size_t>(-1 - item)];
    auto [other, is_new] = operators.insert({op->name.text, op->name.span});
    if (!is_new) {
      diagnostics->Report(op->name.span, StrCat("the operator ", op->name.text, " is defined twice"),
                          StrCat("line ", file->source.LineOf(other->second.begin), " defines it already"),
                          "rename one of them");
    }
    resolver.Operator(op);
  }
}

}  // namespace tunesmith::te::language
