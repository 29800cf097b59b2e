// SPDX-License-Identifier: Apache-2.0
#include "support/hash.h"

#include <bit>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace tunesmith {

std::string Hash128::ToHex() const {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text(32, '0');
  for (int i = 0; i < 16; ++i) {
    text[15 - i] = kDigits[high >> (4 * i) & 15];
    text[31 - i] = kDigits[low >> (4 * i) & 15];
  }
  return text;
}

uint64_t HashBytes(std::string_view bytes, uint64_t seed) {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

Hash128 HashBytes128(std::string_view bytes) {
  XXH128_hash_t hash = XXH3_128bits(bytes.data(), bytes.size());
  return {hash.high64, hash.low64};
}

Hasher& Hasher::Add(double value) { return AddWord(std::bit_cast<uint64_t>(value)); }

Hasher& Hasher::Add(std::string_view text) {
  AddWord(text.size());
  bytes_.append(text);
  return *this;
}

Hasher& Hasher::AddWord(uint64_t word) {
  char bytes[8];
  for (int i = 0; i < 8; ++i) bytes[i] = static_cast<char>(word >> (8 * i));
  bytes_.append(bytes, 8);
  return *this;
}

}  // namespace tunesmith
