// SPDX-License-Identifier: Apache-2.0
#include "support/text.h"

#include <gtest/gtest.h>

namespace tunesmith {
namespace {

using std::string_literals::operator""s;

TEST(Text, CharactersHaveTheirLengths) {
  EXPECT_EQ(CharacterLength("a"), 1u);
  EXPECT_EQ(CharacterLength("\u00e4b"), 2u);
  EXPECT_EQ(CharacterLength("\u20acb"), 3u);
  EXPECT_EQ(CharacterLength("\U0001F600"), 4u);
  for (const char* wrong : {"", "\x80", "\xC0\x80", "\xE0\x80\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xC3",
                            "\xE2\x82", "\xFF"})
    EXPECT_EQ(CharacterLength(wrong), 0u) << wrong;
}

TEST(Text, WhatIsNotTextIsNamed) {
  auto finding = [](std::string_view text) {
    const std::optional<NotText> fault = FindNotText(text, "a list");
    return fault ? fault->finding + "; " + fault->fix : "";
  };
  EXPECT_EQ(finding("one\ttwo\r\n\u00e4"), "");
  EXPECT_EQ(finding(""), "");
  EXPECT_EQ(finding("ab\0"s), "the file is binary: byte 2 is 0; give a list");
  EXPECT_EQ(finding("\x1b"), "the file is binary: byte 0 is 27; give a list");
  EXPECT_EQ(finding("a\xFF"), "the file is not UTF-8: byte 1 begins no character; save the file as UTF-8");
  EXPECT_EQ(finding("\xEF\xBB\xBF"), "the file begins with a byte order mark; save the file as UTF-8 without one");
}

TEST(Text, WhatATerminalWouldObeyIsShown) {
  EXPECT_EQ(Printable("a \u00e4\u20ac\tb\n"), "a \u00e4\u20ac\tb\n");
  EXPECT_EQ(Printable("\x1b[31mred\x7F\r"), "\\x1b[31mred\\x7f\\x0d");
  EXPECT_EQ(Printable("a\0b"s), "a\\x00b");
  EXPECT_EQ(Printable("\xC2\x9B\xFF\xE2\x82"), "\\xc2\\x9b\\xff\\xe2\\x82");
}

}  // namespace
}  // namespace tunesmith
