// SPDX-License-Identifier: Apache-2.0
// The policies behind their seam, on artificial landscapes: no kernel is built.
#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "search/search_policy.h"
#include "tests/search/small_problems.h"

namespace tunesmith::search {
namespace {

/// Predicts of each candidate the latency of the most similar one that was tried: a learner that is the same
/// everywhere, whatever libraries are installed.
class NearestModel : public costmodel::CostModel {
 public:
  std::vector<double> Score(const std::vector<costmodel::Features>& rows) const override {
    std::vector<double> scores;
    for (const costmodel::Features& row : rows) {
      double nearest = INFINITY, score = 0;
      for (const costmodel::Example& e : examples_) {
        double distance = 0;
        for (size_t i = 1; i < row.size(); ++i) distance += std::abs(row[i] - e.features[i]);
        if (distance < nearest) {
          nearest = distance;
          score = e.latency_ns;
        }
      }
      scores.push_back(score);
    }
    return scores;
  }
  Status Update(const std::vector<costmodel::Example>& examples) override {
    examples_ = examples;
    return absl::OkStatus();
  }
  std::string name() const override { return "nearest"; }

 private:
  std::vector<costmodel::Example> examples_;
};

std::unique_ptr<SearchPolicy> Named(std::string_view name, const Problem& problem,
                                    costmodel::CostModel* model, uint64_t seed = 1) {
  return PolicyNamed(name, &problem, model, seed).value();
}

/// A bowl over the holes of the space whose lowest point lies at three quarters of each domain.
double Bowl(const Problem& problem, const Candidate& c) {
  const auto& holes = problem.algorithms()[static_cast<size_t>(c.algorithm)].space.holes();
  double sum = 0;
  for (size_t h = 0; h < holes.size(); ++h) {
    const double extent = static_cast<double>(holes[h].domain.size());
    const double off = (c.choice[h] - std::floor(0.75 * (extent - 1))) / extent;
    sum += off * off;
  }
  return 1000 * (1 + sum);
}

/// How many trials, in batches of 8, the policy needs to come down to `low`.
size_t TrialsTo(double low, const Problem& problem, SearchPolicy* policy) {
  size_t tried = 0;
  for (;;) {
    std::vector<Tried> batch;
    double lowest = INFINITY;
    for (const Candidate& c : policy->Propose(8)) {
      batch.push_back({c, true, Bowl(problem, c)});
      lowest = std::min(lowest, batch.back().latency_ns);
    }
    if (batch.empty()) return SIZE_MAX;
    tried += batch.size();
    if (lowest <= low) return tried;
    EXPECT_TRUE(policy->Learn(batch).ok());
  }
}

/// The plans of all choices, found without any policy.
std::set<uint64_t> AllPlans(const Problem& problem) {
  std::set<uint64_t> plans;
  const schedule::Space& space = problem.algorithms()[0].space;
  for (int64_t n = 0; n < space.size(); ++n) {
    const schedule::Choice choice = problem.Numbered(0, n);
    if (!space.Allows(choice)) continue;
    Result<schedule::Plan> plan = schedule::Replay(space.TraceOf(choice), problem.algorithms()[0].graph);
    if (plan.ok()) plans.insert(schedule::HashOf(*plan));
  }
  return plans;
}

TEST(Policies, EvolutionFindsTheOptimumInFewerTrialsThanRandom) {
  const Problem problem = TestProblem(ConvolutionWorkload());
  NearestModel model;
  double lowest = INFINITY;
  for (const Candidate& c : Named("random", problem, &model, 100)->Propose(1000000))
    lowest = std::min(lowest, Bowl(problem, c));
  size_t evolution = 0, random = 0;
  for (uint64_t seed : {1, 2, 3}) {
    NearestModel learner;
    evolution += TrialsTo(lowest, problem, Named("evolution", problem, &learner, seed).get());
    random += TrialsTo(lowest, problem, Named("random", problem, &learner, seed).get());
  }
  EXPECT_LT(4 * evolution, random) << evolution << " trials against " << random;
}

TEST(Policies, TheSameSeedAndOutcomesGiveTheSameProposals) {
  const Problem problem = TestProblem(ProductWorkload(48));
  for (std::string_view name : {"evolution", "random"}) {
    ThreadPool pool(3);  // for the second of them
    NearestModel models[3];
    std::unique_ptr<SearchPolicy> policies[3];
    for (int i = 0; i < 3; ++i) {
      policies[i] = PolicyNamed(name, &problem, &models[i], i < 2 ? 5 : 6, i == 1 ? &pool : nullptr).value();
    }
    bool other_seed_differs = false;
    for (int round = 0; round < 3; ++round) {
      std::vector<std::vector<uint64_t>> hashes(3);
      for (size_t i = 0; i < 3; ++i) {
        std::vector<Tried> batch;
        for (const Candidate& c : policies[i]->Propose(16)) {
          batch.push_back({c, c.hash % 5 != 0, LatencyOf(c.hash)});
          hashes[i].push_back(c.hash);
        }
        ASSERT_EQ(batch.size(), 16u);
        ASSERT_TRUE(policies[i]->Learn(batch).ok());
      }
      EXPECT_EQ(hashes[0], hashes[1]) << name << " round " << round;
      other_seed_differs = other_seed_differs || hashes[0] != hashes[2];
    }
    EXPECT_TRUE(other_seed_differs) << name;
  }
}

TEST(Policies, NoneProposesACandidateTwice) {
  const Problem problem = TestProblem(SumWorkload(4096));
  const std::set<uint64_t> all = AllPlans(problem);
  ASSERT_GT(all.size(), 7u);  // more than a batch
  for (std::string_view name : {"evolution", "random", "exhaustive"}) {
    NearestModel model;
    std::unique_ptr<SearchPolicy> policy = Named(name, problem, &model);
    std::set<uint64_t> seen;
    for (;;) {
      const std::vector<Candidate> batch = policy->Propose(7);
      ASSERT_LE(batch.size(), 7u);
      if (batch.empty()) break;
      std::vector<Tried> tried;
      for (const Candidate& c : batch) {
        EXPECT_TRUE(seen.insert(c.hash).second) << name;
        tried.push_back({c, true, LatencyOf(c.hash)});
      }
      ASSERT_TRUE(policy->Learn(tried).ok());
    }
    // A space as small as this one is found to the last candidate by all of them.
    EXPECT_EQ(seen, all) << name;
  }
}

TEST(Policies, NoneProposesWhatAnEarlierRunTried) {
  const Problem problem = TestProblem(SumWorkload(4096));
  for (std::string_view name : {"evolution", "random", "exhaustive"}) {
    NearestModel first_model, model;
    std::vector<Tried> earlier;
    for (const Candidate& c : Named(name, problem, &first_model)->Propose(10)) {
      Candidate replayed = problem.FromTrace(problem.TraceOf(c)).value();
      EXPECT_EQ(replayed.hash, c.hash);
      EXPECT_EQ(replayed.features, c.features);
      earlier.push_back({replayed, true, LatencyOf(c.hash)});
    }
    std::unique_ptr<SearchPolicy> policy = Named(name, problem, &model);
    ASSERT_TRUE(policy->Learn(earlier).ok());
    std::set<uint64_t> proposed;
    for (const Candidate& c : policy->Propose(1000)) proposed.insert(c.hash);
    for (const Tried& t : earlier) EXPECT_FALSE(proposed.contains(t.candidate.hash)) << name;
    EXPECT_EQ(proposed.size() + earlier.size(), AllPlans(problem).size()) << name;
  }
}

TEST(Exhaustive, GivesEveryPlanOnceTheModelsBestFirst) {
  const Problem problem = TestProblem(SumWorkload(4096));
  const std::unique_ptr<costmodel::CostModel> model = costmodel::AnalyticModel();
  const std::vector<Candidate> all = Named("exhaustive", problem, model.get())->Propose(100000);
  EXPECT_EQ(all.size(), AllPlans(problem).size());
  for (size_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ(all[i].score, model->Score({all[i].features})[0]);
    EXPECT_LE(all[i > 0 ? i - 1 : 0].score, all[i].score);
  }
}

TEST(Exhaustive, RefusesWhatItCannotEnumerate) {
  const Problem problem = TestProblem(ConvolutionWorkload());
  ASSERT_GT(problem.size(), 100000);
  NearestModel model;
  EXPECT_EQ(MessageOf(PolicyNamed("exhaustive", &problem, &model, 1).status()),
            "the space has " + std::to_string(problem.size()) +
                " choices; an exhaustive search takes at most 100000: use --policy evolution");
}

TEST(Evolution, ProposesFirstTheAnalyticModelsBestOfItsSamples) {
  const std::unique_ptr<costmodel::CostModel> model = costmodel::AnalyticModel();
  // Where all candidates are sampled, that is the best of all.
  const Problem small = TestProblem(SumWorkload(4096));
  EXPECT_EQ(Named("evolution", small, model.get())->Propose(1)[0].hash,
            Named("exhaustive", small, model.get())->Propose(1)[0].hash);
  // Elsewhere it is at least as good as the best of many uniform samples.
  const Problem large = TestProblem(ConvolutionWorkload());
  const std::vector<Candidate> first = Named("evolution", large, model.get())->Propose(16);
  ASSERT_EQ(first.size(), 16u);
  for (const Candidate& c : Named("random", large, model.get())->Propose(1024))
    EXPECT_LE(first[0].features[costmodel::kAnalyticCycles], c.features[costmodel::kAnalyticCycles]);
}

TEST(Policies, CountWhatTheyDrop) {
  const Problem problem = TestProblem(ConvolutionWorkload());
  NearestModel model;
  std::unique_ptr<SearchPolicy> policy = Named("random", problem, &model);
  EXPECT_EQ(policy->drops().considered(), 0);
  const size_t proposed = policy->Propose(500).size();
  const Drops& drops = policy->drops();
  EXPECT_EQ(proposed, 500u);
  EXPECT_GT(drops.CountOf(kContradiction), 0);
  EXPECT_EQ(drops.considered(), static_cast<int64_t>(proposed) + drops.dropped());

  const Problem small = TestProblem(SumWorkload(64));
  std::unique_ptr<SearchPolicy> all = Named("exhaustive", small, &model);
  const auto plans = static_cast<int64_t>(all->Propose(100000).size());
  EXPECT_EQ(all->drops().considered(), small.size());
  EXPECT_EQ(all->drops().dropped(), small.size() - plans);
  std::unique_ptr<SearchPolicy> random = Named("random", small, &model);
  EXPECT_EQ(static_cast<int64_t>(random->Propose(100000).size()), plans);
  EXPECT_EQ(random->drops().considered(), plans + random->drops().dropped());
  EXPECT_GT(random->drops().CountOf(kDuplicate), 0);
}

TEST(Policies, ThereAreThree) {
  const Problem problem = TestProblem(SumWorkload(64));
  NearestModel model;
  EXPECT_EQ(MessageOf(PolicyNamed("annealing", &problem, &model, 1).status()),
            "there is no policy 'annealing'; there are: evolution, random, exhaustive");
}

TEST(Drops, AddUpByReasonWithTheFirstExample) {
  Drops a, b;
  a.Add("refused by keep", "first");
  a.Add("refused by keep", "second");
  b.Add("refused by keep", "third");
  b.Add(kDuplicate);
  b.Consider();
  a.Merge(b);
  EXPECT_EQ(a.CountOf("refused by keep"), 3);
  EXPECT_EQ(a.reasons().at("refused by keep").example, "first");
  EXPECT_EQ(a.CountOf(kDuplicate), 1);
  EXPECT_EQ(a.CountOf("unheard of"), 0);
  EXPECT_EQ(a.dropped(), 4);
  EXPECT_EQ(a.considered(), 1);
}

}  // namespace
}  // namespace tunesmith::search
