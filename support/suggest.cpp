// SPDX-License-Identifier: Apache-2.0
#include "support/suggest.h"

#include <algorithm>
#include <vector>

#include "support/strings.h"

namespace tunesmith {
namespace {

constexpr int kEdit = 2;
constexpr size_t kLongestName = 200;  // nothing that a person meant to type; bounds the quadratic work

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

int SubstitutionCost(char a, char b) { return a == b ? 0 : Lower(a) == Lower(b) ? kEdit / 2 : kEdit; }

}  // namespace

int HalfEdits(std::string_view a, std::string_view b) {
  // Rows of the usual table: cost[j] turns a's first i letters into b's first j.
  std::vector<int> before_last(b.size() + 1), last(b.size() + 1), current(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) last[j] = static_cast<int>(j) * kEdit;
  for (size_t i = 1; i <= a.size(); ++i) {
    current[0] = static_cast<int>(i) * kEdit;
    for (size_t j = 1; j <= b.size(); ++j) {
      current[j] = std::min(
          {last[j] + kEdit, current[j - 1] + kEdit, last[j - 1] + SubstitutionCost(a[i - 1], b[j - 1])});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        current[j] = std::min(current[j], before_last[j - 2] + kEdit);
      }
    }
    before_last.swap(last);
    last.swap(current);
  }
  return last[b.size()];
}

std::optional<std::string> NearestName(std::string_view name, std::span<const std::string> candidates) {
  const std::string* nearest = nullptr;
  int least = 0;
  if (name.size() > kLongestName) return std::nullopt;
  for (const std::string& candidate : candidates) {
    if (candidate.size() > kLongestName) continue;
    int distance = HalfEdits(name, candidate);
    int allowed = std::max<int>(kEdit, static_cast<int>(std::max(name.size(), candidate.size())) / 3 * kEdit);
    if (distance > allowed || distance >= kEdit * static_cast<int>(std::max(name.size(), candidate.size()))) {
      continue;  // the second: nothing in common
    }
    if (!nearest || distance < least) {
      nearest = &candidate;
      least = distance;
    }
  }
  if (!nearest) return std::nullopt;
  return *nearest;
}

std::string DidYouMean(std::string_view name, std::span<const std::string> candidates) {
  std::optional<std::string> nearest = NearestName(name, candidates);
  return nearest ? StrCat("; did you mean '", *nearest, "'?") : std::string();
}

}  // namespace tunesmith
