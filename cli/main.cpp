// SPDX-License-Identifier: Apache-2.0
// tune: the command line.
#include <algorithm>
#include <sstream>

#include "CLI/CLI.hpp"
#include "cli/command.h"
#include "cli/output.h"
#include "support/strings.h"
#include "support/suggest.h"

namespace tunesmith::cli {
namespace {

/// The words that lead to the subcommand that was reached: "tune db list".
std::string PathTo(const CLI::App& app) {
  return app.get_parent() ? StrCat(PathTo(*app.get_parent()), " ", app.get_name()) : app.get_name();
}

std::vector<std::string> OptionsOf(const CLI::App& app) {
  std::vector<std::string> options;
  for (const CLI::Option* o : app.get_options()) {
    for (const std::string& name : o->get_lnames()) options.push_back(StrCat("--", name));
  }
  return options;
}

/// The parser's message in our form: what is wrong, what would be right, where to read more.
std::string Explain(const CLI::App& app, const CLI::ParseError& error) {
  const CLI::App* reached = &app;
  while (!reached->get_subcommands().empty()) reached = reached->get_subcommands()[0];
  std::vector<std::string> known;
  for (const CLI::App* sub : reached->get_subcommands(nullptr)) known.push_back(sub->get_name());
  bool wants_subcommand = !known.empty();
  std::string what = error.what();
  if (error.get_name() == "ArgumentMismatch") {
    std::string option = what.substr(0, what.find(':'));
    what = StrCat(option, what.ends_with("missing") ? " needs a value" : " may be given only once");
  }
  std::vector<std::string> unknown = reached->remaining();
  const CLI::App* above = reached;  // that could not make sense of a word
  while (unknown.empty() && above->get_parent()) {
    above = above->get_parent();
    unknown = above->remaining();
  }
  auto option_at = std::find_if(unknown.begin(), unknown.end(),
                                [](const std::string& word) { return word.starts_with("-"); });
  if (above != reached && !unknown.empty()) {
    const bool known_here = option_at != unknown.end() && reached->get_option_no_throw(option_at->substr(
                                                              0, option_at->find('='))) != nullptr;
    if (known_here) {
      what = StrCat("options stand behind ", PathTo(*reached), "; ", *option_at, " stands before it");
    } else {
      const std::string word = option_at != unknown.end() ? *option_at : unknown[0];
      const std::string name = word.substr(0, word.find('='));
      what = StrCat(PathTo(*above), " knows no ", name, "; it stands before ", reached->get_name(),
                    DidYouMean(name, OptionsOf(*above)));
    }
  } else if (!unknown.empty() && unknown[0].starts_with("-")) {
    std::string option = unknown[0].substr(0, unknown[0].find('='));
    what = StrCat(PathTo(*reached), " has no option ", option, DidYouMean(option, OptionsOf(*reached)));
  } else if (wants_subcommand) {
    std::string list = StrJoin(known, ", ");
    what = unknown.empty() ? StrCat("a subcommand is missing; there are: ", list)
                           : StrCat("there is no subcommand '", unknown[0], "'; there are: ", list,
                                    DidYouMean(unknown[0], known));
  } else if (!unknown.empty()) {
    what = StrCat(PathTo(*reached), " does not take '", unknown[0], "'");
  }
  return StrCat("tune: ", what, "\n", PathTo(*reached), " --help shows what can be said");
}

int Main(int argc, char** argv) {
  WatchSignals();
  CLI::App app(
      "Turns the definition of an operator into the fastest kernel that this machine can run, and proves it.",
      "tune");
  app.set_version_flag("--version", VersionText());
  app.require_subcommand(1);
  app.footer(
      "Exit codes: 0 done, 1 it ran and the answer is no, 2 wrong usage or input, 3 the system refused, 4 a "
      "bug, 130 interrupted.\n"
      "Begin with:\n"
      "  tune doctor\n"
      "  tune run matmul M=512 N=512 K=512");
  Action action;
  AddRun(&app, &action);
  AddBuild(&app, &action);
  AddBench(&app, &action);
  AddShow(&app, &action);
  AddCheck(&app, &action);
  AddFormat(&app, &action);
  AddDatabase(&app, &action);
  AddDoctor(&app, &action);
  Status status;
  try {
    app.parse(argc, argv);
    status = action();
  } catch (const CLI::ParseError& e) {
    if (e.get_exit_code() != 0) {
      Complain(Explain(app, e));
      return kUsage;
    }
    std::ostringstream text;  // the help or the version
    app.exit(e, text, text);
    status = Emit(text.str());
  }
  if (!status.ok() && !status.message().empty()) Complain(StrCat("tune: ", MessageOf(status)));
  // Output that did not arrive turns success into failure; a failure is told already.
  if (Status written = FlushOutput(); !written.ok() && ExitCodeOf(status) != kSystem) {
    Complain(StrCat("tune: ", MessageOf(written)));
    return kSystem;
  }
  return ExitCodeOf(status);
}

}  // namespace
}  // namespace tunesmith::cli

int main(int argc, char** argv) { return tunesmith::cli::Main(argc, argv); }
