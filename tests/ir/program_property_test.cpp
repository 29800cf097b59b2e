// SPDX-License-Identifier: Apache-2.0
// The laws of whole functions: simplifying and partitioning keep the meaning, what verifies runs, and what is
// damaged is noticed.
#include <gtest/gtest.h>

#include "ir/simplify.h"
#include "ir/verify.h"
#include "tests/ir/random_programs.h"

namespace tunesmith::ir::testing {
namespace {

std::string Difference(const Function& before, const Function& after) {
  auto expected = RunOnIntegers(before), actual = RunOnIntegers(after);
  if (!expected.ok())
    return "the program itself fails: " + expected.status().ToString() + "\n" + ToString(before);
  std::string both = "\n" + ToString(before) + "became\n" + ToString(after);
  if (!actual.ok()) return actual.status().ToString() + both;
  return *expected == *actual ? "" : "another result" + both;
}

TEST(ProgramProperty, SimplifyKeepsTheResult) {
  ExpectForAll(1500, [](Choices choices) {
    Function f = RandomProgram(&choices), simplified = f;
    simplified.body = Simplify(f.body, Ranges());
    return Difference(f, simplified);
  });
}

TEST(ProgramProperty, PartitionKeepsTheResult) {
  ExpectForAll(1500, [](Choices choices) {
    Function f = RandomProgram(&choices), partitioned = f;
    std::vector<int> loops;
    for (size_t v = 0; v < f.variables.size(); ++v) {
      if (choices.Between(0, 2) > 0) loops.push_back(static_cast<int>(v));
    }
    Partition(&partitioned, loops);
    return Difference(f, partitioned);
  });
}

TEST(ProgramProperty, ValidProgramsAreAccepted) {
  ExpectForAll(2000, [](Choices choices) {
    Function f = RandomProgram(&choices);
    if (Status status = Verify(f); !status.ok()) return status.ToString() + "\n" + ToString(f);
    f.body = Simplify(f.body, Ranges());
    if (Status status = Verify(f); !status.ok()) return status.ToString() + "\n" + ToString(f);
    std::vector<int> loops;
    for (size_t v = 0; v < f.variables.size(); ++v) loops.push_back(static_cast<int>(v));
    Partition(&f, loops);
    if (Status status = Verify(f); !status.ok()) return status.ToString() + "\n" + ToString(f);
    return std::string();
  });
}

/// The verifier is sound: what it lets pass stays inside its buffers, its lives and its iterations. (That
/// every single element has been stored to before it is read is more than its rule asks.)
TEST(ProgramProperty, WhatVerifiesRuns) {
  ExpectForAll(8000, [](Choices choices) {
    Function f = Damaged(RandomProgram(&choices), &choices);
    if (!Verify(f).ok()) return std::string();
    auto result = RunOnIntegers(f);
    if (result.ok() || MessageOf(result.status()).find("which is undefined") != std::string_view::npos) {
      return std::string();
    }
    return result.status().ToString() + "\n" + ToString(f);
  });
}

/// Most damages change what is computed; nearly all of those are refused or computed differently.
TEST(ProgramProperty, DamageIsNoticed) {
  int damaged = 0, refused = 0, failed = 0, different = 0;
  ExpectForAll(1500, [&](Choices choices) {
    Function f = RandomProgram(&choices), d = Damaged(f, &choices);
    if (ToString(f) == ToString(d)) return std::string();
    ++damaged;
    auto expected = RunOnIntegers(f), actual = RunOnIntegers(d);
    if (!Verify(d).ok()) {
      ++refused;
    } else if (!actual.ok()) {
      ++failed;
    } else if (!(*expected == *actual)) {
      ++different;
    }
    return std::string();
  });
  EXPECT_GT(damaged, 1000);
  EXPECT_GT(refused, damaged / 3);
  EXPECT_GT(refused + failed + different, damaged / 2);
}

}  // namespace
}  // namespace tunesmith::ir::testing
