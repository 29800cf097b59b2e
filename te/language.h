// SPDX-License-Identifier: Apache-2.0
// The language of operators: from .te text to operators, and from an operator and its bindings to a workload.
// docs/language.md is its reference. A graph can be built from C++ as well: see te/graph.h.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "support/status.h"
#include "te/graph.h"

namespace tunesmith::te {

namespace language {
struct File;
struct OperatorSyntax;
}  // namespace language

/// One error in a .te file.
struct Diagnostic {
  std::string file;         // as the caller named it
  int line = 0;             // from 1; 0: the error is about the whole file
  int column = 0;           // from 1, in characters
  std::string message;      // what is wrong
  std::string inferred;     // what was understood, or empty
  std::string fix;          // one way to set it right, or empty
  std::string source_line;  // the line, or the part of a long line that matters
  int caret = 0;            // where in source_line the fault begins, and how many characters it covers
  int width = 0;
};

/// The diagnostic as text, without a line break at its end:
///   conv.te:3:21: A has 2 dimensions, not 1
///     C[i, j] = sum(k) A[i] * B[k, j]
///                      ^~~~
///     inferred: A is f32[M, K]
///     to fix: write A[i, ...] with one index for each dimension
std::string Render(const Diagnostic& diagnostic);
/// All of them, with empty lines between.
std::string Render(const std::vector<Diagnostic>& diagnostics);

/// What the user of an operator binds: a symbol or an attribute.
struct Bindable {
  enum class Kind : uint8_t { kExtent, kInteger, kReal, kTruth, kChoice };
  std::string name;
  Kind kind = Kind::kExtent;
  std::string standard;              // the default as it is written; empty: must be bound
  std::vector<std::string> choices;  // kChoice: the names allowed
};

/// A definition that parsed and whose names are resolved. A value that shares the file it was read from.
class Operator {
 public:
  Operator(std::shared_ptr<const language::File> file, const language::OperatorSyntax* syntax);

  const std::string& name() const;
  /// The file that it was read from, as Parse's caller named it.
  const std::string& file_name() const;
  /// The symbols in the order in which shapes mention them, then the attributes as declared.
  std::vector<Bindable> bindables() const;

  const std::shared_ptr<const language::File>& file() const { return file_; }
  const language::OperatorSyntax& syntax() const { return *syntax_; }

 private:
  std::shared_ptr<const language::File> file_;
  const language::OperatorSyntax* syntax_;  // inside file_
};

struct Module {
  std::vector<Operator> operators;  // in the file's order
  const Operator* Find(std::string_view name) const;
};

/// Source files longer than this are refused.
inline constexpr size_t kMostSourceBytes = size_t{1} << 20;

/// Reads the operators of a file whose content is `text`; `file` names it in messages. Finds what is wrong in
/// the syntax and with names; types and ranges need bindings (Check, Bind). The error's message is all
/// diagnostics, rendered.
Result<Module> Parse(std::string_view text, std::string_view file);
/// The same diagnostics, one by one; empty if the file parses.
std::vector<Diagnostic> Diagnose(std::string_view text, std::string_view file);

/// Checks types, ranges and bounds of every algorithm under every single choice of an attribute, with a few
/// small extents that satisfy the operator's conditions.
std::vector<Diagnostic> Check(const Operator& op);

/// The stages of the definition as they are written, every axis with its inferred range, one a line:
///   C[i < M, j < 64] = sum(k < K) A[i, k] * B[k, j]
/// then those of every further algorithm, below its name, its tolerance and, if what is bound does not decide
/// it, its condition; an algorithm that does not apply is left out. `bindings` ("act=relu", "N=64") choose
/// among stages and make ranges numbers; symbols may stay unbound. Fails if Check does, or if no extents are
/// found that satisfy the conditions.
Result<std::string> Describe(const Operator& op, const std::vector<std::string>& bindings);

/// Binds every symbol and attribute ("M=128", "act=relu") and builds the graphs of the definition and of all
/// algorithms that apply. Each graph satisfies Verify; Normalize is left to the caller. Fails, naming all
/// that is wrong, if a binding is unknown, missing, given twice or no value; if a condition of the operator
/// does not hold; if a type or a range is wrong; or if parameters and outputs need more than `memory_bytes`,
/// unless given what this process may use.
Result<Workload> Bind(const Operator& op, const std::vector<std::string>& bindings,
                      std::optional<int64_t> memory_bytes = std::nullopt);

/// The file in canonical form: Format(Format(x)) is Format(x), comments are kept, and the operators' graphs
/// stay as they are. Fails if the syntax is wrong.
Result<std::string> Format(std::string_view text, std::string_view file);

/// The operator as a file of its own: it and the functions of its file in canonical form, without comments.
/// The operator that this text defines binds to the same workloads.
std::string SourceOf(const Operator& op);

/// A standard operator (te/ops/*.te, part of this program) by its name. Not found: names the nearest.
Result<Operator> StandardOperator(std::string_view name);
/// The names of all standard operators, sorted.
std::vector<std::string> StandardOperators();

/// A line of a suite: `id<TAB>operator<TAB>NAME=VALUE NAME=VALUE…`.
struct SuiteEntry {
  std::string id;
  std::string op;
  std::vector<std::string> bindings;
  int line = 0;
};
/// Reads a suite; lines that are empty or begin with # are skipped. Names every wrong line; ids are unique.
Result<std::vector<SuiteEntry>> ParseSuite(std::string_view text, std::string_view file);

}  // namespace tunesmith::te
