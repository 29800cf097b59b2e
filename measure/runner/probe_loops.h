// SPDX-License-Identifier: Apache-2.0
// The probes' loops for one vector length, to be included by a file that says how vectors of that length are
// handled: it defines TS_TARGET (the functions' attribute), TS_NAMESPACE, TS_REGISTER (the
// constraint of assembly for a vector register), F32, F64 and I32 (vector types),
// and Load, Store, StreamStore (of F32), MultiplyAddF32, MultiplyAddF64. Macros, not templates: functions of
// the target's attribute must be inlined into functions that have it too.

#define TS_REPEAT_8(X) X(0) X(1) X(2) X(3) X(4) X(5) X(6) X(7)
// Twelve chains are enough for two units with a latency of up to six, and leave registers for the factors
// where there are only sixteen.
#define TS_REPEAT_12(X) TS_REPEAT_8(X) X(8) X(9) X(10) X(11)

namespace TS_NAMESPACE {

inline constexpr int kChains = 12;

TS_TARGET void FmaF32(uint8_t*, uint64_t, uint64_t rounds) {
  F32 x = F32{} + 0.5f;
  F32 y = F32{} + 1.0f;
  __asm__ volatile("" : "+" TS_REGISTER(x), "+x"(y));
// Each chain begins with a value that the compiler cannot know, or it would see that they are all the same.
#define TS_INIT(n) \
  F32 a##n = y;    \
  __asm__ volatile("" : "+" TS_REGISTER(a##n));
#define TS_STEP(n) a##n = MultiplyAddF32(a##n, x, y);
#define TS_USE(n) __asm__ volatile("" ::TS_REGISTER(a##n));
  TS_REPEAT_12(TS_INIT)
  for (uint64_t r = 0; r < rounds; ++r) {
    TS_REPEAT_12(TS_STEP)
    TS_REPEAT_12(TS_STEP)
  }
  TS_REPEAT_12(TS_USE)
#undef TS_INIT
#undef TS_STEP
}

TS_TARGET void FmaF64(uint8_t*, uint64_t, uint64_t rounds) {
  F64 x = F64{} + 0.5;
  F64 y = F64{} + 1.0;
  __asm__ volatile("" : "+" TS_REGISTER(x), "+x"(y));
#define TS_INIT(n) \
  F64 a##n = y;    \
  __asm__ volatile("" : "+" TS_REGISTER(a##n));
#define TS_STEP(n) a##n = MultiplyAddF64(a##n, x, y);
  TS_REPEAT_12(TS_INIT)
  for (uint64_t r = 0; r < rounds; ++r) {
    TS_REPEAT_12(TS_STEP)
    TS_REPEAT_12(TS_STEP)
  }
  TS_REPEAT_12(TS_USE)
#undef TS_INIT
#undef TS_STEP
#undef TS_USE
}

// Memory loops take eight vectors at a time; the last bytes that do not fill that are left out, at most 511.
inline constexpr uint64_t kBlock = 8 * sizeof(F32);

TS_TARGET void ReadMemory(uint8_t* memory, uint64_t bytes, uint64_t rounds) {
#define TS_INIT(n) F32 a##n = {};
#define TS_STEP(n) a##n += Load(at + n * sizeof(F32));
#define TS_USE(n) __asm__ volatile("" ::TS_REGISTER(a##n));
  TS_REPEAT_8(TS_INIT)
  for (uint64_t r = 0; r < rounds; ++r) {
    for (const uint8_t *at = memory, *end = memory + bytes / kBlock * kBlock; at < end; at += kBlock) {
      TS_REPEAT_8(TS_STEP)
    }
  }
  TS_REPEAT_8(TS_USE)
#undef TS_INIT
#undef TS_STEP
#undef TS_USE
}

#define TS_STORES(STORE)                                                                          \
  F32 value = {};                                                                                 \
  for (uint64_t r = 0; r < rounds; ++r) {                                                         \
    __asm__ volatile("" : "+" TS_REGISTER(value));                                                \
    for (uint8_t *at = memory, *end = memory + bytes / kBlock * kBlock; at < end; at += kBlock) { \
      STORE(at, value);                                                                           \
      STORE(at + sizeof(F32), value);                                                             \
      STORE(at + 2 * sizeof(F32), value);                                                         \
      STORE(at + 3 * sizeof(F32), value);                                                         \
      STORE(at + 4 * sizeof(F32), value);                                                         \
      STORE(at + 5 * sizeof(F32), value);                                                         \
      STORE(at + 6 * sizeof(F32), value);                                                         \
      STORE(at + 7 * sizeof(F32), value);                                                         \
    }                                                                                             \
    __asm__ volatile("" ::: "memory");                                                            \
  }

// The first half is copied to the second: as many bytes are read as are written, `bytes` in all.
#define TS_COPIES(STORE)                                                                                     \
  const uint64_t half = bytes / 2 / kBlock * kBlock;                                                         \
  for (uint64_t r = 0; r < rounds; ++r) {                                                                    \
    for (uint8_t *at = memory, *to = memory + half, *end = memory + half; at < end; at += 4 * sizeof(F32)) { \
      STORE(to, Load(at));                                                                                   \
      STORE(to + sizeof(F32), Load(at + sizeof(F32)));                                                       \
      STORE(to + 2 * sizeof(F32), Load(at + 2 * sizeof(F32)));                                               \
      STORE(to + 3 * sizeof(F32), Load(at + 3 * sizeof(F32)));                                               \
      to += 4 * sizeof(F32);                                                                                 \
    }                                                                                                        \
    __asm__ volatile("" ::: "memory");                                                                       \
  }

TS_TARGET void WriteMemory(uint8_t* memory, uint64_t bytes, uint64_t rounds){TS_STORES(Store)} TS_TARGET
    void CopyMemory(uint8_t* memory, uint64_t bytes, uint64_t rounds){TS_COPIES(Store)} TS_TARGET
    void StreamWriteMemory(uint8_t* memory, uint64_t bytes, uint64_t rounds) {
  TS_STORES(StreamStore)
  StreamFence();
}
TS_TARGET void StreamCopyMemory(uint8_t* memory, uint64_t bytes, uint64_t rounds) {
  TS_COPIES(StreamStore)
  StreamFence();
}

#undef TS_STORES
#undef TS_COPIES

inline ProbeLoop Loop(ProbeKind kind) {
  // Twice twelve multiply-adds a round.
  constexpr double kF32 = 2.0 * 2 * kChains * (sizeof(F32) / sizeof(float));
  constexpr double kF64 = 2.0 * 2 * kChains * (sizeof(F64) / sizeof(double));
  switch (kind) {
    case ProbeKind::kFmaF32:
      return {FmaF32, kF32};
    case ProbeKind::kFmaF64:
      return {FmaF64, kF64};
    case ProbeKind::kRead:
      return {ReadMemory, 0};
    case ProbeKind::kWrite:
      return {WriteMemory, 0};
    case ProbeKind::kCopy:
      return {CopyMemory, 0};
    case ProbeKind::kStreamWrite:
      return {StreamWriteMemory, 0};
    case ProbeKind::kStreamCopy:
      return {StreamCopyMemory, 0};
    default:
      return {};
  }
}

}  // namespace TS_NAMESPACE
