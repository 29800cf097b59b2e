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

/// Rename(name) for every symbol for which it is another name.
template <class Rename>
Result<std::string> RenameEach(const std::string& object, Rename rename) {
  auto file = llvm::object::ObjectFile::createELFObjectFile(BufferOf(object, "object"));
  if (!file) return Refused("an object cannot be read", file.takeError());
  llvm::objcopy::ConfigManager config;
  std::map<std::string, std::string> names;  // owns the texts that the configuration points to
  for (const llvm::object::SymbolRef& symbol : (*file)->symbols()) {
    llvm::Expected<llvm::StringRef> name = symbol.getName();
    if (!name) return Refused("an object's symbol has no name", name.takeError());
    std::string renamed = rename(name->str());
    if (renamed != *name) names[name->str()] = std::move(renamed);
  }
  for (const auto& [from, to] : names) config.Common.SymbolsToRename[from] = to;
  llvm::SmallVector<char, 0> bytes;
  llvm::raw_svector_ostream stream(bytes);
  if (llvm::Error error = llvm::objcopy::executeObjcopyOnBinary(config, **file, stream))
    return Refused("symbols cannot be renamed", std::move(error));
  return std::string(bytes.begin(), bytes.end());
}

}  // namespace

Result<std::string> RenameSymbols(const std::string& object,
                                  const std::map<std::string, std::string>& names) {
  return RenameEach(object, [&](const std::string& name) {
    auto found = names.find(name);
    return found == names.end() ? name : found->second;
  });
}

Result<std::string> RenamePrefix(const std::string& object, const std::string& prefix,
                                 const std::string& replacement) {
  return RenameEach(object, [&](const std::string& name) {
    return name.starts_with(prefix) ? replacement + name.substr(prefix.size()) : name;
  });
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
