// SPDX-License-Identifier: Apache-2.0
#include "te/dtype.h"

namespace tunesmith::te {
namespace {

struct Traits {
  std::string_view name;
  int64_t bytes;
  int mantissa_bits;
  int64_t lowest, highest;
};

// In the order of DType.
constexpr Traits kTraits[] = {
    {"f64", 8, 53, 0, 0},
    {"f32", 4, 24, 0, 0},
    {"f16", 2, 11, 0, 0},
    {"bf16", 2, 8, 0, 0},
    {"i64", 8, 0, INT64_MIN, INT64_MAX},
    {"i32", 4, 0, INT32_MIN, INT32_MAX},
    {"i16", 2, 0, INT16_MIN, INT16_MAX},
    {"i8", 1, 0, INT8_MIN, INT8_MAX},
    {"u8", 1, 0, 0, UINT8_MAX},
    {"bool", 1, 0, 0, 1},
};

const Traits& Of(DType type) { return kTraits[static_cast<int>(type)]; }

}  // namespace

int64_t SizeOf(DType type) { return Of(type).bytes; }
std::string_view NameOf(DType type) { return Of(type).name; }

std::optional<DType> DTypeNamed(std::string_view name) {
  for (DType type : kAllDTypes) {
    if (NameOf(type) == name) return type;
  }
  return std::nullopt;
}

bool IsFloat(DType type) { return Of(type).mantissa_bits > 0; }
bool IsInteger(DType type) { return !IsFloat(type) && type != DType::kBool; }
int MantissaBits(DType type) { return Of(type).mantissa_bits; }
int64_t LowestInteger(DType type) { return Of(type).lowest; }
int64_t HighestInteger(DType type) { return Of(type).highest; }

}  // namespace tunesmith::te
