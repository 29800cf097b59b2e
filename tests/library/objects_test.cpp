// SPDX-License-Identifier: Apache-2.0
// Objects are renamed, archived and linked in this process.
#include "library/objects.h"

#include <dlfcn.h>
#include <gtest/gtest.h>

#include <fstream>
#include <set>

#include "codegen/llvm/compile.h"
#include "ir/lower.h"
#include "library/shipped.h"
#include "llvm/BinaryFormat/ELF.h"
#include "llvm/Object/Archive.h"
#include "llvm/Object/ELFObjectFile.h"
#include "schedule/trace.h"
#include "support/files.h"
#include "tests/te/sample_graphs.h"

namespace tunesmith::library {
namespace {

template <class T>
T Value(Result<T> result) {
  EXPECT_TRUE(result.ok()) << result.status();
  return std::move(result).value();
}

/// A product of 8 x 16 x 8, whose weight is packed.
const std::string& KernelObject() {
  static const std::string* object = [] {
    te::Graph graph = te::MatmulGraph(8, 16, 8);
    graph.tensors[1].role = te::Role::kWeight;
    schedule::Trace trace = Value(schedule::ParseTrace(
        "trace 1\nnames A B | C(i j k)\ntarget x86-64-sse4.2\ncache B for C as Bp\npack Bp\n"));
    ir::Program program = Value(ir::Lower(Value(schedule::Replay(trace, graph))));
    codegen::Target target = Value(codegen::TargetNamed("x86-64-sse4.2"));
    return new std::string(Value(codegen::CompileObject(program, target)).bytes);
  }();
  return *object;
}

std::string RenamedKernel(const std::string& prefix) {
  return Value(RenameKernel(KernelObject(), {{codegen::Object::kMain, prefix + "main"},
                                             {codegen::Object::kPack, prefix + "pack"}}));
}

/// Global symbols; those that are not defined with "?" behind.
std::set<std::string> GlobalSymbols(const std::string& object) {
  auto file = llvm::cantFail(llvm::object::ObjectFile::createELFObjectFile({object, "object"}));
  std::set<std::string> names;
  for (const llvm::object::SymbolRef& symbol : file->symbols()) {
    uint32_t flags = llvm::cantFail(symbol.getFlags());
    if (!(flags & llvm::object::SymbolRef::SF_Global)) continue;
    bool defined = !(flags & llvm::object::SymbolRef::SF_Undefined);
    names.insert(llvm::cantFail(symbol.getName()).str() + (defined ? "" : "?"));
  }
  return names;
}

TEST(RenameKernel, NamesBothEntriesAndNothingElse) {
  EXPECT_EQ(GlobalSymbols(KernelObject()), (std::set<std::string>{"kernel_main", "kernel_pack"}));
  EXPECT_EQ(GlobalSymbols(RenamedKernel("mine_")), (std::set<std::string>{"mine_main", "mine_pack"}));
}

TEST(RenameKernel, AlignsCodeAndConstantsAsImagesDo) {
  std::string object = RenamedKernel("mine_");
  auto file = llvm::cantFail(llvm::object::ObjectFile::createELFObjectFile({object, "object"}));
  int loaded = 0;
  for (const llvm::object::SectionRef& section : file->sections()) {
    if (!(llvm::object::ELFSectionRef(section).getFlags() & llvm::ELF::SHF_ALLOC)) continue;
    ++loaded;
    EXPECT_GE(section.getAlignment().value(), 64u);
  }
  EXPECT_GE(loaded, 1);
}

TEST(RenamePrefix, ReachesWhatIsNotDefined) {
  std::string shipped(ShippedFile("library.o"));
  ASSERT_TRUE(GlobalSymbols(shipped).contains("tunesmith_prefix_run"));
  ASSERT_TRUE(GlobalSymbols(shipped).contains("tunesmith_prefix_library?"));
  std::set<std::string> names = GlobalSymbols(Value(RenamePrefix(shipped, kShippedPrefix, "mine_")));
  EXPECT_TRUE(names.contains("mine_run"));
  EXPECT_TRUE(names.contains("mine_library?"));
  EXPECT_TRUE(names.contains("memcpy?"));  // the C library's names stay
  for (const std::string& name : names) EXPECT_EQ(name.find(kShippedPrefix), std::string::npos) << name;
}

TEST(RenamePrefix, RefusesWhatIsNoObject) {
  Result<std::string> renamed = RenamePrefix("not an object", "a", "b");
  ASSERT_FALSE(renamed.ok());
  EXPECT_TRUE(MessageOf(renamed.status()).starts_with("an object cannot be read: ")) << renamed.status();
}

TEST(ShippedFiles, RunOnEveryProcessorAndNeedTheCLibraryAlone) {
  EXPECT_EQ(ShippedFile("nonsense.o"), "");
  for (const char* name : {"LICENSE", "loader.py", "tunesmith_kernel.h", "tunesmith_library.h"})
    EXPECT_FALSE(ShippedFile(name).empty()) << name;
  // What sanitizers, stack protectors or checked functions of the C library would add.
  for (const char* name : {"library.o", "threads.o", "bench.o", "start.o", "timing.o"}) {
    for (const std::string& symbol : GlobalSymbols(std::string(ShippedFile(name)))) {
      for (const char* unwanted : {"__asan", "__ubsan", "__stack_chk", "_chk?", "__cpu_model"})
        EXPECT_EQ(symbol.find(unwanted), std::string::npos) << name << " needs " << symbol;
    }
  }
}

TEST(Archive, HoldsItsMembersAndNoDates) {
  std::vector<Member> members = {{"a_member_with_a_name_longer_than_sixteen_bytes.o", RenamedKernel("a_")},
                                 {"b.o", RenamedKernel("b_")}};
  std::string archive = Value(Archive(members));
  EXPECT_EQ(archive, Value(Archive(members)));
  auto read = llvm::cantFail(llvm::object::Archive::create({archive, "archive"}));
  std::vector<std::string> names;
  llvm::Error error = llvm::Error::success();
  for (const llvm::object::Archive::Child& child : read->children(error)) {
    names.push_back(llvm::cantFail(child.getName()).str());
    EXPECT_EQ(llvm::cantFail(child.getLastModified()).time_since_epoch().count(), 0);
    EXPECT_EQ(llvm::cantFail(child.getUID()), 0u);
  }
  EXPECT_FALSE(static_cast<bool>(error));
  EXPECT_EQ(names, (std::vector<std::string>{members[0].name, "b.o"}));
  EXPECT_TRUE(llvm::cantFail(read->findSym("b_main")).has_value());
}

TEST(LinkShared, ShowsWhatIsExportedAndHidesTheRest) {
  std::vector<Member> members = {
      {"threads.o", Value(RenamePrefix(std::string(ShippedFile("threads.o")), kShippedPrefix, "mine_"))}};
  std::string library = Value(LinkShared(members, "mine", {"mine_pool_create", "mine_pool_destroy"}));
  EXPECT_EQ(library, Value(LinkShared(members, "mine", {"mine_pool_create", "mine_pool_destroy"})));
  TemporaryFolder folder = Value(TemporaryFolder::Make());
  std::string path = (folder.path() / "libmine.so").string();
  ASSERT_TRUE(WriteFile(path, library).ok());
  void* handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  ASSERT_NE(handle, nullptr) << dlerror();
  EXPECT_NE(dlsym(handle, "mine_pool_create"), nullptr);
  EXPECT_EQ(dlsym(handle, "mine_pool_threads"), nullptr);
  EXPECT_EQ(dlclose(handle), 0);
}

TEST(LinkShared, NamesWhatIsMissing) {
  std::vector<Member> members = {{"library.o", std::string(ShippedFile("library.o"))}};
  Result<std::string> linked = LinkShared(members, "mine", {});
  ASSERT_FALSE(linked.ok());
  EXPECT_NE(MessageOf(linked.status()).find("undefined symbol: tunesmith_prefix_library"), std::string::npos)
      << linked.status();
  // The linker can be used again.
  EXPECT_TRUE(LinkShared({{"threads.o", std::string(ShippedFile("threads.o"))}}, "mine", {}).ok());
}

}  // namespace
}  // namespace tunesmith::library
