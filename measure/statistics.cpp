// SPDX-License-Identifier: Apache-2.0
#include "measure/statistics.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

namespace tunesmith::measure {
namespace {

std::vector<double> Sorted(std::span<const double> samples) {
  std::vector<double> sorted(samples.begin(), samples.end());
  std::sort(sorted.begin(), sorted.end());
  return sorted;
}

double QuantileOfSorted(const std::vector<double>& sorted, double fraction) {
  if (sorted.empty()) return 0;
  const double position = std::clamp(fraction, 0.0, 1.0) * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<size_t>(position);
  const size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (position - static_cast<double>(below)) * (sorted[above] - sorted[below]);
}

/// The probability of exactly k heads in n throws; by logarithms, as 2^-n soon underflows.
double HeadsProbability(size_t n, size_t k) {
  const auto of = [](size_t x) { return std::lgamma(static_cast<double>(x) + 1); };
  return std::exp(of(n) - of(k) - of(n - k) - static_cast<double>(n) * std::log(2.0));
}

constexpr double kConfidence = 0.95;

/// How much longer the second took than the first, process by process.
std::vector<double> RatiosOf(std::span<const double> first, std::span<const double> second) {
  std::vector<double> ratios;
  for (size_t n = 0; n < std::min(first.size(), second.size()); ++n) {
    if (first[n] > 0) ratios.push_back(second[n] / first[n]);
  }
  return ratios;
}

}  // namespace

double Quantile(std::span<const double> samples, double fraction) {
  return QuantileOfSorted(Sorted(samples), fraction);
}

double Median(std::span<const double> samples) { return Quantile(samples, 0.5); }

double InterquartileRange(std::span<const double> samples) {
  const std::vector<double> sorted = Sorted(samples);
  return QuantileOfSorted(sorted, 0.75) - QuantileOfSorted(sorted, 0.25);
}

MedianInterval IntervalOfMedian(std::span<const double> samples, double confidence) {
  const std::vector<double> sorted = Sorted(samples);
  const size_t n = sorted.size();
  if (n == 0) return {};
  // Leaving out k samples on each side leaves out the cases of at most k heads, and of at most k tails.
  size_t left_out = 0;
  double tail = HeadsProbability(n, 0);
  MedianInterval interval{sorted.front(), sorted.back(), 1 - 2 * tail};
  while (2 * (left_out + 1) < n) {
    tail += HeadsProbability(n, left_out + 1);
    if (1 - 2 * tail < confidence) break;
    ++left_out;
    interval = {sorted[left_out], sorted[n - 1 - left_out], 1 - 2 * tail};
  }
  interval.confidence = std::max(interval.confidence, 0.0);
  return interval;
}

Verdict CompareInPairs(std::span<const double> first, std::span<const double> second, double noise) {
  const std::vector<double> ratios = RatiosOf(first, second);
  const MedianInterval interval = IntervalOfMedian(ratios, kConfidence);
  if (interval.confidence < kConfidence) return Verdict::kTie;
  const double ratio = Median(ratios);
  if (interval.low > 1 && ratio > 1 + noise) return Verdict::kFirstFaster;
  if (interval.high < 1 && ratio < 1 / (1 + noise)) return Verdict::kSecondFaster;
  return Verdict::kTie;
}

bool AreEquivalent(std::span<const double> first, std::span<const double> second, double margin) {
  const MedianInterval interval = IntervalOfMedian(RatiosOf(first, second), kConfidence);
  return interval.confidence >= kConfidence && interval.low > 1 / (1 + margin) && interval.high < 1 + margin;
}

double RelativeDifference(std::span<const double> first, std::span<const double> second) {
  const double base = Median(second);
  return first.empty() || base <= 0 ? 0 : std::fabs(Median(first) / base - 1);
}

}  // namespace tunesmith::measure
