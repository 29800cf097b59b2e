// SPDX-License-Identifier: Apache-2.0
// Names, choices, function calls and reads.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

#include "support/strings.h"
#include "te/language/evaluator.h"

namespace tunesmith::te::language {
namespace {

// Functions that call functions could be written so that a few lines stand for a tree without end.
constexpr int64_t kMostSteps = int64_t{1} << 20;
constexpr int64_t kMostSize = int64_t{1} << 14;
constexpr int kMostEvaluationDepth = 2 * kMostDepth;

}  // namespace

std::string ToText(const Operand& operand) {
  switch (operand.kind) {
    case Operand::Kind::kInteger:
      return StrCat(operand.integer);
    case Operand::Kind::kReal:
      return StrCat(operand.real);
    case Operand::Kind::kTruth:
      return operand.truth ? "true" : "false";
    case Operand::Kind::kName:
      return operand.name;
    default:
      return "a value";
  }
}

Operand Evaluator::Poison(Span span, std::string message, std::string inferred, std::string fix) {
  diagnostics_->Report(span, std::move(message), std::move(inferred), std::move(fix));
  return {};
}

Operand Evaluator::ValueError(const Node& node, std::string message, std::string fix) {
  size_t before = diagnostics_->reported();
  diagnostics_->Report(node.span, std::move(message), environment_->ValuesIn(node), std::move(fix));
  environment_->value_errors += diagnostics_->reported() - before;
  return {};
}

Operand Evaluator::Value(Expr e, std::initializer_list<const Operand*> parts, const Node& node) {
  Operand result;
  result.kind = Operand::Kind::kValue;
  result.value = std::move(e);
  for (const Operand* part : parts) {
    result.size += part->size;
    result.depth = std::max(result.depth, part->depth + 1);
    result.reads = result.reads || part->reads;
  }
  if (result.size <= kMostSize && result.depth <= kMostEvaluationDepth) return result;
  return Poison(node.span, StrCat("the expression has more than ", kMostSize, " operations"),
                "the functions that it calls are counted where they are called",
                "name parts of it as stages of their own");
}

Operand Evaluator::Known(const Node& node) {
  Operand result = Evaluate(node);
  if (!result.is_value()) return result;
  return Poison(node.span, "this must be known when the operator is bound",
                StrCat(Quote(node), " is a value"), "use symbols, attributes, facts and numbers");
}

std::optional<int64_t> Evaluator::KnownInteger(const Node& node) {
  Operand result = Known(node);
  if (result.kind == Operand::Kind::kInteger) return result.integer;
  if (!result.poison()) {
    Poison(node.span, "this must be an integer", StrCat(Quote(node), " is ", ToText(result)),
           "write an integer");
  }
  return std::nullopt;
}

std::optional<bool> Evaluator::KnownTruth(const Node& node) {
  Operand result = Known(node);
  if (result.kind == Operand::Kind::kTruth) return result.truth;
  if (!result.poison()) {
    std::string fix = result.is_number() ? StrCat("compare it, as in ", Quote(node), " != 0")
                                         : "compare it, as in act == relu";
    Poison(node.span, "a condition must be true or false", StrCat(Quote(node), " is ", ToText(result)), fix);
  }
  return std::nullopt;
}

std::optional<DType> Evaluator::TypeNamed(const Word& word) {
  if (auto dtype = DTypeNamed(word.text)) return dtype;
  const Operand* found = nullptr;
  if (frame_) {
    auto argument = frame_->find(word.text);
    found = argument == frame_->end() ? nullptr : &argument->second;
  } else {
    found = environment_->Find(word.text);
  }
  if (found && found->poison()) return std::nullopt;
  if (found && found->kind == Operand::Kind::kName) {
    if (auto dtype = DTypeNamed(found->name)) return dtype;
  }
  Poison(word.span, StrCat(word.text, " is not a type"), found ? StrCat("it is ", ToText(*found)) : "",
         "write f32, or a name whose value is a dtype");
  return std::nullopt;
}

Operand Evaluator::Evaluate(const Node& node, bool whole) {
  struct Level {
    explicit Level(int* n) : n(n) { ++*n; }
    ~Level() { --*n; }
    int* n;
  } level(&nesting_);
  if (nesting_ > kMostEvaluationDepth || ++steps_ > kMostSteps) {
    return Poison(node.span, "too many function calls, one inside the other", "",
                  "write out what the functions compute, in several stages");
  }
  switch (node.kind) {
    case NodeKind::kInteger: {
      if (auto value = ParseInteger(node.word.text)) return Operand::Integer(*value);
      return Poison(node.span, StrCat(Quote(node), " does not fit in 64 bits"), "",
                    "write a smaller integer, or a real number with a point");
    }
    case NodeKind::kReal: {
      double value = 0;
      auto end = node.word.text.data() + node.word.text.size();
      if (std::from_chars(node.word.text.data(), end, value).ec == std::errc()) return Operand::Real(value);
      return Poison(node.span, StrCat(Quote(node), " is beyond the range of f64"), "",
                    "write a number between 1e-307 and 1e307");
    }
    case NodeKind::kWord:
      if (node.word.text == "inf") return Operand::Real(INFINITY);
      return Operand::Truth(node.word.text == "true");
    case NodeKind::kName:
      return Name(node);
    case NodeKind::kParen:
      return Evaluate(*node.args[0], whole);
    case NodeKind::kUnary:
      return Unary(node);
    case NodeKind::kBinary:
      return Binary(node);
    case NodeKind::kRead:
      return Read(node);
    case NodeKind::kCall:
      return Call(node, whole);
    case NodeKind::kReduce:
      return Reduce(node, whole);
    case NodeKind::kCase:
      return Case(node, whole);
    case NodeKind::kTable:
      return Table(node);
  }
  return {};
}

Operand Evaluator::Name(const Node& node) {
  const std::string& name = node.word.text;
  if (frame_) {
    if (auto argument = frame_->find(name); argument != frame_->end()) return argument->second;
    return Operand::Name(name);
  }
  for (auto axis = scope_.rbegin(); axis != scope_.rend(); ++axis) {
    if (axis->first != name) continue;
    Operand result = Value(Var(axis->second), {}, node);
    result.axis = axis->second;
    return result;
  }
  if (const Operand* found = environment_->Find(name)) return *found;
  return Operand::Name(name);
}

Operand Evaluator::Case(const Node& node, bool whole) {
  Operand subject = Evaluate(*node.args[0]);
  if (subject.poison()) return {};
  if (subject.is_value() || subject.kind == Operand::Kind::kReal) {
    return Poison(node.args[0]->span,
                  "case takes a name, an integer or a truth value that is known at binding",
                  StrCat(Quote(*node.args[0]), " is ", ToText(subject)), "use select(condition, x, y)");
  }
  std::string text = ToText(subject);
  for (size_t i = 0; i < node.labels.size(); ++i) {
    const std::string& label = node.labels[i].text;
    bool number = subject.kind == Operand::Kind::kInteger;
    if (label == "else" || (number ? ParseInteger(label) == subject.integer : label == text)) {
      return Evaluate(*node.args[i + 1], whole);
    }
  }
  return ValueError(*node.args[0], StrCat("no label of this case is ", text),
                    StrCat("add ", text, ": ... or else: ..."));
}

Operand Evaluator::FunctionCall(const Node& node, size_t number, bool whole) {
  const FunctionSyntax& function = environment_->file().functions[number];
  Frame frame;
  for (size_t i = 0; i < node.args.size(); ++i) {
    Operand argument = Evaluate(*node.args[i]);
    if (argument.poison()) return {};
    frame[function.arguments[i].text] = std::move(argument);
  }
  const Frame* outer_frame = std::exchange(frame_, &frame);
  size_t outer_visible = std::exchange(functions_visible_, number);  // so that no function calls itself
  Operand result = Evaluate(*function.value, whole);
  frame_ = outer_frame;
  functions_visible_ = outer_visible;
  return result;
}

Expr Evaluator::Index(const Node& node, int* alone) {
  Operand index = Evaluate(node);
  *alone = index.axis;
  if (index.poison()) return nullptr;
  if (index.kind == Operand::Kind::kInteger) return Int(index.integer);
  if (index.is_value() && index.reads) {
    Poison(node.span, "an index cannot depend on an element of a tensor", "",
           "make indices of axes, symbols, attributes and numbers");
    return nullptr;
  }
  if (index.is_value() && index.value->type == DType::kI64) return index.value;
  Poison(node.span, "an index must be an i64", TypeText(node, index),
         index.is_value() ? StrCat("write i64(", Quote(node), ")") : "write an integer");
  return nullptr;
}

Operand Evaluator::Read(const Node& node) {
  DraftRead read;
  bool sound = true;
  auto in_draft = std::find_if(draft_->tensors.begin(), draft_->tensors.end(),
                               [&](const DraftTensor& t) { return t.name == node.word.text; });
  if (in_draft == draft_->tensors.end() || !in_draft->exists || !in_draft->defined) {
    bool parameter = in_draft != draft_->tensors.end() && in_draft->role != Role::kOutput;
    return Poison(node.span,
                  parameter
                      ? StrCat("the parameter ", node.word.text, " does not exist with these attributes")
                      : StrCat("no stage defines ", node.word.text, " with these attributes"),
                  "", "read it only where it exists: inside if, case, or a select whose condition is known");
  }
  if (in_draft->broken) return {};
  const DraftTensor tensor = *in_draft;
  read.tensor = static_cast<int>(in_draft - draft_->tensors.begin());
  read.span = node.span;
  Operand parts;
  for (const NodePtr& arg : node.args) {
    int alone = -1;
    Expr index = Index(*arg, &alone);
    sound = sound && index;
    read.alone.push_back(alone);
    read.indices.push_back(index);
    read.index_spans.push_back(arg->span);
  }
  Expr otherwise;
  if (node.otherwise) {
    Operand other = Evaluate(*node.otherwise);
    otherwise = other.poison() ? nullptr : As(tensor.dtype, other, *node.otherwise);
    sound = sound && otherwise;
    parts = other;
  }
  if (!sound) return {};
  read.guarded = node.otherwise != nullptr;
  for (const auto& [name, axis] : scope_) read.axes_in_scope.push_back(axis);
  std::vector<Expr> indices = read.indices;
  int id = read.tensor;
  draft_->reads.push_back(std::move(read));
  Expr e = node.otherwise ? GuardedRead(tensor.dtype, id, std::move(indices), nullptr, std::move(otherwise))
                          : te::Read(tensor.dtype, id, std::move(indices));
  Operand result = Value(std::move(e), {&parts}, node);
  result.size += static_cast<int64_t>(node.args.size()) * 4;
  result.reads = true;
  return result;
}

Operand Evaluator::Table(const Node& node) {
  DType type = DType::kF32;
  if (!node.suffix.empty()) {
    auto named = TypeNamed(node.suffix);
    if (!named) return {};
    type = *named;
  }
  // The position in row-major order, and how many there are.
  Expr flat = Int(0);
  int64_t count = 1;
  for (const AxisSyntax& axis : node.axes) {
    int id = -1;
    for (const auto& [name, in_scope] : scope_) {
      if (name == axis.name.text) id = in_scope;
    }
    auto extent = id < 0 ? std::nullopt : draft_->axes[static_cast<size_t>(id)].extent;
    if (!extent || *extent > kMostSize) {
      return Poison(axis.name.span,
                    StrCat("the extent of the table's axis ", axis.name.text, " is not known here"), "",
                    StrCat("write it where the axis is introduced: ", axis.name.text, " < 3"));
    }
    flat = flat * Int(*extent) + Var(id);
    count *= *extent;
    if (count > kMostSize) break;
  }
  if (count != static_cast<int64_t>(node.args.size())) {
    return Poison(node.span, StrCat("the table has ", node.args.size(), " entries, its axes have ", count),
                  "", "write one entry for each position, the last axis fastest");
  }
  std::vector<Expr> entries;
  for (const NodePtr& arg : node.args) {
    Operand entry = Known(*arg);
    Expr e = entry.poison() ? nullptr : As(type, entry, *arg);
    if (!e) return {};
    entries.push_back(std::move(e));
  }
  if (entries.empty()) return Poison(node.span, "the table is empty", "", "give it entries");
  // A tree of selects halves the entries until one is left.
  auto choose = [&](auto& self, size_t begin, size_t end) -> Expr {
    if (end - begin == 1) return entries[begin];
    size_t middle = (begin + end) / 2;
    return Select(te::Binary(ExprKind::kLess, flat, Int(static_cast<int64_t>(middle))),
                  self(self, begin, middle), self(self, middle, end));
  };
  Operand result = Value(choose(choose, 0, entries.size()), {}, node);
  result.size = count * 4;
  result.depth = 20;
  return result;
}

}  // namespace tunesmith::te::language
