// SPDX-License-Identifier: Apache-2.0
#include "library/library.h"

#include <unordered_map>

#include "codegen/runtime/tunesmith_library.h"
#include "library/names.h"
#include "library/objects.h"
#include "library/packing.h"
#include "library/shipped.h"
#include "library/tables.h"
#include "library/texts.h"
#include "support/strings.h"

namespace tunesmith::library {
namespace {

Result<Member> RuntimeMember(std::string_view name, const std::string& prefix) {
  TS_ASSIGN_OR_RETURN(std::string bytes,
                      RenamePrefix(std::string(ShippedFile(name)), kShippedPrefix, prefix));
  return Member{StrCat(prefix, name), std::move(bytes)};
}

/// Names, packing and code of each kernel; the code goes to `members`. Levels that came out as the same code
/// share it.
Result<std::vector<NamedKernel>> PlaceKernels(const Library& library, const std::string& prefix,
                                              std::vector<Member>* members) {
  const std::vector<std::string> names = KernelNames(library.kernels);
  std::vector<NamedKernel> kernels;
  for (size_t k = 0; k < names.size(); ++k) {
    const Kernel& kernel = library.kernels[k];
    NamedKernel named;
    named.kernel = &kernel;
    named.name = names[k];
    named.parameters = ParametersOf(kernel.workload.definition());
    if (named.parameters.size() > TUNESMITH_MOST_PARAMETERS) {
      return Invalid(StrCat(kernel.title, ": the operator has ", named.parameters.size(),
                            " parameters and outputs; a library's kernel has at most ",
                            TUNESMITH_MOST_PARAMETERS));
    }
    std::unordered_map<std::string_view, std::string> code;
    for (const Variant& variant : kernel.variants) {
      TS_ASSIGN_OR_RETURN(Packing packing, PackingOf(kernel.workload.definition(), variant));
      named.packings.push_back(std::move(packing));
      const std::string own = StrCat(names[k], "_", LevelName(variant.target));
      auto [at, fresh] = code.try_emplace(variant.object.bytes, StrCat(prefix, own));
      named.code.push_back(at->second);
      if (!fresh) continue;
      TS_ASSIGN_OR_RETURN(
          std::string renamed,
          RenameKernel(variant.object.bytes, {{codegen::Object::kMain, StrCat(at->second, "_main")},
                                              {codegen::Object::kPack, StrCat(at->second, "_pack")}}));
      members->push_back({StrCat(prefix, own, ".o"), std::move(renamed)});
    }
    kernels.push_back(std::move(named));
  }
  return kernels;
}

}  // namespace

Result<Files> MakeFiles(const Library& library) {
  TS_RETURN_IF_ERROR(CheckLibraryName(library.name));
  if (library.kernels.empty()) return Invalid("a library needs at least one kernel");
  const std::string& name = library.name;
  const std::string prefix = name + "_";

  std::vector<Member> members;
  TS_ASSIGN_OR_RETURN(std::vector<NamedKernel> kernels, PlaceKernels(library, prefix, &members));
  TS_ASSIGN_OR_RETURN(std::string tables, EmitTables(prefix, library, kernels));
  members.push_back({StrCat(prefix, "tables.o"), std::move(tables)});
  for (const char* part : {"library.o", "threads.o"}) {
    TS_ASSIGN_OR_RETURN(Member member, RuntimeMember(part, prefix));
    members.push_back(std::move(member));
  }
  TS_ASSIGN_OR_RETURN(std::string archive, Archive(members));
  TS_ASSIGN_OR_RETURN(std::string shared, LinkShared(members, name, ExportedNames(prefix, kernels)));
  std::vector<Member> program;
  for (const char* part : {"start.o", "bench.o", "timing.o"}) {
    TS_ASSIGN_OR_RETURN(Member member, RuntimeMember(part, prefix));
    program.push_back(std::move(member));
  }
  TS_ASSIGN_OR_RETURN(std::string bench, LinkProgram(program, name, shared));

  Files files;
  files[StrCat("lib/lib", name, ".a")].bytes = std::move(archive);
  files[StrCat("lib/lib", name, ".so")] = {std::move(shared), true};
  files[StrCat("bin/", name, "_bench")] = {std::move(bench), true};
  files[StrCat("lib/cmake/", name, "/", name, "Config.cmake")].bytes = CMakeConfigText(name);
  files[StrCat("include/", name, ".h")].bytes = HeaderText(library, kernels);
  for (const char* shipped : {"tunesmith_kernel.h", "tunesmith_library.h"})
    files[StrCat("include/", shipped)].bytes = ShippedFile(shipped);
  files[StrCat("python/", name, ".py")].bytes = ShippedFile("loader.py");
  files["LICENSE"].bytes = ShippedFile("LICENSE");
  std::vector<std::string> paths;
  for (const auto& [path, file] : files) paths.push_back(path);
  TS_ASSIGN_OR_RETURN(std::string manifest, ManifestText(library, kernels, paths));
  files["manifest.json"].bytes = std::move(manifest);
  return files;
}

}  // namespace tunesmith::library
