// SPDX-License-Identifier: Apache-2.0
// The parser of operators, functions and statements.
#include <charconv>

#include "support/strings.h"
#include "te/language/parser.h"

namespace tunesmith::te::language {

bool Parser::Function() {
  FunctionSyntax function;
  uint32_t begin = Peek().span.begin;
  ++at_;
  if (!ExpectName(&function.name, "the function's name") || !Expect("(", "before the arguments"))
    return false;
  do {
    Word argument;
    if (!ExpectName(&argument, "an argument's name")) return false;
    function.arguments.push_back(std::move(argument));
  } while (Take(","));
  if (!Expect(")", "after the arguments") || !Expect("=", "before the function's value")) return false;
  if (!(function.value = Expression())) return false;
  function.span = SpanFrom(begin);
  file_->order.push_back(static_cast<int>(file_->functions.size()));
  file_->functions.push_back(std::move(function));
  return true;
}

bool Parser::OperatorDefinition() {
  OperatorSyntax op;
  if (!Header(&op) || !Block(&op.body, &op.end)) return false;
  while (At("algorithm")) {
    AlgorithmSyntax algorithm;
    if (!Algorithm(&algorithm)) return false;
    op.algorithms.push_back(std::move(algorithm));
  }
  file_->order.push_back(-1 - static_cast<int>(file_->operators.size()));
  file_->operators.push_back(std::move(op));
  return true;
}

bool Parser::Header(OperatorSyntax* op) {
  uint32_t begin = Peek().span.begin;
  ++at_;
  if (!ExpectName(&op->name, "the operator's name") || !Expect("(", "before the parameters")) return false;
  if (!At(";") && !At(")") && !Tensors(&op->parameters, false)) return false;
  if (Take(";")) {
    do {
      AttributeSyntax attribute;
      if (!Attribute(&attribute)) return false;
      op->attributes.push_back(std::move(attribute));
    } while (Take(","));
  }
  if (!Expect(")", "after the parameters") || !Expect("->", "before the outputs") ||
      !Expect("(", "before the outputs") || !Tensors(&op->outputs, true) ||
      !Expect(")", "after the outputs")) {
    return false;
  }
  if (Take("where")) {
    do {
      FactSyntax fact;
      if (!Fact(&fact)) return false;
      op->facts.push_back(std::move(fact));
    } while (Take(","));
  }
  op->head = SpanFrom(begin);
  if (At("{")) op->head.end = Peek().span.end;
  return true;
}

bool Parser::Tensors(std::vector<TensorSyntax>* tensors, bool output) {
  do {
    TensorSyntax tensor;
    if (!Tensor(&tensor, output)) return false;
    tensors->push_back(std::move(tensor));
  } while (Take(","));
  return true;
}

bool Parser::Tensor(TensorSyntax* tensor, bool output) {
  uint32_t begin = Peek().span.begin;
  if (At("weight") && Peek(1).kind == TokenKind::kName) {
    if (output) {
      Report(Peek().span, "an output is marked as a weight", "", "remove 'weight'");
      return false;
    }
    tensor->weight = Take("weight");
  }
  if (!ExpectName(&tensor->name, output ? "an output's name" : "a parameter's name") ||
      !Expect(":", "between a tensor and its type") || !ExpectName(&tensor->type, "a type") ||
      !Expect("[", "before the shape") || !List(&tensor->shape, "]")) {
    return false;
  }
  if (Take("if") && !(tensor->condition = Expression())) return false;
  tensor->span = SpanFrom(begin);
  return true;
}

bool Parser::Attribute(AttributeSyntax* attribute) {
  uint32_t begin = Peek().span.begin;
  if (!ExpectName(&attribute->name, "an attribute's name")) return false;
  if (Take("=")) {
    if (Peek().kind == TokenKind::kName && Peek(1).Is("|")) {
      do {
        Word choice;
        if (!ExpectName(&choice, "one of the attribute's names")) return false;
        attribute->choices.push_back(std::move(choice));
      } while (Take("|"));
    } else if (!(attribute->value = Expression())) {
      return false;
    }
  }
  attribute->span = SpanFrom(begin);
  return true;
}

bool Parser::Fact(FactSyntax* fact) {
  uint32_t begin = Peek().span.begin;
  if (Peek(1).Is("=")) {
    if (!ExpectName(&fact->name, "a fact's name")) return false;
    ++at_;
  }
  if (!(fact->value = Expression())) return false;
  fact->span = SpanFrom(begin);
  return true;
}

bool Parser::Algorithm(AlgorithmSyntax* algorithm) {
  uint32_t begin = Peek().span.begin;
  ++at_;
  if (!ExpectName(&algorithm->name, "the algorithm's name") || !Expect("tolerance", "after the name")) {
    return false;
  }
  if (Peek().kind != TokenKind::kInteger && Peek().kind != TokenKind::kReal) {
    ReportExpected("a factor on the tolerance", "write a number, such as 2");
    return false;
  }
  const std::string_view text = Peek().text;
  algorithm->tolerance = {std::string(text), Peek().span};
  std::from_chars(text.data(), text.data() + text.size(), algorithm->factor);
  if (!(algorithm->factor >= 1 && algorithm->factor <= 1e6)) {
    Report(Peek().span, "a tolerance is a factor between 1 and 1e6", "",
           "write 1 if the algorithm is as exact as the definition");
  }
  ++at_;
  if (Take("if") && !(algorithm->condition = Expression())) return false;
  algorithm->head = SpanFrom(begin);
  if (At("{")) algorithm->head.end = Peek().span.end;
  return Block(&algorithm->body, &algorithm->end);
}

bool Parser::Block(std::vector<Statement>* statements, Span* end) {
  Nesting nesting(this);
  if (!nesting.Allowed() || !Expect("{", "before the stages")) return false;
  while (!At("}") && Peek().kind != TokenKind::kEnd && !At("op") && !At("fn") && !At("algorithm")) {
    size_t before = at_;
    Statement statement;
    if (StageOrChoice(&statement)) {
      statements->push_back(std::move(statement));
    } else {
      if (at_ == before) ++at_;
      SkipToStatement();
    }
  }
  *end = Peek().span;
  return Expect("}", "after the stages");
}

bool Parser::StageOrChoice(Statement* statement) {
  uint32_t begin = Peek().span.begin;
  bool parsed = At("if") ? Choice(statement) : Stage(statement);
  statement->span = SpanFrom(begin);
  return parsed;
}

bool Parser::Stage(Statement* statement) {
  if (Peek().kind != TokenKind::kName) {
    ReportExpected("a stage", "write one, as in Y[i] = X[i]");
    return false;
  }
  if (!ExpectName(&statement->tensor, "a stage's tensor")) return false;
  if (!Expect("[", "after the tensor that the stage defines") || !Axes(&statement->axes, "]")) return false;
  return Expect("=", "before the stage's value") && (statement->value = Expression()) != nullptr;
}

bool Parser::Choice(Statement* statement) {
  Nesting nesting(this);
  if (!nesting.Allowed()) return false;
  uint32_t begin = Peek().span.begin;
  ++at_;
  if (!(statement->condition = Expression())) return false;
  statement->head = SpanFrom(begin);
  if (At("{")) statement->head.end = Peek().span.end;
  if (!Block(&statement->yes, &statement->yes_end)) return false;
  if (!At("else")) return true;
  statement->has_else = true;
  begin = Peek().span.begin;
  ++at_;
  if (At("if")) {
    statement->else_head = SpanFrom(begin);
    Statement next;
    bool parsed = StageOrChoice(&next);
    statement->no_end = next.no.empty() ? next.yes_end : next.no_end;
    statement->no.push_back(std::move(next));
    return parsed;
  }
  statement->else_head = {begin, Peek().span.end};
  return Block(&statement->no, &statement->no_end);
}

void Parser::SkipToStatement() {
  while (Peek().kind != TokenKind::kEnd && !At("}")) {
    if (Peek().first_on_line && Peek().kind == TokenKind::kName) return;
    ++at_;
  }
}

void Parser::SkipToDeclaration() {
  if (Peek().kind != TokenKind::kEnd) ++at_;
  while (Peek().kind != TokenKind::kEnd && !(Peek().first_on_line && (At("op") || At("fn")))) ++at_;
}

}  // namespace tunesmith::te::language
