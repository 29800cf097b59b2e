// SPDX-License-Identifier: Apache-2.0
// A trace from outside is data: whatever its text, it gives an error or a plan, and a plan gives an error or
// a program that verifies, in bounded time and memory. And the pages that describe steps describe all of
// them.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <iterator>

#include "ir/lower.h"
#include "ir/verify.h"
#include "schedule/trace.h"
#include "support/strings.h"
#include "te/language.h"
#include "tests/ir/property.h"
#include "tests/schedule/random_schedules.h"
#include "tests/te/sample_graphs.h"
#include "tests/text_cases/text_cases.h"

namespace tunesmith::schedule::testing {
namespace {

using ir::testing::ExpectForAll;
using tunesmith::testing::ReadFile;

constexpr const char* kWords[] = {"inline",
                                  "prefetch",
                                  "ahead",
                                  "algorithm",
                                  "cache",
                                  "pack",
                                  "at",
                                  "fuse",
                                  "split",
                                  "order",
                                  "vector",
                                  "unroll",
                                  "parallel",
                                  "partition",
                                  "keep",
                                  "factor",
                                  "layout",
                                  "stream",
                                  "mask",
                                  "peel",
                                  "registers",
                                  "in",
                                  "for",
                                  "as",
                                  "with",
                                  "from",
                                  "grain",
                                  "blocks",
                                  "pad",
                                  "|",
                                  "(",
                                  ")",
                                  "#",
                                  "0",
                                  "-1",
                                  "2",
                                  "64",
                                  "256",
                                  "4294967296",
                                  "9223372036854775807",
                                  "-9223372036854775808",
                                  "18446744073709551616",
                                  "1e9",
                                  ".",
                                  ".o",
                                  ".i",
                                  "\n",
                                  "names",
                                  "target"};

/// The text with some of its bytes, words and lines changed.
std::string Damaged(std::string text, Choices* choices) {
  int64_t edits = choices->Between(1, 4);
  for (int64_t e = 0; e < edits; ++e) {
    std::vector<std::string> lines;
    for (std::string_view line : StrSplit(text, '\n')) lines.emplace_back(line);
    size_t line = static_cast<size_t>(choices->Sample(0, std::ssize(lines) - 1));
    size_t other = static_cast<size_t>(choices->Sample(0, std::ssize(lines) - 1));
    size_t at = static_cast<size_t>(choices->Sample(0, std::ssize(text)));
    const char* word = kWords[choices->Sample(0, std::ssize(kWords) - 1)];
    switch (choices->Between(0, 6)) {
      case 0:
        if (at < text.size()) text[at] = static_cast<char>(choices->Sample(0, 255));
        continue;
      case 1:
        text.insert(at, word);
        continue;
      case 2: {  // a number becomes another
        size_t digit = text.find_first_of("0123456789", at);
        if (digit == std::string::npos) continue;
        size_t end = std::min(text.find_first_not_of("0123456789", digit), text.size());
        text.replace(digit, end - digit, word);
        continue;
      }
      case 3:
        std::swap(lines[line], lines[other]);
        break;
      case 4:
        lines.erase(lines.begin() + static_cast<ptrdiff_t>(line));
        break;
      case 5:
        lines.insert(lines.begin() + static_cast<ptrdiff_t>(line), lines[other]);
        break;
      default:  // a word becomes that of another line
        if (std::vector<std::string_view> from = Words(lines[other]), to = Words(lines[line]);
            !from.empty() && !to.empty()) {
          std::vector<std::string> words(to.begin(), to.end());
          words[static_cast<size_t>(choices->Sample(0, std::ssize(words) - 1))] =
              std::string(from[static_cast<size_t>(choices->Sample(0, std::ssize(from) - 1))]);
          lines[line] = StrJoin(words, " ");
        }
    }
    text = StrJoin(lines, "\n");
  }
  return text;
}

int64_t BytesOf(const ir::Function& function) {
  double bytes = 0;
  for (const ir::Buffer& b : function.buffers)
    bytes += static_cast<double>(b.elements) * static_cast<double>(te::SizeOf(b.dtype));
  return static_cast<int64_t>(std::min(bytes, 1e18));
}

TEST(Traces, DamagedOnesGiveErrorsOrProgramsThatVerify) {
  int parsed = 0, replayed = 0, lowered = 0, refused = 0;
  ExpectForAll(15000, [&](Choices choices) -> std::string {
    RandomWorkload workload = MakeWorkload(&choices);
    std::string text = ToString(MakeSchedule(workload.graph, 10, &choices).trace);
    text = Damaged(std::move(text), &choices);
    auto trace = ParseTrace(text);
    auto plan = trace.ok() ? Replay(*trace, workload.graph) : Result<Plan>(trace.status());
    auto program = plan.ok() ? ir::Lower(*plan) : Result<ir::Program>(plan.status());
    parsed += trace.ok();
    replayed += plan.ok();
    lowered += program.ok();
    refused += !program.ok();
    if (!program.ok()) {
      bool said = program.status().code() == absl::StatusCode::kInvalidArgument ||
                  program.status().code() == absl::StatusCode::kNotFound;
      return said && !MessageOf(program.status()).empty() ? ""
                                                          : StrCat(program.status().ToString(), "\n", text);
    }
    if (Status status = ir::Verify(*program); !status.ok()) return StrCat(MessageOf(status), "\n", text);
    constexpr int64_t kMostBytes = int64_t{1} << 30;
    int64_t bytes = BytesOf(program->main) + BytesOf(program->pack);
    return bytes <= kMostBytes ? "" : StrCat(bytes, " bytes\n", text);
  });
  EXPECT_GT(parsed, 3000);
  EXPECT_GT(replayed, 1000);
  EXPECT_GT(lowered, 1000);
  EXPECT_GT(refused, 3000);
}

TEST(Traces, LengthsAreBounded) {
  std::string head = "trace 1\nnames A | B(i)\ntarget any\n";
  EXPECT_EQ(MessageOf(ParseTrace(head + std::string(1 << 20, '\n')).status()),
            "the trace is longer than 1 MiB");
  std::string steps;
  for (int s = 0; s < 1000; ++s) steps += "stream B\n";
  EXPECT_TRUE(ParseTrace(head + steps).ok());
  EXPECT_EQ(MessageOf(ParseTrace(head + steps + "stream B\n").status()),
            "trace line 1004: more than 1000 steps");
}

TEST(Traces, TheLongestGrowsNoFasterThanItsText) {
  // Every step that adds to a plan, as often as a trace may have it.
  RandomWorkload workload;
  Choices none({});
  workload = MakeWorkload(&none);
  std::string head = ToString(TraceFor(workload.graph, "any"));
  for (int kind = 0; kind < 3; ++kind) {
    std::string steps, loop = "acc.k";
    for (int s = 0; s < 999; ++s) {
      if (kind == 0) StrAppend(&steps, "cache A for acc as c", s, "\n");
      if (kind == 1 && s < 500) StrAppend(&steps, "split ", loop, " 1 mask\n"), loop += ".o";
      if (kind == 2) StrAppend(&steps, "layout acc order 1 0 blocks 0 2 1 2\n");
    }
    auto trace = ParseTrace(head + steps);
    ASSERT_TRUE(trace.ok()) << MessageOf(trace.status());
    auto plan = Replay(*trace, workload.graph);
    EXPECT_TRUE(plan.ok() || plan.status().code() == absl::StatusCode::kInvalidArgument ||
                plan.status().code() == absl::StatusCode::kNotFound);
  }
}

TEST(Traces, ThoseWrittenByHandReplay) {
  auto suite = te::ParseSuite(ReadFile(TUNESMITH_SOURCE_DIR "/bench/suite/cpu.tsv"), "cpu.tsv");
  ASSERT_TRUE(suite.ok());
  int replayed = 0;
  const std::filesystem::path folder = TUNESMITH_SOURCE_DIR "/bench/hand";
  for (const auto& file : std::filesystem::directory_iterator(folder)) {
    if (file.path().extension() != ".trace") continue;
    std::string name = file.path().stem();  // ID, or ID.THREADS
    std::string id = name.substr(0, name.find('.'));
    auto entry = std::find_if(suite->begin(), suite->end(), [&](const auto& e) { return e.id == id; });
    ASSERT_NE(entry, suite->end()) << name;
    auto workload = te::Bind(te::StandardOperator(entry->op).value(), entry->bindings);
    ASSERT_TRUE(workload.ok()) << MessageOf(workload.status());
    auto trace = ParseTrace(ReadFile(file.path()));
    ASSERT_TRUE(trace.ok()) << name << ": " << MessageOf(trace.status());
    auto plan = Replay(*trace, te::Normalize(workload->definition()));
    ASSERT_TRUE(plan.ok()) << name << ": " << MessageOf(plan.status());
    auto program = ir::Lower(*plan);
    EXPECT_TRUE(program.ok()) << name << ": " << MessageOf(program.status());
    ++replayed;
  }
  EXPECT_GE(replayed, 11);
}

/// The verbs, as an unknown one lists them.
std::vector<std::string> Verbs() {
  std::string message(MessageOf(ParseTrace("trace 1\nnames A | B(i)\ntarget any\nnothing\n").status()));
  std::vector<std::string> verbs;
  const std::string list = message.substr(message.find("there are:") + 10);
  for (std::string_view word : Words(list, " ,")) verbs.emplace_back(word);
  return verbs;
}

// Partial sums of neighbours, and of elements eight apart: the loops are the same, the addresses are not.
TEST(Hashes, TellApartPlansThatDifferOnlyInWhatAStageReads) {
  std::vector<uint64_t> hashes;
  for (const char* loop : {"C.k.o", "C.k.i"}) {
    const std::string text = StrCat("trace 1\nnames A B | C(i j k)\ntarget x86-64-avx2\n",
                                    "split C.k 8 mask\nfactor C ", loop, " as P\n");
    Result<Plan> plan = Replay(ParseTrace(text).value(), te::MatmulGraph(4, 4, 64));
    ASSERT_TRUE(plan.ok()) << MessageOf(plan.status());
    hashes.push_back(HashOf(*plan));
  }
  EXPECT_NE(hashes[0], hashes[1]);
}

TEST(Documents, DescribeEveryStep) {
  std::string reference = ReadFile(TUNESMITH_SOURCE_DIR "/docs/schedule.md");
  std::string format = ReadFile(TUNESMITH_SOURCE_DIR "/docs/formats/trace.md");
  ASSERT_EQ(Verbs().size(), 16u);
  for (const std::string& verb : Verbs()) {
    EXPECT_NE(reference.find(StrCat("\n### ", verb)), std::string::npos) << verb;
    EXPECT_NE(format.find(StrCat("\n| `", verb, " ")), std::string::npos) << verb;
  }
}

TEST(Documents, EveryStepHasCases) {
  std::string all;
  for (const auto& path : tunesmith::testing::CaseFiles(TUNESMITH_SOURCE_DIR "/tests/schedule/cases")) {
    for (const tunesmith::testing::TextCase& c : tunesmith::testing::ReadCases(ReadFile(path))) {
      if (c.Find("plan") && c.Find("steps")) all += "\n" + *c.Find("steps");
    }
  }
  for (const std::string& verb : Verbs())
    EXPECT_NE(all.find(StrCat("\n", verb, " ")), std::string::npos) << verb;
}

}  // namespace
}  // namespace tunesmith::schedule::testing
