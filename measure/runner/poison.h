// SPDX-License-Identifier: Apache-2.0
// Finds the elements of an output that a kernel did not write. A value may equal a poison by chance (any byte
// may, in an i8 tensor); none equals two different poisons in two runs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "measure/protocol.h"

namespace tunesmith::measure::runner {

class PoisonScan {
 public:
  /// Of a buffer of elements of 1, 2, 4 or 8 bytes.
  PoisonScan(uint32_t buffer, const uint8_t* start, size_t bytes, uint32_t element_bytes);

  /// Notes which elements consist of the byte `poison`, and returns how many.
  size_t LookFor(uint8_t poison);
  /// kUnwritten, with the first and the number of the noted elements that consist of `poison` now; kClean if
  /// there are none.
  Finding LookAgainFor(uint8_t poison) const;

 private:
  template <class Visit>
  void ForEachPoisoned(uint8_t poison, const Visit& visit) const;

  uint32_t buffer_;
  const uint8_t* start_;
  size_t elements_;
  uint32_t element_bytes_;
  std::vector<bool> noted_;  // empty if there are none
};

}  // namespace tunesmith::measure::runner
