// SPDX-License-Identifier: Apache-2.0
// Laws of the language, on the standard operators and on texts made from them by mutation:
//   nothing crashes, whatever the text;
//   Format(Format(x)) is Format(x), and Format(x) means what x means;
//   no text and no binding breaks a law of the program itself (a graph that Verify refuses).
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "support/strings.h"
#include "te/language.h"

namespace tunesmith::te {
namespace {

const std::vector<std::string>& Sources() {
  static const auto* sources = new std::vector<std::string>([] {
    std::vector<std::filesystem::path> paths;
    for (const auto& entry : std::filesystem::directory_iterator(TUNESMITH_SOURCE_DIR "/te/ops")) {
      paths.push_back(entry.path());
    }
    std::sort(paths.begin(), paths.end());
    std::vector<std::string> texts;
    for (const auto& path : paths) {
      std::ifstream in(path, std::ios::binary);
      std::ostringstream out;
      out << in.rdbuf();
      texts.push_back(out.str());
    }
    return texts;
  }());
  return *sources;
}

/// Words of the language and pieces that tend to matter.
const std::vector<std::string>& Pieces() {
  static const auto* pieces = new std::vector<std::string>{"(",           ")",
                                                           "[",           "]",
                                                           "{",           "}",
                                                           ",",           ";",
                                                           ":",           "|",
                                                           "=",           "==",
                                                           "<",           "-",
                                                           "!",           "*",
                                                           "/",           "%",
                                                           "+",           "&&",
                                                           "||",          "->",
                                                           " if ",        " else ",
                                                           "op ",         "fn ",
                                                           "sum(k) ",     "max(c) ",
                                                           "case ",       "select(",
                                                           "exp(",        "f32(",
                                                           "i8.sat(",     "argmax(c) ",
                                                           "table(i; 1)", "true",
                                                           "inf",         "0",
                                                           "1",           "0.5",
                                                           "1e400",       "X",
                                                           "Y[i]",        "N",
                                                           "i",           "where ",
                                                           " # x\n",      "\n",
                                                           "weight ",     "\xc3\xa9",
                                                           "\x01",        "any(k) ",
                                                           "k < 3",       "9223372036854775807",
                                                           "sum:i32(k) ", "algorithm a tolerance 2 { "};
  return *pieces;
}

std::string Mutated(std::string text) {
  int edits = *rc::gen::inRange(1, 6);
  for (int e = 0; e < edits; ++e) {
    size_t at = *rc::gen::inRange<size_t>(0, text.size() + 1);
    size_t length = std::min(*rc::gen::inRange<size_t>(0, 12), text.size() - at);
    switch (*rc::gen::inRange(0, 4)) {
      case 0:
        text.erase(at, length);
        break;
      case 1:
        text.insert(at, *rc::gen::elementOf(Pieces()));
        break;
      case 2:
        text.replace(at, length, *rc::gen::elementOf(Pieces()));
        break;
      default:
        text.insert(at, text.substr(*rc::gen::inRange<size_t>(0, text.size() + 1), length));
    }
  }
  return text;
}

/// Every operator of the module, bound to small extents: its stages, or that it is refused. (Places in
/// messages differ between a text and its canonical form.)
std::string Meaning(const Module& module) {
  std::string meaning;
  for (const Operator& op : module.operators) {
    std::vector<std::string> bindings;
    int64_t extent = 3;
    for (const Bindable& b : op.bindables()) {
      if (b.kind == Bindable::Kind::kExtent || b.standard.empty()) {
        bindings.push_back(StrCat(b.name, "=", extent++));
      }
    }
    auto bound = Bind(op, bindings, int64_t{1} << 40);
    if (!bound.ok()) {
      RC_ASSERT(bound.status().code() == absl::StatusCode::kInvalidArgument);
      meaning += "refused\n";
      continue;
    }
    for (const Algorithm& algorithm : bound->algorithms) {
      StrAppend(&meaning, algorithm.name, "\n", ToString(algorithm.graph), "\n");
    }
  }
  return meaning;
}

void CheckLaws(const std::string& text) {
  auto module = Parse(text, "m.te");
  if (module.ok()) {
    for (const Operator& op : module->operators) {
      for (const Diagnostic& d : Check(op)) RC_ASSERT(!d.message.empty() && d.line > 0);
    }
  } else {
    RC_ASSERT(!module.status().message().empty());
    RC_ASSERT(!Diagnose(text, "m.te").empty());
  }
  auto formatted = Format(text, "m.te");
  RC_ASSERT(formatted.ok() || !module.ok());
  if (!formatted.ok()) return;
  auto again = Format(*formatted, "m.te");
  RC_ASSERT(again.ok());
  RC_ASSERT(*again == *formatted);
  auto parsed = Parse(*formatted, "m.te");
  RC_ASSERT(parsed.ok() == module.ok());
  if (module.ok()) RC_ASSERT(Meaning(*parsed) == Meaning(*module));
}

/// Checks a law on so many cases, always the same ones.
template <class Law>
void ForAll(int cases, Law law) {
  rc::detail::TestParams params;
  params.seed = 2024;
  params.maxSuccess = cases;
  auto result = rc::detail::checkTestable(law, rc::detail::TestMetadata(), params);
  rc::detail::SuccessResult success;
  if (result.match(success)) return;
  std::ostringstream text;
  rc::detail::printResultMessage(result, text);
  ADD_FAILURE() << text.str();
}

TEST(Language, SurvivesMutations) {
  ASSERT_FALSE(Sources().empty());
  ForAll(4000, [] { CheckLaws(Mutated(*rc::gen::elementOf(Sources()))); });
}

TEST(Language, SurvivesTextsMadeOfItsWords) {
  ForAll(3000, [] {
    auto pieces = *rc::gen::container<std::vector<std::string>>(rc::gen::elementOf(Pieces()));
    std::string text = StrJoin(pieces, " ");
    CheckLaws(text);
    CheckLaws(StrCat("op f(X: f32[N]; a = true) -> (Y: f32[N]) { Y[i] = ", text, " }"));
  });
}

TEST(Language, SurvivesAnyBytes) {
  ForAll(1000, [](const std::string& text) { CheckLaws(text); });
}

TEST(Language, SurvivesAnyBinding) {
  ForAll(2000, [](const std::string& name, const std::string& value, int64_t number) {
    Operator op = StandardOperator(*rc::gen::elementOf(StandardOperators())).value();
    std::vector<std::string> bindings{StrCat("?", name, "=", value)};
    RC_ASSERT(Bind(op, bindings).status().code() == absl::StatusCode::kInvalidArgument);
    bindings.clear();
    for (const Bindable& b : op.bindables()) {
      if (*rc::gen::inRange(0, 5) != 0) bindings.push_back(StrCat(b.name, "=", number));
    }
    auto bound = Bind(op, bindings);
    RC_ASSERT(bound.ok() || bound.status().code() == absl::StatusCode::kInvalidArgument);
  });
}

}  // namespace
}  // namespace tunesmith::te
