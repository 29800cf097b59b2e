// SPDX-License-Identifier: Apache-2.0
#include "support/random.h"

#include <cmath>
#include <numbers>

namespace tunesmith {

std::array<uint32_t, 4> Philox(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    uint64_t product0 = uint64_t{0xD2511F53} * counter[0];
    uint64_t product1 = uint64_t{0xCD9E8D57} * counter[2];
    counter = {static_cast<uint32_t>(product1 >> 32) ^ counter[1] ^ key[0], static_cast<uint32_t>(product1),
               static_cast<uint32_t>(product0 >> 32) ^ counter[3] ^ key[1], static_cast<uint32_t>(product0)};
    key[0] += 0x9E3779B9;  // the golden ratio
    key[1] += 0xBB67AE85;  // sqrt(3) - 1
  }
  return counter;
}

uint64_t Random::Next() {
  if (has_spare_) {
    has_spare_ = false;
    return spare_;
  }
  auto low = [](uint64_t word) { return static_cast<uint32_t>(word); };
  auto high = [](uint64_t word) { return static_cast<uint32_t>(word >> 32); };
  auto words = Philox({block_++, generation_, low(index_), high(index_)}, {low(seed_), high(seed_)});
  has_spare_ = true;
  spare_ = uint64_t{words[3]} << 32 | words[2];
  return uint64_t{words[1]} << 32 | words[0];
}

uint64_t Random::Below(uint64_t n) {
  if (n == 0) return 0;
  using Wide = unsigned __int128;
  Wide product = Wide{Next()} * n;
  if (static_cast<uint64_t>(product) < n) {
    // 2^64 mod n of the low halves are over-represented; those draws are repeated.
    uint64_t biased = -n % n;
    while (static_cast<uint64_t>(product) < biased) product = Wide{Next()} * n;
  }
  return static_cast<uint64_t>(product >> 64);
}

int64_t Random::Between(int64_t low, int64_t high) {
  if (low >= high) return low;
  uint64_t count = static_cast<uint64_t>(high) - static_cast<uint64_t>(low) + 1;
  uint64_t offset = count == 0 ? Next() : Below(count);  // 0: all 2^64 values
  return static_cast<int64_t>(static_cast<uint64_t>(low) + offset);
}

double Random::Uniform() { return static_cast<double>(Next() >> 11) * 0x1p-53; }

double Random::Normal() {
  double radius = std::sqrt(-2 * std::log(1 - Uniform()));  // 1 - u is never 0
  return radius * std::cos(2 * std::numbers::pi * Uniform());
}

size_t Random::Pick(std::span<const double> weights) {
  double total = 0;
  for (double weight : weights) total += weight > 0 ? weight : 0;
  if (!(total > 0) || !std::isfinite(total)) return static_cast<size_t>(Below(weights.size()));
  double point = Uniform() * total;
  size_t last = 0;
  for (size_t i = 0; i < weights.size(); ++i) {
    if (!(weights[i] > 0)) continue;
    last = i;
    if (point < weights[i]) return i;
    point -= weights[i];
  }
  return last;  // rounding carried the point past the end
}

}  // namespace tunesmith
