// SPDX-License-Identifier: Apache-2.0
// Expressions in canonical form.
#include <algorithm>

#include "support/strings.h"
#include "te/language/syntax.h"
#include "te/language/vocabulary.h"

namespace tunesmith::te::language {
namespace {

using AxisPrinter = std::function<std::string(const AxisSyntax&)>;

bool IsProduct(const Node& node) {
  return node.kind == NodeKind::kBinary &&
         (node.word.text == "*" || node.word.text == "/" || node.word.text == "%");
}

/// Products of names and integers, as in indices and extents, are written without blanks: i*2 + j; those of
/// values with blanks, and remainders.
bool IsTight(const Node& product) {
  bool tight = true;
  VisitNodes(product, [&](const Node& n) {
    bool simple = n.kind == NodeKind::kInteger || n.kind == NodeKind::kName || n.kind == NodeKind::kParen ||
                  n.kind == NodeKind::kUnary || n.kind == NodeKind::kBinary;
    tight = tight && simple && n.word.text != "%";
  });
  return tight;
}

int Level(const Node& node) {
  const std::string& op = node.word.text;
  if (node.kind != NodeKind::kBinary) return -1;
  if (op == "||") return 0;
  if (op == "&&") return 1;
  if (op == "+" || op == "-") return 3;
  if (IsProduct(node)) return 4;
  return 2;
}

class Printer {
 public:
  explicit Printer(const AxisPrinter* axis) : axis_(axis) {}

  std::string Flat(const Node& node) const {
    switch (node.kind) {
      case NodeKind::kInteger:
      case NodeKind::kReal:
      case NodeKind::kWord:
      case NodeKind::kName:
        return node.word.text;
      case NodeKind::kParen:
        return StrCat("(", Flat(Bare(node)), ")");
      case NodeKind::kUnary:
        return node.word.text + Operand(*node.args[0]);
      case NodeKind::kBinary:
        return Binary(node, IsProduct(node) && IsTight(node));
      case NodeKind::kRead:
        return StrCat(node.word.text, "[", List(node.args, 0),
                      node.otherwise ? StrCat(node.args.empty() ? "" : " ", "| ", Flat(*node.otherwise)) : "",
                      "]");
      case NodeKind::kCall:
        return StrCat(CallName(node), "(", List(node.args, 0), ")");
      case NodeKind::kReduce:
        return StrCat(ReductionHead(node), " ", Flat(*node.args[0]));
      case NodeKind::kCase: {
        std::string out = StrCat("case ", Flat(*node.args[0]), " {");
        for (size_t i = 0; i < node.labels.size(); ++i) {
          StrAppend(&out, i > 0 ? ", " : " ", node.labels[i].text, ": ", Flat(*node.args[i + 1]));
        }
        return out + " }";
      }
      case NodeKind::kTable:
        return StrCat("table", Suffix(node), "(", Axes(node.axes), "; ", List(node.args, 0), ")");
    }
    return "";
  }

  std::string CallName(const Node& node) const {
    return node.suffix.empty() ? node.word.text : StrCat(node.word.text, ".", node.suffix.text);
  }
  std::string ReductionHead(const Node& node) const {
    return StrCat(node.word.text, Suffix(node), "(", Axes(node.axes), ")");
  }

 private:
  static std::string Suffix(const Node& node) { return node.suffix.empty() ? "" : ":" + node.suffix.text; }

  /// An operand of an operator: a reduction among them gets parentheses, so that where it ends can be seen.
  std::string Operand(const Node& node) const {
    return node.kind == NodeKind::kReduce ? StrCat("(", Flat(node), ")") : Flat(node);
  }

  std::string Binary(const Node& node, bool tight) const {
    const Node& a = *node.args[0];
    std::string left = IsProduct(node) && IsProduct(a) ? Binary(a, tight) : Operand(a);
    std::string_view blank = tight ? "" : " ";
    return StrCat(left, blank, node.word.text, blank, Operand(*node.args[1]));
  }

  std::string List(const std::vector<NodePtr>& nodes, size_t begin) const {
    std::string out;
    for (size_t i = begin; i < nodes.size(); ++i) StrAppend(&out, i > begin ? ", " : "", Flat(*nodes[i]));
    return out;
  }

  std::string Axes(const std::vector<AxisSyntax>& axes) const {
    return StrJoin(axes, ", ", [this](std::string* out, const AxisSyntax& axis) {
      if (axis_) return out->append((*axis_)(axis)), void();
      out->append(axis.name.text);
      if (axis.extent) StrAppend(out, " < ", Flat(*axis.extent));
    });
  }

  const AxisPrinter* axis_;
};

/// Breaks what does not fit on a line: sums and products before their operators, arguments after their
/// commas, reductions after their axes, cases between labels.
class Breaker {
 public:
  Breaker(std::string_view prefix, int indent) : out_(prefix), indent_(indent) {}

