// SPDX-License-Identifier: Apache-2.0
// Files in canonical form. Declarations, the items of a header that holds comments, stages and the lines that
// open and close blocks are the pieces; a comment stays on the line of the piece that it follows, or before
// the piece in which or before which it stands. Single empty lines between pieces are kept.
#include <algorithm>

#include "support/strings.h"
#include "te/language/syntax.h"

namespace tunesmith::te::language {
namespace {

constexpr size_t kWidestAlignedStage = 40;

class Formatter {
 public:
  explicit Formatter(const File& file) : file_(file), source_(file.source) {}

  std::string Run() {
    for (size_t i = 0; i < file_.order.size(); ++i) {
      int item = file_.order[i];
      bool function = item >= 0;
      // Declarations are set apart, except functions that stand close together.
      separate_ = i > 0 && !(function && file_.order[i - 1] >= 0);
      if (function) {
        Function(file_.functions[static_cast<size_t>(item)]);
      } else {
        Operator(file_.operators[static_cast<size_t>(-1 - item)]);
      }
    }
    Comments(UINT32_MAX, 0);
    return std::move(out_);
  }

 private:
  void Line(int indent, std::string_view text) {
    StrAppend(&out_, std::string(static_cast<size_t>(indent), ' '), text, "\n");
  }

  /// An empty line, if the source has one before this place or declarations must be separated.
  void Gap(uint32_t begin) {
    int line = source_.LineOf(begin);
    bool wanted = separate_ || (last_line_ > 0 && line > last_line_ + 1);
    if (wanted && !at_block_begin_ && !out_.empty()) out_ += "\n";
    separate_ = at_block_begin_ = false;
  }

  /// The comments before `end` that are not written yet, each on its line.
  void Comments(uint32_t end, int indent) {
    for (; comment_ < file_.comments.size() && file_.comments[comment_].span.begin < end; ++comment_) {
      Span span = file_.comments[comment_].span;
      Gap(span.begin);
      Line(indent, source_.Text(span));
      last_line_ = source_.LineOf(span.begin);
    }
  }

  /// Writes a piece of the source with the comments before it, in it and, on its last line, behind it.
  /// `inner`: how far comments are indented.
  void Piece(Span span, int indent, std::string_view text, int inner = -1) {
    if (inner < 0) inner = indent;
    Comments(span.begin, inner);
    Gap(span.begin);
    for (; comment_ < file_.comments.size() && file_.comments[comment_].span.begin < span.end; ++comment_) {
      Line(inner, source_.Text(file_.comments[comment_].span));
    }
    StrAppend(&out_, std::string(static_cast<size_t>(indent), ' '), text);
    if (HasTrailingComment(span.end)) StrAppend(&out_, "  ", source_.Text(file_.comments[comment_++].span));
    out_ += "\n";
    last_line_ = source_.LineOf(span.end - 1);
  }

  bool HasTrailingComment(uint32_t end) const {
    if (comment_ >= file_.comments.size()) return false;
    uint32_t begin = file_.comments[comment_].span.begin;
    return source_.Text({end, begin}).find_first_not_of(" \t") == std::string_view::npos;
  }

  void Function(const FunctionSyntax& function) {
    std::string arguments =
        StrJoin(function.arguments, ", ", [](std::string* out, const Word& word) { out->append(word.text); });
    Piece(function.span, 0,
          Layout(StrCat("fn ", function.name.text, "(", arguments, ") = "), *function.value, 0));
  }

  static std::string Tensor(const TensorSyntax& tensor) {
    std::string out = StrCat(tensor.weight ? "weight " : "", tensor.name.text, ": ", tensor.type.text, "[");
    for (size_t i = 0; i < tensor.shape.size(); ++i)
      StrAppend(&out, i > 0 ? ", " : "", Print(*tensor.shape[i]));
    out += "]";
    if (tensor.condition) StrAppend(&out, " if ", Print(*tensor.condition));
    return out;
  }
  static std::string Attribute(const AttributeSyntax& attribute) {
    if (attribute.value) return StrCat(attribute.name.text, " = ", Print(*attribute.value));
    std::string choices =
        StrJoin(attribute.choices, " | ", [](std::string* out, const Word& word) { out->append(word.text); });
    return choices.empty() ? attribute.name.text : StrCat(attribute.name.text, " = ", choices);
  }
  static std::string Fact(const FactSyntax& fact) {
    return fact.name.empty() ? Print(*fact.value) : StrCat(fact.name.text, " = ", Print(*fact.value));
  }

  /// The items on as few lines as hold them, those after the first indented.
  static void Fill(const std::vector<std::string>& items, size_t indent, std::string* out) {
    for (size_t i = 0; i < items.size(); ++i) {
      size_t line = out->rfind('\n') + 1;  // npos + 1 is 0
      if (i > 0 && out->size() - line + items[i].size() + 3 > kLineWidth) {
        StrAppend(out, ",\n", std::string(indent, ' '), items[i]);
      } else {
        StrAppend(out, i > 0 ? ", " : "", items[i]);
      }
    }
  }

