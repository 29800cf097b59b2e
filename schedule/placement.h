// SPDX-License-Identifier: Apache-2.0
// What the steps that place stages share.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "schedule/plan.h"
#include "support/strings.h"

namespace tunesmith::schedule {

inline const Node& At(const Plan& plan, NodeId n) { return plan.nodes[static_cast<size_t>(n)]; }
inline Node& At(Plan& plan, NodeId n) { return plan.nodes[static_cast<size_t>(n)]; }
inline const StagePlan& Of(const Plan& plan, StageId id) { return plan.stages[static_cast<size_t>(id)]; }
inline StagePlan& Of(Plan& plan, StageId id) { return plan.stages[static_cast<size_t>(id)]; }

/// Padding may quadruple what is stored; what is small may grow to this many elements.
inline constexpr double kMostPadded = 1 << 20;
/// The product, which need not fit in an integer.
double Product(const std::vector<int64_t>& extents);

bool IsOutput(const Plan& plan, StageId id);
/// The stages that read what stage `id` computes, without those that are inlined.
StageIds Consumers(const Plan& plan, StageId id);
/// The number of `child` among the children of `loop`.
int PositionIn(const Plan& plan, NodeId loop, NodeId child);

/// Says which step a refusal is about. Most steps succeed, and a search takes millions: the text is made only
/// when it is needed.
using StepText = absl::FunctionRef<std::string()>;

/// Fails if another stage is computed in a loop that was made for this one.
Status CheckAlone(const Plan& plan, StageId id, StepText step);
/// What is stored at `loop` belongs to one thread: no loop inside of it runs on several.
Status CheckPrivate(const Plan& plan, NodeId loop, StepText step);
/// None of the stages prefetches the tensor, which they will no longer touch.
Status CheckNotPrefetched(const Plan& plan, int tensor, const StageIds& stages, StepText step);
/// Whether stage `id` is complete only in the last iteration of `loop`: it, or something that it is computed
/// from inside of the loop, is reduced over it.
bool EndsWith(const Plan& plan, StageId id, NodeId loop);
/// Every stage inside `loop` has a nest that is no longer its first.
void MarkTouched(Plan* plan, NodeId loop);
/// The stage has a nest of its own at the root, as it started, with no other stage in it.
Status CheckPlaceable(const Plan& plan, StageId id, std::string_view step);
/// Reduction loops of the stage outside of `loop`, or `loop` itself, have iterations: otherwise what is done
/// in the first or the last of them is never done.
Status CheckSumsEnd(const Plan& plan, StageId id, NodeId loop, StepText step);

}  // namespace tunesmith::schedule
