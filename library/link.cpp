// SPDX-License-Identifier: Apache-2.0
// The linker: LLVM's, as a library. It works on files, so it gets a temporary folder; paths do not show in
// what it makes.
#include <link.h>

#include <cstring>
#include <filesystem>
#include <mutex>

#include "library/objects.h"
#include "lld/Common/Driver.h"
#include "llvm/Support/raw_ostream.h"
#include "support/files.h"
#include "support/strings.h"

LLD_HAS_DRIVER(elf)

namespace tunesmith::library {
namespace {

constexpr int64_t kMostBytes = int64_t{1} << 30;  // of a linked file

/// The C library that this process runs on: its file tells the linker the versions of its symbols, as the one
/// of a C library for development would. Empty if there is none.
std::string CLibrary() {
  std::string path;
  dl_iterate_phdr(
      [](dl_phdr_info* info, size_t, void* found) {
        constexpr std::string_view kName = "/libc.so.6";
        if (!std::string_view(info->dlpi_name).ends_with(kName)) return 0;
        *static_cast<std::string*>(found) = info->dlpi_name;
        return 1;
      },
      &path);
  return path;
}

/// Writes the members and runs the linker with their paths behind `options`; `more` are files to link with.
Result<std::string> Link(const TemporaryFolder& folder, const std::vector<Member>& members,
                         std::vector<std::string> options, const std::vector<std::string>& more) {
  std::string c_library = CLibrary();
  if (c_library.empty())
    return Unavailable("libraries can be linked only where this program runs on glibc's libc.so.6");
  const std::string output = folder.path() / "linked";
  std::vector<std::string> words = {
      "ld.lld", "-m",   "elf_x86_64", "--hash-style=gnu", "--build-id=none", "-z", "relro", "-z", "now",
      "-z",     "defs", "-z",         "noexecstack",      "--threads=1",     "-o", output};
  words.insert(words.end(), options.begin(), options.end());
  for (const Member& member : members) {
    // Not the member's name, which may be longer than a file's.
    const std::string path = folder.path() / StrCat(words.size(), ".o");
    TS_RETURN_IF_ERROR(WriteFile(path, member.bytes));
    words.push_back(path);
  }
  words.insert(words.end(), more.begin(), more.end());
  words.push_back(c_library);

  std::vector<const char*> args;
  for (const std::string& word : words) args.push_back(word.c_str());
  std::string text;
  {
    static std::mutex one_at_a_time;  // the linker has global state
    std::lock_guard lock(one_at_a_time);
    llvm::raw_string_ostream stream(text);
    lld::Result result = lld::lldMain(args, stream, stream, {{lld::Gnu, &lld::elf::link}});
    if (result.retCode != 0) return Unavailable(StrCat("the library cannot be linked: ", text));
  }
  return ReadFile(output, kMostBytes);
}

}  // namespace

Result<std::string> LinkShared(const std::vector<Member>& members, const std::string& name,
                               const std::vector<std::string>& exported) {
  TS_ASSIGN_OR_RETURN(TemporaryFolder folder, TemporaryFolder::Make());
  const std::string script = folder.path() / "exported";
  std::string text = "{ global:";
  for (const std::string& symbol : exported) StrAppend(&text, " ", symbol, ";");
  StrAppend(&text, " local: *; };\n");
  TS_RETURN_IF_ERROR(WriteFile(script, text));
  return Link(
      folder, members,
      {"-shared", "-Bsymbolic", StrCat("--soname=lib", name, ".so"), StrCat("--version-script=", script)},
      {});
}

Result<std::string> LinkProgram(const std::vector<Member>& members, const std::string& name,
                                const std::string& shared_library) {
  TS_ASSIGN_OR_RETURN(TemporaryFolder folder, TemporaryFolder::Make());
  const std::string library = folder.path() / StrCat("lib", name, ".so");
  TS_RETURN_IF_ERROR(WriteFile(library, shared_library));
  return Link(folder, members,
              {"-pie", "--dynamic-linker=/lib64/ld-linux-x86-64.so.2", "-rpath", "$ORIGIN/../lib"},
              {library});
}

}  // namespace tunesmith::library
