// SPDX-License-Identifier: Apache-2.0
// Candidates are judged by their parts. That the parts of every standard operator add up to the whole is
// tested with its schedules (tests/schedule/operators_property_test.cpp).
#include "search/part_judge.h"

#include <gtest/gtest.h>

#include <set>

#include "support/strings.h"
#include "te/language.h"
#include "tests/search/small_problems.h"

namespace tunesmith::search {
namespace {

/// Two products, the exponentials between them and their sums: four parts.
Problem Attention() {
  const te::Operator op = te::StandardOperator("attention").value();
  return TestProblem(te::Bind(op, {"B=1", "H=2", "S=40", "D=24"}).value());
}

/// Choices that no part forbids.
std::vector<schedule::Choice> Drawn(const Problem& problem, size_t count) {
  std::vector<schedule::Choice> drawn;
  for (uint64_t index = 0; drawn.size() < count; ++index) {
    Random random(7, 0, index);
    schedule::Choice choice = problem.Draw(0, &random);
    if (problem.algorithms()[0].space.Allows(choice)) drawn.push_back(std::move(choice));
  }
  return drawn;
}

TEST(PartJudge, JudgesEqualValuesOnce) {
  const Problem problem = Attention();
  const schedule::Space& space = problem.algorithms()[0].space;
  ASSERT_EQ(space.parts(), 4u);
  PartJudge judge(space, problem.machine());
  const std::vector<schedule::Choice> choices = Drawn(problem, 200);
  std::vector<std::set<std::shared_ptr<const JudgedPart>>> judged(space.parts());
  std::vector<std::set<schedule::Choice>> values(space.parts());
  for (const schedule::Choice& choice : choices) {
    for (size_t part = 0; part < space.parts(); ++part) {
      judged[part].insert(judge.Judge(part, choice));
      const absl::Span<const uint16_t> holes = space.HolesOf(part, choice);
      values[part].emplace(holes.begin(), holes.end());
      EXPECT_EQ(judge.Judge(part, choice), judge.Judge(part, choice));
    }
  }
  for (size_t part = 0; part < space.parts(); ++part) {
    EXPECT_EQ(judged[part].size(), values[part].size());
    EXPECT_GE(values[part].size(), 4u);
  }
  EXPECT_LT(values[2].size(), choices.size());  // the exponentials' rows have few holes
}

TEST(PartJudge, ACandidateIsTheSumOfItsParts) {
  const Problem problem = Attention();
  std::set<uint64_t> hashes;
  for (const schedule::Choice& choice : Drawn(problem, 50)) {
    Drops drops;
    const std::optional<Candidate> made = problem.Make(0, choice, &drops);
    ASSERT_TRUE(made) << drops.reasons().begin()->first;
    const Candidate whole = problem.FromTrace(problem.TraceOf(*made)).value();
    EXPECT_EQ(made->hash, whole.hash);
    EXPECT_EQ(made->features, whole.features);
    hashes.insert(made->hash);
  }
  EXPECT_GT(hashes.size(), 45u);
}

TEST(PartJudge, FindsTheSameAgainOfWhatItForgot) {
  const Problem problem = Attention();
  const schedule::Space& space = problem.algorithms()[0].space;
  PartJudge forgetful(space, problem.machine(), 2 * space.parts()), other(space, problem.machine());
  const std::vector<schedule::Choice> choices = Drawn(problem, 20);
  const std::shared_ptr<const JudgedPart> first = forgetful.Judge(0, choices[0]);
  for (const schedule::Choice& choice : choices)
    EXPECT_EQ(forgetful.Judge(0, choice)->hash, other.Judge(0, choice)->hash);
  const std::shared_ptr<const JudgedPart> again = forgetful.Judge(0, choices[0]);
  EXPECT_NE(again, first);
  EXPECT_EQ(again->hash, first->hash);
}

TEST(PartJudge, GivesSeveralThreadsTheSame) {
  const Problem problem = Attention();
  const std::vector<schedule::Choice> choices = Drawn(problem, 300);
  std::vector<uint64_t> one(choices.size()), several(choices.size());
  Drops drops;
  for (size_t i = 0; i < choices.size(); ++i) one[i] = problem.Make(0, choices[i], &drops)->hash;
  const Problem again = Attention();
  ThreadPool pool(4);
  ParallelFor(&pool, choices.size(), [&](size_t i) {
    Drops own;
    several[i] = again.Make(0, choices[i], &own)->hash;
  });
  EXPECT_EQ(one, several);
}

}  // namespace
}  // namespace tunesmith::search
