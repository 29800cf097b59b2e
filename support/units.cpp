// SPDX-License-Identifier: Apache-2.0
#include "support/units.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <span>

#include "support/strings.h"

namespace tunesmith {
namespace {

/// Of a number whose first digit counts 1: with three significant digits.
std::string ThreeDigits(double value) {
  const double size = std::abs(value);
  return fmt::format("{:.{}f}", value, size < 9.995 ? 2 : size < 99.95 ? 1 : 0);
}

struct Unit {
  double size;
  const char* name;
};

/// Three significant digits in the largest unit in which at least 1 would be printed.
std::string InUnits(double value, std::span<const Unit> units) {
  for (const Unit& unit : units) {
    double scaled = value / unit.size;
    // 999.6 of the unit below would be printed as 1000, which belongs here as 1.00.
    if (scaled < 0.9995 && &unit != &units.back()) continue;
    return StrCat(ThreeDigits(scaled), " ", unit.name);
  }
  return "";
}

}  // namespace

std::string FormatLatency(double nanoseconds) {
  if (!(nanoseconds >= 0) || std::isinf(nanoseconds)) return "?";
  static constexpr Unit kUnits[] = {{1e9, "s"}, {1e6, "ms"}, {1e3, "us"}, {1, "ns"}};
  return InUnits(nanoseconds, kUnits);
}

std::string FormatWait(double seconds) {
  if (!(seconds >= 0) || seconds > 1e15) return "?";
  auto total = static_cast<int64_t>(std::llround(seconds));
  if (total < 60) return StrCat(total, " s");
  if (total < 3600) return fmt::format("{} min {:02} s", total / 60, total % 60);
  const int64_t minutes = (total + 30) / 60;
  return fmt::format("{} h {:02} min", minutes / 60, minutes % 60);
}

std::string FormatBytes(int64_t bytes) {
  static constexpr const char* kNames[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  double value = static_cast<double>(bytes);
  size_t unit = 0;
  while (std::abs(value) >= 999.5 && unit + 1 < std::size(kNames)) {
    value /= 1024;
    ++unit;
  }
  if (value == std::floor(value)) return StrCat(static_cast<int64_t>(value), " ", kNames[unit]);
  return StrCat(ThreeDigits(value), " ", kNames[unit]);
}

std::string FormatFlops(double flops_per_second) {
  if (!(flops_per_second >= 0) || std::isinf(flops_per_second)) return "?";
  static constexpr Unit kUnits[] = {
      {1e12, "TFLOP/s"}, {1e9, "GFLOP/s"}, {1e6, "MFLOP/s"}, {1e3, "kFLOP/s"}, {1, "FLOP/s"}};
  return InUnits(flops_per_second, kUnits);
}

std::string FormatCount(int64_t count) {
  std::string digits = StrCat(count);
  std::string text;
  for (size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && digits[i - 1] != '-' && (digits.size() - i) % 3 == 0) text += ',';
    text += digits[i];
  }
  return text;
}

std::string FormatShare(double ratio) {
  return std::isfinite(ratio) ? fmt::format("{:.1f}%", 100 * ratio) : "?";
}

}  // namespace tunesmith
