// SPDX-License-Identifier: Apache-2.0
#include "cli/own_data.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include "measure/runner/caches.h"
#include "support/files.h"
#include "support/strings.h"

namespace tunesmith::cli {
namespace {

struct Range {
  uint64_t begin = 0, end = 0;  // addresses
};

/// The mappings that can be written and not executed.
Result<std::vector<Range>> DataMappings() {
  constexpr int64_t kMostBytes = 64 << 20;
  TS_ASSIGN_OR_RETURN(std::string maps, ReadFile("/proc/self/maps", kMostBytes));
  std::vector<Range> ranges;
  for (std::string_view line : StrSplit(maps, '\n')) {
    Range range;
    char permissions[5] = "";
    if (std::sscanf(std::string(line).c_str(), "%" SCNx64 "-%" SCNx64 " %4s", &range.begin, &range.end,
                    permissions) == 3 &&
        std::string_view(permissions).starts_with("rw-"))
      ranges.push_back(range);
  }
  return ranges;
}

}  // namespace

Status EvictOwnData() {
  // Linux, Documentation/admin-guide/mm/pagemap.rst: a word for each page.
  constexpr uint64_t kPresent = uint64_t{1} << 63, kExclusive = uint64_t{1} << 56;
  const auto page = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  FileDescriptor pagemap(open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC));
  if (!pagemap.valid()) return FileError("open", "/proc/self/pagemap", errno);
  TS_ASSIGN_OR_RETURN(std::vector<Range> mappings, DataMappings());
  std::vector<uint64_t> words(4096);
  for (const Range& mapping : mappings) {
    for (uint64_t at = mapping.begin; at < mapping.end;) {
      size_t pages = std::min<uint64_t>(words.size(), (mapping.end - at) / page);
      ssize_t bytes = pread(pagemap.get(), words.data(), pages * sizeof words[0],
                            static_cast<off_t>(at / page * sizeof words[0]));
      if (bytes <= 0) break;  // special mappings have no words
      pages = static_cast<size_t>(bytes) / sizeof words[0];
      for (size_t i = 0; i < pages; ++i) {
        if ((words[i] & kPresent) == 0 || (words[i] & kExclusive) == 0) continue;
        measure::runner::EvictFromCaches(reinterpret_cast<const uint8_t*>(at + i * page), page);
      }
      at += pages * page;
    }
  }
  return absl::OkStatus();
}

}  // namespace tunesmith::cli
