// SPDX-License-Identifier: Apache-2.0
#include "cli/progress.h"

#include <cstdio>

#include "support/strings.h"
#include "support/units.h"

namespace tunesmith::cli {

void Progress::Say(std::string_view line) {
  if (!live_) return;
  std::fprintf(stderr, "\r\x1b[K%.*s", static_cast<int>(line.size()), line.data());
  std::fflush(stderr);
  shown_ = true;
}

void Progress::Trial(const std::string& workload, const measure::Outcome& outcome) {
  ++trials_;
  if (outcome.ok()) {
    auto [at, fresh] = best_ns_.try_emplace(workload, outcome.median_ns);
    if (!fresh) at->second = std::min(at->second, outcome.median_ns);
  }
  auto now = std::chrono::steady_clock::now();
  constexpr auto kBetween = std::chrono::milliseconds(100);
  if (!live_ || now - last_ < kBetween) return;
  last_ = now;
  double seconds = std::chrono::duration<double>(now - start_).count();
  auto best = best_ns_.find(workload);
  Say(StrCat(workload, ": trial ", trials_, ", ",
             static_cast<int64_t>(10 * static_cast<double>(trials_) / seconds) / 10.0, " a second, best ",
             best == best_ns_.end() ? "none yet" : FormatLatency(best->second), ", this one ",
             outcome.ok() ? FormatLatency(outcome.median_ns) : std::string(measure::NameOf(outcome.kind))));
}

void Progress::Clear() {
  if (!shown_) return;
  std::fprintf(stderr, "\r\x1b[K");
  std::fflush(stderr);
  shown_ = false;
}

}  // namespace tunesmith::cli
