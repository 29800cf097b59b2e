// SPDX-License-Identifier: Apache-2.0
// What the rules need to know of a processor. Targets (codegen/target.h) know more; this is the part that
// plans depend on.
#pragma once

#include <cstdint>
#include <vector>

#include "schedule/dot_product.h"

namespace tunesmith::schedule {

struct Machine {
  int vector_bytes = 16;  // of one register
  int vector_registers = 16;
  bool masks = false;  // masked loads and stores cost as much as plain ones
  int64_t l1_bytes = 32 << 10;
  int64_t l2_bytes = 1 << 20;
  int64_t l3_bytes = 8 << 20;  // that one core can use
  int threads = 1;             // that the kernel is tuned for
  std::vector<DotProduct> dots;
};

}  // namespace tunesmith::schedule
