// SPDX-License-Identifier: Apache-2.0
#include "library/names.h"

#include <algorithm>
#include <iterator>
#include <set>

#include "support/strings.h"

namespace tunesmith::library {
namespace {

/// Reserved in C11 or C++20.
constexpr std::string_view kWordsOfC[] = {
    "alignas",     "alignof",  "and",        "and_eq",    "asm",       "auto",         "bitand",
    "bitor",       "bool",     "break",      "case",      "catch",     "char",         "char16_t",
    "char32_t",    "char8_t",  "class",      "co_await",  "co_return", "co_yield",     "compl",
    "concept",     "const",    "const_cast", "consteval", "constexpr", "constinit",    "continue",
    "decltype",    "default",  "delete",     "do",        "double",    "else",         "enum",
    "explicit",    "export",   "extern",     "false",     "float",     "for",          "friend",
    "goto",        "if",       "inline",     "int",       "long",      "mutable",      "namespace",
    "new",         "noexcept", "not",        "not_eq",    "nullptr",   "operator",     "or",
    "or_eq",       "private",  "protected",  "public",    "register",  "requires",     "reinterpret_cast",
    "restrict",    "return",   "short",      "signed",    "sizeof",    "static",       "static_assert",
    "static_cast", "struct",   "switch",     "template",  "this",      "thread_local", "throw",
    "true",        "try",      "typedef",    "typeid",    "typename",  "union",        "unsigned",
    "using",       "virtual",  "void",       "volatile",  "wchar_t",   "while",        "xor",
    "xor_eq"};

/// Reserved in Python 3.
constexpr std::string_view kWordsOfPython[] = {
    "False", "None",     "True",  "and",    "as",   "assert", "async",  "await",    "break",
    "class", "continue", "def",   "del",    "elif", "else",   "except", "finally",  "for",
    "from",  "global",   "if",    "import", "in",   "is",     "lambda", "nonlocal", "not",
    "or",    "pass",     "raise", "return", "try",  "while",  "with",   "yield"};

/// What a library is in Python besides its kernels (codegen/runtime/loader.py). A kernel of such a name could
/// not be reached as an attribute.
constexpr std::string_view kPythonAttributes[] = {"_dll",     "_function", "aligned", "kernels",
                                                  "manifest", "name",      "pool",    "use_level"};

bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }

template <size_t n>
bool IsOneOf(const std::string_view (&words)[n], std::string_view word) {
  return std::find(std::begin(words), std::end(words), word) != std::end(words);
}

bool IsReserved(std::string_view word) { return IsOneOf(kWordsOfC, word) || IsOneOf(kWordsOfPython, word); }

/// Whether Python would take `library.name` for something else than a kernel. All its objects have attributes
/// like __class__.
bool IsPythons(std::string_view name) {
  return IsOneOf(kWordsOfPython, name) || IsOneOf(kPythonAttributes, name) ||
         (name.size() > 4 && name.starts_with("__") && name.ends_with("__"));
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
  if (name == "tunesmith" || name.starts_with("tunesmith_")) {
    return Invalid(StrCat("'", name,
                          "' cannot be a library's name: types and headers that all libraries share are "
                          "called so"));
  }
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
    auto meets = [&](const std::string& n) { return taken.count(n) > 0; };
    for (int number = 2; IsPythons(name) || std::any_of(all.begin(), all.end(), meets); ++number) {
      name = StrCat(wanted, "_", number);
      all = NamesOf(name, kernel);
    }
    taken.insert(all.begin(), all.end());
    names.push_back(std::move(name));
  }
  return names;
}

std::string LevelName(const codegen::Target& target) { return Identifier(target.name); }

}  // namespace tunesmith::library