  template <class List, class Print>
  static std::vector<std::string> Texts(const List& list, Print print) {
    std::vector<std::string> texts;
    for (const auto& item : list) texts.push_back(print(item));
    return texts;
  }

  bool HasCommentBefore(uint32_t end) const {
    return comment_ < file_.comments.size() && file_.comments[comment_].span.begin < end;
  }

  /// Writes a header that holds comments: every item on a line of its own, so that each comment stays behind
  /// or above what it is about.
  void CommentedHeader(const OperatorSyntax& op) {
    struct Item {
      Span span;
      std::string text;  // with the brackets and commas around it
      size_t indent;     // of its line, and of the comments above it
    };
    std::string begin = StrCat("op ", op.name.text, "(");
    size_t inside = begin.size() <= kWidestAlignedStage ? begin.size() : 8;
    std::vector<Item> items;
    auto add = [&](const auto& list, auto print, size_t first_indent, size_t indent, std::string_view before,
                   std::string_view behind) {
      for (const auto& item : list) {
        const bool first = &item == &list.front(), last = &item == &list.back();
        items.push_back({item.span, StrCat(first ? before : "", print(item), last ? behind : ","),
                         first ? first_indent : indent});
      }
    };
    add(op.parameters, Tensor, inside, inside, "", op.attributes.empty() ? ")" : ";");
    add(op.attributes, Attribute, inside, inside, op.parameters.empty() ? "; " : "", ")");
    if (items.empty()) begin += ")";
    add(op.outputs, Tensor, 4, 8, "-> (", ")");
    add(op.facts, Fact, 4, 10, "where ", "");

    Comments(op.name.span.end, 0);
    Gap(op.head.begin);
    out_ += begin;
    Span written = {op.head.begin, op.name.span.end};
    // The comments before `end`, the first behind what was written if that is where it stands.
    auto comments = [&](uint32_t end, size_t indent) {
      for (bool first = true; HasCommentBefore(end); first = false) {
        const Comment& comment = file_.comments[comment_++];
        bool behind = first && !comment.own_line && comment.span.begin >= written.end;
        StrAppend(&out_, behind ? "  " : StrCat("\n", std::string(indent, ' ')), source_.Text(comment.span));
      }
    };
    for (const Item& item : items) {
      size_t before = comment_;
      comments(item.span.end, item.indent);
      bool joins = &item == items.data() && comment_ == before && !begin.ends_with(")");
      StrAppend(&out_, joins ? "" : StrCat("\n", std::string(item.indent, ' ')), item.text);
      written = item.span;
    }
    comments(op.head.end - 1, 4);
    out_ += "\n{";
    if (HasTrailingComment(op.head.end))
      StrAppend(&out_, "  ", source_.Text(file_.comments[comment_++].span));
    out_ += "\n";
    last_line_ = source_.LineOf(op.head.end - 1);
  }

  static std::string Header(const OperatorSyntax& op) {
    std::vector<std::string> parameters = Texts(op.parameters, Tensor), outputs = Texts(op.outputs, Tensor);
    std::vector<std::string> attributes = Texts(op.attributes, Attribute);
    std::string begin = StrCat("op ", op.name.text, "(");
    std::string inside =
        StrCat(StrJoin(parameters, ", "), attributes.empty() ? "" : "; ", StrJoin(attributes, ", "), ")");
    std::string flat = StrCat(begin, inside, " -> (", StrJoin(outputs, ", "), ") {");
    if (flat.size() <= kLineWidth && op.facts.empty()) return flat;
    std::string out = begin;
    if (begin.size() + inside.size() <= kLineWidth) {
      out += inside;
    } else {
      size_t indent = begin.size() <= kWidestAlignedStage ? begin.size() : 8;
      Fill(parameters, indent, &out);
      if (!attributes.empty()) {
        StrAppend(&out, parameters.empty() ? "; " : ";\n" + std::string(indent, ' '));
        Fill(attributes, indent, &out);
      }
      out += ")";
    }
    std::string results = StrJoin(outputs, ", ");
    bool fits = begin.size() + inside.size() + results.size() + 6 <= kLineWidth;
    out += fits ? " -> (" : "\n    -> (";
    Fill(outputs, 8, &out);
    out += ")";
    AddFacts(op.facts, &out);
    return out + "\n{";
  }

  /// Definitions on lines of their own, conditions as many as fit.
  static void AddFacts(const std::vector<FactSyntax>& facts, std::string* out) {
    for (size_t i = 0; i < facts.size(); ++i) {
      std::string text = Fact(facts[i]);
      bool together = i > 0 && facts[i].name.empty() && facts[i - 1].name.empty() &&
                      out->size() - out->rfind('\n') + text.size() + 2 <= kLineWidth;
      StrAppend(out, i == 0 ? "\n    where " : together ? ", " : ",\n          ", text);
    }
  }

