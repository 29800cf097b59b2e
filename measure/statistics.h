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

/// Which of two kernels is faster, by the medians of their processes' medians: one is, if the intervals do
/// not overlap and the medians differ by more than `noise`, the relative difference that an unchanged kernel
/// shows against itself in the same run. Else they are tied, so far.
Verdict Compare(std::span<const double> first, std::span<const double> second, double noise);

/// The largest of |a/b - 1| for medians a and b of an unchanged kernel's halves: even and odd samples, as
/// they were taken in turn with the others. 0 for fewer than two.
double NoiseOfReference(std::span<const double> samples);

}  // namespace tunesmith::measure
