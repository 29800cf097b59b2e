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

}  // namespace tunesmith::te
