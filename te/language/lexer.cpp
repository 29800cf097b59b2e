// SPDX-License-Identifier: Apache-2.0
#include "te/language/lexer.h"

#include <algorithm>

#include "support/strings.h"
#include "support/text.h"

namespace tunesmith::te::language {
namespace {

constexpr size_t kMostNameBytes = 64;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsNameStart(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool IsNamePart(char c) { return IsNameStart(c) || IsDigit(c); }

/// Reports a file that is no text; true if it is.
bool IsText(const Source& source, Diagnostics* diagnostics) {
  std::string_view text = source.text();
  if (text.size() > kMostSourceBytes) {
    diagnostics->ReportFile(
        StrCat("the file has ", text.size(), " bytes; a .te file has at most ", kMostSourceBytes),
        "split it into several files");
    return false;
  }
  if (std::optional<NotText> fault = FindNotText(text, "a text file in the .te language")) {
    diagnostics->ReportFile(fault->finding, fault->fix);
    return false;
  }
  return true;
}

class Lexer {
 public:
  Lexer(const Source& source, Diagnostics* diagnostics)
      : source_(source), text_(source.text()), diagnostics_(diagnostics) {}

  Tokens Run() {
    if (IsText(source_, diagnostics_)) {
      while (at_ < text_.size()) Next();
    }
    Token end;
    end.span = {static_cast<uint32_t>(text_.size()), static_cast<uint32_t>(text_.size())};
    end.first_on_line = true;
    tokens_.list.push_back(end);
    return std::move(tokens_);
  }

 private:
  char Peek(size_t ahead) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0'; }

  void Next() {
    char c = text_[at_];
    if (c == '\n') {
      first_on_line_ = true;
      ++at_;
    } else if (c == ' ' || c == '\t' || c == '\r') {
      ++at_;
    } else if (c == '#') {
      size_t end = std::min(text_.find('\n', at_), text_.size());
      size_t last = end;
      while (last > at_ + 1 &&
             (text_[last - 1] == ' ' || text_[last - 1] == '\t' || text_[last - 1] == '\r')) {
        --last;
      }
      tokens_.comments.push_back({{static_cast<uint32_t>(at_), static_cast<uint32_t>(last)}, first_on_line_});
      at_ = end;
    } else if (IsNameStart(c)) {
      Name();
    } else if (IsDigit(c)) {
      Number();
    } else {
      Symbol();
    }
  }

  void Add(TokenKind kind, size_t length) {
    Token token;
    token.kind = kind;
    token.span = {static_cast<uint32_t>(at_), static_cast<uint32_t>(at_ + length)};
    token.text = text_.substr(at_, length);
    token.first_on_line = first_on_line_;
    tokens_.list.push_back(token);
    first_on_line_ = false;
    at_ += length;
  }

  void Report(size_t length, std::string message, std::string fix) {
    diagnostics_->Report({static_cast<uint32_t>(at_), static_cast<uint32_t>(at_ + length)},
                         std::move(message), "", std::move(fix));
  }

  void Name() {
    size_t length = 1;
    while (IsNamePart(Peek(length))) ++length;
    if (length > kMostNameBytes) {
      Report(length, StrCat("a name of ", length, " letters; at most ", kMostNameBytes, " are allowed"),
             "choose a shorter name");
    }
    Add(TokenKind::kName, length);
  }

  void Number() {
    size_t length = 0;
    auto digits = [&] {
      size_t begin = length;
      while (IsDigit(Peek(length))) ++length;
      return length > begin;
    };
    digits();
    bool well = true, real = false;
    if (Peek(length) == '.') {
      ++length;
      real = true;
      well = digits();
    }
    if (well && (Peek(length) == 'e' || Peek(length) == 'E')) {
      ++length;
      real = true;
      if (Peek(length) == '+' || Peek(length) == '-') ++length;
      well = digits();
    }
    if (IsNamePart(Peek(length)) || Peek(length) == '.') {
      well = false;
      while (IsNamePart(Peek(length)) || Peek(length) == '.') ++length;
    }
    if (!well) {
      Report(length, StrCat(text_.substr(at_, std::min<size_t>(length, 48)), " is not a decimal number"),
             "write it like 12, 0.5 or 1e-5");
    }
    // What is written wrongly still stands for a number, so that the parser reports nothing more.
    Add(real || !well ? TokenKind::kReal : TokenKind::kInteger, length);
  }

  void Symbol() {
    static constexpr std::string_view kTwo[] = {"==", "!=", "<=", ">=", "&&", "||", "->"};
    for (std::string_view two : kTwo) {
      if (text_.substr(at_, 2) == two) return Add(TokenKind::kSymbol, 2);
    }
    if (std::string_view("()[]{},;:.|=<>+-*/%!").find(text_[at_]) != std::string_view::npos) {
      return Add(TokenKind::kSymbol, 1);
    }
    size_t length = CharacterLength(text_.substr(at_));
    Report(length, StrCat("'", text_.substr(at_, length), "' has no meaning here"),
           "remove it; comments begin with #");
    at_ += length;
  }

  const Source& source_;
  std::string_view text_;
  Diagnostics* diagnostics_;
  Tokens tokens_;
  size_t at_ = 0;
  bool first_on_line_ = true;
};

}  // namespace

Tokens Tokenize(const Source& source, Diagnostics* diagnostics) { return Lexer(source, diagnostics).Run(); }

bool IsReserved(std::string_view word) {
  static constexpr std::string_view kWords[] = {"op",   "fn",   "algorithm", "where", "if",
                                                "else", "case", "true",      "false", "inf"};
  return std::find(std::begin(kWords), std::end(kWords), word) != std::end(kWords);
}

}  // namespace tunesmith::te::language
