// SPDX-License-Identifier: Apache-2.0
// Random operators and random steps, decoded from choices that RapidCheck can shrink.
#pragma once

#include <string>
#include <vector>

#include "schedule/trace.h"
#include "tests/ir/property.h"

namespace tunesmith::schedule::testing {

using ir::testing::Choices;

/// An operator of a few stages with small extents (none, one and primes among them), and its graph,
/// normalised or as written.
struct RandomWorkload {
  std::string text;  // the operator and its bindings, for messages
  te::Graph graph;
};
RandomWorkload MakeWorkload(Choices* choices);

/// A step that names loops, stages and tensors of the plan. It need not be legal.
Step MakeStep(const Plan& plan, Choices* choices);

/// A plan made of the graph by steps, illegal ones left out.
struct RandomSchedule {
  Plan plan;
  Trace trace;
  int refused = 0;
};
RandomSchedule MakeSchedule(const te::Graph& graph, int most_steps, Choices* choices);

}  // namespace tunesmith::schedule::testing
