// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>

#include "measure/check.h"
#include "support/random.h"

namespace tunesmith::measure {
namespace {

// Sizes at which schedules cut loops: vectors, register tiles, cache blocks.
constexpr int64_t kTileSizes[] = {4, 6, 8, 12, 14, 16, 24, 28, 32, 48, 64, 96, 128, 192, 256, 384, 512, 1024};

/// A coordinate in [0, extent) where something may go wrong.
int64_t EdgeCoordinate(int64_t extent, Random* random) {
  switch (random->Below(4)) {
    case 0:
      return 0;
    case 1:
      return extent - 1;
    case 2: {
      const int64_t tile = kTileSizes[random->Below(std::size(kTileSizes))];
      // The last multiple begins the partial tile, if there is one.
      const int64_t tiles = extent / tile;
      const int64_t multiple = random->Chance(0.5) ? tiles : random->Between(0, tiles);
      return std::clamp<int64_t>(multiple * tile + random->Between(-1, 0), 0, extent - 1);
    }
    default:
      return random->Between(0, extent - 1);
  }
}

}  // namespace

std::vector<uint64_t> ChooseElements(const std::vector<int64_t>& shape, int64_t count, uint64_t seed,
                                     int part, int parts) {
  int64_t elements = 1;
  for (int64_t extent : shape) elements *= extent;
  std::vector<uint64_t> indices;
  if (elements <= count) {
    indices.resize(static_cast<size_t>(elements));
    std::iota(indices.begin(), indices.end(), uint64_t{0});
    return indices;
  }
  const auto add = [&](const auto& coordinate) {
    int64_t index = 0;
    for (size_t d = 0; d < shape.size(); ++d) index = index * shape[d] + coordinate(d);
    indices.push_back(static_cast<uint64_t>(index));
  };
  // Beyond 2^6 corners the random edges must do.
  const size_t cornered = std::min<size_t>(shape.size(), 6);
  for (uint64_t corner = 0; corner < uint64_t{1} << cornered; ++corner) {
    add([&](size_t d) { return d < 64 && (corner >> d & 1) != 0 ? shape[d] - 1 : 0; });
  }
  Random random(seed + static_cast<uint64_t>(part));
  while (static_cast<int64_t>(indices.size()) < count / 4)
    add([&](size_t d) { return EdgeCoordinate(shape[d], &random); });
  // Multiples of the golden ratio leave no gap among them that is much larger than others (the points
  // (i, i phi mod 1) have low dispersion: Niederreiter, "Random Number Generation and Quasi-Monte Carlo
  // Methods", 1992, chapter 6).
  const int64_t columns = shape.back(), rows = elements / columns;
  const int64_t spread = std::max(count - static_cast<int64_t>(indices.size()), count / 2) * parts;
  const double shift = Random(seed).Uniform();
  for (int64_t i = part; i < spread; i += parts) {
    const double along = (static_cast<double>(i) + 0.5) / static_cast<double>(spread);
    const double turned = static_cast<double>(i) * std::numbers::phi + shift;
    const auto row = static_cast<int64_t>(along * static_cast<double>(rows));
    const auto column = static_cast<int64_t>((turned - std::floor(turned)) * static_cast<double>(columns));
    indices.push_back(static_cast<uint64_t>(row * columns + column));
  }
  std::sort(indices.begin(), indices.end());
  indices.erase(std::unique(indices.begin(), indices.end()), indices.end());
  return indices;
}

}  // namespace tunesmith::measure
