// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "absl/container/flat_hash_set.h"
#include "search/search_policy.h"
#include "support/strings.h"

namespace tunesmith::search {
namespace {

bool Better(const Candidate& a, const Candidate& b) {
  return a.score != b.score ? a.score < b.score : a.hash < b.hash;
}

void Rank(const costmodel::CostModel& model, std::vector<Candidate>* candidates) {
  std::vector<costmodel::Features> rows;
  for (const Candidate& c : *candidates) rows.push_back(c.features);
  std::vector<double> scores = model.Score(rows);
  for (size_t i = 0; i < scores.size(); ++i) (*candidates)[i].score = scores[i];
  std::sort(candidates->begin(), candidates->end(), Better);
}

class EvolutionPolicy : public SearchPolicy {
 public:
  EvolutionPolicy(const Problem* problem, costmodel::CostModel* model, uint64_t seed, ThreadPool* pool)
      : problem_(*problem), model_(*model), seed_(seed), pool_(pool) {}

  std::vector<Candidate> Propose(size_t count) override {
    ++generation_;
    std::vector<Candidate> population = Samples(kSamples);
    Rank(model_, &population);
    // A few uniform samples keep the model honest about what it has not seen.
    std::vector<Candidate> explored;
    for (size_t i = 0; i < population.size() && explored.size() < (tried_.empty() ? 0 : count / 8); ++i) {
      size_t at = static_cast<size_t>(Random(seed_, generation_, kExplore + i).Below(population.size()));
      explored.push_back(population[at]);
    }
    // Nor does it know how algorithms compare of which it has seen none: each has its best sample tried.
    std::vector<Candidate> unknown;
    for (const Candidate& c : population) {
      bool first = std::none_of(unknown.begin(), unknown.end(),
                                [&](const Candidate& other) { return other.algorithm == c.algorithm; });
      if (first && !known_.contains(c.algorithm)) unknown.push_back(c);
    }
    std::vector<Candidate> parents = Elite();
    uint64_t index = kSamples;
    // The first proposal is the default schedule too, and has nothing measured to begin from.
    const int rounds = tried_.empty() ? kFirstRounds : kRounds;
    for (int round = 0; round < rounds; ++round) {
      for (size_t i = 0; i < population.size() && parents.size() < kParents; ++i)
        parents.push_back(population[i]);
      if (parents.empty()) break;
      std::vector<Candidate> children;
      std::vector<Chosen> offspring;
      for (size_t child = 0; child < kChildren; ++child) {
        Random random(seed_, generation_, index + child);
        if (std::optional<Chosen> chosen = Offspring(parents, &random))
          offspring.push_back(*std::move(chosen));
      }
      index += kChildren;
      for (Made& made : MakeAll(offspring)) TakeNew(std::move(made), &children);
      population.insert(population.end(), std::make_move_iterator(children.begin()),
                        std::make_move_iterator(children.end()));
      Rank(model_, &population);
      if (population.size() > kSamples) population.resize(kSamples);
      parents = Elite();
    }
    std::vector<Candidate> chosen;
    auto take = [&](const std::vector<Candidate>& from, size_t most) {
      for (const Candidate& c : from) {
        if (chosen.size() >= most) break;
        if (!proposed_.insert(c.hash).second) continue;
        known_.insert(c.algorithm);
        chosen.push_back(c);
      }
    };
    take(population, std::min<size_t>(count, 1));
    std::erase_if(unknown, [&](const Candidate& c) { return known_.contains(c.algorithm); });
    take(unknown, count);
    take(population, count - std::min(count, explored.size()));
    take(explored, count);
    take(population, count);
    seen_here_.clear();
    return chosen;
  }

  Status Learn(const std::vector<Tried>& tried) override {
    for (const Tried& t : tried) {
      proposed_.insert(t.candidate.hash);
      known_.insert(t.candidate.algorithm);
      if (!t.ok) continue;
      examples_.push_back({t.candidate.features, t.latency_ns});
      if (!t.candidate.choice.empty()) tried_.push_back(t);
    }
    std::stable_sort(tried_.begin(), tried_.end(),
                     [](const Tried& a, const Tried& b) { return a.latency_ns < b.latency_ns; });
    return model_.Update(examples_);
  }

  const Drops& drops() const override { return drops_; }

 private:
  static constexpr size_t kSamples = 1024;
  static constexpr size_t kParents = 96;
  static constexpr size_t kElite = 24;
  static constexpr int kRounds = 3, kFirstRounds = 5;
  static constexpr size_t kChildren = 384;
  static constexpr uint64_t kExplore = uint64_t{1} << 40;  // streams of their own

  /// An algorithm and a choice of its space.
  using Chosen = std::pair<int, schedule::Choice>;

