/* SPDX-License-Identifier: 0BSD */
/* Which extensions of the x86-64 instruction set can be used here. */
#ifndef TUNESMITH_RUNTIME_EXTENSIONS_H
#define TUNESMITH_RUNTIME_EXTENSIONS_H

#include <cpuid.h>
#include <stdint.h>

#include "tunesmith_library.h"

/* The extended control register 0: which registers the system saves. */
static inline uint64_t tunesmith_saved_registers(void) {
  uint32_t low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (uint64_t)high << 32 | low;
}

/* TUNESMITH_X86_64_V2 … of this processor, as far as the system saves the registers (x86-64 psABI, section
   3.1.1; Intel, "Architectures Software Developer's Manual", volume 1, chapter 14). A level counts only with
   those below it. */
static inline int32_t tunesmith_extensions(void) {
  uint32_t a, b, c, d, extended = 0;
  const uint32_t sse42 = 1u << 0 | 1u << 9 | 1u << 13 | 1u << 19 | 1u << 20 | 1u << 23; /* leaf 1, ecx */
  const uint32_t avx_fma = 1u << 12 | 1u << 22 | 1u << 28 | 1u << 29;
  const uint32_t avx2_bmi = 1u << 3 | 1u << 5 | 1u << 8; /* leaf 7, ebx */
  const uint32_t avx512 = 1u << 16 | 1u << 17 | 1u << 28 | 1u << 30 | 1u << 31;
  const uint64_t ymm = 0x6, zmm = 0xe6;
  if (!__get_cpuid(1, &a, &b, &c, &d) || (c & sse42) != sse42) return 0;
  int32_t extensions = TUNESMITH_X86_64_V2;
  const uint32_t osxsave = 1u << 27;
  if ((c & avx_fma) != avx_fma || !(c & osxsave)) return extensions;
  const uint64_t saved = tunesmith_saved_registers();
  if (__get_cpuid(0x80000001, &a, &b, &c, &d)) extended = c;
  const uint32_t lzcnt = 1u << 5;
  if ((saved & ymm) != ymm || !(extended & lzcnt)) return extensions;
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || (b & avx2_bmi) != avx2_bmi) return extensions;
  extensions |= TUNESMITH_X86_64_V3;
  if ((b & avx512) != avx512 || (saved & zmm) != zmm) return extensions;
  extensions |= TUNESMITH_X86_64_V4;
  const uint32_t subleaves = a;
  if (c & 1u << 11) extensions |= TUNESMITH_AVX512_VNNI;
  if (subleaves >= 1 && __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a & 1u << 5))
    extensions |= TUNESMITH_AVX512_BF16;
  return extensions;
}

#endif
