// SPDX-License-Identifier: Apache-2.0
#include "library/objects.h"

#include "llvm/ObjCopy/ConfigManager.h"
#include "llvm/ObjCopy/ObjCopy.h"
#include "llvm/Object/ArchiveWriter.h"
#include "llvm/Object/ELFObjectFile.h"
#include "llvm/Support/raw_ostream.h"
#include "support/strings.h"

namespace tunesmith::library {
namespace {

Status Refused(std::string_view what, llvm::Error error) {
  return Internal(StrCat(what, ": ", llvm::toString(std::move(error))));
}

llvm::MemoryBufferRef BufferOf(const std::string& bytes, llvm::StringRef name) { return {bytes, name}; }

using Names = std::map<std::string, std::string>;
using ObjectFile = std::unique_ptr<llvm::object::ObjectFile>;

Result<ObjectFile> Open(const std::string& object) {
  auto file = llvm::object::ObjectFile::createELFObjectFile(BufferOf(object, "object"));
  if (!file) return Refused("an object cannot be read", file.takeError());
  return std::move(*file);
}

Result<std::string> Copy(llvm::object::ObjectFile* file, const llvm::objcopy::ConfigManager& config) {
  llvm::SmallVector<char, 0> bytes;
  llvm::raw_svector_ostream stream(bytes);
  if (llvm::Error error = llvm::objcopy::executeObjcopyOnBinary(config, *file, stream))
    return Refused("an object cannot be changed", std::move(error));
  return std::string(bytes.begin(), bytes.end());
}

}  // namespace

Result<std::string> RenameKernel(const std::string& object, const Names& names) {
  TS_ASSIGN_OR_RETURN(ObjectFile file, Open(object));
  llvm::objcopy::ConfigManager config;
  for (const auto& [from, to] : names) config.Common.SymbolsToRename[from] = to;
  constexpr uint64_t kAlignment = 64;
  for (const llvm::object::SectionRef& section : file->sections()) {
    llvm::Expected<llvm::StringRef> name = section.getName();
    if (!name) return Refused("an object's section has no name", name.takeError());
    bool loaded = llvm::object::ELFSectionRef(section).getFlags() & llvm::ELF::SHF_ALLOC;
    if (loaded && section.getAlignment().value() < kAlignment)
      config.Common.SetSectionAlignment[*name] = kAlignment;
  }
  return Copy(file.get(), config);
}

Result<std::string> RenamePrefix(const std::string& object, const std::string& prefix,
                                 const std::string& replacement) {
  TS_ASSIGN_OR_RETURN(ObjectFile file, Open(object));
  Names names;  // owns the texts that the configuration points to
  for (const llvm::object::SymbolRef& symbol : file->symbols()) {
    llvm::Expected<llvm::StringRef> name = symbol.getName();
    if (!name) return Refused("an object's symbol has no name", name.takeError());
    if (name->starts_with(prefix)) names[name->str()] = replacement + name->substr(prefix.size()).str();
  }
  llvm::objcopy::ConfigManager config;
  for (const auto& [from, to] : names) config.Common.SymbolsToRename[from] = to;
  return Copy(file.get(), config);
}

Result<std::string> Archive(const std::vector<Member>& members) {
  std::vector<llvm::NewArchiveMember> all;
  all.reserve(members.size());
  for (const Member& member : members) all.emplace_back(BufferOf(member.bytes, member.name));
  auto archive =
      llvm::writeArchiveToBuffer(all, llvm::SymtabWritingMode::NormalSymtab, llvm::object::Archive::K_GNU,
                                 /*Deterministic=*/true, /*Thin=*/false);
  if (!archive) return Refused("the static library cannot be made", archive.takeError());
  return (*archive)->getBuffer().str();
}

}  // namespace tunesmith::library
