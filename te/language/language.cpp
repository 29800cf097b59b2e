// SPDX-License-Identifier: Apache-2.0
// Parsing as the rest of the program sees it.
#include "te/language.h"

#include "support/strings.h"
#include "te/language/syntax.h"

namespace tunesmith::te {
namespace {

using language::Diagnostics;
using language::File;
using language::Source;

struct Parsed {
  std::shared_ptr<File> file;
  std::vector<Diagnostic> diagnostics;
};

Parsed ParseWhole(std::string_view text, std::string_view name) {
  auto file = std::make_shared<File>(Source(name, text));
  Diagnostics diagnostics(file->source);
  language::ReadSyntax(file.get(), &diagnostics);
  if (diagnostics.empty()) language::ResolveNames(file.get(), &diagnostics);
  return {file, diagnostics.TakeList()};
}

}  // namespace

Operator::Operator(std::shared_ptr<const File> file, const language::OperatorSyntax* syntax)
    : file_(std::move(file)), syntax_(syntax) {}

const std::string& Operator::name() const { return syntax_->name.text; }
const std::string& Operator::file_name() const { return file_->source.name(); }

const Operator* Module::Find(std::string_view name) const {
  for (const Operator& op : operators) {
    if (op.name() == name) return &op;
  }
  return nullptr;
}

Result<Module> Parse(std::string_view text, std::string_view file) {
  Parsed parsed = ParseWhole(text, file);
  TS_RETURN_IF_ERROR(language::ToStatus(parsed.diagnostics));
  Module module;
  for (const auto& op : parsed.file->operators) module.operators.emplace_back(parsed.file, &op);
  return module;
}

std::vector<Diagnostic> Diagnose(std::string_view text, std::string_view file) {
  return ParseWhole(text, file).diagnostics;
}

Result<std::string> Format(std::string_view text, std::string_view file) {
  File parsed(Source(file, text));
  Diagnostics diagnostics(parsed.source);
  language::ReadSyntax(&parsed, &diagnostics);
  TS_RETURN_IF_ERROR(language::ToStatus(diagnostics.list()));
  return language::Print(parsed);
}

std::string SourceOf(const Operator& op) {
  const File& file = *op.file();
  const language::OperatorSyntax& syntax = op.syntax();
  std::string text;
  for (const language::FunctionSyntax& function : file.functions)
    StrAppend(&text, file.source.Text(function.span), "\n");
  const uint32_t end = syntax.algorithms.empty() ? syntax.end.end : syntax.algorithms.back().end.end;
  StrAppend(&text, file.source.Text({syntax.head.begin, end}), "\n");
  File alone(Source("", text));
  Diagnostics diagnostics(alone.source);
  language::ReadSyntax(&alone, &diagnostics);  // parts of what was read already: there is nothing to report
  alone.comments.clear();
  return language::Print(alone);
}

}  // namespace tunesmith::te
