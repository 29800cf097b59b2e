// SPDX-License-Identifier: Apache-2.0
// What samples of a latency say. Latencies are skewed and have outliers (an interrupt, another process), so
// everything here is about ranks: medians and quartiles, never means and variances.
#pragma once

#include <cstdint>
#include <span>

namespace tunesmith::measure {

/// The middle sample, or the mean of the two in the middle; 0 of none.
double Median(std::span<const double> samples);

/// The quantile at `fraction` in [0, 1], linear between the order statistics (R's type 7: R. Hyndman and
/// Y. Fan, "Sample quantiles in statistical packages", 1996); 0 of none.
double Quantile(std::span<const double> samples, double fraction);

/// Third quartile less first.
double InterquartileRange(std::span<const double> samples);

/// An interval that holds the median of what the samples are drawn from, between two order statistics.
struct MedianInterval {
  double low = 0;
  double high = 0;
  double confidence = 0;  // that it really has: at least what was asked, if there are samples enough
};

/// The shortest symmetric such interval of at least this confidence, whatever the distribution: the number of
/// samples below the median is binomial with p = 1/2 (J.-Y. Le Boudec, "Performance Evaluation of Computer
/// and Communication Systems", 2010, theorem 2.1). With too few samples (fewer than 6 for 95 %) it goes from
/// the smallest to the largest, and its confidence is less than asked. The samples must be independent.
MedianInterval IntervalOfMedian(std::span<const double> samples, double confidence = 0.95);

enum class Verdict : uint8_t { kFirstFaster, kSecondFaster, kTie };

/// Which of two kernels is faster. `first[n]` and `second[n]` are their medians in the n-th process, where
/// they were timed in turn: what disturbs a process disturbs both, so their ratios are compared, not
/// themselves. One is faster if the interval of the ratios' median lies on its side of 1 and that median
/// differs from 1 by more than `noise`, the difference that a kernel shows against its own copy. Else, as
/// long as there are fewer than 6 pairs in any case, they are tied.
Verdict CompareInPairs(std::span<const double> first, std::span<const double> second, double noise);

/// Whether two kernels, timed as above, differ by less than `margin` (0.01 is one per cent): the interval of
/// the ratios' median lies between 1 / (1 + margin) and 1 + margin. No with fewer than 6 pairs.
bool AreEquivalent(std::span<const double> first, std::span<const double> second, double margin);

/// |median(first) / median(second) - 1|; 0 if there is nothing to compare.
double RelativeDifference(std::span<const double> first, std::span<const double> second);

}  // namespace tunesmith::measure