  /// What became of one choice.
  struct Made {
    std::optional<Candidate> candidate;
    Drops drops;
  };

  /// Up to `count` new candidates, drawn uniformly; all that are new of a space that is not much larger.
  std::vector<Candidate> Samples(size_t count) {
    std::vector<Candidate> samples;
    if (problem_.size() <= static_cast<int64_t>(4 * count)) {
      std::vector<Chosen> all;
      for (int algorithm = 0; algorithm < static_cast<int>(problem_.algorithms().size()); ++algorithm) {
        const int64_t size = problem_.algorithms()[static_cast<size_t>(algorithm)].space.size();
        for (int64_t n = 0; n < size; ++n) all.emplace_back(algorithm, problem_.Numbered(algorithm, n));
      }
      for (Made& made : MakeAll(all)) TakeNew(std::move(made), &samples);
      return samples;
    }
    // Most choices contradict themselves in some spaces.
    constexpr size_t kChunk = 256;
    constexpr size_t kDrawsEach = 12;  // one that contradicts itself costs next to nothing
    for (size_t first = 0; first < kDrawsEach * count && samples.size() < count; first += kChunk) {
      std::vector<Chosen> drawn;
      for (size_t i = 0; i < kChunk; ++i) {
        Random random(seed_, generation_, first + i + (uint64_t{1} << 32));
        int algorithm = static_cast<int>(random.Below(problem_.algorithms().size()));
        drawn.emplace_back(algorithm, problem_.Draw(algorithm, &random));
      }
      for (Made& made : MakeAll(drawn)) {
        if (samples.size() < count) TakeNew(std::move(made), &samples);
      }
    }
    return samples;
  }

  /// What became of each choice, in their order. What is made depends on the choice alone: so the search is
  /// the same at any number of threads.
  std::vector<Made> MakeAll(const std::vector<Chosen>& choices) {
    std::vector<Made> all(choices.size());
    constexpr size_t kBlock = 32;  // a tenth of a millisecond to one
    const auto make_block = [&](size_t block) {
      for (size_t i = block * kBlock; i < std::min(choices.size(), (block + 1) * kBlock); ++i)
        all[i].candidate = problem_.Make(choices[i].first, choices[i].second, &all[i].drops);
    };
    const size_t blocks = (choices.size() + kBlock - 1) / kBlock;
    if (pool_) {
      ParallelFor(pool_, blocks, make_block);
    } else {
      for (size_t block = 0; block < blocks; ++block) make_block(block);
    }
    return all;
  }

  void TakeNew(Made made, std::vector<Candidate>* candidates) {
    drops_.Merge(made.drops);
    if (made.candidate && IsNew(*made.candidate)) candidates->push_back(*std::move(made.candidate));
  }

  bool IsNew(const Candidate& c) {
    if (!proposed_.contains(c.hash) && seen_here_.insert(c.hash).second) return true;
    drops_.Add(kDuplicate);
    return false;
  }

  std::vector<Candidate> Elite() const {
    std::vector<Candidate> elite;
    for (size_t i = 0; i < tried_.size() && i < kElite; ++i) elite.push_back(tried_[i].candidate);
    return elite;
  }

  /// A parent with a hole or two moved, mostly to a neighbouring value, or crossed with another of its
  /// algorithm.
  std::optional<Chosen> Offspring(const std::vector<Candidate>& parents, Random* random) const {
    // Earlier parents are better: the product of two uniform numbers prefers them.
    auto pick = [&] {
      return static_cast<size_t>(random->Uniform() * random->Uniform() * static_cast<double>(parents.size()));
    };
    const Candidate& parent = parents[pick()];
    const auto& holes = problem_.algorithms()[static_cast<size_t>(parent.algorithm)].space.holes();
    if (holes.empty()) return std::nullopt;
    schedule::Choice choice = parent.choice;
    if (random->Chance(0.3)) {
      const Candidate& other = parents[pick()];
      if (other.algorithm == parent.algorithm) {
        for (size_t h = 0; h < choice.size(); ++h) {
          if (random->Chance(0.5)) choice[h] = other.choice[h];
        }
      }
    }
    int moves = 1 + static_cast<int>(random->Below(3));
    for (int m = 0; m < moves; ++m) {
      size_t h = static_cast<size_t>(random->Below(holes.size()));
      int64_t last = static_cast<int64_t>(holes[h].domain.size()) - 1;
      if (random->Chance(0.6)) {
        int64_t next = choice[h] + (random->Chance(0.5) ? 1 : -1);
        choice[h] = static_cast<uint16_t>(std::clamp<int64_t>(next, 0, last));
      } else {
        choice[h] = static_cast<uint16_t>(random->Between(0, last));
      }
    }
    return Chosen(parent.algorithm, std::move(choice));
  }

