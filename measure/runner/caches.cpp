// SPDX-License-Identifier: Apache-2.0
#include "measure/runner/caches.h"

#if defined(__x86_64__)
#include <emmintrin.h>
#endif

namespace tunesmith::measure::runner {

void EvictFromCaches(const uint8_t* begin, size_t bytes) {
  // No x86-64 processor and none of the AArch64 ones in the farm has shorter lines.
  constexpr size_t kLine = 64;
  const uint8_t* end = begin + bytes;
  const uint8_t* line = begin - reinterpret_cast<uintptr_t>(begin) % kLine;
#if defined(__x86_64__)
  for (; line < end; line += kLine) _mm_clflush(line);
  _mm_mfence();
#elif defined(__aarch64__)
  for (; line < end; line += kLine) __asm__ volatile("dc civac, %0" ::"r"(line) : "memory");
  __asm__ volatile("dsb sy" ::: "memory");
#else
#error "EvictFromCaches: say how this processor's caches are emptied"
#endif
}

}  // namespace tunesmith::measure::runner
