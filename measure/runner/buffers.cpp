// SPDX-License-Identifier: Apache-2.0
#include "measure/runner/buffers.h"

#include <sys/mman.h>

#include <algorithm>
#include <cinttypes>
#include <cstdarg>
#include <cstdio>
#include <cstring>

#include "codegen/runtime/timing.h"
#include "measure/runner/memory.h"

namespace tunesmith::measure::runner {
namespace {

constexpr size_t kPage = 4096;
constexpr size_t kHugePage = TUNESMITH_HUGE_PAGE_BYTES;
constexpr size_t kGuardBytes = 16 * kPage;  // inaccessible, on each side
constexpr size_t kRedZoneBytes = 4096;      // where there are no inaccessible pages; of huge buffers no more
// Every 16-bit group of it is a NaN in f16 and bf16, every 32-bit group one in f32, every 64-bit group one in
// f64: what is read from a red zone by mistake spoils the result.
constexpr uint8_t kRedZone[2] = {0xfb, 0xff};

size_t RoundUp(size_t value, size_t unit) { return (value + unit - 1) / unit * unit; }

uint8_t* RoundUp(uint8_t* address, size_t unit) {
  return address +
         (RoundUp(reinterpret_cast<uintptr_t>(address), unit) - reinterpret_cast<uintptr_t>(address));
}

struct Zone {
  uint8_t* begin;
  uint8_t* end;
};

Zone FrontZone(const Region& region) { return {region.zones_low, region.start}; }

Zone RearZone(const Region& region) { return {region.start + region.bytes, region.zones_high}; }

uint8_t PatternAt(const uint8_t* address) { return kRedZone[reinterpret_cast<uintptr_t>(address) & 1]; }

void Paint(Zone zone) {
  for (uint8_t* at = zone.begin; at < zone.end; ++at) *at = PatternAt(at);
}

bool Intact(const uint8_t* at) { return *at == PatternAt(at); }

Refusal TooLarge(uint64_t bytes, uint64_t available) {
  char text[160];
  std::snprintf(text, sizeof text,
                "a buffer of %" PRIu64 " bytes does not fit: %" PRIu64 " bytes of memory are free", bytes,
                available);
  return {Refusal::Code::kOutOfMemory, text};
}

}  // namespace

Refusal BadRequest(const char* format, ...) {
  char text[256];
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  return {Refusal::Code::kBadRequest, text};
}

std::optional<Refusal> Buffers::Map(size_t slot, uint64_t bytes, uint64_t alignment, Placement placement) {
  // A twentieth of the memory stays for everybody else on the machine.
  const uint64_t system = AvailableBytes();
  const uint64_t available =
      std::min(system - system / 20, limit_bytes_ - std::min(limit_bytes_, used_bytes_));
  const size_t stagger = tunesmith_timing_offset(static_cast<uint32_t>(slot));
  const size_t front = placement == Placement::kGuardedFront
                           ? 0
                           : kRedZoneBytes + (placement == Placement::kHuge ? stagger : 0);
  if (bytes > available || front + bytes + alignment + kRedZoneBytes + kHugePage > available) {
    return TooLarge(bytes, available);
  }
  const size_t unit = placement == Placement::kHuge ? kHugePage : kPage;
  const size_t rear = placement == Placement::kGuarded ? 0 : kRedZoneBytes;
  const size_t accessible = RoundUp(front + bytes + alignment + rear, unit);
  const size_t mapped = kGuardBytes + unit + accessible + kGuardBytes;
  void* mapping = mmap(nullptr, mapped, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapping == MAP_FAILED) return TooLarge(bytes, available);

  Region region;
  region.mapping = static_cast<uint8_t*>(mapping);
  region.mapped_bytes = mapped;
  region.low = RoundUp(region.mapping + kGuardBytes, unit);
  region.high = region.low + accessible;
  region.bytes = bytes;
  region.zones_low = region.low;
  region.zones_high = region.high;
  switch (placement) {
    case Placement::kGuarded:
      region.start = region.high - RoundUp(bytes, alignment);
      break;
    case Placement::kGuardedFront:
      region.start = region.low;
      break;
    case Placement::kHuge:
      region.start = RoundUp(region.low + front, alignment);
      region.zones_low = std::max(region.low, region.start - kRedZoneBytes);
      region.zones_high = std::min(region.high, region.start + bytes + kRedZoneBytes);
      break;
  }
  if (mprotect(region.low, accessible, PROT_READ | PROT_WRITE) != 0) {
    munmap(mapping, mapped);
    return TooLarge(bytes, available);
  }
  // Advice only: without huge pages the buffer works as well, but slower.
  if (accessible >= kHugePage) madvise(region.low, accessible, MADV_HUGEPAGE);
  std::memset(region.start, 0, bytes);  // every page is there before anything is timed
  PaintRedZones(region);
  regions_[slot] = region;
  used_bytes_ += accessible;
  return std::nullopt;
}

void Buffers::Unmap(size_t slot) {
  Region& region = regions_[slot];
  if (region.mapping == nullptr) return;
  used_bytes_ -= static_cast<uint64_t>(region.high - region.low);
  munmap(region.mapping, region.mapped_bytes);
  region = Region();
}

std::optional<Refusal> Buffers::Allocate(const measure::Allocate& request) {
  if (request.buffer >= kMaxBuffers) {
    return BadRequest("buffer %" PRIu32 ": numbers are below %" PRIu32, request.buffer, kMaxBuffers);
  }
  const uint32_t alignment = request.alignment;
  if (alignment == 0 || alignment > kPage || (alignment & (alignment - 1)) != 0) {
    return BadRequest("buffer %" PRIu32 ": its alignment %" PRIu32 " is not a power of two up to 4096",
                      request.buffer, alignment);
  }
  Unmap(request.buffer);
  return Map(request.buffer, request.bytes, alignment, request.placement);
}

std::optional<Refusal> Buffers::Free(uint32_t buffer) {
  if (Find(buffer) == nullptr) return BadRequest("there is no buffer %" PRIu32, buffer);
  Unmap(buffer);
  return std::nullopt;
}

void Buffers::FreeAll() {
  for (size_t slot = 0; slot < kSlots; ++slot) Unmap(slot);
}

const Region* Buffers::Find(uint32_t buffer) const {
  return buffer < kMaxBuffers && regions_[buffer].mapping != nullptr ? &regions_[buffer] : nullptr;
}

std::optional<Refusal> Buffers::Workspace(uint64_t bytes, Placement placement, const Region** region) {
  const size_t slot = kMaxBuffers + static_cast<size_t>(placement);
  *region = &regions_[slot];
  // A guarded workspace must end where the kernel's ends, so its size must be exact.
  const bool fits = (*region)->mapping != nullptr &&
                    (placement == Placement::kHuge ? (*region)->bytes >= bytes : (*region)->bytes == bytes);
  if (fits) return std::nullopt;
  Unmap(slot);
  return Map(slot, bytes, 64, placement);
}

std::optional<Refusal> Buffers::SetReadOnly(uint32_t buffer, bool read_only) {
  if (Find(buffer) == nullptr) return BadRequest("there is no buffer %" PRIu32, buffer);
  Region& region = regions_[buffer];
  if (region.read_only == read_only) return std::nullopt;
  if (mprotect(region.low, static_cast<size_t>(region.high - region.low),
               read_only ? PROT_READ : PROT_READ | PROT_WRITE) != 0) {
    return Refusal{Refusal::Code::kOutOfMemory, "the system refuses to change a buffer's protection"};
  }
  region.read_only = read_only;
  return std::nullopt;
}

std::optional<int64_t> Buffers::DamagedAt(const Region& region) {
  if (region.read_only) return std::nullopt;
  const Zone rear = RearZone(region);
  for (const uint8_t* at = rear.begin; at < rear.end; ++at) {
    if (!Intact(at)) return at - region.start;
  }
  const Zone front = FrontZone(region);
  for (const uint8_t* at = front.end; at > front.begin; --at) {
    if (!Intact(at - 1)) return at - 1 - region.start;
  }
  return std::nullopt;
}

void Buffers::PaintRedZones(const Region& region) {
  Paint(FrontZone(region));
  Paint(RearZone(region));
}

uint32_t Buffers::Locate(uintptr_t address, int64_t* offset) const {
  for (size_t slot = 0; slot < kSlots; ++slot) {
    const Region& region = regions_[slot];
    const auto begin = reinterpret_cast<uintptr_t>(region.mapping);
    if (region.mapping == nullptr || address < begin || address - begin >= region.mapped_bytes) continue;
    *offset = static_cast<int64_t>(address - reinterpret_cast<uintptr_t>(region.start));
    return slot < kMaxBuffers ? static_cast<uint32_t>(slot) : kWorkspaceBuffer;
  }
  return kNoBuffer;
}

}  // namespace tunesmith::measure::runner
