// SPDX-License-Identifier: Apache-2.0
// Kernels' images, mapped where they can be called.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <unordered_map>

#include "codegen/runtime/tunesmith_kernel.h"
#include "measure/protocol.h"

namespace tunesmith::measure::runner {

class Kernels {
 public:
  Kernels() = default;
  ~Kernels();
  Kernels(const Kernels&) = delete;
  Kernels& operator=(const Kernels&) = delete;

  /// A number in use is unloaded first.
  std::optional<Refusal> Load(const measure::Load& request);
  std::optional<Refusal> Unload(uint32_t kernel);
  /// An entry of a kernel; null if there is no such kernel or it has no such entry.
  tunesmith_entry Find(uint32_t kernel, Entry entry) const;

 private:
  struct Mapped {
    uint8_t* base = nullptr;
    size_t bytes = 0;
    int64_t main_offset = 0;
    int64_t pack_offset = -1;
  };
  std::unordered_map<uint32_t, Mapped> mapped_;
};

}  // namespace tunesmith::measure::runner
