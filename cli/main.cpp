// SPDX-License-Identifier: Apache-2.0
// tune: the command line.
#include <cstdio>

#include "cli/command.h"
#include "codegen/llvm/compile.h"
#include "support/strings.h"

namespace {

constexpr char kVersion[] = "0.1.0";

}  // namespace

int main(int argc, char** argv) {
  using namespace tunesmith;
  using namespace tunesmith::cli;
  WatchSignals();
  CLI::App app(
      "Turns the definition of an operator into the fastest kernel that this machine can run, and proves it.",
      "tune");
  app.set_version_flag(
      "--version", StrCat("tune ", kVersion, ", code generator ", codegen::CodeGeneratorVersion(), ", LLVM ",
                          codegen::LlvmVersion()));
  app.require_subcommand(1);
  app.footer(
      "Exit codes: 0 done, 1 it ran and the answer is no, 2 wrong usage or input, 3 the system refused, 4 a "
      "bug, 130 interrupted.\n"
      "Begin with:  tune run matmul M=512 N=512 K=512");
  Action action;
  AddRun(&app, &action);
  AddBuild(&app, &action);
  AddBench(&app, &action);
  AddShow(&app, &action);
  AddCheck(&app, &action);
  AddFormat(&app, &action);
  AddDatabase(&app, &action);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    int code = app.exit(e);
    return code == 0 ? kDone : kUsage;
  }
  Status status = action();
  if (!status.ok() && !status.message().empty())
    std::fprintf(stderr, "tune: %s\n", std::string(MessageOf(status)).c_str());
  if (std::fflush(stdout) != 0 && status.ok()) {
    std::perror("tune: cannot write the output");
    return kSystem;
  }
  return ExitCodeOf(status);
}
