// SPDX-License-Identifier: Apache-2.0
// From text to words.
#pragma once

#include <string_view>
#include <vector>

#include "te/language/diagnostics.h"

namespace tunesmith::te::language {

enum class TokenKind : uint8_t {
  kName,     // reserved words too
  kInteger,  // decimal digits
  kReal,     // with a point or an exponent
  kSymbol,   // ( ) [ ] { } , ; : . | = == != < <= > >= + - * / % ! && || ->
  kEnd,
};

struct Token {
  TokenKind kind = TokenKind::kEnd;
  Span span;
  std::string_view text;  // into the source
  bool first_on_line = false;

  bool Is(std::string_view what) const { return text == what && kind != TokenKind::kEnd; }
};

struct Comment {
  Span span;  // from # to the end of the line, without blanks at its end
  bool own_line = false;
};

struct Tokens {
  std::vector<Token> list;  // ends with kEnd
  std::vector<Comment> comments;
};

/// Splits a file into words. What is no word is reported and skipped; a file that is too long, binary or not
/// UTF-8 gives one report and no words.
Tokens Tokenize(const Source& source, Diagnostics* diagnostics);

/// Words that name nothing but themselves.
bool IsReserved(std::string_view word);

}  // namespace tunesmith::te::language