  void Operator(const OperatorSyntax& op) {
    Comments(op.head.begin, 0);
    if (HasCommentBefore(op.head.end - 1)) {
      CommentedHeader(op);
    } else {
      Piece(op.head, 0, Header(op));
    }
    Block(op.body, op.end, 2);
    Piece(op.end, 0, "}", 2);
    for (const AlgorithmSyntax& algorithm : op.algorithms) {
      std::string condition = algorithm.condition ? StrCat(" if ", Print(*algorithm.condition)) : "";
      Piece(algorithm.head, 0,
            StrCat("algorithm ", algorithm.name.text, " tolerance ", algorithm.tolerance.text, condition,
                   " {"));
      Block(algorithm.body, algorithm.end, 2);
      Piece(algorithm.end, 0, "}", 2);
    }
  }

  static std::string Left(const Statement& stage) {
    return StrCat(stage.tensor.text, "[",
                  StrJoin(stage.axes, ", ",
                          [](std::string* out, const AxisSyntax& axis) {
                            out->append(axis.name.text);
                            if (axis.extent) StrAppend(out, " < ", Print(*axis.extent));
                          }),
                  "]");
  }

  /// True if the stages stand on adjacent lines, with nothing between them.
  bool Adjacent(const Statement& a, const Statement& b) const {
    if (a.condition || b.condition || source_.LineOf(b.span.begin) > source_.LineOf(a.span.end - 1) + 1)
      return false;
    auto between = std::find_if(file_.comments.begin(), file_.comments.end(), [&](const Comment& comment) {
      return comment.span.begin >= a.span.end && comment.span.begin < b.span.end &&
             source_.Text({a.span.end, comment.span.begin}).find_first_not_of(" \t") !=
                 std::string_view::npos;
    });
    return between == file_.comments.end();
  }

  /// True if the stage stands on one line with its left side padded to `width`.
  static bool Fits(const Statement& stage, size_t width, int indent) {
    return static_cast<size_t>(indent) + width + 3 + Print(*stage.value).size() <= kLineWidth;
  }

  /// The width of the left sides with which those around statement `s` line up.
  size_t AlignedWidth(const std::vector<Statement>& statements, size_t s, int indent) const {
    size_t own = Left(statements[s]).size(), width = own;
    auto joins = [&](size_t t) {
      size_t left = Left(statements[t]).size();
      return left <= kWidestAlignedStage && Fits(statements[t], left, indent);
    };
    if (!joins(s)) return own;
    for (size_t t = s; t > 0 && Adjacent(statements[t - 1], statements[t]) && joins(t - 1); --t) {
      width = std::max(width, Left(statements[t - 1]).size());
    }
    for (size_t t = s + 1; t < statements.size() && Adjacent(statements[t - 1], statements[t]) && joins(t);
         ++t) {
      width = std::max(width, Left(statements[t]).size());
    }
    return Fits(statements[s], width, indent) ? width : own;
  }

  void Block(const std::vector<Statement>& statements, Span end, int indent) {
    at_block_begin_ = true;
    for (size_t s = 0; s < statements.size(); ++s) {
      const Statement& statement = statements[s];
      if (statement.condition) {
        Choice(statement, indent);
        continue;
      }
      std::string left = Left(statement);
      left.resize(AlignedWidth(statements, s, indent), ' ');
      std::string blanks(static_cast<size_t>(indent), ' ');
      std::string text = Layout(StrCat(blanks, left, " = "), *statement.value, indent);
      Piece(statement.span, indent, std::string_view(text).substr(blanks.size()));
    }
    Comments(end.begin, indent);
    at_block_begin_ = true;  // no empty line before the closing brace
  }

  void Choice(const Statement& first, int indent) {
    const Statement* choice = &first;
    Piece(choice->head, indent, StrCat("if ", Print(*choice->condition), " {"));
    for (;;) {
      Block(choice->yes, choice->yes_end, indent + 2);
      if (!choice->has_else) return Piece(choice->yes_end, indent, "}", indent + 2);
      bool chained =
          choice->no.size() == 1 && choice->no[0].condition && source_.Text(choice->else_head) == "else";
      if (!chained) {
        Piece({choice->yes_end.begin, choice->else_head.end}, indent, "} else {", indent + 2);
        Block(choice->no, choice->no_end, indent + 2);
        return Piece(choice->no_end, indent, "}", indent + 2);
      }
      const Statement* next = choice->no.data();
      Piece({choice->yes_end.begin, next->head.end}, indent,
            StrCat("} else if ", Print(*next->condition), " {"), indent + 2);
      choice = next;
    }
  }

  const File& file_;
  const Source& source_;
  std::string out_;
  size_t comment_ = 0;  // the next to be written
  int last_line_ = 0;   // of what was written last, in the source
  bool at_block_begin_ = true;
  bool separate_ = false;
};

}  // namespace

std::string Print(const File& file) { return Formatter(file).Run(); }

}  // namespace tunesmith::te::language
