// SPDX-License-Identifier: Apache-2.0
// The words that the language knows: functions, reducers and the names that C keeps for itself.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "te/expr.h"
#include "te/graph.h"

namespace tunesmith::te::language {

/// A function that is built in. `floating` functions take and give floating values and are calls of
/// te::Function; the others have rules of their own.
struct BuiltIn {
  std::string_view name;
  int least_arguments;
  int most_arguments;
  std::optional<Function> floating;
};
const BuiltIn* FindBuiltIn(std::string_view name);

enum class ReducerWord : uint8_t { kSum, kProd, kMax, kMin, kAny, kAll, kArgmax, kArgmin };
std::optional<ReducerWord> ReducerNamed(std::string_view name);

/// "nearest", "down", "up", "sat": what may stand behind a dtype in a cast.
inline constexpr std::string_view kCastSuffixes[] = {"nearest", "down", "up", "sat"};

/// Functions, reducers and dtypes; nothing else may have their names, except operators.
bool IsVocabulary(std::string_view name);
std::vector<std::string> FunctionNames();

/// Keywords of C up to C23 and of C++20, and macros of the headers that generated libraries include.
bool IsCKeyword(std::string_view name);

}  // namespace tunesmith::te::language
