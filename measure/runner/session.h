// SPDX-License-Identifier: Apache-2.0
// What the runner holds between requests, and how it answers them.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "measure/protocol.h"
#include "measure/runner/buffers.h"
#include "measure/runner/kernels.h"
#include "measure/runner/threads.h"

namespace tunesmith::measure::runner {

class Session {
 public:
  /// At most `limit_bytes` of memory are given to buffers.
  explicit Session(uint64_t limit_bytes) : buffers_(limit_bytes) {}

  /// The bytes of the reply to one request.
  std::vector<uint8_t> Answer(const Frame& request);

  const Buffers& buffers() const { return buffers_; }

 private:
  /// A call with everything looked up.
  struct Ready {
    tunesmith_entry entry = nullptr;
    std::vector<void*> pointers;
    const Region* workspace = nullptr;  // null: the kernel needs none
    const tunesmith_threads* threads = nullptr;
  };

  std::vector<uint8_t> Answer(const Hello& request);
  std::vector<uint8_t> Answer(const measure::Load& request);
  std::vector<uint8_t> Answer(const measure::Unload& request);
  std::vector<uint8_t> Answer(const measure::Allocate& request);
  std::vector<uint8_t> Answer(const measure::Free& request);
  std::vector<uint8_t> Answer(const measure::Write& request);
  std::vector<uint8_t> Answer(const measure::Copy& request);
  std::vector<uint8_t> Answer(const measure::Run& request);
  std::vector<uint8_t> Answer(const measure::Read& request);
  std::vector<uint8_t> Answer(const measure::Gather& request);
  std::vector<uint8_t> Answer(const measure::Hash& request);
  std::vector<uint8_t> Answer(const measure::Time& request);
  std::vector<uint8_t> Answer(const measure::Probe& request);

  std::optional<Refusal> Prepare(const KernelCall& call, Placement workspace, Ready* ready);
  /// The first overwritten red zone of a call's buffers and workspace, which is repainted.
  Finding LookAtRedZones(const KernelCall& call, const Ready& ready) const;
  /// Fills what is written, and the workspace.
  void Poison(const KernelCall& call, const Ready& ready, uint8_t poison) const;
  void Evict(const KernelCall& call, const Ready& ready) const;

  Buffers buffers_;
  Kernels kernels_;
  Threads threads_;
};

}  // namespace tunesmith::measure::runner
