// SPDX-License-Identifier: Apache-2.0
#include "te/language/vocabulary.h"

#include <algorithm>

#include "support/strings.h"

namespace tunesmith::te::language {
namespace {

constexpr int kAny = 1 << 20;

constexpr BuiltIn kBuiltIns[] = {
    {"exp", 1, 1, Function::kExp},     {"log", 1, 1, Function::kLog},   {"sqrt", 1, 1, Function::kSqrt},
    {"rsqrt", 1, 1, Function::kRsqrt}, {"tanh", 1, 1, Function::kTanh}, {"erf", 1, 1, Function::kErf},
    {"sin", 1, 1, Function::kSin},     {"cos", 1, 1, Function::kCos},   {"sigmoid", 1, 1, Function::kSigmoid},
    {"floor", 1, 1, Function::kFloor}, {"ceil", 1, 1, Function::kCeil}, {"round", 1, 1, Function::kRound},
    {"pow", 2, 2, Function::kPow},     {"fma", 3, 3, Function::kFma},   {"abs", 1, 1, std::nullopt},
    {"min", 2, kAny, std::nullopt},    {"max", 2, kAny, std::nullopt},  {"select", 3, 3, std::nullopt},
    {"lowest", 1, 1, std::nullopt},    {"highest", 1, 1, std::nullopt},
};

constexpr std::string_view kReducers[] = {"sum", "prod", "max", "min", "any", "all", "argmax", "argmin"};

constexpr std::string_view kCKeywords =
    "alignas alignof and and_eq asm auto bitand bitor bool break case catch char char8_t char16_t "
    "char32_t class co_await co_return co_yield compl complex concept const const_cast consteval "
    "constexpr constinit continue decltype default delete do double dynamic_cast else enum errno "
    "explicit export extern false float for friend goto if imaginary inline int long main mutable "
    "namespace new noexcept not not_eq nullptr operator or or_eq private protected public register "
    "reinterpret_cast requires restrict return short signed sizeof static static_assert static_cast "
    "struct switch template this thread_local throw true try typedef typeid typename typeof "
    "typeof_unqual union unsigned using virtual void volatile wchar_t while xor xor_eq NULL ";

template <class List>
bool Contains(const List& list, std::string_view name) {
  return std::find(std::begin(list), std::end(list), name) != std::end(list);
}

}  // namespace

const BuiltIn* FindBuiltIn(std::string_view name) {
  for (const BuiltIn& built_in : kBuiltIns) {
    if (built_in.name == name) return &built_in;
  }
  return nullptr;
}

std::optional<ReducerWord> ReducerNamed(std::string_view name) {
  const auto* found = std::find(std::begin(kReducers), std::end(kReducers), name);
  if (found == std::end(kReducers)) return std::nullopt;
  return static_cast<ReducerWord>(found - std::begin(kReducers));
}

bool IsVocabulary(std::string_view name) {
  return FindBuiltIn(name) || Contains(kReducers, name) || DTypeNamed(name) || name == "table";
}

std::vector<std::string> FunctionNames() {
  std::vector<std::string> names;
  for (const BuiltIn& built_in : kBuiltIns) names.emplace_back(built_in.name);
  return names;
}

bool IsCKeyword(std::string_view name) {
  bool listed = false;
  for (std::string_view keyword : Words(kCKeywords)) listed = listed || keyword == name;
  bool reserved = name.size() > 1 && name[0] == '_' && (name[1] == '_' || (name[1] >= 'A' && name[1] <= 'Z'));
  return listed || reserved;
}

}  // namespace tunesmith::te::language
