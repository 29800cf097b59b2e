// SPDX-License-Identifier: Apache-2.0
#include "search/drops.h"

namespace tunesmith::search {

void Drops::Add(std::string_view reason, std::string_view example) {
  auto at = reasons_.find(reason);
  if (at == reasons_.end()) at = reasons_.emplace(reason, Reason{0, std::string(example)}).first;
  ++at->second.count;
}

void Drops::Merge(const Drops& other) {
  considered_ += other.considered_;
  for (const auto& [name, reason] : other.reasons_) {
    const auto [at, fresh] = reasons_.emplace(name, reason);
    if (!fresh) at->second.count += reason.count;
  }
}

int64_t Drops::dropped() const {
  int64_t sum = 0;
  for (const auto& [name, reason] : reasons_) sum += reason.count;
  return sum;
}

int64_t Drops::CountOf(std::string_view reason) const {
  auto at = reasons_.find(reason);
  return at == reasons_.end() ? 0 : at->second.count;
}

}  // namespace tunesmith::search
