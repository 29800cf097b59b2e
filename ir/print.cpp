// SPDX-License-Identifier: Apache-2.0
// The printer of loop IR: one line a statement, blocks by indentation.
#include <algorithm>
#include <string>
#include <string_view>

#include "ir/ir.h"
#include "ir/simplify.h"
#include "support/strings.h"

namespace tunesmith::ir {
namespace {

std::string_view Word(LoopKind kind) {
  switch (kind) {
    case LoopKind::kSerial:
      return "for";
    case LoopKind::kParallel:
      return "parallel";
    case LoopKind::kVector:
      return "vector";
    case LoopKind::kUnroll:
      return "unroll";
    case LoopKind::kBound:
      return "bound";
  }
  return "for";
}

std::string_view Word(Scope scope) {
  switch (scope) {
    case Scope::kParameter:
      return "parameter";
    case Scope::kWorkspace:
      return "workspace";
    case Scope::kThread:
      return "thread";
    case Scope::kRegister:
      return "register";
    case Scope::kShared:
      return "shared";
  }
  return "parameter";
}

class Printer {
 public:
  explicit Printer(const Function& function) : function_(function) {
    names_.var = [this](int id) { return Name(function_.variables, id, "v"); };
    names_.tensor = [this](int id) { return BufferName(id); };
  }

  std::string TakeText() { return std::move(text_); }

  void Signature() {
    text_ += function_.name;
    text_ += '(';
    const char* separator = "";
    for (size_t position = 0; position < function_.buffers.size(); ++position) {
      for (const Buffer& b : function_.buffers) {
        if (b.scope != Scope::kParameter || b.parameter != static_cast<int>(position)) continue;
        Append(separator, b.written ? "out " : "", Declaration(b));
        separator = ", ";
      }
    }
    text_ += ")\n";
    for (const Buffer& b : function_.buffers) {
      if (b.scope == Scope::kWorkspace) Append("  workspace ", Declaration(b), "\n");
    }
  }

  void Statement(const Stmt& s, int depth) {
    if (s->kind == StmtKind::kSeq) {
      if (s->body.empty()) Line(depth, "pass");
      for (const Stmt& child : s->body) Statement(child, depth);
      return;
    }
    Line(depth, Head(*s));
    if (s->kind == StmtKind::kRoles) {
      for (const Stmt& child : s->body) {
        Line(depth + 1, "role");
        Statement(child, depth + 2);
      }
      return;
    }
    for (size_t n = 0; n < s->body.size(); ++n) {
      if (n == 1) Line(depth, "else");
      Statement(s->body[n], depth + 1);
    }
  }

  /// The statement's own line, without its body.
  std::string Head(const StmtNode& s) const {
    switch (s.kind) {
      case StmtKind::kSeq:
        return "pass";
      case StmtKind::kFor:
        return LoopHead(s);
      case StmtKind::kIf:
        return StrCat("if ", Text(s.condition));
      case StmtKind::kStore:
        return StrCat(Element(s.buffer, s.index), s.streaming ? " =stream " : " = ", Text(s.value));
      case StmtKind::kAlloc:
        if (Known(s.buffer)) {
          const Buffer& b = function_.buffers[static_cast<size_t>(s.buffer)];
          return StrCat(Word(b.scope), " ", Declaration(b));
        }
        return StrCat("alloc ", BufferName(s.buffer));
      case StmtKind::kPrefetch:
        return StrCat("prefetch ", Element(s.buffer, s.index));
      case StmtKind::kCopy:
        return StrCat("copy ", Text(s.extent), " to ", Element(s.buffer, s.index), " from ",
                      Element(s.source, s.value), " then ", Name(function_.events, s.event, "event"));
      case StmtKind::kWait:
        return StrCat("wait ", Name(function_.events, s.event, "event"), " ", Text(s.extent));
      case StmtKind::kSignal:
        return StrCat("signal ", Name(function_.events, s.event, "event"));
      case StmtKind::kRoles:
        return "roles";
    }
    return "pass";
  }

 private:
  template <class... Parts>
  void Append(const Parts&... parts) {
    StrAppend(&text_, parts...);
  }

  void Line(int depth, const std::string& line) {
    text_.append(static_cast<size_t>(depth) * 2, ' ');
    text_ += line;
    text_ += '\n';
  }

  bool Known(int buffer) const {
    return buffer >= 0 && static_cast<size_t>(buffer) < function_.buffers.size();
  }

  /// Wrong numbers are printed too: the verifier's messages quote what it refuses.
  static std::string Name(const std::vector<std::string>& names, int id, std::string_view fallback) {
    if (id >= 0 && static_cast<size_t>(id) < names.size()) return names[static_cast<size_t>(id)];
    return StrCat(fallback, "?", id);
  }
  std::string BufferName(int id) const {
    return Known(id) ? function_.buffers[static_cast<size_t>(id)].name : StrCat("buffer?", id);
  }

  static std::string Declaration(const Buffer& b) {
    std::string text = StrCat(b.name, ": ", te::NameOf(b.dtype), "[", b.elements, "]");
    if (b.alignment > te::SizeOf(b.dtype)) StrAppend(&text, " align ", b.alignment);
    return text;
  }

  std::string Text(const Expr& e) const {
    if (e == nullptr) return "?";
    // Shared nodes are printed wherever they stand; expanded functions share so much that nobody could read
    // it.
    int budget = 4000;
    return IsSmall(*e, &budget) ? te::ToString(e, names_) : "…";
  }
  static bool IsSmall(const te::ExprNode& e, int* budget) {
    if (--*budget < 0) return false;
    return std::all_of(e.args.begin(), e.args.end(),
                       [&](const Expr& a) { return a == nullptr || IsSmall(*a, budget); });
  }
  std::string Element(int buffer, const Expr& index) const {
    return StrCat(BufferName(buffer), "[", Text(index), "]");
  }

  std::string LoopHead(const StmtNode& s) const {
    std::string text = StrCat(Word(s.loop), " ", Name(function_.variables, s.var, "v"), " in ");
    if (s.begin == nullptr || s.extent == nullptr) return text + "?";
    StrAppend(&text, Text(s.begin), "..", Text(Simplify(s.begin + s.extent, Ranges())));
    if (!s.binding.empty()) StrAppend(&text, " on ", s.binding);
    if (s.loop == LoopKind::kParallel && s.grain != 1) StrAppend(&text, " grain ", s.grain);
    return text;
  }

  const Function& function_;
  te::ExprNames names_;
  std::string text_;
};

}  // namespace

std::string ToString(const Function& function) {
  Printer printer(function);
  printer.Signature();
  if (function.body != nullptr) printer.Statement(function.body, 1);
  return printer.TakeText();
}

std::string ToString(const Function& function, const StmtNode& statement) {
  return Printer(function).Head(statement);
}

std::string ToString(const Program& program) {
  std::string text;
  if (program.pack.body != nullptr) text = ToString(program.pack) + "\n";
  return text + ToString(program.main);
}

}  // namespace tunesmith::ir
