// SPDX-License-Identifier: Apache-2.0
// Stages and reductions.
#include <algorithm>
#include <set>

#include "support/strings.h"
#include "te/language/evaluator.h"

namespace tunesmith::te::language {
namespace {

Reducer ReducerOf(ReducerWord word) {
  switch (word) {
    case ReducerWord::kSum:
      return Reducer::kSum;
    case ReducerWord::kProd:
      return Reducer::kProd;
    case ReducerWord::kMax:
    case ReducerWord::kArgmax:
      return Reducer::kMax;
    case ReducerWord::kMin:
    case ReducerWord::kArgmin:
      return Reducer::kMin;
    case ReducerWord::kAny:
      return Reducer::kAny;
    case ReducerWord::kAll:
      return Reducer::kAll;
  }
  return Reducer::kNone;
}

bool IsArg(ReducerWord word) { return word == ReducerWord::kArgmax || word == ReducerWord::kArgmin; }

bool MayAccumulate(DType type) {
  return type == DType::kF32 || type == DType::kF64 || type == DType::kI32 || type == DType::kI64;
}

}  // namespace

int Evaluator::IntroduceAxis(const AxisSyntax& syntax) {
  DraftAxis axis;
  axis.name = syntax.name.text;
  axis.span = syntax.name.span;
  if (syntax.extent) {
    axis.extent_syntax = syntax.extent.get();
    axis.extent = KnownInteger(*syntax.extent);
    if (!axis.extent) {
      axis.extent = 0;  // reported; no range need be inferred
    } else if (*axis.extent < 0) {
      ValueError(*syntax.extent, StrCat("the extent of ", axis.name, " is ", *axis.extent),
                 "bind other values");
      axis.extent = 0;
    }
  }
  int id = static_cast<int>(draft_->axes.size());
  draft_->axes.push_back(std::move(axis));
  draft_->axis_of_syntax.insert({&syntax, id});
  return id;
}

void Evaluator::Stage(const Statement& statement) {
  const std::string& name = statement.tensor.text;
  draft_->chosen.push_back(&statement);
  scope_.clear();
  stage_ = &statement;
  DraftStage stage;
  stage.span = statement.span;
  for (const AxisSyntax& syntax : statement.axes) stage.spatial.push_back(IntroduceAxis(syntax));
  for (int axis : stage.spatial) scope_.emplace_back(draft_->axes[static_cast<size_t>(axis)].name, axis);

  auto& tensors = draft_->tensors;
  auto output =
      std::find_if(tensors.begin(), tensors.end(), [&](const DraftTensor& t) { return t.name == name; });
  bool declared = output != tensors.end() && output->role == Role::kOutput;
  if (declared && !output->exists) {
    Poison(statement.tensor.span, StrCat("the output ", name, " does not exist with these attributes"), "",
           "put the stage into an if");
    return;
  }
  for (size_t d = 0; declared && d < stage.spatial.size(); ++d) {
    DraftAxis& axis = draft_->axes[static_cast<size_t>(stage.spatial[d])];
    if (axis.extent && *axis.extent != output->shape[d]) {
      Poison(axis.span, StrCat("the axis ", axis.name, " does not have the extent of its dimension"),
             StrCat(axis.name, " < ", *axis.extent, ", dimension ", d, " of ", name, " has the extent ",
                    output->shape[d]),
             StrCat("write ", axis.name, " alone"));
    }
    axis.extent = output->shape[d];
    axis.extent_syntax = output->shape_syntax[d];
  }
  // Read before evaluating the value, which may add tensors and so move them.
  DType type = declared ? output->dtype : DType::kF32;
  Operand value = Evaluate(*statement.value, true);
  Expr body;
  if (value.is_value()) {
    if (!declared) type = value.value->type;
    body = value.value;
    if (type != body->type) {
      Poison(statement.value->span,
             StrCat("the value of ", name, " is ", NameOf(body->type), ", not ", NameOf(type)),
             StrCat(name, " is declared as ", NameOf(type)), StrCat("write ", NameOf(type), "(...)"));
      body = nullptr;
    }
  } else if (value.known() && declared) {
    body = As(type, value, *statement.value);
  } else if (value.known()) {
    Poison(statement.value->span, StrCat("the type of ", name, " cannot be told from a number"),
           StrCat("its value is ", ToText(value)), StrCat("write f32(", Quote(*statement.value), ")"));
  }
  // Looked up again for the same reason.
  auto found =
      std::find_if(tensors.begin(), tensors.end(), [&](const DraftTensor& t) { return t.name == name; });
  if (found == tensors.end()) {
    DraftTensor tensor;
    tensor.name = name;
    tensor.dtype = type;
    tensor.axes = stage.spatial;
    found = tensors.insert(tensors.end(), std::move(tensor));
  }
  found->defined = true;
  found->broken = !body;
  if (!body) return;
  stage.tensor = static_cast<int>(found - tensors.begin());
  stage.accumulator = type;
  stage.body = std::move(body);
  draft_->stages.push_back(std::move(stage));
}

std::vector<int> Evaluator::FreeAxes(const Expr& e) const {
  std::set<int> used;
  Visit(e, [&](const Expr& node) {
    if (node->kind == ExprKind::kVar) used.insert(node->id);
  });
  std::vector<int> free;
  for (const auto& [name, axis] : scope_) {
    if (used.contains(axis)) free.push_back(axis);
  }
  return free;
}

Operand Evaluator::Hoist(std::string_view suffix, DraftStage stage, DType dtype) {
  DraftTensor tensor;
  std::string base = StrCat(stage_->tensor.text, "_", suffix);
  const OperatorSyntax& op = environment_->op();
  auto taken = [&](const std::string& name) {
    for (const DraftTensor& t : draft_->tensors) {
      if (t.name == name) return true;
    }
    // A later stage may have the name.
    bool written = false;
    auto search = [&](auto& self, const std::vector<Statement>& statements) -> void {
      for (const Statement& s : statements) {
        written = written || s.tensor.text == name;
        self(self, s.yes);
        self(self, s.no);
      }
    };
    search(search, op.body);
    for (const AlgorithmSyntax& algorithm : op.algorithms) search(search, algorithm.body);
    return written;
  };
  tensor.name = base;
  for (int n = 2; taken(tensor.name); ++n) tensor.name = StrCat(base, n);
  tensor.dtype = dtype;
  tensor.axes = stage.spatial;
  tensor.defined = true;
  stage.tensor = static_cast<int>(draft_->tensors.size());
  stage.span = stage_->span;
  std::vector<Expr> indices;
  for (int axis : stage.spatial) indices.push_back(Var(axis));
  Operand result;
  result.kind = Operand::Kind::kValue;
  result.value = te::Read(dtype, stage.tensor, std::move(indices));
  result.reads = true;
  result.size = 1 + static_cast<int64_t>(stage.spatial.size());
  draft_->tensors.push_back(std::move(tensor));
  draft_->stages.push_back(std::move(stage));
  return result;
}

std::optional<DType> Evaluator::Accumulator(const Node& node, ReducerWord word, const Operand& body) {
  const Node& body_node = *node.args[0];
  const std::string& reducer = node.word.text;
  std::optional<DType> type = body.is_value()                      ? std::optional(body.value->type)
                              : body.kind == Operand::Kind::kTruth ? std::optional(DType::kBool)
                                                                   : std::nullopt;
  bool logical = word == ReducerWord::kAny || word == ReducerWord::kAll;
  if (type && logical != (*type == DType::kBool)) {
    Poison(body_node.span, StrCat(reducer, " takes ", logical ? "conditions" : "numbers"),
           TypeText(body_node, body),
           logical ? StrCat("compare it, as in ", reducer, "(k) (X[k] > 0)") : "cast it, as in i32(x)");
    return std::nullopt;
  }
  std::optional<DType> named;
  if (!node.suffix.empty()) {
    named = TypeNamed(node.suffix);
    if (!named) return std::nullopt;
  }
  if (IsArg(word)) return type ? type : std::optional(DType::kF32);
  bool rounds = word == ReducerWord::kSum || word == ReducerWord::kProd;
  if (!type && !named) {
    Poison(body_node.span, StrCat("the type of this ", reducer, " cannot be told from a number"), "",
           StrCat("name its accumulator, as in ", reducer, ":f32(k)"));
    return std::nullopt;
  }
  if (named && rounds && !MayAccumulate(*named)) {
    Poison(node.suffix.span, StrCat("a ", reducer, " cannot accumulate in ", NameOf(*named)), "",
           StrCat("write ", reducer, IsFloat(*named) ? ":f32" : ":i32", "(...) and cast its value to ",
                  NameOf(*named)));
    return std::nullopt;
  }
  if (!named && rounds && *type != DType::kF32 && *type != DType::kF64) {
    Poison(node.span, StrCat("a ", reducer, " of ", NameOf(*type), " must name its accumulator"),
           TypeText(body_node, body),
           StrCat("write ", reducer, IsFloat(*type) ? ":f32(...) of f32(...)" : ":i32(...) of i32(...)",
                  " factors"));
    return std::nullopt;
  }
  if (named && type && *named != *type) {
    Poison(body_node.span,
           StrCat("this ", reducer, " accumulates in ", NameOf(*named), ", its body is ", NameOf(*type)),
           TypeText(body_node, body), StrCat("cast the factors of the body, as in ", NameOf(*named), "(x)"));
    return std::nullopt;
  }
  return named ? named : type;
}

Operand Evaluator::Reduce(const Node& node, bool whole) {
  ReducerWord word = *ReducerNamed(node.word.text);
  size_t outside = scope_.size();
  DraftStage stage;
  for (const AxisSyntax& syntax : node.axes) stage.reduced.push_back(IntroduceAxis(syntax));
  for (int axis : stage.reduced) scope_.emplace_back(draft_->axes[static_cast<size_t>(axis)].name, axis);
  Operand body = Evaluate(*node.args[0]);
  auto accumulator = body.poison() ? std::nullopt : Accumulator(node, word, body);
  Operand result;
  if (accumulator && IsArg(word)) {
    result = ArgReduce(node, word, std::move(body), stage.reduced, whole);
  } else if (accumulator) {
    stage.body = As(*accumulator, body, *node.args[0]);
    if (stage.body) {
      std::vector<int> free;
      for (int axis : FreeAxes(stage.body)) {
        if (std::find(stage.reduced.begin(), stage.reduced.end(), axis) == stage.reduced.end())
          free.push_back(axis);
      }
      if (whole) {
        for (size_t i = 0; i < outside; ++i) stage.spatial.push_back(scope_[i].second);
      } else {
        stage.spatial = free;
      }
      stage.whole_value = whole;
      stage.reducer = ReducerOf(word);
      stage.accumulator = *accumulator;
      result = Hoist(node.word.text, std::move(stage), *accumulator);
    }
  }
  scope_.resize(outside);
  return result;
}

Operand Evaluator::ArgReduce(const Node& node, ReducerWord word, Operand body, const std::vector<int>& axes,
                             bool whole) {
  if (axes.size() != 1) {
    return Poison(node.span, StrCat(node.word.text, " gives the index along one axis, not ", axes.size()), "",
                  "reduce over one axis; merge dimensions in the shape of the parameter");
  }
  if (!body.is_value()) {
    return Poison(node.args[0]->span, StrCat(node.word.text, " of a number"), "",
                  "give it values of a tensor");
  }
  DType index = DType::kI64;
  if (!node.suffix.empty()) {
    auto named = TypeNamed(node.suffix);
    if (!named) return {};
    index = *named;
  }
  if (index != DType::kI64 && index != DType::kI32) {
    return Poison(node.suffix.span, StrCat("an index cannot be ", NameOf(index)), "",
                  StrCat("write ", node.word.text, ":i32(...) or ", node.word.text, ":i64(...)"));
  }
  // A compiler may round one expression differently in two places; the value that is looked for must be the
  // one that was found, so it is stored.
  if (body.value->kind != ExprKind::kRead) {
    DraftStage values;
    values.spatial = FreeAxes(body.value);
    values.accumulator = body.value->type;
    values.body = body.value;
    body = Hoist("value", std::move(values), body.value->type);
  }
  int axis = axes[0];
  DraftStage extreme;
  for (int free : FreeAxes(body.value)) {
    if (free != axis) extreme.spatial.push_back(free);
  }
  std::vector<int> free = extreme.spatial;
  extreme.reduced = axes;
  extreme.reducer = ReducerOf(word);
  extreme.accumulator = body.value->type;
  extreme.body = body.value;
  Operand best = Hoist(word == ReducerWord::kArgmax ? "max" : "min", std::move(extreme), body.value->type);

  DraftStage first;
  first.spatial = free;
  if (whole) {
    first.spatial.clear();
    for (size_t i = 0; i + 1 < scope_.size(); ++i) first.spatial.push_back(scope_[i].second);
  }
  first.whole_value = whole;
  first.reduced = axes;
  first.reducer = Reducer::kMin;
  first.accumulator = index;
  first.body = Select(te::Binary(ExprKind::kEqual, body.value, best.value), Cast(index, Var(axis)),
                      Int(HighestInteger(index), index));
  return Hoist(node.word.text, std::move(first), index);
}

}  // namespace tunesmith::te::language
