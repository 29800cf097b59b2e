// SPDX-License-Identifier: Apache-2.0
// What people look at: the progress line and tables.
#include <gtest/gtest.h>

#include "cli/output.h"
#include "cli/progress.h"

namespace tunesmith::cli {
namespace {

TEST(ProgressText, TellsRateBestAndTimeLeft) {
  Standpoint at;
  at.trials = 30;
  at.of_trials = 90;
  at.best = "best 245 us, 83.1% of f32 arithmetic";
  EXPECT_EQ(ProgressText(at, 20, 2), "30/90 trials, 10.0/s, 6 s left | best 245 us, 83.1% of f32 arithmetic");
  at.workload = "conv";
  EXPECT_EQ(ProgressText(at, 20, 2),
            "30/90 trials, 10.0/s, 6 s left | conv: best 245 us, 83.1% of f32 arithmetic");
}

TEST(ProgressText, EndsWithTheBudgetIfThatComesFirst) {
  Standpoint at;
  at.trials = 20;
  at.of_trials = 1000;
  at.budget_seconds = 30;
  at.best = "no kernel yet";
  EXPECT_EQ(ProgressText(at, 20, 2), "20/1000 trials, 10.0/s, 28 s left | no kernel yet");
  EXPECT_EQ(ProgressText(at, 20, 40), "20/1000 trials, 0.5/s, 0 s left | no kernel yet");
}

TEST(ProgressText, WithoutATrialOfThisRunKnowsOnlyTheBudget) {
  Standpoint at;
  at.trials = 5;
  at.of_trials = 10;
  at.best = "best 1.00 ms, -";
  EXPECT_EQ(ProgressText(at, 0, 0), "5/10 trials, 0.0/s, 0 s left | best 1.00 ms, -");
  at.budget_seconds = 90;
  EXPECT_EQ(ProgressText(at, 0, 1), "5/10 trials, 0.0/s, 1 min 29 s left | best 1.00 ms, -");
}

TEST(Table, LinesColumnsUpByCharacters) {
  Table table({{"name"}, {"value", Align::kRight}, {"note"}});
  table.Add({"a", "1", ""});
  table.Add({"größe", "1000000", "x"});
  EXPECT_EQ(table.ToString(Style(nullptr)),
            "name     value  note\n"
            "a            1\n"
            "größe  1000000  x\n");
}

TEST(Padded, LeavesLongTextWhole) {
  EXPECT_EQ(Padded("ab", 4), "ab  ");
  EXPECT_EQ(Padded("ab", 4, Align::kRight), "  ab");
  EXPECT_EQ(Padded("abcdef", 4), "abcdef");
  EXPECT_EQ(Padded("é", 2), "é ");
}

}  // namespace
}  // namespace tunesmith::cli
