// SPDX-License-Identifier: Apache-2.0
// The parser's handling of words, and the whole file.
#include "te/language/parser.h"

#include <algorithm>

#include "support/strings.h"

namespace tunesmith::te::language {
namespace {

std::string Found(const Token& token) {
  if (token.kind == TokenKind::kEnd) return "the end of the file";
  return StrCat("'", token.text.substr(0, 48), "'");
}

}  // namespace

bool Parser::Nesting::Allowed() {
  if (parser_->nesting_ <= kMostNesting) return true;
  parser_->Abandon(parser_->Peek().span, StrCat("nested more than ", kMostNesting, " levels deep"),
                   "name inner parts as stages of their own");
  return false;
}

const Token& Parser::Peek(size_t ahead) const { return tokens_[std::min(at_ + ahead, tokens_.size() - 1)]; }

bool Parser::Take(std::string_view text) {
  if (!At(text)) return false;
  ++at_;
  return true;
}

bool Parser::Expect(std::string_view text, std::string_view where) {
  if (Take(text)) return true;
  Report(Peek().span, StrCat("expected '", text, "' ", where, ", found ", Found(Peek())), "",
         StrCat("write ", text, " here"));
  return false;
}

bool Parser::ExpectName(Word* word, std::string_view what) {
  const Token& token = Peek();
  if (token.kind != TokenKind::kName) {
    ReportExpected(what, "write a name: a letter or _, then letters, digits and _");
    return false;
  }
  if (IsReserved(token.text)) {
    Report(token.span, StrCat("'", token.text, "' is a word of the language, not ", what), "",
           "choose another name");
    return false;
  }
  *word = {std::string(token.text), token.span};
  ++at_;
  return true;
}

Span Parser::SpanFrom(uint32_t begin) const { return {begin, at_ == 0 ? begin : tokens_[at_ - 1].span.end}; }

void Parser::ReportExpected(std::string_view what, std::string_view fix) {
  Report(Peek().span, StrCat("expected ", what, ", found ", Found(Peek())), "", std::string(fix));
}

void Parser::Report(Span span, std::string message, std::string inferred, std::string fix) {
  if (!abandoned_) diagnostics_->Report(span, std::move(message), std::move(inferred), std::move(fix));
}

void Parser::Abandon(Span span, std::string message, std::string fix) {
  Report(span, std::move(message), "", std::move(fix));
  abandoned_ = true;
  at_ = tokens_.size() - 1;
}

void Parser::ParseFile() {
  while (Peek().kind != TokenKind::kEnd) {
    bool parsed = false;
    if (At("fn")) {
      parsed = Function();
    } else if (At("op")) {
      parsed = OperatorDefinition();
    } else if (At("algorithm")) {
      Report(Peek().span, "an algorithm without its operator", "",
             "write it behind the } of the operator that it computes");
    } else {
      ReportExpected("an operator ('op') or a function ('fn')", "write op NAME(...) -> (...) { ... }");
    }
    if (!parsed) SkipToDeclaration();
  }
}

void ReadSyntax(File* file, Diagnostics* diagnostics) {
  Tokens tokens = Tokenize(file->source, diagnostics);
  file->comments = std::move(tokens.comments);
  if (!diagnostics->empty()) return;  // what is missing where a word is wrong says nothing new
  Parser(file, std::move(tokens.list), diagnostics).ParseFile();
  if (diagnostics->empty() && file->operators.empty()) {
    diagnostics->ReportFile("the file defines no operator",
                            "write one: op copy(X: f32[N]) -> (Y: f32[N]) { Y[i] = X[i] }");
  }
}

}  // namespace tunesmith::te::language
