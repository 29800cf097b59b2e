// SPDX-License-Identifier: Apache-2.0
// Names where they are used: in expressions.
#include <algorithm>
#include <functional>

#include "support/strings.h"
#include "support/suggest.h"
#include "te/language/resolver.h"
#include "te/language/vocabulary.h"

namespace tunesmith::te::language {

bool Resolver::IsScalar(const std::string& name) const {
  return scalars_.contains(name) || arguments_.contains(name);
}

std::vector<std::string> Resolver::ScalarNames() const {
  std::vector<std::string> names(axes_.begin(), axes_.end());
  for (const auto& [name, used] : scalars_) names.push_back(name);
  names.insert(names.end(), arguments_.begin(), arguments_.end());
  names.insert(names.end(), choice_names_.begin(), choice_names_.end());
  return names;
}

void Resolver::Expression(const Node& node, Place place) {
  switch (node.kind) {
    case NodeKind::kName:
      return Name(node, place);
    case NodeKind::kRead:
      return Read(node, place);
    case NodeKind::kCall:
      return Call(node, place);
    case NodeKind::kReduce:
      return Reduce(node, place);
    case NodeKind::kTable:
      return Table(node, place);
    case NodeKind::kCase:
      Case(node);
      break;
    default:
      break;
  }
  for (const NodePtr& arg : node.args) Expression(*arg, place);
}

void Resolver::Name(const Node& node, Place place) {
  const std::string& name = node.word.text;
  if (place == Place::kStage && std::find(axes_.begin(), axes_.end(), name) != axes_.end()) return;
  if (auto scalar = scalars_.find(name); scalar != scalars_.end()) {
    scalar->second = true;
    return;
  }
  if (arguments_.contains(name) || choice_names_.contains(name) || DTypeNamed(name)) return;
  if (place == Place::kStage && reduced_.contains(name)) {
    const Node& reduction = *reduced_[name];
    diagnostics_->Report(node.span, StrCat("the axis ", name, " is used outside of its reduction"),
                         StrCat("the reduction ends here: ", file_.source.Quote(reduction.span)),
                         StrCat("put all that it reduces into parentheses, as in ", reduction.word.text, "(",
                                name, ") (...)"));
    return;
  }
  if (declared_.contains(name) || written_.contains(name)) {
    diagnostics_->Report(node.span, StrCat("the tensor ", name, " is used without its indices"), "",
                         StrCat("write ", name, "[...]"));
    return;
  }
  if (std::find(axes_.begin(), axes_.end(), name) != axes_.end()) {
    diagnostics_->Report(node.span,
                         StrCat("the axis ", name, " cannot be used here, where values are fixed at binding"),
                         "", "reduce over the largest extent and choose inside: select(CONDITION, VALUE, 0)");
    return;
  }
  std::vector<std::string> names = ScalarNames();
  auto nearest = NearestName(name, names);
  diagnostics_->Report(node.span, StrCat("unknown name ", name), "",
                       nearest                     ? StrCat("write ", *nearest)
                       : place == Place::kStage    ? StrCat("declare it as an axis, an attribute or a fact")
                       : place == Place::kFunction ? StrCat("make it an argument of the function")
                                                   : StrCat("declare it as an attribute: ; ", name, " = 1"));
}

void Resolver::Read(const Node& node, Place place) {
  const std::string& name = node.word.text;
  for (const NodePtr& arg : node.args) Expression(*arg, place);
  if (node.otherwise) Expression(*node.otherwise, place);
  if (place != Place::kStage) {
    diagnostics_->Report(node.span,
                         place == Place::kFunction
                             ? "a function cannot read tensors"
                             : "tensors cannot be read here, where values are fixed at binding",
                         "",
                         place == Place::kFunction ? "make the element an argument of the function"
                                                   : "use symbols, attributes and facts only");
    return;
  }
  read_.insert(name);
  const Definition* definition = nullptr;
  if (auto found = defined_->find(name); found != defined_->end()) {
    definition = &found->second;
  } else if (parameters_.contains(name)) {
    definition = &declared_[name];
  }
  if (!definition) return ReportUndefined(node);
  if (node.args.size() == definition->rank) return;
  diagnostics_->Report(node.span,
                       StrCat(name, " has ", definition->rank, " dimension", definition->rank == 1 ? "" : "s",
                              ", not ", node.args.size()),
                       parameters_.contains(name)
                           ? StrCat("it is declared as ", file_.source.Quote(definition->span))
                           : StrCat("line ", file_.source.LineOf(definition->span.begin), " defines it"),
                       StrCat("write ", definition->rank, definition->rank == 1 ? " index" : " indices"));
}

void Resolver::ReportUndefined(const Node& node) {
  const std::string& name = node.word.text;
  const std::string& reader = stage_->tensor.text;
  auto written = written_.find(name);
  if (name == reader) {
    diagnostics_->Report(node.span, StrCat("the stage of ", name, " reads ", name, " itself"), "",
                         "compute what it needs in a stage of another name");
    return;
  }
  if (written == written_.end()) {
    std::vector<std::string> names(parameters_.begin(), parameters_.end());
    for (const auto& [other, spans] : written_) names.push_back(other);
    std::string fix = StrCat("declare it as a parameter, or define it in a stage above");
    if (auto nearest = NearestName(name, names)) fix = StrCat("write ", *nearest);
    if (IsScalar(name)) fix = StrCat("write ", name, " without brackets, or declare a parameter ", name);
    diagnostics_->Report(node.span, StrCat("unknown tensor ", name), "", std::move(fix));
    return;
  }
  std::set<std::string> circle{name, reader};
  if (std::string path = Path(name, reader, &circle); !path.empty()) {
    if (circle_.contains(name) && circle_.contains(reader)) return;  // the same circle, seen from elsewhere
    circle_.merge(circle);
    diagnostics_->Report(node.span, StrCat(reader, " and ", name, " need each other"),
                         StrCat(reader, " reads ", name, ", ", path), "break the circle");
    return;
  }
  bool above = false;
  for (Span span : written->second) above = above || span.begin < node.span.begin;
  if (above) {
    diagnostics_->Report(node.span, StrCat(name, " is defined in another branch only"), "",
                         StrCat("define ", name, " in this branch as well"));
  } else {
    diagnostics_->Report(node.span, StrCat(reader, " reads ", name, " above its definition"),
                         StrCat("line ", file_.source.LineOf(written->second[0].begin), " defines ", name),
                         StrCat("move the stage of ", name, " above this one"));
  }
}

std::string Resolver::Path(const std::string& from, const std::string& to,
                           std::set<std::string>* on_path) const {
  std::set<std::string> seen;
  std::function<std::string(const std::string&)> walk = [&](const std::string& tensor) -> std::string {
    auto reads = reads_of_.find(tensor);
    if (reads == reads_of_.end() || !seen.insert(tensor).second) return "";
    for (const std::string& read : reads->second) {
      std::string step = StrCat(tensor, " reads ", read);
      if (read == to) return step;
      if (std::string rest = walk(read); !rest.empty()) {
        on_path->insert(read);
        return StrCat(step, ", ", rest);
      }
    }
    return "";
  };
  return walk(from);
}

void Resolver::Type(const Word& type) {
  if (DTypeNamed(type.text) || arguments_.contains(type.text)) return;
  if (auto scalar = scalars_.find(type.text); scalar != scalars_.end()) {
    scalar->second = true;
    return;
  }
  std::vector<std::string> names;
  for (DType dtype : kAllDTypes) names.emplace_back(NameOf(dtype));
  diagnostics_->Report(type.span, StrCat("unknown type ", type.text), "", SuggestOneOf(type.text, names));
}

void Resolver::Cast(const Node& node) {
  Type(node.word);
  if (node.args.size() != 1) {
    diagnostics_->Report(node.span, StrCat("a cast takes one argument, not ", node.args.size()), "",
                         StrCat("write ", node.word.text, "(x)"));
  }
  if (node.suffix.empty()) return;
  if (std::find(std::begin(kCastSuffixes), std::end(kCastSuffixes), node.suffix.text) !=
      std::end(kCastSuffixes)) {
    return;
  }
  diagnostics_->Report(node.suffix.span, StrCat("unknown cast ", node.word.text, ".", node.suffix.text), "",
                       SuggestOneOf(node.suffix.text, {"nearest", "down", "up", "sat"}));
}

void Resolver::Call(const Node& node, Place place) {
  const std::string& name = node.word.text;
  const BuiltIn* built_in = FindBuiltIn(name);
  bool takes_type = name == "lowest" || name == "highest";
  for (const NodePtr& arg : node.args) {
    if (!takes_type || arg->kind != NodeKind::kName) Expression(*arg, place);
  }
  if (takes_type && node.args.size() == 1) {
    if (node.args[0]->kind == NodeKind::kName) return Type(node.args[0]->word);
    diagnostics_->Report(node.args[0]->span, StrCat(name, " takes a type"), "",
                         StrCat("write ", name, "(f32)"));
    return;
  }
  if (DTypeNamed(name) || IsScalar(name) || !node.suffix.empty()) return Cast(node);
  auto given = static_cast<int>(node.args.size());
  int least = built_in ? built_in->least_arguments : -1, most = built_in ? built_in->most_arguments : -1;
  std::vector<std::string> names = FunctionNames();
  for (size_t i = 0; i < functions_visible_; ++i) {
    const FunctionSyntax& function = file_.functions[i];
    names.push_back(function.name.text);
    if (function.name.text == name) least = most = static_cast<int>(function.arguments.size());
  }
  for (size_t i = functions_visible_; least < 0 && i < file_.functions.size(); ++i) {
    if (file_.functions[i].name.text != name) continue;
    diagnostics_->Report(
        node.word.span, StrCat("the function ", name, " is called above its definition"),
        StrCat("line ", file_.source.LineOf(file_.functions[i].name.span.begin), " defines it"),
        "functions call those above them; none can call itself");
    return;
  }
  if (least < 0) {
    for (DType dtype : kAllDTypes) names.emplace_back(NameOf(dtype));
    auto nearest = NearestName(name, names);
    diagnostics_->Report(
        node.word.span, StrCat("unknown function ", name), "",
        nearest ? StrCat("write ", *nearest) : StrCat("define it above: fn ", name, "(x) = ..."));
    return;
  }
  if (given >= least && given <= most) return;
  diagnostics_->Report(node.span,
                       StrCat(name, " takes ", least, least == most ? "" : " or more", " argument",
                              most == 1 ? "" : "s", ", not ", given),
                       "", StrCat("give ", least));
}

void Resolver::Reduce(const Node& node, Place place) {
  if (!node.suffix.empty()) Type(node.suffix);
  if (place != Place::kStage) {
    diagnostics_->Report(node.word.span, "a reduction can only stand in a stage", "",
                         "make it a stage of its own");
    return;
  }
  size_t outside = axes_.size();
  for (const AxisSyntax& axis : node.axes) IntroduceAxis(axis);
  Expression(*node.args[0], place);
  axes_.resize(outside);
}

void Resolver::Case(const Node& node) {
  const Node& subject = Bare(*node.args[0]);
  std::set<std::string> labels;
  for (const Word& label : node.labels) {
    if (labels.insert(label.text).second) continue;
    diagnostics_->Report(label.span, StrCat("the label ", label.text, " stands twice"), "",
                         "remove one of them");
  }
  auto choices = choices_.find(subject.word.text);
  if (subject.kind != NodeKind::kName || choices == choices_.end()) return;
  size_t before = diagnostics_->reported();
  for (const Word& label : node.labels) {
    const auto& names = choices->second;
    if (label.text == "else" || std::find(names.begin(), names.end(), label.text) != names.end()) continue;
    diagnostics_->Report(label.span, StrCat(label.text, " is not one of the names of ", choices->first), "",
                         SuggestOneOf(label.text, names));
  }
  if (labels.contains("else") || diagnostics_->reported() > before) return;
  std::vector<std::string> missing;
  for (const std::string& name : choices->second) {
    if (!labels.contains(name)) missing.push_back(name);
  }
  if (missing.empty()) return;
  diagnostics_->Report(node.word.span,
                       StrCat("the case of ", choices->first, " leaves out ", StrJoin(missing, ", ")), "",
                       "add the labels, or else: ...");
}

void Resolver::Table(const Node& node, Place place) {
  if (!node.suffix.empty()) Type(node.suffix);
  if (place != Place::kStage) {
    diagnostics_->Report(node.word.span, "a table can only stand in a stage", "",
                         "make it a stage of its own");
  }
  for (const AxisSyntax& axis : node.axes) {
    if (axis.extent) {
      diagnostics_->Report(axis.extent->span, "an axis of a table has no extent here", "",
                           StrCat("write the extent where ", axis.name.text, " is introduced"));
    }
    if (place == Place::kStage && std::find(axes_.begin(), axes_.end(), axis.name.text) == axes_.end()) {
      diagnostics_->Report(axis.name.span, StrCat("unknown axis ", axis.name.text), "",
                           SuggestOneOf(axis.name.text, axes_));
    }
  }
  for (const NodePtr& arg : node.args) Expression(*arg, Place::kKnown);
}

}  // namespace tunesmith::te::language
