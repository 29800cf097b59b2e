// SPDX-License-Identifier: Apache-2.0
// The recursive-descent parser; a method parses what docs/language.md's grammar calls by its name. A method
// that fails has reported why and returns false or null; its caller returns as well, up to the statement or
// the declaration, behind which parsing goes on.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "te/language/syntax.h"

namespace tunesmith::te::language {

class Parser {
 public:
  Parser(File* file, std::vector<Token> tokens, Diagnostics* diagnostics)
      : file_(file), tokens_(std::move(tokens)), diagnostics_(diagnostics) {}

  void ParseFile();

 private:
  /// Counts how deeply brackets, blocks and prefixes nest while it lives.
  class Nesting {
   public:
    explicit Nesting(Parser* parser) : parser_(parser) { ++parser_->nesting_; }
    ~Nesting() { --parser_->nesting_; }
    Nesting(const Nesting&) = delete;
    Nesting& operator=(const Nesting&) = delete;
    /// False, after a report, if it is too deep.
    bool Allowed();

   private:
    Parser* parser_;
  };

  // Words.: parse_declarations.cpp too.
  const Token& Peek(size_t ahead = 0) const;
  bool At(std::string_view text) const { return Peek().Is(text); }
  /// Steps over the word if it is this one.
  bool Take(std::string_view text);
  /// The same, but reports if it is another; `where` completes "expected ')' …".
  bool Expect(std::string_view text, std::string_view where);
  /// A name that is not reserved; `what` is what it should name.
  bool ExpectName(Word* word, std::string_view what);
  Span SpanFrom(uint32_t begin) const;
  void ReportExpected(std::string_view what, std::string_view fix);
  void Report(Span span, std::string message, std::string inferred, std::string fix);
  /// Reports, and gives up the rest of the file: nothing more is reported.
  void Abandon(Span span, std::string message, std::string fix);

  // Declarations: parse_declarations.cpp.
  bool Function();
  bool OperatorDefinition();
  bool Header(OperatorSyntax* op);
  bool Tensor(TensorSyntax* tensor, bool output);
  bool Tensors(std::vector<TensorSyntax>* tensors, bool output);
  bool Attribute(AttributeSyntax* attribute);
  bool Fact(FactSyntax* fact);
  bool Algorithm(AlgorithmSyntax* algorithm);
  bool Block(std::vector<Statement>* statements, Span* end);
  bool StageOrChoice(Statement* statement);
  bool Stage(Statement* statement);
  bool Choice(Statement* statement);
  void SkipToStatement();
  void SkipToDeclaration();

  // Expressions: parse_expressions.cpp.
  bool Axes(std::vector<AxisSyntax>* axes, std::string_view close);
  bool List(std::vector<NodePtr>* nodes, std::string_view close);
  NodePtr Expression();
  NodePtr Conjunction();
  NodePtr Comparison();
  NodePtr Sum();
  NodePtr Product();
  NodePtr Unary();
  NodePtr Primary();
  NodePtr Reduction();
  NodePtr Case();
  bool Labels(Node* node);
  NodePtr Table();
  NodePtr Named();
  bool AtReduction() const;
  NodePtr Chain(NodePtr (Parser::*operand)(), std::initializer_list<std::string_view> operators);
  NodePtr Join(NodePtr a, const Token& op, NodePtr b);
  /// Sets the span and the depth; null, after a report, if it is too deep.
  NodePtr Finish(std::unique_ptr<Node> node, uint32_t begin);

  File* file_;
  std::vector<Token> tokens_;
  Diagnostics* diagnostics_;
  size_t at_ = 0;
  int nesting_ = 0;
  bool abandoned_ = false;
};

}  // namespace tunesmith::te::language
