// SPDX-License-Identifier: Apache-2.0
#include "measure/runner/poison.h"

#include <cstring>

namespace tunesmith::measure::runner {
namespace {

template <class Word, class Visit>
void ForEachEqual(const uint8_t* start, size_t elements, uint8_t byte, const Visit& visit) {
  Word wanted;
  std::memset(&wanted, byte, sizeof wanted);
  const auto load = [&](size_t i) {
    Word word;
    std::memcpy(&word, start + i * sizeof word, sizeof word);
    return word;
  };
  // Hits are rare: whole blocks without one are passed over by code that the compiler can vectorise.
  constexpr size_t kBlock = 1024;
  for (size_t begin = 0; begin < elements; begin += kBlock) {
    const size_t end = elements - begin < kBlock ? elements : begin + kBlock;
    size_t hits = 0;
    for (size_t i = begin; i < end; ++i) hits += load(i) == wanted;
    if (hits == 0) continue;
    for (size_t i = begin; i < end; ++i) {
      if (load(i) == wanted) visit(i);
    }
  }
}

}  // namespace

PoisonScan::PoisonScan(uint32_t buffer, const uint8_t* start, size_t bytes, uint32_t element_bytes)
    : buffer_(buffer), start_(start), elements_(bytes / element_bytes), element_bytes_(element_bytes) {}

template <class Visit>
void PoisonScan::ForEachPoisoned(uint8_t poison, const Visit& visit) const {
  switch (element_bytes_) {
    case 1:
      return ForEachEqual<uint8_t>(start_, elements_, poison, visit);
    case 2:
      return ForEachEqual<uint16_t>(start_, elements_, poison, visit);
    case 4:
      return ForEachEqual<uint32_t>(start_, elements_, poison, visit);
    default:
      return ForEachEqual<uint64_t>(start_, elements_, poison, visit);
  }
}

size_t PoisonScan::LookFor(uint8_t poison) {
  size_t count = 0;
  ForEachPoisoned(poison, [&](size_t i) {
    if (noted_.empty()) noted_.resize(elements_);
    noted_[i] = true;
    ++count;
  });
  return count;
}

Finding PoisonScan::LookAgainFor(uint8_t poison) const {
  Finding finding;
  if (noted_.empty()) return finding;
  ForEachPoisoned(poison, [&](size_t i) {
    if (!noted_[i]) return;
    if (finding.count++ > 0) return;
    finding.kind = Finding::Kind::kUnwritten;
    finding.buffer = buffer_;
    finding.position = static_cast<int64_t>(i);
  });
  return finding;
}

}  // namespace tunesmith::measure::runner
