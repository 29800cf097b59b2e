// SPDX-License-Identifier: Apache-2.0
// Laws checked on random cases. A case is decoded from a sequence of bytes, its choices, so that RapidCheck
// can shrink whatever is built from them: shorter sequences and smaller bytes are simpler cases.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace tunesmith::ir::testing {

/// A source of choices.
class Choices {
 public:
  explicit Choices(std::vector<uint8_t> bytes) : bytes_(std::move(bytes)) {
    for (uint8_t b : bytes_) state_ = (state_ ^ b) * 0x100000001b3;  // FNV-1a
  }
  /// A number from the interval, which has at most 256 values; the lowest when the choices are used up.
  int64_t Between(int64_t low, int64_t high) {
    if (next_ == bytes_.size()) return low;
    return low + bytes_[next_++] % (high - low + 1);
  }
  /// A number from the interval that is no choice: a value to try the case with (SplitMix64).
  int64_t Sample(int64_t low, int64_t high) {
    uint64_t z = (state_ += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    z ^= z >> 31;
    return static_cast<int64_t>(static_cast<uint64_t>(low) +
                                z % (static_cast<uint64_t>(high) - static_cast<uint64_t>(low) + 1));
  }

 private:
  std::vector<uint8_t> bytes_;
  size_t next_ = 0;
  uint64_t state_ = 0xcbf29ce484222325;
};

/// Expects `law`, which says what is wrong or nothing, to say nothing for so many cases, always the same
/// ones unless the environment's TUNESMITH_SEED asks for others.
void ExpectForAll(int cases, const std::function<std::string(Choices)>& law);

}  // namespace tunesmith::ir::testing
