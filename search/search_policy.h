// SPDX-License-Identifier: Apache-2.0
// The seam between the tuning loop and what decides which candidates to try. A policy knows choices and
// scores; it never knows what a loop is.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "costmodel/cost_model.h"
#include "search/candidate.h"
#include "support/status.h"
#include "support/thread_pool.h"

namespace tunesmith::search {

/// A candidate that was tried. A failed one has no latency.
struct Tried {
  Candidate candidate;
  bool ok = false;
  double latency_ns = 0;
};

class SearchPolicy {
 public:
  virtual ~SearchPolicy() = default;
  /// At most `count` candidates not proposed before, the most promising first; fewer, or none, if the space
  /// holds no more.
  virtual std::vector<Candidate> Propose(size_t count) = 0;
  /// What became of proposals, or of candidates of an earlier run.
  virtual Status Learn(const std::vector<Tried>& tried) = 0;
  /// What was looked at and dropped so far.
  virtual const Drops& drops() const = 0;
};

/// Evolutionary search: samples and offspring of the best tried so far are ranked by the model, which is
/// retrained after each batch (Zheng et al., "Ansor", OSDI 2020, section 5). The first proposals are the
/// model's best sample, then the best of each other algorithm, then the next best. `problem`, `model` and
/// `pool` outlive the policy; without a pool it runs on its caller's thread, and proposes the same.
std::unique_ptr<SearchPolicy> Evolution(const Problem* problem, costmodel::CostModel* model, uint64_t seed,
                                        ThreadPool* pool = nullptr);
/// Uniform samples.
std::unique_ptr<SearchPolicy> RandomSampling(const Problem* problem, uint64_t seed);
/// Every candidate, the model's best first. Fails if there are more than 100,000 choices.
Result<std::unique_ptr<SearchPolicy>> Exhaustive(const Problem* problem, costmodel::CostModel* model);

/// "evolution", "random" or "exhaustive".
Result<std::unique_ptr<SearchPolicy>> PolicyNamed(std::string_view name, const Problem* problem,
                                                  costmodel::CostModel* model, uint64_t seed,
                                                  ThreadPool* pool = nullptr);

}  // namespace tunesmith::search
