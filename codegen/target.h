// SPDX-License-Identifier: Apache-2.0
// What to compile for. A target is a value: its name is part of every record's key.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "schedule/dot_product.h"
#include "support/status.h"
#include "te/dtype.h"

namespace tunesmith::codegen {

/// A CPU: the instruction set decides the code, the caches decide the plans. Measured limits are not part of
/// it (measure/limits.h); they describe one machine, not what code may be run on it.
struct Target {
  std::string name;       // "x86-64-avx512": as on the command line and in records
  std::string triple;     // LLVM's
  std::string cpu;        // LLVM's tuning model: "x86-64-v4", …
  std::string features;   // LLVM's: "+avx512f,+avx512bf16,…"
  int vector_bytes = 16;  // of one register
  int vector_registers = 16;
  bool masks = false;  // masked loads and stores cost as much as plain ones
  bool fma = false;
  std::vector<schedule::DotProduct> dots;  // in vectors of every width up to that of a register
  int64_t l1_bytes = 32 << 10;
  int64_t l2_bytes = 1 << 20;
  int64_t l3_bytes = 8 << 20;  // that one core can use

  bool HasDot(std::string_view name) const {
    return std::any_of(dots.begin(), dots.end(), [&](const auto& dot) { return dot.name == name; });
  }
  int lanes(te::DType type) const { return vector_bytes / static_cast<int>(te::SizeOf(type)); }
};

/// The dot products that the instruction set extensions of x86-64 bring.
inline constexpr char kVnniDot[] = "vpdpbusd";   // u8 x s8 into s32
inline constexpr char kBf16Dot[] = "vdpbf16ps";  // bf16 x bf16 into f32

/// "native" (this machine's best level), "x86-64-sse4.2", "x86-64-avx2", "x86-64-avx512" (with VNNI and BF16
/// added where "native" has them: "x86-64-avx512-vnni-bf16"). An unknown name is an error that lists the
/// known ones.
Result<Target> TargetNamed(std::string_view name);
std::vector<std::string> KnownTargets();
/// Whether this machine's CPU executes the target's code; the error says what it lacks.
Status RunsHere(const Target& target);

}  // namespace tunesmith::codegen
