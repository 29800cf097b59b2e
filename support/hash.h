// SPDX-License-Identifier: Apache-2.0
// Hashes that stay the same: between runs, machines and versions, so that they may be stored in records. The
// function is XXH3 (https://xxhash.com, frozen since 0.8.0); it is fast, and not meant against forgery.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

namespace tunesmith {

/// 128 bits that name a value: collisions do not happen in practice.
struct Hash128 {
  uint64_t high = 0;
  uint64_t low = 0;

  /// 32 hexadecimal digits, `high` first.
  std::string ToHex() const;
  friend auto operator<=>(const Hash128&, const Hash128&) = default;
};

/// For std::unordered_map and its kin; the bits are already mixed.
struct Hash128Hasher {
  size_t operator()(const Hash128& hash) const { return static_cast<size_t>(hash.low); }
};

/// XXH3-64 of the bytes.
uint64_t HashBytes(std::string_view bytes, uint64_t seed = 0);
/// XXH3-128 of the bytes; ToHex prints the canonical form, as `xxhsum -H2` does.
Hash128 HashBytes128(std::string_view bytes);

/// Gathers the parts of a structured value and hashes them. A part is written as fixed-width little-endian
/// bytes, and a string after its length, so that ("ab", "c") and ("a", "bc") differ.
class Hasher {
 public:
  template <class T>
    requires(std::is_integral_v<T> || std::is_enum_v<T>)
  Hasher& Add(T value) {
    return AddWord(static_cast<uint64_t>(value));
  }
  /// By its bits: 0.0 and -0.0 differ.
  Hasher& Add(double value);
  Hasher& Add(std::string_view text);
  Hasher& Add(const char* text) { return Add(std::string_view(text)); }
  Hasher& Add(const Hash128& hash) { return AddWord(hash.high).AddWord(hash.low); }

  uint64_t Hash64() const { return HashBytes(bytes_); }
  Hash128 Hash() const { return HashBytes128(bytes_); }

 private:
  Hasher& AddWord(uint64_t word);

  std::string bytes_;
};

}  // namespace tunesmith
