// SPDX-License-Identifier: Apache-2.0
#include "measure/runner/memory.h"

#include <algorithm>
#include <cinttypes>
#include <cstdio>

namespace tunesmith::measure::runner {
namespace {

/// The number a file consists of; false if it is not there or says "max".
bool ReadNumber(const char* path, uint64_t* value) {
  FILE* file = std::fopen(path, "re");
  if (file == nullptr) return false;
  const bool found = std::fscanf(file, "%" SCNu64, value) == 1;
  std::fclose(file);
  return found;
}

bool ReadMemAvailable(uint64_t* bytes) {
  FILE* file = std::fopen("/proc/meminfo", "re");
  if (file == nullptr) return false;
  char line[128];
  bool found = false;
  uint64_t kib = 0;
  while (!found && std::fgets(line, sizeof line, file) != nullptr) {
    found = std::sscanf(line, "MemAvailable: %" SCNu64 " kB", &kib) == 1;
  }
  std::fclose(file);
  *bytes = kib * 1024;
  return found;
}

}  // namespace

uint64_t AvailableBytes() {
  uint64_t available = UINT64_MAX / 2;
  uint64_t bytes = 0;
  if (ReadMemAvailable(&bytes)) available = bytes;
  uint64_t limit = 0;
  uint64_t used = 0;
  if (ReadNumber("/sys/fs/cgroup/memory.max", &limit) && ReadNumber("/sys/fs/cgroup/memory.current", &used)) {
    available = std::min(available, limit > used ? limit - used : 0);
  }
  return available;
}

}  // namespace tunesmith::measure::runner
