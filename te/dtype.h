// SPDX-License-Identifier: Apache-2.0
// Element types of tensors and expressions.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace tunesmith::te {

enum class DType : uint8_t { kF64, kF32, kF16, kBF16, kI64, kI32, kI16, kI8, kU8, kBool };

inline constexpr DType kAllDTypes[] = {DType::kF64, DType::kF32, DType::kF16, DType::kBF16, DType::kI64,
                                       DType::kI32, DType::kI16, DType::kI8,  DType::kU8,   DType::kBool};

/// Bytes of one element; bool takes one byte and holds 0 or 1.
int64_t SizeOf(DType type);
/// "f32", "bf16", "bool", …: as written in .te files, headers and records.
std::string_view NameOf(DType type);
std::optional<DType> DTypeNamed(std::string_view name);

/// f64, f32, f16, bf16.
bool IsFloat(DType type);
/// i64, i32, i16, i8, u8; not bool.
bool IsInteger(DType type);
/// Precision in bits, the hidden one included (f32: 24); 0 for integers and bool.
int MantissaBits(DType type);
/// Smallest and largest value of an integer type or bool.
int64_t LowestInteger(DType type);
int64_t HighestInteger(DType type);

}  // namespace tunesmith::te
