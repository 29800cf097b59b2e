// SPDX-License-Identifier: Apache-2.0
#include "codegen/target.h"

#include <unistd.h>

#include "support/strings.h"

namespace tunesmith::codegen {
namespace {

/// What this CPU can run, by the compiler's own detection (CPUID, and whether the system saves the
/// registers).
bool HasAvx2() {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2");
}
bool HasAvx512() {
  return HasAvx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("avx512vl");
}

void SetCaches(Target* t) {
  auto size = [](int name, int64_t otherwise) {
    long bytes = sysconf(name);
    return bytes > 0 ? static_cast<int64_t>(bytes) : otherwise;
  };
  t->l1_bytes = size(_SC_LEVEL1_DCACHE_SIZE, t->l1_bytes);
  t->l2_bytes = size(_SC_LEVEL2_CACHE_SIZE, t->l2_bytes);
  t->l3_bytes = size(_SC_LEVEL3_CACHE_SIZE, t->l3_bytes);
}

Target Base(std::string name) {
  Target t;
  t.name = std::move(name);
  t.triple = "x86_64-unknown-linux-gnu";
  SetCaches(&t);
  return t;
}

Target Sse42() {
  Target t = Base("x86-64-sse4.2");
  t.cpu = "x86-64-v2";
  return t;
}

Target Avx2() {
  Target t = Base("x86-64-avx2");
  t.cpu = "x86-64-v3";
  t.vector_bytes = 32;
  t.fma = true;
  return t;
}

Target Avx512(bool vnni, bool bf16) {
  Target t = Base(StrCat("x86-64-avx512", vnni ? "-vnni" : "", bf16 ? "-bf16" : ""));
  t.cpu = "x86-64-v4";
  t.features = "-prefer-256-bit";
  if (vnni) t.features += ",+avx512vnni";
  if (bf16) t.features += ",+avx512bf16";
  t.vector_bytes = 64;
  t.vector_registers = 32;
  t.masks = true;
  t.fma = true;
  using te::DType;
  if (vnni) t.dots.push_back({kVnniDot, DType::kU8, DType::kI8, DType::kI32, 4});
  if (bf16) t.dots.push_back({kBf16Dot, DType::kBF16, DType::kBF16, DType::kF32, 2});
  return t;
}

}  // namespace

std::vector<std::string> KnownTargets() {
  return {"native",        "x86-64-sse4.2",      "x86-64-avx2",
          "x86-64-avx512", "x86-64-avx512-vnni", "x86-64-avx512-vnni-bf16"};
}

Result<Target> TargetNamed(std::string_view name) {
  if (name == "native") {
    if (HasAvx512())
      return Avx512(__builtin_cpu_supports("avx512vnni"), __builtin_cpu_supports("avx512bf16"));
    if (HasAvx2()) return Avx2();
    if (__builtin_cpu_supports("sse4.2")) return Sse42();
    return Unavailable(
        "this CPU has not even SSE4.2, the least that kernels are made for; name a target to compile for "
        "another machine");
  }
  for (const Target& t : {Sse42(), Avx2(), Avx512(false, false), Avx512(true, false), Avx512(true, true)}) {
    if (t.name == name) return t;
  }
  return NotFound(StrCat("there is no target '", name, "'; there are: ", StrJoin(KnownTargets(), ", ")));
}

Status RunsHere(const Target& target) {
  std::vector<std::string_view> missing;
  if (!__builtin_cpu_supports("sse4.2")) missing.push_back("SSE4.2");
  if (target.vector_bytes >= 32 && !HasAvx2()) missing.push_back("AVX2 with FMA and BMI2");
  if (target.vector_bytes >= 64 && !HasAvx512()) missing.push_back("AVX-512 (F, BW, CD, DQ, VL)");
  if (target.HasDot(kVnniDot) && !__builtin_cpu_supports("avx512vnni")) missing.push_back("AVX-512 VNNI");
  if (target.HasDot(kBf16Dot) && !__builtin_cpu_supports("avx512bf16")) missing.push_back("AVX-512 BF16");
  if (missing.empty()) return absl::OkStatus();
  return Invalid(StrCat("this CPU cannot run kernels for ", target.name, "; it lacks ",
                        StrJoin(missing, " and "), "; choose --target native"));
}

}  // namespace tunesmith::codegen
