// SPDX-License-Identifier: Apache-2.0
// The files that are part of the program: the standard operators, and the examples of the reference.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "support/strings.h"
#include "te/language.h"

namespace tunesmith::te {
namespace {

std::string ReadAll(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

std::vector<std::filesystem::path> FilesOf(const std::string& folder) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(StrCat(TUNESMITH_SOURCE_DIR "/", folder))) {
    if (entry.path().extension() == ".te") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

TEST(StandardOperators, EveryFileDefinesTheOperatorOfItsName) {
  auto files = FilesOf("te/ops");
  ASSERT_FALSE(files.empty());
  for (const auto& path : files) {
    auto op = StandardOperator(path.stem().string());
    EXPECT_TRUE(op.ok()) << MessageOf(op.status());
  }
  EXPECT_GE(StandardOperators().size(), files.size());
}

TEST(StandardOperators, AllChecksHold) {
  for (const std::string& name : StandardOperators()) {
    EXPECT_EQ(Render(Check(*StandardOperator(name))), "") << name;
    auto stages = Describe(*StandardOperator(name), {});
    EXPECT_TRUE(stages.ok()) << MessageOf(stages.status());
  }
}

/// In canonical form, and no line is longer than the formatter would make it.
void ExpectWellFormed(const std::filesystem::path& path) {
  constexpr size_t kMostColumns = 120;
  std::string text = ReadAll(path);
  auto formatted = Format(text, path.filename().string());
  ASSERT_TRUE(formatted.ok()) << MessageOf(formatted.status());
  EXPECT_EQ(*formatted, text) << "tune fmt " << path;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);)
    EXPECT_LE(line.size(), kMostColumns) << path << ": " << line;
}

TEST(StandardOperators, FilesAreInCanonicalForm) {
  for (const auto& path : FilesOf("te/ops")) ExpectWellFormed(path);
}

TEST(Examples, CheckAndAreInCanonicalForm) {
  auto files = FilesOf("examples");
  ASSERT_GE(files.size(), 3u);
  for (const auto& path : files) {
    ExpectWellFormed(path);
    auto module = Parse(ReadAll(path), path.filename().string());
    ASSERT_TRUE(module.ok()) << MessageOf(module.status());
    for (const Operator& op : module->operators) EXPECT_EQ(Render(Check(op)), "") << path;
  }
}

TEST(StandardOperators, EveryEntryOfTheSuiteBinds) {
  auto suite = ParseSuite(ReadAll(TUNESMITH_SOURCE_DIR "/bench/suite/cpu.tsv"), "cpu.tsv");
  ASSERT_TRUE(suite.ok()) << MessageOf(suite.status());
  EXPECT_GE(suite->size(), 49u);
  for (const SuiteEntry& entry : *suite) {
    auto op = StandardOperator(entry.op);
    ASSERT_TRUE(op.ok()) << entry.id << ": " << MessageOf(op.status());
    auto workload = Bind(*op, entry.bindings, int64_t{64} << 30);
    EXPECT_TRUE(workload.ok()) << entry.id << ": " << MessageOf(workload.status());
  }
}

TEST(StandardOperators, UnknownOnesNameTheNearest) {
  EXPECT_EQ(MessageOf(StandardOperator("matmull").status()),
            "unknown operator matmull; did you mean 'matmul'?");
  EXPECT_EQ(MessageOf(StandardOperator("zzzzzzzz").status()), "unknown operator zzzzzzzz");
}

TEST(Reference, ItsExamplesAreRightAndInCanonicalForm) {
  std::string text = ReadAll(TUNESMITH_SOURCE_DIR "/docs/language.md");
  int examples = 0;
  for (size_t at = 0; (at = text.find("```te\n", at)) != std::string::npos; ++examples) {
    at += 6;
    std::string source = text.substr(at, text.find("```\n", at) - at);
    auto module = Parse(source, "language.md");
    ASSERT_TRUE(module.ok()) << MessageOf(module.status());
    for (const Operator& op : module->operators) EXPECT_EQ(Render(Check(op)), "") << source;
    EXPECT_EQ(Format(source, "language.md").value(), source);
  }
  EXPECT_GE(examples, 5);
}

}  // namespace
}  // namespace tunesmith::te
