// SPDX-License-Identifier: Apache-2.0
#include "measure/runner/probes.h"

#if defined(__x86_64__)
#include <immintrin.h>
#define TS_REGISTER "x"
#else
#define TS_REGISTER "w"
#endif

namespace tunesmith::measure::runner {
namespace {

#if defined(__x86_64__)

void StreamFence() { _mm_sfence(); }

namespace avx512 {
#define TS_TARGET __attribute__((target("avx512f")))
#define TS_NAMESPACE loops
using F32 = __m512;
using F64 = __m512d;
TS_TARGET inline F32 Load(const uint8_t* at) { return _mm512_loadu_ps(at); }
TS_TARGET inline void Store(uint8_t* at, F32 value) { _mm512_storeu_ps(at, value); }
TS_TARGET inline void StreamStore(uint8_t* at, F32 value) {
  _mm512_stream_ps(reinterpret_cast<float*>(at), value);
}
TS_TARGET inline F32 MultiplyAddF32(F32 a, F32 b, F32 c) { return _mm512_fmadd_ps(a, b, c); }
TS_TARGET inline F64 MultiplyAddF64(F64 a, F64 b, F64 c) { return _mm512_fmadd_pd(a, b, c); }
#include "measure/runner/probe_loops.h"

#define TS_INIT(n)                       \
  __m512i a##n = _mm512_setzero_si512(); \
  __asm__ volatile("" : "+" TS_REGISTER(a##n));
#define TS_STEP(n) a##n = _mm512_dpbusd_epi32(a##n, x, x);
#define TS_USE(n) __asm__ volatile("" ::TS_REGISTER(a##n));
__attribute__((target("avx512f,avx512vnni"))) void DotU8S8(uint8_t*, uint64_t, uint64_t rounds) {
  __m512i x = _mm512_set1_epi8(1);
  __asm__ volatile("" : "+" TS_REGISTER(x));
  TS_REPEAT_12(TS_INIT)
  for (uint64_t r = 0; r < rounds; ++r) {
    TS_REPEAT_12(TS_STEP)
    TS_REPEAT_12(TS_STEP)
  }
  TS_REPEAT_12(TS_USE)
}
#undef TS_INIT
#undef TS_STEP

#define TS_INIT(n)                   \
  __m512 a##n = _mm512_setzero_ps(); \
  __asm__ volatile("" : "+" TS_REGISTER(a##n));
#define TS_STEP(n) a##n = _mm512_dpbf16_ps(a##n, x, x);
__attribute__((target("avx512f,avx512bf16"))) void DotBF16(uint8_t*, uint64_t, uint64_t rounds) {
  __m512i zero = _mm512_setzero_si512();
  __asm__ volatile("" : "+" TS_REGISTER(zero));
  const __m512bh x = (__m512bh)zero;
  TS_REPEAT_12(TS_INIT)
  for (uint64_t r = 0; r < rounds; ++r) {
    TS_REPEAT_12(TS_STEP)
    TS_REPEAT_12(TS_STEP)
  }
  TS_REPEAT_12(TS_USE)
}
#undef TS_INIT
#undef TS_STEP
#undef TS_USE

ProbeLoop Dot(ProbeKind kind) {
  // Twice twelve instructions a round, each of four (two) products and sums in every lane of 32 bits.
  constexpr double kInstructions = 2 * loops::kChains * 16;
  if (kind == ProbeKind::kDotU8S8 && __builtin_cpu_supports("avx512vnni"))
    return {DotU8S8, kInstructions * 8};
  if (kind == ProbeKind::kDotBF16 && __builtin_cpu_supports("avx512bf16"))
    return {DotBF16, kInstructions * 4};
  return {};
}
#undef TS_TARGET
#undef TS_NAMESPACE
}  // namespace avx512

namespace avx2 {
#define TS_TARGET __attribute__((target("avx2,fma")))
#define TS_NAMESPACE loops
using F32 = __m256;
using F64 = __m256d;
TS_TARGET inline F32 Load(const uint8_t* at) { return _mm256_loadu_ps(reinterpret_cast<const float*>(at)); }
TS_TARGET inline void Store(uint8_t* at, F32 value) { _mm256_storeu_ps(reinterpret_cast<float*>(at), value); }
TS_TARGET inline void StreamStore(uint8_t* at, F32 value) {
  _mm256_stream_ps(reinterpret_cast<float*>(at), value);
}
TS_TARGET inline F32 MultiplyAddF32(F32 a, F32 b, F32 c) { return _mm256_fmadd_ps(a, b, c); }
TS_TARGET inline F64 MultiplyAddF64(F64 a, F64 b, F64 c) { return _mm256_fmadd_pd(a, b, c); }
#include "measure/runner/probe_loops.h"
#undef TS_TARGET
#undef TS_NAMESPACE
}  // namespace avx2

#else
void StreamFence() {}
#endif

// Every x86-64 and AArch64 processor has vectors of 16 bytes; the compiler's own vectors say it for both.
namespace vectors16 {
#define TS_TARGET
#define TS_NAMESPACE loops
typedef float F32 __attribute__((vector_size(16)));
typedef double F64 __attribute__((vector_size(16)));
inline F32 Load(const uint8_t* at) { return *reinterpret_cast<const F32*>(at); }
inline void Store(uint8_t* at, F32 value) { *reinterpret_cast<F32*>(at) = value; }
#if defined(__x86_64__)
inline void StreamStore(uint8_t* at, F32 value) { _mm_stream_ps(reinterpret_cast<float*>(at), value); }
#else
inline void StreamStore(uint8_t* at, F32 value) { Store(at, value); }
#endif
inline F32 MultiplyAddF32(F32 a, F32 b, F32 c) { return a * b + c; }
inline F64 MultiplyAddF64(F64 a, F64 b, F64 c) { return a * b + c; }
#include "measure/runner/probe_loops.h"
#undef TS_TARGET
#undef TS_NAMESPACE
}  // namespace vectors16

}  // namespace

ProbeLoop LoopOf(ProbeKind kind) {
#if defined(__x86_64__)
  const bool dot = kind == ProbeKind::kDotU8S8 || kind == ProbeKind::kDotBF16;
  if (__builtin_cpu_supports("avx512f")) return dot ? avx512::Dot(kind) : avx512::loops::Loop(kind);
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return avx2::loops::Loop(kind);
#endif
  return vectors16::loops::Loop(kind);
}

}  // namespace tunesmith::measure::runner
