// SPDX-License-Identifier: Apache-2.0
#include "measure/runner/kernels.h"

#include <sys/mman.h>

#include <cinttypes>
#include <cstring>

#include "measure/runner/buffers.h"

namespace tunesmith::measure::runner {

Kernels::~Kernels() {
  for (auto& [number, kernel] : mapped_) munmap(kernel.base, kernel.bytes);
}

std::optional<Refusal> Kernels::Load(const measure::Load& request) {
  const auto inside = [&](int64_t offset) {
    return offset >= 0 && static_cast<uint64_t>(offset) < request.image.size();
  };
  if (!inside(request.main_offset) || (request.pack_offset != -1 && !inside(request.pack_offset))) {
    return BadRequest("kernel %" PRIu32 ": its entries at %" PRId64 " and %" PRId64
                      " do not lie in its image of %zu bytes",
                      request.kernel, request.main_offset, request.pack_offset, request.image.size());
  }
  if (mapped_.contains(request.kernel)) Unload(request.kernel);
  const size_t bytes = request.image.size();
  void* base = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (base == MAP_FAILED) return Refusal{Refusal::Code::kOutOfMemory, "the kernel's image does not fit"};
  std::memcpy(base, request.image.data(), bytes);
  if (mprotect(base, bytes, PROT_READ | PROT_EXEC) != 0) {
    munmap(base, bytes);
    return BadRequest("the system forbids executable memory that was written to");
  }
  char* code = static_cast<char*>(base);
  __builtin___clear_cache(code, code + bytes);
  mapped_[request.kernel] = {static_cast<uint8_t*>(base), bytes, request.main_offset, request.pack_offset};
  return std::nullopt;
}

std::optional<Refusal> Kernels::Unload(uint32_t kernel) {
  const auto found = mapped_.find(kernel);
  if (found == mapped_.end()) return BadRequest("there is no kernel %" PRIu32, kernel);
  munmap(found->second.base, found->second.bytes);
  mapped_.erase(found);
  return std::nullopt;
}

tunesmith_entry Kernels::Find(uint32_t kernel, Entry entry) const {
  const auto found = mapped_.find(kernel);
  if (found == mapped_.end()) return nullptr;
  const int64_t offset = entry == Entry::kMain ? found->second.main_offset : found->second.pack_offset;
  return offset < 0 ? nullptr : reinterpret_cast<tunesmith_entry>(found->second.base + offset);
}

}  // namespace tunesmith::measure::runner
