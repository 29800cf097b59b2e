// SPDX-License-Identifier: Apache-2.0
#include "library/names.h"

#include <algorithm>
#include <iterator>
#include <set>

#include "support/strings.h"

namespace tunesmith::library {
namespace {

/// Reserved in C11, C++20 or Python 3.
constexpr std::string_view kReserved[] = {
    "False",       "None",      "True",       "alignas",   "alignof",   "and",          "and_eq",
    "as",          "asm",       "assert",     "async",     "auto",      "await",        "bitand",
    "bitor",       "bool",      "break",      "case",      "catch",     "char",         "char16_t",
    "char32_t",    "char8_t",   "class",      "co_await",  "co_return", "co_yield",     "compl",
    "concept",     "const",     "const_cast", "consteval", "constexpr", "constinit",    "continue",
    "decltype",    "def",       "default",    "del",       "delete",    "do",           "double",
    "elif",        "else",      "enum",       "except",    "explicit",  "export",       "extern",
    "false",       "finally",   "float",      "for",       "friend",    "from",         "global",
    "goto",        "if",        "import",     "in",        "inline",    "int",          "is",
    "lambda",      "long",      "mutable",    "namespace", "new",       "noexcept",     "nonlocal",
    "not",         "not_eq",    "nullptr",    "operator",  "or",        "or_eq",        "pass",
    "private",     "protected", "public",     "raise",     "register",  "requires",     "reinterpret_cast",
    "restrict",    "return",    "short",      "signed",    "sizeof",    "static",       "static_assert",
    "static_cast", "struct",    "switch",     "template",  "this",      "thread_local", "throw",
    "true",        "try",       "typedef",    "typeid",    "typename",  "union",        "unsigned",
    "using",       "virtual",   "void",       "volatile",  "wchar_t",   "while",        "with",
    "xor",         "xor_eq",    "yield",
};

bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }

bool IsReserved(std::string_view word) {
  return std::find(std::begin(kReserved), std::end(kReserved), word) != std::end(kReserved);
}

/// The names that a kernel called `name` takes.
std::vector<std::string> NamesOf(const std::string& name, const Kernel& kernel) {
  std::vector<std::string> names = {name};
  for (std::string_view suffix : {"_pack", "_packed_bytes", "_workspace_bytes", "_kernel"})
    names.push_back(StrCat(name, suffix));
  for (const Variant& v : kernel.variants) {
    for (std::string_view suffix : {"_main", "_pack"})
      names.push_back(StrCat(name, "_", LevelName(v.target), suffix));
  }
  return names;
}

}  // namespace

std::string Identifier(std::string_view text) {
  std::string name;
  for (size_t n = 0; n < text.size(); ++n) {
    const char c = text[n];
    if (c == '=' && n + 1 < text.size() && IsDigit(text[n + 1])) continue;
    if (IsDigit(c) && name.empty()) name.push_back('_');
    name.push_back(IsLetter(c) || IsDigit(c) ? c : '_');
  }
  return name.empty() ? "_" : name;
}

Status CheckLibraryName(std::string_view name) {
  if (name.empty() || !IsLetter(name[0]) || Identifier(name) != name || name.size() > kLongestName) {
    return Invalid(StrCat("'", name,
                          "' cannot be a library's name: a letter, then letters, digits and underscores, ",
                          kLongestName, " at most"));
  }
  if (IsReserved(name))
    return Invalid(StrCat("'", name, "' cannot be a library's name: C, C++ or Python reserve the word"));
  return absl::OkStatus();
}

std::vector<std::string> KernelNames(const std::vector<Kernel>& kernels) {
  std::set<std::string> taken(std::begin(kCommonFunctions), std::end(kCommonFunctions));
  taken.insert("pool");  // a type
  std::vector<std::string> names;
  for (const Kernel& kernel : kernels) {
    const std::string wanted = Identifier(kernel.name);
    std::string name = wanted;
    std::vector<std::string> all = NamesOf(name, kernel);
    for (int number = 2;
         std::any_of(all.begin(), all.end(), [&](const auto& n) { return taken.count(n) > 0; }); ++number) {
      name = StrCat(wanted, "_", number);
      all = NamesOf(name, kernel);
    }
    taken.insert(all.begin(), all.end());
    names.push_back(std::move(name));
  }
  return names;
}

std::vector<std::string> ArgumentNames(const std::vector<te::Tensor>& tensors) {
  std::set<std::string> taken = {"packed", "packed_bytes", "workspace", "workspace_bytes", "threads"};
  std::vector<std::string> names;
  for (const te::Tensor& tensor : tensors) {
    std::string name = Identifier(tensor.name);
    while (IsReserved(name) || taken.count(name) > 0) name.push_back('_');
    taken.insert(name);
    names.push_back(std::move(name));
  }
  return names;
}

std::string LevelName(const codegen::Target& target) { return Identifier(target.name); }

}  // namespace tunesmith::library
