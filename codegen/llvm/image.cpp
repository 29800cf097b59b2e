// SPDX-License-Identifier: Apache-2.0
// The image of a kernel: sections of an ELF object, one after another from address 0, references between them
// resolved.
#include <cstring>
#include <map>

#include "codegen/llvm/machine_code.h"
#include "llvm/BinaryFormat/ELF.h"
#include "llvm/Object/ELFObjectFile.h"
#include "support/strings.h"

namespace tunesmith::codegen {
namespace {

std::string TextOf(llvm::Error error) { return llvm::toString(std::move(error)); }

struct Placed {
  llvm::object::SectionRef section;
  int64_t at;
};

}  // namespace

Result<Image> LayOut(const llvm::SmallVectorImpl<char>& object, const std::string& main,
                     const std::string& pack) {
  llvm::MemoryBufferRef buffer(llvm::StringRef(object.data(), object.size()), "kernel");
  auto file = llvm::object::ObjectFile::createELFObjectFile(buffer);
  if (!file) return Internal(StrCat("the object file cannot be read: ", TextOf(file.takeError())));
  Image image;
  std::map<uint64_t, int64_t> at;  // by section index
  std::vector<Placed> placed;
  // Code first, so that its entries are aligned alike in every build; constants behind it.
  for (bool code : {true, false}) {
    for (const llvm::object::SectionRef& section : (*file)->sections()) {
      llvm::object::ELFSectionRef elf(section);
      if (!(elf.getFlags() & llvm::ELF::SHF_ALLOC) || section.isText() != code || section.getSize() == 0)
        continue;
      if (elf.getType() == llvm::ELF::SHT_X86_64_UNWIND || section.isBSS() ||
          (elf.getFlags() & llvm::ELF::SHF_WRITE)) {
        llvm::Expected<llvm::StringRef> name = section.getName();
        std::string text = name ? name->str() : "?";
        if (text == ".eh_frame") continue;
        return Internal(StrCat("the kernel has a section ", text, " that an image cannot hold"));
      }
      llvm::Expected<llvm::StringRef> bytes = section.getContents();
      if (!bytes) return Internal(TextOf(bytes.takeError()));
      size_t alignment = std::max<uint64_t>(section.getAlignment().value(), 64);
      image.bytes.resize((image.bytes.size() + alignment - 1) / alignment * alignment);
      at[section.getIndex()] = static_cast<int64_t>(image.bytes.size());
      placed.push_back({section, static_cast<int64_t>(image.bytes.size())});
      image.bytes.insert(image.bytes.end(), bytes->bytes_begin(), bytes->bytes_end());
    }
    if (code) image.code_bytes = static_cast<int64_t>(image.bytes.size());
  }
  auto address_of = [&](const llvm::object::SymbolRef& symbol) -> Result<int64_t> {
    llvm::Expected<llvm::object::section_iterator> section = symbol.getSection();
    llvm::Expected<uint64_t> value = symbol.getValue();
    llvm::Expected<llvm::StringRef> name = symbol.getName();
    std::string text = name ? name->str() : "?";
    if (!name) llvm::consumeError(name.takeError());
    if (!section) return Internal(TextOf(section.takeError()));
    if (!value) return Internal(TextOf(value.takeError()));
    if (*section == (*file)->section_end() || !at.count((*section)->getIndex())) {
      return Internal(StrCat("the kernel calls '", text, "', which is outside of it"));
    }
    return at[(*section)->getIndex()] + static_cast<int64_t>(*value);
  };
  for (const llvm::object::SymbolRef& symbol : (*file)->symbols()) {
    llvm::Expected<llvm::StringRef> name = symbol.getName();
    if (!name) {
      llvm::consumeError(name.takeError());
      continue;
    }
    if (*name != main && *name != pack) continue;
    TS_ASSIGN_OR_RETURN(int64_t address, address_of(symbol));
    (*name == main ? image.main_offset : image.pack_offset) = address;
  }
  for (const llvm::object::SectionRef& section : (*file)->sections()) {
    llvm::Expected<llvm::object::section_iterator> target = section.getRelocatedSection();
    if (!target || *target == (*file)->section_end() || !at.count((*target)->getIndex())) {
      if (!target) llvm::consumeError(target.takeError());
      continue;
    }
    int64_t base = at[(*target)->getIndex()];
    for (const llvm::object::RelocationRef& relocation : section.relocations()) {
      uint64_t type = relocation.getType();
      if (type != llvm::ELF::R_X86_64_PC32 && type != llvm::ELF::R_X86_64_PLT32) {
        llvm::SmallString<32> name;
        relocation.getTypeName(name);
        return Internal(StrCat("the kernel needs a relocation that is not relative: ",
                               std::string_view(name.data(), name.size())));
      }
      TS_ASSIGN_OR_RETURN(int64_t symbol, address_of(*relocation.getSymbol()));
      llvm::Expected<int64_t> addend = llvm::object::ELFRelocationRef(relocation).getAddend();
      if (!addend) return Internal(TextOf(addend.takeError()));
      int64_t place = base + static_cast<int64_t>(relocation.getOffset());
      int32_t value = static_cast<int32_t>(symbol + *addend - place);
      std::memcpy(image.bytes.data() + place, &value, sizeof value);
    }
  }
  return image;
}

}  // namespace tunesmith::codegen