  const Problem& problem_;
  costmodel::CostModel& model_;
  const uint64_t seed_;
  ThreadPool* const pool_;
  uint32_t generation_ = 0;
  absl::flat_hash_set<uint64_t> proposed_, seen_here_;
  absl::flat_hash_set<int> known_;  // algorithms of which some candidate was proposed
  std::vector<Tried> tried_;        // that succeeded, fastest first
  std::vector<costmodel::Example> examples_;
  Drops drops_;
};

class RandomPolicy : public SearchPolicy {
 public:
  RandomPolicy(const Problem* problem, uint64_t seed) : problem_(*problem), seed_(seed) {}

  std::vector<Candidate> Propose(size_t count) override {
    std::vector<Candidate> chosen;
    constexpr uint64_t kAttempts = 20000;  // without anything new: the space is as good as seen
    for (uint64_t failed = 0; chosen.size() < count && failed < kAttempts; ++failed) {
      Random random(seed_, 0, index_++);
      int algorithm = static_cast<int>(random.Below(problem_.algorithms().size()));
      std::optional<Candidate> c = problem_.Make(algorithm, problem_.Draw(algorithm, &random), &drops_);
      if (!c) continue;
      if (!proposed_.insert(c->hash).second) {
        drops_.Add(kDuplicate);
        continue;
      }
      chosen.push_back(std::move(*c));
      failed = 0;
    }
    return chosen;
  }

  Status Learn(const std::vector<Tried>& tried) override {
    for (const Tried& t : tried) proposed_.insert(t.candidate.hash);
    return absl::OkStatus();
  }

  const Drops& drops() const override { return drops_; }

 private:
  const Problem& problem_;
  const uint64_t seed_;
  uint64_t index_ = 0;
  absl::flat_hash_set<uint64_t> proposed_;
  Drops drops_;
};

class ExhaustivePolicy : public SearchPolicy {
 public:
  ExhaustivePolicy(const Problem* problem, const costmodel::CostModel& model) {
    for (size_t a = 0; a < problem->algorithms().size(); ++a) {
      int algorithm = static_cast<int>(a);
      for (int64_t n = 0; n < problem->algorithms()[a].space.size(); ++n) {
        std::optional<Candidate> c = problem->Make(algorithm, problem->Numbered(algorithm, n), &drops_);
        if (!c) continue;
        if (proposed_.insert(c->hash).second) {
          left_.push_back(std::move(*c));
        } else {
          drops_.Add(kDuplicate);
        }
      }
    }
    proposed_.clear();
    Rank(model, &left_);
    std::reverse(left_.begin(), left_.end());
  }

  std::vector<Candidate> Propose(size_t count) override {
    std::vector<Candidate> chosen;
    while (chosen.size() < count && !left_.empty()) {
      if (proposed_.insert(left_.back().hash).second) chosen.push_back(std::move(left_.back()));
      left_.pop_back();
    }
    return chosen;
  }

  Status Learn(const std::vector<Tried>& tried) override {
    for (const Tried& t : tried) proposed_.insert(t.candidate.hash);
    return absl::OkStatus();
  }

  const Drops& drops() const override { return drops_; }

 private:
  std::vector<Candidate> left_;  // worst first
  absl::flat_hash_set<uint64_t> proposed_;
  Drops drops_;
};

}  // namespace

std::unique_ptr<SearchPolicy> Evolution(const Problem* problem, costmodel::CostModel* model, uint64_t seed,
                                        ThreadPool* pool) {
  return std::make_unique<EvolutionPolicy>(problem, model, seed, pool);
}

std::unique_ptr<SearchPolicy> RandomSampling(const Problem* problem, uint64_t seed) {
  return std::make_unique<RandomPolicy>(problem, seed);
}

Result<std::unique_ptr<SearchPolicy>> Exhaustive(const Problem* problem, costmodel::CostModel* model) {
  constexpr int64_t kMost = 100000;
  if (problem->size() > kMost) {
    return Invalid(StrCat("the space has ", problem->size(), " choices; an exhaustive search takes at most ",
                          kMost, ": use --policy evolution"));
  }
  return std::unique_ptr<SearchPolicy>(std::make_unique<ExhaustivePolicy>(problem, *model));
}

Result<std::unique_ptr<SearchPolicy>> PolicyNamed(std::string_view name, const Problem* problem,
                                                  costmodel::CostModel* model, uint64_t seed,
                                                  ThreadPool* pool) {
  if (name == "evolution") return Evolution(problem, model, seed, pool);
  if (name == "random") return RandomSampling(problem, seed);
  if (name == "exhaustive") return Exhaustive(problem, model);
  return NotFound(StrCat("there is no policy '", name, "'; there are: evolution, random, exhaustive"));
}

}  // namespace tunesmith::search
