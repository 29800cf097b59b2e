// SPDX-License-Identifier: Apache-2.0
// tune check and tune fmt: what people who write .te files use.
#include "te/language.h"

#include <algorithm>

#include "CLI/CLI.hpp"
#include "cli/command.h"
#include "cli/output.h"
#include "support/files.h"
#include "support/strings.h"
#include "support/suggest.h"

namespace tunesmith::cli {
namespace {

/// Those of the bindings whose names the operator has.
std::vector<std::string> BindingsFor(const te::Operator& op, const std::vector<std::string>& bindings) {
  std::vector<std::string> own;
  const std::vector<te::Bindable> bindables = op.bindables();
  for (const std::string& binding : bindings) {
    const std::string name = binding.substr(0, binding.find('='));
    if (std::any_of(bindables.begin(), bindables.end(),
                    [&](const te::Bindable& b) { return b.name == name; }))
      own.push_back(binding);
  }
  return own;
}

/// Fails if there is a binding whose name none of the operators has.
Status CheckBindings(const std::vector<te::Operator>& operators, const std::vector<std::string>& bindings) {
  std::vector<std::string> names, errors;
  for (const te::Operator& op : operators) {
    for (const te::Bindable& bindable : op.bindables()) {
      if (std::find(names.begin(), names.end(), bindable.name) == names.end()) names.push_back(bindable.name);
    }
  }
  for (const std::string& binding : bindings) {
    const size_t equals = binding.find('=');
    const std::string name = binding.substr(0, equals);
    if (equals == std::string::npos || name.empty()) {
      errors.push_back(StrCat("'", binding, "' is not of the form NAME=VALUE; write it like M=64"));
    } else if (std::find(names.begin(), names.end(), name) == names.end()) {
      std::string nearest = DidYouMean(name, names);
      errors.push_back(StrCat(operators[0].file_name(), ": no operator has a parameter ", name,
                              nearest.empty() ? StrCat("; there are ", StrJoin(names, ", ")) : nearest));
    }
  }
  return errors.empty() ? absl::OkStatus() : Invalid(StrJoin(errors, "\n"));
}

Status CheckOperators(const std::string& word, const std::vector<std::string>& bindings) {
  for (const std::string& binding : bindings) {
    if (binding.find('=') != std::string::npos || binding.find(".te") == std::string::npos) continue;
    return Invalid(
        StrCat("'", binding, "' is a second file; one is checked at a time: tune check ", binding));
  }
  TS_ASSIGN_OR_RETURN(std::vector<te::Operator> operators, FindOperators(word));
  const bool several = operators.size() > 1;
  if (several) TS_RETURN_IF_ERROR(CheckBindings(operators, bindings));
  std::vector<std::string> errors;
  bool first = true;
  for (const te::Operator& op : operators) {
    std::vector<te::Diagnostic> found = te::Check(op);
    if (!found.empty()) {
      errors.push_back(te::Render(found));
      continue;
    }
    Result<std::string> stages = te::Describe(op, several ? BindingsFor(op, bindings) : bindings);
    if (!stages.ok()) {
      errors.emplace_back(MessageOf(stages.status()));
      continue;
    }
    TS_RETURN_IF_ERROR(Emit(StrCat(first ? "" : "\n", "op ", op.name(), "\n", *stages)));
    first = false;
  }
  return errors.empty() ? absl::OkStatus() : Invalid(StrJoin(errors, "\n\n"));
}

Status FormatFiles(const std::vector<std::string>& files, bool check) {
  bool changed = false;
  for (const std::string& path : files) {
    TS_ASSIGN_OR_RETURN(std::string text, ReadFile(path, static_cast<int64_t>(te::kMostSourceBytes)));
    TS_ASSIGN_OR_RETURN(std::string formatted, te::Format(text, path));
    if (formatted == text) continue;
    changed = true;
    if (check) {
      TS_RETURN_IF_ERROR(Emit(StrCat(path, " would change\n")));
    } else {
      TS_RETURN_IF_ERROR(WriteFile(path, formatted));
    }
  }
  return check && changed ? Quiet(kFailed) : absl::OkStatus();
}

}  // namespace

void AddCheck(CLI::App* app, Action* action) {
  auto words = std::make_shared<std::vector<std::string>>();
  CLI::App* check = app->add_subcommand(
      "check", "Parse and check operators, and print their stages with the ranges inferred.");
  check
      ->add_option("OPERATOR", *words,
                   "FILE.te (all that it defines), FILE.te:NAME or a standard operator, then NAME=VALUE for "
                   "symbols and attributes, as many as are to be bound")
      ->required()
      ->type_name("[NAME=VALUE]");
  check->footer(
      "Examples:\n"
      "  tune check examples/resnet_conv.te\n"
      "  tune check my.te:conv act=relu H=56");
  check->callback([words, action] {
    *action = [words] { return CheckOperators((*words)[0], {words->begin() + 1, words->end()}); };
  });
}

void AddFormat(CLI::App* app, Action* action) {
  auto files = std::make_shared<std::vector<std::string>>();
  auto check = std::make_shared<bool>(false);
  CLI::App* format = app->add_subcommand("fmt", "Bring .te files into canonical form.");
  format->add_option("FILE.te", *files, "the files")->required()->type_name("");
  format->add_flag("--check", *check, "change nothing; exit with 1 if a file would change");
  format->footer(
      "Examples:\n"
      "  tune fmt my.te\n"
      "  tune fmt --check te/ops/*.te");
  format->callback(
      [files, check, action] { *action = [files, check] { return FormatFiles(*files, *check); }; });
}

}  // namespace tunesmith::cli
