// SPDX-License-Identifier: Apache-2.0
// The syntax tree of a .te file. It keeps what a reader sees, parentheses included, so that the formatter can
// write it again; nothing is resolved.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "te/language/diagnostics.h"
#include "te/language/lexer.h"

namespace tunesmith::te::language {

struct Node;
using NodePtr = std::unique_ptr<const Node>;

/// A name and where it stands.
struct Word {
  std::string text;
  Span span;

  bool empty() const { return text.empty(); }
};

/// An axis where it is introduced: `k` or `k < K`.
struct AxisSyntax {
  Word name;
  NodePtr extent;  // null: inferred
};

enum class NodeKind : uint8_t {
  kInteger,  // word
  kReal,     // word
  kWord,     // word: inf, true or false
  kName,     // word
  kParen,    // (args[0])
  kUnary,    // word: - or !; args[0]
  kBinary,   // word: the operator; args[0], args[1]
  kRead,     // word[args | otherwise]
  kCall,     // word(args) or word.suffix(args)
  kReduce,   // word:suffix(axes) args[0]
  kCase,     // case args[0] { labels[n]: args[n + 1] }
  kTable,    // table(axes; args)
};

struct Node {
  NodeKind kind = NodeKind::kInteger;
  Span span;
  Word word;
  Word suffix;  // may be empty
  std::vector<NodePtr> args;
  NodePtr otherwise;
  std::vector<AxisSyntax> axes;
  std::vector<Word> labels;  // "else" is one
  int depth = 1;             // the longest path to a leaf
};

/// Expressions have at most this many operations one inside the other.
inline constexpr int kMostDepth = 400;
/// Brackets, blocks and prefixes nest at most this deep.
inline constexpr int kMostNesting = 200;
/// An operator has at most this many stages in a body; parameters and outputs; attributes; facts.
inline constexpr size_t kMostStages = 500;
inline constexpr size_t kMostDeclarations = 100;

/// `[weight] name: type[shape] [if condition]`
struct TensorSyntax {
  bool weight = false;
  Word name;
  Word type;
  std::vector<NodePtr> shape;
  NodePtr condition;
  Span span;
};

/// `name`, `name = value` or `name = choices[0] | choices[1] …`
struct AttributeSyntax {
  Word name;
  NodePtr value;
  std::vector<Word> choices;
  Span span;
};

/// `name = value`, or a condition if the name is empty.
struct FactSyntax {
  Word name;
  NodePtr value;
  Span span;
};

/// A stage (`tensor[axes] = value`), or a choice if `condition` is set.
struct Statement {
  Span span;
  Word tensor;
  std::vector<AxisSyntax> axes;
  NodePtr value;

  NodePtr condition;
  std::vector<Statement> yes, no;
  bool has_else = false;
  Span head;               // "if … {"
  Span yes_end;            // the } of the first block
  Span else_head, no_end;  // "else {" and its }
};

struct AlgorithmSyntax {
  Word name;
  Word tolerance;     // a number
  double factor = 1;  // its value
  NodePtr condition;
  std::vector<Statement> body;
  Span head, end;  // "algorithm … {" and the }
};

struct OperatorSyntax {
  Word name;
  std::vector<TensorSyntax> parameters;
  std::vector<AttributeSyntax> attributes;
  std::vector<TensorSyntax> outputs;
  std::vector<FactSyntax> facts;
  std::vector<Statement> body;
  std::vector<AlgorithmSyntax> algorithms;
  Span head, end;  // "op … {" and the }
  /// Names in the shapes of parameters that are neither attributes nor facts; set when names are resolved.
  std::vector<std::string> symbols;
};

struct FunctionSyntax {
  Word name;
  std::vector<Word> arguments;
  NodePtr value;
  Span span;
};

/// A whole file. `order` says how functions and operators alternate: the index of each, functions as n,
/// operators as -1 - n.
struct File {
  explicit File(Source s) : source(std::move(s)) {}
  Source source;
  std::vector<FunctionSyntax> functions;
  std::vector<OperatorSyntax> operators;
  std::vector<int> order;
  std::vector<Comment> comments;
};

/// Reads the syntax of `file->source`; reports what is wrong and goes on behind it.
void ReadSyntax(File* file, Diagnostics* diagnostics);

/// Resolves names: reports what is unknown, declared twice, unused, of a wrong rank, or read before its
/// definition; fills OperatorSyntax::symbols.
void ResolveNames(File* file, Diagnostics* diagnostics);

/// The file in canonical form; its syntax is right.
std::string Print(const File& file);
/// An expression on one line.
std::string Print(const Node& node);
/// The same; `axis` writes each axis where a reduction introduces it.
std::string Print(const Node& node, const std::function<std::string(const AxisSyntax&)>& axis);
/// An expression behind `prefix`, over several lines if it is long. Its lines after the first begin with at
/// least `indent` blanks; the last has no line break.
std::string Layout(std::string_view prefix, const Node& node, int indent);
/// Lines that can be broken are at most this long.
inline constexpr int kLineWidth = 110;

/// Called for a node and everything below it, parents first.
template <class Visitor>
void VisitNodes(const Node& node, const Visitor& visit) {
  visit(node);
  for (const NodePtr& arg : node.args) VisitNodes(*arg, visit);
  if (node.otherwise) VisitNodes(*node.otherwise, visit);
  for (const AxisSyntax& axis : node.axes) {
    if (axis.extent) VisitNodes(*axis.extent, visit);
  }
}

/// The node without parentheses around it.
inline const Node& Bare(const Node& node) {
  const Node* bare = &node;
  while (bare->kind == NodeKind::kParen) bare = bare->args[0].get();
  return *bare;
}

}  // namespace tunesmith::te::language
