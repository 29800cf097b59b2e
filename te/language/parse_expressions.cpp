// SPDX-License-Identifier: Apache-2.0
// The parser of expressions.
#include <algorithm>

#include "support/strings.h"
#include "te/language/parser.h"
#include "te/language/vocabulary.h"

namespace tunesmith::te::language {
namespace {

std::unique_ptr<Node> NewNode(NodeKind kind) {
  auto node = std::make_unique<Node>();
  node->kind = kind;
  return node;
}

Word WordOf(const Token& token) { return {std::string(token.text), token.span}; }

bool IsComparison(const Token& token) {
  return token.Is("<") || token.Is("<=") || token.Is(">") || token.Is(">=") || token.Is("==") ||
         token.Is("!=");
}

}  // namespace

NodePtr Parser::Finish(std::unique_ptr<Node> node, uint32_t begin) {
  node->span = SpanFrom(begin);
  for (const NodePtr& arg : node->args) node->depth = std::max(node->depth, arg->depth + 1);
  if (node->otherwise) node->depth = std::max(node->depth, node->otherwise->depth + 1);
  for (const AxisSyntax& axis : node->axes) {
    if (axis.extent) node->depth = std::max(node->depth, axis.extent->depth + 1);
  }
  if (node->depth <= kMostDepth) return node;
  Abandon(node->span, StrCat("an expression of more than ", kMostDepth, " operations one inside the other"),
          "name parts of it as stages of their own");
  return nullptr;
}

bool Parser::Axes(std::vector<AxisSyntax>* axes, std::string_view close) {
  if (Take(close)) return true;
  do {
    AxisSyntax axis;
    if (!ExpectName(&axis.name, "an axis")) return false;
    if (Take("<") && !(axis.extent = Sum())) return false;
    axes->push_back(std::move(axis));
  } while (Take(","));
  return Expect(close, "after the axes");
}

bool Parser::List(std::vector<NodePtr>* nodes, std::string_view close) {
  if (Take(close)) return true;
  do {
    NodePtr node = Expression();
    if (!node) return false;
    nodes->push_back(std::move(node));
  } while (Take(","));
  return Expect(close, "after the list");
}

NodePtr Parser::Join(NodePtr a, const Token& op, NodePtr b) {
  auto node = NewNode(NodeKind::kBinary);
  node->word = WordOf(op);
  uint32_t begin = a->span.begin;
  node->args.push_back(std::move(a));
  node->args.push_back(std::move(b));
  return Finish(std::move(node), begin);
}

NodePtr Parser::Chain(NodePtr (Parser::*operand)(), std::initializer_list<std::string_view> operators) {
  NodePtr a = (this->*operand)();
  while (a && std::find(operators.begin(), operators.end(), Peek().text) != operators.end()) {
    Token op = Peek();
    ++at_;
    NodePtr b = (this->*operand)();
    if (!b) return nullptr;
    a = Join(std::move(a), op, std::move(b));
  }
  return a;
}

NodePtr Parser::Expression() {
  Nesting nesting(this);
  if (!nesting.Allowed()) return nullptr;
  return Chain(&Parser::Conjunction, {"||"});
}

NodePtr Parser::Conjunction() { return Chain(&Parser::Comparison, {"&&"}); }

NodePtr Parser::Comparison() {
  NodePtr a = Sum();
  if (!a || !IsComparison(Peek())) return a;
  Token op = Peek();
  ++at_;
  NodePtr b = Sum();
  if (!b) return nullptr;
  if (IsComparison(Peek())) {
    Report(Peek().span, "comparisons do not chain", "", "join two comparisons with &&, as in a < b && b < c");
    return nullptr;
  }
  return Join(std::move(a), op, std::move(b));
}

NodePtr Parser::Sum() { return Chain(&Parser::Product, {"+", "-"}); }

NodePtr Parser::Product() { return Chain(&Parser::Unary, {"*", "/", "%"}); }

NodePtr Parser::Unary() {
  bool reduction = AtReduction();
  if (!reduction && !At("-") && !At("!")) return Primary();
  Nesting nesting(this);
  if (!nesting.Allowed()) return nullptr;
  if (reduction) return Reduction();
  auto node = NewNode(NodeKind::kUnary);
  uint32_t begin = Peek().span.begin;
  node->word = WordOf(Peek());
  ++at_;
  NodePtr operand = Unary();
  if (!operand) return nullptr;
  node->args.push_back(std::move(operand));
  return Finish(std::move(node), begin);
}

bool Parser::AtReduction() const {
  if (Peek().kind != TokenKind::kName || !ReducerNamed(Peek().text)) return false;
  if (!FindBuiltIn(Peek().text)) return true;  // only max and min are functions as well
  if (Peek(1).Is(":")) return true;
  if (!Peek(1).Is("(")) return false;
  // Of a call every argument is a value; of a reduction, `name` or `name < extent`. What follows decides.
  size_t ahead = 2, items = 1;
  for (int depth = 0; depth >= 0; ++ahead) {
    const Token& token = Peek(ahead);
    if (token.kind == TokenKind::kEnd) return false;
    bool begins = depth == 0 && (Peek(ahead - 1).Is("(") || Peek(ahead - 1).Is(","));
    if (begins && (token.kind != TokenKind::kName ||
                   !(Peek(ahead + 1).Is(",") || Peek(ahead + 1).Is(")") || Peek(ahead + 1).Is("<")))) {
      return false;
    }
    if (token.Is("(") || token.Is("[") || token.Is("{")) ++depth;
    if (token.Is(")") || token.Is("]") || token.Is("}")) --depth;
    if (depth == 0 && token.Is(",")) ++items;
  }
  if (items == 1) return true;
  const Token& next = Peek(ahead);
  bool operand = next.kind == TokenKind::kInteger || next.kind == TokenKind::kReal || next.Is("(") ||
                 (next.kind == TokenKind::kName && (!IsReserved(next.text) || next.Is("case") ||
                                                    next.Is("inf") || next.Is("true") || next.Is("false")));
  return operand && !next.first_on_line;
}

NodePtr Parser::Reduction() {
  auto node = NewNode(NodeKind::kReduce);
  uint32_t begin = Peek().span.begin;
  node->word = WordOf(Peek());
  ++at_;
  if (Take(":") && !ExpectName(&node->suffix, "the accumulator's type")) return nullptr;
  if (!Expect("(", StrCat("before the axes of ", node->word.text)) || !Axes(&node->axes, ")")) return nullptr;
  if (node->axes.empty()) {
    Report(node->word.span, StrCat("'", node->word.text, "' names no axis to reduce over"), "",
           StrCat("name its axes, as in ", node->word.text, "(k) X[k]"));
    return nullptr;
  }
  NodePtr body = Chain(&Parser::Unary, {"*"});
  if (!body) return nullptr;
  node->args.push_back(std::move(body));
  return Finish(std::move(node), begin);
}

NodePtr Parser::Primary() {
  const Token& token = Peek();
  uint32_t begin = token.span.begin;
  if (token.kind == TokenKind::kInteger || token.kind == TokenKind::kReal || At("inf") || At("true") ||
      At("false")) {
    auto node = NewNode(token.kind == TokenKind::kInteger ? NodeKind::kInteger
                        : token.kind == TokenKind::kReal  ? NodeKind::kReal
                                                          : NodeKind::kWord);
    node->word = WordOf(token);
    ++at_;
    return Finish(std::move(node), begin);
  }
  if (Take("(")) {
    auto node = NewNode(NodeKind::kParen);
    NodePtr inside = Expression();
    if (!inside || !Expect(")", "after the expression")) return nullptr;
    node->args.push_back(std::move(inside));
    return Finish(std::move(node), begin);
  }
  if (At("case")) return Case();
  if (token.kind == TokenKind::kName && !IsReserved(token.text)) return Named();
  ReportExpected("an expression", "write a value, as in X[i] * 2");
  return nullptr;
}

NodePtr Parser::Named() {
  uint32_t begin = Peek().span.begin;
  if (At("table")) return Table();
  auto node = NewNode(NodeKind::kName);
  node->word = WordOf(Peek());
  ++at_;
  if (Take("[")) {
    node->kind = NodeKind::kRead;
    while (!At("|") && !At("]")) {
      NodePtr index = Expression();
      if (!index) return nullptr;
      node->args.push_back(std::move(index));
      if (!Take(",")) break;
    }
    if (Take("|") && !(node->otherwise = Expression())) return nullptr;
    if (!Expect("]", "after the indices")) return nullptr;
  } else if (At(".") || At("(")) {
    node->kind = NodeKind::kCall;
    if (Take(".") && !ExpectName(&node->suffix, "how the cast rounds: nearest, down, up or sat"))
      return nullptr;
    if (!Expect("(", "before the arguments") || !List(&node->args, ")")) return nullptr;
  }
  return Finish(std::move(node), begin);
}

NodePtr Parser::Case() {
  auto node = NewNode(NodeKind::kCase);
  uint32_t begin = Peek().span.begin;
  node->word = WordOf(Peek());
  ++at_;
  NodePtr subject = Expression();
  if (!subject || !Expect("{", "before the labels")) return nullptr;
  if (!Labels(node.get())) {
    // What follows belongs to this case up to its brace.
    for (int depth = 1; depth > 0 && Peek().kind != TokenKind::kEnd && !At("op") && !At("fn"); ++at_) {
      depth += At("{") ? 1 : At("}") ? -1 : 0;
    }
    return nullptr;
  }
  node->args.insert(node->args.begin(), std::move(subject));
  return Finish(std::move(node), begin);
}

bool Parser::Labels(Node* node) {
  do {
    Word label{"", Peek().span};
    if (Take("-")) label.text = "-";
    const Token& token = Peek();
    bool name = token.kind == TokenKind::kName && label.empty() &&
                (!IsReserved(token.text) || At("true") || At("false") || At("else"));
    if (!name && token.kind != TokenKind::kInteger) {
      ReportExpected("a label", "write a name, an integer, true, false or else");
      return false;
    }
    label.text += token.text;
    label.span.end = token.span.end;
    ++at_;
    if (!Expect(":", "after a label")) return false;
    NodePtr value = Expression();
    if (!value) return false;
    node->labels.push_back(std::move(label));
    node->args.push_back(std::move(value));
  } while (Take(","));
  return Expect("}", "after the labels");
}

NodePtr Parser::Table() {
  auto node = NewNode(NodeKind::kTable);
  uint32_t begin = Peek().span.begin;
  node->word = WordOf(Peek());
  ++at_;
  if (Take(":") && !ExpectName(&node->suffix, "the type of the entries")) return nullptr;
  if (!Expect("(", "before the axes of the table") || !Axes(&node->axes, ";") || !List(&node->args, ")")) {
    return nullptr;
  }
  return Finish(std::move(node), begin);
}

}  // namespace tunesmith::te::language
