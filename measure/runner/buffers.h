// SPDX-License-Identifier: Apache-2.0
// The buffers that kernels read and write: between red zones and inaccessible pages, so that whatever a
// kernel touches beside them is noticed.
//
//   inaccessible | red zone | the buffer | red zone | inaccessible
//
// A guarded buffer ends as close before the inaccessible pages as its alignment allows, or begins directly
// behind them: reading one element too far, or too early, faults. A huge buffer lies on transparent huge
// pages at an offset of its own, so that timings depend neither on the pages' luck nor on buffers that begin
// at the same place within a page (cache sets, 4 KiB aliasing).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "measure/protocol.h"

namespace tunesmith::measure::runner {

/// One mapping. Plain data, so that a signal handler can look through it.
struct Region {
  uint8_t* mapping = nullptr;  // with the inaccessible pages; null: not in use
  size_t mapped_bytes = 0;
  uint8_t* low = nullptr;         // accessible from here …
  uint8_t* high = nullptr;        // … to here
  uint8_t* zones_low = nullptr;   // red zones from here …
  uint8_t* zones_high = nullptr;  // … to here, but for the buffer
  uint8_t* start = nullptr;
  size_t bytes = 0;
  bool read_only = false;
};

class Buffers {
 public:
  /// At most `limit_bytes` of memory are given out at any time.
  explicit Buffers(uint64_t limit_bytes) : limit_bytes_(limit_bytes) {}
  ~Buffers() { FreeAll(); }
  Buffers(const Buffers&) = delete;
  Buffers& operator=(const Buffers&) = delete;

  std::optional<Refusal> Allocate(const measure::Allocate& request);
  std::optional<Refusal> Free(uint32_t buffer);
  void FreeAll();
  /// The region of a buffer; null if there is none of that number.
  const Region* Find(uint32_t buffer) const;
  /// The region of a workspace of at least `bytes`, aligned to 64; made or made larger if need be.
  std::optional<Refusal> Workspace(uint64_t bytes, Placement placement, const Region** region);

  /// Makes a buffer read-only or writable.
  std::optional<Refusal> SetReadOnly(uint32_t buffer, bool read_only);
  /// Where the red zones of a region were overwritten: the byte's offset from its start.
  static std::optional<int64_t> DamagedAt(const Region& region);
  /// Writes the red zones anew.
  static void PaintRedZones(const Region& region);
  /// The buffer in or beside which an address lies, and the address as an offset from its start; kNoBuffer if
  /// there is none. Usable in a signal handler.
  uint32_t Locate(uintptr_t address, int64_t* offset) const;

 private:
  // Workspaces are kept beyond the numbered buffers: one a placement.
  static constexpr size_t kSlots = kMaxBuffers + 3;

  std::optional<Refusal> Map(size_t slot, uint64_t bytes, uint64_t alignment, Placement placement);
  void Unmap(size_t slot);

  std::array<Region, kSlots> regions_;
  uint64_t limit_bytes_;
  uint64_t used_bytes_ = 0;
};

/// What a request is answered with when something in it cannot be right.
Refusal BadRequest(const char* format, ...) __attribute__((format(printf, 1, 2)));

}  // namespace tunesmith::measure::runner
