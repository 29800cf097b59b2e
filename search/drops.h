// SPDX-License-Identifier: Apache-2.0
// Why choices came to nothing, and how many of them: whoever wonders why a search finds little reads it here.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace tunesmith::search {

/// Choices that were looked at, and those of them that were dropped, by reason. A choice has one reason at
/// most.
class Drops {
 public:
  struct Reason {
    int64_t count = 0;
    std::string example;  // the first message, where there is one
  };

  void Consider() { ++considered_; }
  void Add(std::string_view reason, std::string_view example = "");
  void Merge(const Drops& other);

  int64_t considered() const { return considered_; }
  int64_t dropped() const;
  /// Sorted by the reason's text.
  const std::map<std::string, Reason, std::less<>>& reasons() const { return reasons_; }
  int64_t CountOf(std::string_view reason) const;

 private:
  int64_t considered_ = 0;
  std::map<std::string, Reason, std::less<>> reasons_;
};

/// The reasons; "refused by NAME" stands for each step that can refuse, and for each part of the build.
inline constexpr std::string_view kContradiction = "values contradict each other";
inline constexpr std::string_view kDuplicate = "seen before";
inline constexpr std::string_view kRefusedBy = "refused by ";

}  // namespace tunesmith::search
