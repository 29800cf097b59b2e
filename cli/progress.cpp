// SPDX-License-Identifier: Apache-2.0
#include "cli/progress.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "support/strings.h"
#include "support/units.h"

namespace tunesmith::cli {
namespace {

/// At most `width` characters of UTF-8 text.
std::string_view CutTo(std::string_view text, size_t width) {
  size_t characters = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    bool begins = (text[i] & 0xc0) != 0x80;
    if (begins && characters++ == width) return text.substr(0, i);
  }
  return text;
}

size_t TerminalWidth() {
  constexpr size_t kUsual = 80;
  winsize size = {};
  bool known = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return known ? size.ws_col : kUsual;
}

}  // namespace

void Progress::Say(std::string_view line) {
  if (!live_) return;
  // The last column stays free: some terminals wrap as soon as it is written.
  std::string_view cut = CutTo(line, TerminalWidth() - 1);
  std::fprintf(stderr, "\r\x1b[K%.*s", static_cast<int>(cut.size()), cut.data());
  std::fflush(stderr);
  shown_ = true;
}

void Progress::Start(int64_t trials) {
  start_ = Clock::now();
  first_trials_ = trials;
}

void Progress::Trial(const Standpoint& at) {
  auto now = Clock::now();
  constexpr auto kBetween = std::chrono::milliseconds(100);
  if (!live_ || now - last_ < kBetween) return;
  last_ = now;
  Say(ProgressText(at, at.trials - first_trials_, std::chrono::duration<double>(now - start_).count()));
}

void Progress::Clear() {
  if (!shown_) return;
  std::fprintf(stderr, "\r\x1b[K");
  std::fflush(stderr);
  shown_ = false;
}

std::string ProgressText(const Standpoint& at, int64_t new_trials, double seconds) {
  double rate = seconds > 0 ? static_cast<double>(new_trials) / seconds : 0;
  double left = rate > 0 ? static_cast<double>(at.of_trials - at.trials) / rate : 0;
  if (at.budget_seconds > 0) {
    double of_budget = std::max(0.0, at.budget_seconds - seconds);
    left = rate > 0 ? std::min(left, of_budget) : of_budget;
  }
  return fmt::format("{}/{} trials, {:.1f}/s, {} left | {}{}{}", at.trials, at.of_trials, rate,
                     FormatWait(left), at.workload, at.workload.empty() ? "" : ": ", at.best);
}

}  // namespace tunesmith::cli
