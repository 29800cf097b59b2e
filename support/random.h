// SPDX-License-Identifier: Apache-2.0
// Random numbers from a counter: each number is a pure function of (seed, generation, index, position), so a
// search that draws candidate `index` of `generation` from its own stream is the same search at any number of
// threads. The function is Philox4x32-10: J. K. Salmon et al., "Parallel random numbers: as easy as 1, 2, 3",
// SC'11, section 4.3; it passes BigCrush. The derived values below are defined here too, because those of
// the standard library differ from one implementation to the next.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>

namespace tunesmith {

/// One block of the Philox4x32-10 function.
std::array<uint32_t, 4> Philox(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key);

/// One stream of random numbers. A small value: copying it copies its position.
class Random {
 public:
  /// The stream of candidate `index` in `generation` of the run with this seed. Streams of different keys are
  /// independent; each holds 2^33 numbers.
  explicit Random(uint64_t seed, uint32_t generation = 0, uint64_t index = 0)
      : seed_(seed), index_(index), generation_(generation) {}

  /// 64 uniform bits.
  uint64_t Next();
  /// Uniform in [0, n), without bias; 0 if n is 0. (D. Lemire, "Fast random integer generation in an
  /// interval", TOMACS 29(1), 2019.)
  uint64_t Below(uint64_t n);
  /// Uniform in [low, high]; low if the interval is empty.
  int64_t Between(int64_t low, int64_t high);
  /// Uniform in [0, 1): a multiple of 2^-53.
  double Uniform();
  /// Standard normal (Box and Muller, 1958); two draws each.
  double Normal();
  /// True with this probability.
  bool Chance(double probability) { return Uniform() < probability; }
  /// An index with probability proportional to its weight; weights below 0 and NaN count as 0. Uniform if no
  /// weight is positive; 0 if there are no weights.
  size_t Pick(std::span<const double> weights);

  /// Fisher and Yates; any random-access container.
  template <class Container>
  void Shuffle(Container* items) {
    for (size_t i = items->size(); i > 1; --i) std::swap((*items)[i - 1], (*items)[Below(i)]);
  }

 private:
  uint64_t seed_;
  uint64_t index_;
  uint32_t generation_;
  uint32_t block_ = 0;
  bool has_spare_ = false;
  uint64_t spare_ = 0;
};

}  // namespace tunesmith
