// SPDX-License-Identifier: Apache-2.0
// Files that text cases cannot hold: binary, huge, nested without end; and suites.
#include <gtest/gtest.h>

#include "support/strings.h"
#include "te/language.h"

namespace tunesmith::te {
namespace {

std::string Repeat(std::string_view text, size_t count) {
  std::string out;
  out.reserve(text.size() * count);
  for (size_t i = 0; i < count; ++i) out += text;
  return out;
}

std::string ParseError(std::string_view text) {
  auto module = Parse(text, "f.te");
  return module.ok() ? "parsed" : std::string(MessageOf(module.status()));
}

std::string StageOf(std::string_view value) {
  return StrCat("op f(X: f32[N]) -> (Y: f32[N]) {\nY[i] = ", value, "\n}\n");
}

TEST(BadFiles, Binary) {
  EXPECT_EQ(ParseError(std::string("op f") + '\0' + "("),
            "f.te: the file is binary: byte 4 is 0\n  to fix: give a text file in the .te language");
  EXPECT_EQ(ParseError("\177ELF"),
            "f.te: the file is binary: byte 0 is 127\n  to fix: give a text file in the .te language");
}

TEST(BadFiles, NotUtf8) {
  for (std::string_view bytes :
       {"\xff", "\xc0\x80", "\xed\xa0\x80", "\xf5\x80\x80\x80", "\xe2\x82", "\x80", "\xe0\x80\x80"}) {
    EXPECT_EQ(ParseError(StrCat("# ", bytes)),
              "f.te: the file is not UTF-8: byte 2 begins no character\n  to fix: save the file as UTF-8");
  }
  EXPECT_EQ(ParseError(StrCat("# \xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80\n", StageOf("X[i]"))), "parsed");
}

TEST(BadFiles, LongerThanAMebibyte) {
  std::string text = StageOf("X[i]");
  text += "#" + Repeat("x", kMostSourceBytes - text.size() - 1);
  EXPECT_EQ(ParseError(text), "parsed");
  EXPECT_EQ(ParseError(text + "x"),
            "f.te: the file has 1048577 bytes; a .te file has at most 1048576\n"
            "  to fix: split it into several files");
}

TEST(BadFiles, NestedTooDeep) {
  struct {
    std::string open;
    size_t times;
  } nests[] = {{"(", 200000},  {"-", 200000},           {"exp(", 200000},
               {"X[", 200000}, {"case 1 { 1: ", 80000}, {"sum(k) ", 100000}};
  for (const auto& nest : nests) {
    std::string error = ParseError(StageOf(Repeat(nest.open, nest.times) + "X[i]"));
    EXPECT_NE(error.find(": nested more than 200 levels deep\n"), std::string::npos) << error;
    EXPECT_NE(error.find("to fix: name inner parts as stages of their own"), std::string::npos) << error;
    EXPECT_EQ(error.find("\n\n"), std::string::npos) << "more than one error: " << error;
  }
}

TEST(BadFiles, NestingIsShownWhereItIsTooDeep) {
  // The block and the stage's value are two levels, each parenthesis and each index is one more.
  EXPECT_EQ(ParseError(StageOf(Repeat("(", 200000))),
            "f.te:2:207: nested more than 200 levels deep\n  " + Repeat("(", 100) + "\n  " + Repeat(" ", 50) +
                "^\n  to fix: name inner parts as stages of their own");
  EXPECT_EQ(ParseError(StageOf(Repeat("(", 197) + "X[i]" + Repeat(")", 197))), "parsed");
}

TEST(BadFiles, BlocksNestedTooDeep) {
  std::string head = "op f(X: f32[N]; a = true) -> (Y: f32[N]) { ";
  std::string error = ParseError(head + Repeat("if a { ", 100000));
  EXPECT_NE(error.find(": nested more than 200 levels deep\n"), std::string::npos) << error;
  error = ParseError(head + "if a { } " + Repeat("else if a { } ", 60000));
  EXPECT_NE(error.find(": nested more than 200 levels deep\n"), std::string::npos) << error;
}

TEST(BadFiles, AChainWithoutEnd) {
  std::string error = ParseError(StageOf("X[i]" + Repeat(" + X[i]", 100000)));
  EXPECT_NE(error.find(": an expression of more than 400 operations one inside the other\n"),
            std::string::npos)
      << error;
  EXPECT_EQ(ParseError(StageOf("X[i]" + Repeat(" + X[i]", 390))), "parsed");
}

TEST(BadFiles, FunctionsThatDoubleTheirArgument) {
  std::string text = "fn g0(x) = x + x\n";
  for (int i = 1; i < 60; ++i) StrAppend(&text, "fn g", i, "(x) = g", i - 1, "(g", i - 1, "(x))\n");
  auto module = Parse(text + StageOf("g59(X[i])"), "f.te");
  ASSERT_TRUE(module.ok());
  auto bound = Bind(module->operators[0], {"N=4"});
  ASSERT_FALSE(bound.ok());
  EXPECT_EQ(MessageOf(bound.status()),
            "f.te:1:12: the expression has more than 16384 operations\n"
            "  fn g0(x) = x + x\n"
            "             ^~~~~\n"
            "  inferred: the functions that it calls are counted where they are called\n"
            "  to fix: name parts of it as stages of their own");
  module = Parse(text + StageOf("X[i] * g59(1.0)"), "f.te");
  ASSERT_TRUE(module.ok());
  bound = Bind(module->operators[0], {"N=4"});
  ASSERT_FALSE(bound.ok());
  EXPECT_NE(MessageOf(bound.status()).find(": too many function calls, one inside the other\n"),
            std::string_view::npos);
}

TEST(BadFiles, TooManyStages) {
  std::string stages;
  for (int i = 0; i < 501; ++i) StrAppend(&stages, "t", i, "[i] = X[i]\n");
  EXPECT_EQ(ParseError(StrCat("op f(X: f32[N]) -> (Y: f32[N]) {\n", stages, "}\n")),
            "f.te:1:4: the operator f has 501 stages\n"
            "  op f(X: f32[N]) -> (Y: f32[N]) {\n"
            "     ^\n"
            "  inferred: at most 500 are allowed\n"
            "  to fix: split it into several operators");
}

TEST(BadFiles, TooManyStagesInAnAlgorithm) {
  std::string stages;
  for (int i = 0; i < 501; ++i) StrAppend(&stages, "t", i, "[i] = X[i]\n");
  EXPECT_EQ(ParseError(StrCat(StageOf("X[i]"), "algorithm g tolerance 2 {\n", stages, "}\n")),
            "f.te:1:4: the operator f has 501 stages in the algorithm g\n"
            "  op f(X: f32[N]) -> (Y: f32[N]) {\n"
            "     ^\n"
            "  inferred: at most 500 are allowed\n"
            "  to fix: split it into several operators");
}

TEST(BadFiles, TooManyDeclarations) {
  auto list = [](std::string_view name, std::string_view behind) {
    std::string text;
    for (int i = 0; i < 101; ++i) StrAppend(&text, i > 0 ? ", " : "", name, i, behind);
    return text;
  };
  auto error = [](int count, std::string_view what) {
    return StrCat("f.te:2:1: the operator f has ", count, " ", what,
                  "\n  f(\n  ^\n  inferred: at most 100 are allowed\n"
                  "  to fix: split it into several operators");
  };
  EXPECT_EQ(ParseError(StrCat("op\nf(\n", list("X", ": f32[]"), ") -> (Y: f32[]) { Y[] = X0[] }")),
            error(102, "parameters and outputs"));
  EXPECT_EQ(ParseError(StrCat("op\nf(\n; ", list("a", " = 1"), ") -> (Y: f32[]) { Y[] = a0 }")),
            error(101, "attributes"));
  EXPECT_EQ(ParseError(StrCat("op\nf(\n) -> (Y: f32[]) where ", list("a", " = 1"), " { Y[] = a0 }")),
            error(101, "facts"));
  std::string algorithms;
  for (int i = 0; i < 101; ++i) StrAppend(&algorithms, "algorithm g", i, " tolerance 2 { Y[] = 1 }\n");
  EXPECT_EQ(ParseError(StrCat("op\nf(\n) -> (Y: f32[]) { Y[] = 1 }\n", algorithms)),
            error(101, "algorithms"));
}

TEST(BadFiles, AtMostTwentyErrorsAreShown) {
  std::string stages;
  for (int i = 0; i < 50; ++i) StrAppend(&stages, "  t", i, "[i] = nothing", i, "[i]\n");
  auto diagnostics = Diagnose(StrCat("op f(X: f32[N]) -> (Y: f32[N]) {\n", stages, "}\n"), "f.te");
  ASSERT_EQ(diagnostics.size(), 20u);
  EXPECT_EQ(diagnostics[3].line, 5);
  EXPECT_EQ(diagnostics[3].column, 11);
  EXPECT_EQ(diagnostics[3].message, "unknown tensor nothing3");
}

TEST(Suite, ReadsEntries) {
  auto suite = ParseSuite("# a suite\n\na\tmatmul\tM=1 N=2\r\nb\tcopy\n", "s.tsv");
  ASSERT_TRUE(suite.ok()) << MessageOf(suite.status());
  ASSERT_EQ(suite->size(), 2u);
  EXPECT_EQ((*suite)[0].id, "a");
  EXPECT_EQ((*suite)[0].op, "matmul");
  EXPECT_EQ((*suite)[0].bindings, (std::vector<std::string>{"M=1", "N=2"}));
  EXPECT_EQ((*suite)[0].line, 3);
  EXPECT_EQ((*suite)[1].id, "b");
  EXPECT_TRUE((*suite)[1].bindings.empty());
  EXPECT_EQ((*suite)[1].line, 4);
}

TEST(Suite, NamesEveryWrongLine) {
  auto suite = ParseSuite(
      "a\tmatmul\tM=1\nb matmul M=1\na\tconv\tN=1\n\tconv\tN=1\nc\t\tN=1\nd\tf\tA=1\tB=2\n", "s.tsv");
  EXPECT_EQ(MessageOf(suite.status()),
            "s.tsv:2: the line has 1 field between tabs; write id<TAB>operator<TAB>NAME=VALUE NAME=VALUE\n"
            "s.tsv:3: the id a stands on line 1 already; choose another\n"
            "s.tsv:4: '' is no id; write letters of a to z, digits, _, - and ., 64 at most\n"
            "s.tsv:5: '' is no operator's name; write one, as in matmul\n"
            "s.tsv:6: the line has 4 fields between tabs; write id<TAB>operator<TAB>NAME=VALUE NAME=VALUE");
  EXPECT_EQ(MessageOf(ParseSuite("# nothing\n", "s.tsv").status()),
            "s.tsv: the suite has no entries; write lines of id<TAB>operator<TAB>NAME=VALUE");
  for (const std::string& id :
       {std::string("\u00e4"), std::string("a b"), std::string(65, 'a'), std::string("a/b")})
    EXPECT_EQ(
        MessageOf(ParseSuite(id + "\tf\n", "s.tsv").status()),
        StrCat("s.tsv:1: '", id, "' is no id; write letters of a to z, digits, _, - and ., 64 at most"));
  EXPECT_TRUE(ParseSuite("conv-3x3.a_1\tf\n" + std::string(64, 'a') + "\tf\n", "s.tsv").ok());
}

TEST(Suite, IsAText) {
  using std::string_literals::operator""s;
  EXPECT_EQ(MessageOf(ParseSuite("a\tf\n\0"s, "s.tsv").status()),
            "s.tsv: the file is binary: byte 4 is 0; give a text file with lines of "
            "id<TAB>operator<TAB>NAME=VALUE");
  EXPECT_EQ(MessageOf(ParseSuite("a\xff", "s.tsv").status()),
            "s.tsv: the file is not UTF-8: byte 1 begins no character; save the file as UTF-8");
  EXPECT_EQ(MessageOf(ParseSuite("\xEF\xBB\xBF"
                                 "a\tf\n",
                                 "s.tsv")
                          .status()),
            "s.tsv: the file begins with a byte order mark; save the file as UTF-8 without one");
}

}  // namespace
}  // namespace tunesmith::te