  std::string Run(const Node& node) {
    Put(node, 0);
    return std::move(out_);
  }

 private:
  int Column() const {
    size_t line = out_.rfind('\n');
    return static_cast<int>(line == std::string::npos ? out_.size() : out_.size() - line - 1);
  }
  void NewLine(int indent) {
    while (out_.ends_with(' ')) out_.pop_back();
    StrAppend(&out_, "\n", std::string(static_cast<size_t>(indent), ' '));
  }

  /// `reserve`: columns that what follows needs on the last line.
  void Put(const Node& node, int reserve) {
    std::string flat = printer_.Flat(node);
    if (Column() + static_cast<int>(flat.size()) + reserve <= kLineWidth) {
      out_ += flat;
      return;
    }
    switch (node.kind) {
      case NodeKind::kParen:
        out_ += "(";
        Put(Bare(node), reserve + 1);
        out_ += ")";
        break;
      case NodeKind::kUnary:
        out_ += node.word.text;
        PutOperand(*node.args[0], reserve);
        break;
      case NodeKind::kBinary:
        PutChain(node, reserve);
        break;
      case NodeKind::kReduce:
        out_ += printer_.ReductionHead(node);
        // max(a, b) before a line break would be the larger of two values.
        if (FindBuiltIn(node.word.text) && node.axes.size() > 1) {
          out_ += " ";
        } else {
          NewLine(indent_ + 4);
        }
        Put(*node.args[0], reserve);
        break;
      case NodeKind::kCall:
        StrAppend(&out_, printer_.CallName(node), "(");
        PutList(node.args, reserve + 1);
        out_ += ")";
        break;
      case NodeKind::kRead:
        StrAppend(&out_, node.word.text, "[");
        PutList(node.args, node.otherwise ? 2 : reserve + 1);
        if (node.otherwise) {
          out_ += node.args.empty() ? "| " : " | ";
          Put(*node.otherwise, reserve + 1);
        }
        out_ += "]";
        break;
      case NodeKind::kCase:
        PutCase(node);
        break;
      default:
        out_ += flat;
    }
  }

  void PutOperand(const Node& node, int reserve) {
    if (node.kind != NodeKind::kReduce) return Put(node, reserve);
    out_ += "(";
    Put(node, reserve + 1);
    out_ += ")";
  }

  /// Operands joined by operators of one level, each on a line of its own.
  void PutChain(const Node& node, int reserve) {
    std::vector<const Node*> chain{&node};
    while (Level(*chain.back()->args[0]) == Level(node) && Level(node) != 2) {
      chain.push_back(chain.back()->args[0].get());
    }
    PutOperand(*chain.back()->args[0], 0);
    for (size_t i = chain.size(); i-- > 0;) {
      NewLine(indent_ + 4);
      StrAppend(&out_, chain[i]->word.text, " ");
      PutOperand(*chain[i]->args[1], i == 0 ? reserve : 0);
    }
  }

  void PutList(const std::vector<NodePtr>& nodes, int reserve) {
    for (size_t i = 0; i < nodes.size(); ++i) {
      bool last = i + 1 == nodes.size();
      if (i > 0) {
        int width = static_cast<int>(printer_.Flat(*nodes[i]).size());
        if (Column() + width + (last ? reserve : 1) > kLineWidth) NewLine(indent_ + 4);
      }
      Put(*nodes[i], last ? reserve : 1);
      if (!last) out_ += ", ";
    }
  }

  void PutCase(const Node& node) {
    out_ += "case ";
    Put(*node.args[0], 2);
    out_ += " {";
    indent_ += 2;
    for (size_t i = 0; i < node.labels.size(); ++i) {
      std::string label = StrCat(node.labels[i].text, ": ");
      int width = static_cast<int>(label.size() + printer_.Flat(*node.args[i + 1]).size());
      if (i == 0 || Column() + 1 + width + 1 > kLineWidth) {
        NewLine(indent_);
      } else {
        out_ += " ";
      }
      out_ += label;
      Put(*node.args[i + 1], 1);
      if (i + 1 < node.labels.size()) out_ += ",";
    }
    indent_ -= 2;
    NewLine(indent_);
    out_ += "}";
  }

  Printer printer_{nullptr};
  std::string out_;
  int indent_;
};

}  // namespace

std::string Print(const Node& node) { return Printer(nullptr).Flat(node); }
std::string Print(const Node& node, const AxisPrinter& axis) { return Printer(&axis).Flat(node); }
std::string Layout(std::string_view prefix, const Node& node, int indent) {
  return Breaker(prefix, indent).Run(node);
}

}  // namespace tunesmith::te::language
