// SPDX-License-Identifier: Apache-2.0
#include "te/language/lexer.h"

#include <algorithm>

#include "support/strings.h"

namespace tunesmith::te::language {
namespace {

constexpr size_t kMostNameBytes = 64;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsNameStart(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool IsNamePart(char c) { return IsNameStart(c) || IsDigit(c); }

/// The length of the UTF-8 character at the beginning of `text` (RFC 3629: no surrogates, nothing overlong,
/// nothing above U+10FFFF); 0 if there is none.
size_t CharacterLength(std::string_view text) {
  auto byte = [&](size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
  auto follows = [&](size_t i) { return (byte(i) & 0xC0u) == 0x80u; };
  unsigned first = byte(0), second = byte(1);
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) return follows(1) ? 2 : 0;
  if (first >= 0xE0 && first <= 0xEF) {
    if ((first == 0xE0 && second < 0xA0) || (first == 0xED && second > 0x9F)) return 0;
    return follows(1) && follows(2) ? 3 : 0;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    if ((first == 0xF0 && second < 0x90) || (first == 0xF4 && second > 0x8F)) return 0;
    return follows(1) && follows(2) && follows(3) ? 4 : 0;
  }
  return 0;
}

/// Reports a file that is no text; true if it is.
bool IsText(const Source& source, Diagnostics* diagnostics) {
  std::string_view text = source.text();
  if (text.size() > kMostSourceBytes) {
    diagnostics->ReportFile(
        StrCat("the file has ", text.size(), " bytes; a .te file has at most ", kMostSourceBytes),
        "split it into several files");
    return false;
  }
  for (size_t i = 0; i < text.size();) {
    auto c = static_cast<unsigned char>(text[i]);
    if ((c < ' ' && c != '\t' && c != '\n' && c != '\r') || c == 0x7F) {
      diagnostics->ReportFile(StrCat("the file is binary: byte ", i, " is ", static_cast<int>(c)),
                              "give a text file in the .te language");
      return false;
    }
    size_t length = CharacterLength(text.substr(i));
    if (length == 0) {
      diagnostics->ReportFile(StrCat("the file is not UTF-8: byte ", i, " begins no character"),
                              "save the file as UTF-8");
      return false;
    }
    i += length;
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
