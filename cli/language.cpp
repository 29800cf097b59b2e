// SPDX-License-Identifier: Apache-2.0
// tune check and tune fmt: what people who write .te files use.
#include "te/language.h"

#include <cstdio>

#include "cli/command.h"
#include "cli/output.h"
#include "support/files.h"
#include "support/strings.h"

namespace tunesmith::cli {
namespace {

Status CheckFile(const std::string& path, const std::vector<std::string>& bindings) {
  TS_ASSIGN_OR_RETURN(std::string text, ReadFile(path, static_cast<int64_t>(te::kMostSourceBytes)));
  TS_ASSIGN_OR_RETURN(te::Module module, te::Parse(text, path));
  bool wrong = false;
  for (const te::Operator& op : module.operators) {
    std::vector<te::Diagnostic> found = te::Check(op);
    if (!found.empty()) {
      std::fprintf(stderr, "%s\n", te::Render(found).c_str());
      wrong = true;
      continue;
    }
    TS_ASSIGN_OR_RETURN(std::string stages, te::Describe(op, bindings));
    TS_RETURN_IF_ERROR(
        Emit(StrCat(&op == module.operators.data() ? "" : "\n", "op ", op.name(), "\n", stages)));
  }
  return wrong ? Quiet(kUsage) : absl::OkStatus();
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
      "check", "Parse and check a .te file, and print its stages with the ranges inferred.");
  check->add_option("FILE.te", *words, "FILE.te, then attributes that choose among stages (act=relu)")
      ->required()
      ->type_name("[NAME=VALUE]");
  check->footer(
      "Examples:\n"
      "  tune check examples/resnet_conv.te\n"
      "  tune check my.te act=relu");
  check->callback([words, action] {
    *action = [words] { return CheckFile((*words)[0], {words->begin() + 1, words->end()}); };
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
