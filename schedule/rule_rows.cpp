// SPDX-License-Identifier: Apache-2.0
#include "schedule/rule_rows.h"

#include <algorithm>
#include <numeric>

#include "support/strings.h"

namespace tunesmith::schedule {
namespace {

/// A row sum by itself: rows outermost, on several threads; a single row is first cut into pieces for the
/// threads.
class RowSum : public Part {
 public:
  RowSum(const Surroundings& in, StageId id, std::vector<Hole>* holes)
      : row_(RowReduction::Of(in, id)), lanes_(in.LanesOf(id)) {
    auto add = [&](std::string_view what, std::vector<int64_t> domain) {
      holes->push_back({StrCat(in.NameOf(id), ".", what), std::move(domain)});
      return holes->size() - 1;
    };
    accumulators_ = add("accumulators", {1, 2, 4, 8});
    grain_ = add("grain", in.GrainsOf(id, {1, 4, 16}));
    constexpr int64_t kPieces = 32;  // enough for any thread count that one row is worth
    if (!row_.rows.empty()) return;
    piece_ = std::max<int64_t>(1, (row_.extent + kPieces - 1) / kPieces);
    pieces_ = in.NewName(StrCat(in.NameOf(id), "_pieces"));
  }

  bool Allows(const Decisions&) const override { return true; }

  void TakeSteps(const Decisions& d, Draft* draft) const override {
    RowReduction row = row_;
    if (row.rows.empty()) {
      if (row.axis < 0) return;
      const NodeId loop = draft->LoopOf(row.stage, row.axis);
      draft->Split(loop, piece_, Tail::kMask);
      // The pieces are rows of the stage that sums each; its reduced axes come after them.
      const StageId stage = draft->Factor(row.stage, loop, pieces_);
      row = {stage, row.axis + 1, {row.rank}, piece_, row.rank + 1, row.lanes, row.parts, row.tail};
    }
    FactoredRow factored = FactorRow(row, lanes_, d[accumulators_], draft);
    const NodeId innermost = draft->LoopOf(row.stage, row.rows.back());
    if (d[grain_] > 0) draft->Parallel(draft->LoopOf(row.stage, row.rows.front()), d[grain_]);
    PlaceRow(row, factored, innermost, false, false, 1, draft);
  }

 private:
  RowReduction row_;
  int lanes_;
  int64_t piece_ = 1;
  std::string pieces_;  // the name of the stage that sums each
  size_t accumulators_, grain_;
};

}  // namespace

RowReduction RowReduction::Of(const Surroundings& in, StageId id) {
  const te::Stage& stage = in.graph.stages[static_cast<size_t>(id)];
  RowReduction row;
  row.stage = id;
  row.rank = stage.spatial;
  row.tail = in.VectorTail();
  for (int a = 0; a < static_cast<int>(stage.axes.size()); ++a) {
    const int64_t extent = stage.axes[static_cast<size_t>(a)].extent;
    if (extent <= 1) continue;
    if (a < stage.spatial) {
      row.rows.push_back(a);
    } else {
      row.axis = a;
      row.extent = extent;
    }
  }
  if (row.axis >= 0) {
    row.lanes = in.NewName(in.NameOf(id) + "_lanes");
    row.parts = in.NewName(in.NameOf(id) + "_parts");
  }
  return row;
}

// A factored stage has the spatial axes of the one that it came from, then the factored loop; the other
// reduced loops follow in their order. What it leaves of that stage has the factored loop as its only reduced
// axis.

FactoredRow FactorRow(const RowReduction& r, int lanes, int64_t accumulators, Draft* draft) {
  FactoredRow factored;
  if (r.axis < 0) return factored;
  const NodeId loop = draft->LoopOf(r.stage, r.axis);
  const NodeId lane_loop = draft->Split(loop, lanes, Tail::kMask);
  if (accumulators > 1) draft->Split(loop, accumulators, Tail::kMask);
  factored.lanes = draft->Factor(r.stage, lane_loop, r.lanes);
  if (accumulators > 1) {
    factored.parts = draft->Factor(factored.lanes, draft->LoopOf(factored.lanes, r.axis + 2), r.parts);
  }
  return factored;
}

void PlaceRow(const RowReduction& r, const FactoredRow& factored, NodeId row_loop, bool place_last,
              bool unrolled, int64_t row_tile, Draft* draft) {
  auto unroll_rows = [&](StageId stage) {
    if (row_tile > 1) draft->Unroll(draft->LoopOf(stage, r.rows.back()));
  };
  const auto [lanes, parts] = factored;
  if (place_last) draft->ComputeAt(r.stage, row_loop, Scope::kRegister);
  if (r.axis >= 0) draft->Vector(draft->LoopOf(r.stage, r.rank));
  if (place_last) unroll_rows(r.stage);
  if (r.axis < 0) return;
  draft->ComputeAt(lanes, row_loop, Scope::kRegister);
  unroll_rows(lanes);
  NodeId lane_loop = draft->LoopOf(lanes, r.rank), walk;
  if (parts >= 0) {
    const NodeId sum_loop = draft->LoopOf(lanes, r.rank + 1);
    draft->Reorder({sum_loop, lane_loop});
    draft->Unroll(sum_loop);
    draft->Vector(lane_loop);
    draft->ComputeAt(parts, row_loop, Scope::kRegister);
    // Its dimensions are those of the rows, the lanes and the accumulators; lanes must be neighbours.
    std::vector<int> order(static_cast<size_t>(r.rank));
    std::iota(order.begin(), order.end(), 0);
    order.insert(order.end(), {r.rank + 1, r.rank});
    draft->SetLayout(parts, order, {});
    unroll_rows(parts);
    lane_loop = draft->LoopOf(parts, r.rank);
    walk = draft->LoopOf(parts, r.axis + 2);
    const NodeId part_loop = draft->LoopOf(parts, r.rank + 1);
    draft->Reorder({walk, part_loop, lane_loop});
    draft->Unroll(part_loop);
  } else {
    walk = draft->LoopOf(lanes, r.axis + 1);
    draft->Reorder({walk, lane_loop});
  }
  draft->Vector(lane_loop);
  if (unrolled) {
    draft->Unroll(walk);
  } else if (r.tail == Tail::kPeel) {
    draft->Partition(walk);
  }
}

std::shared_ptr<const Part> RowReductionPart(const Surroundings& in, StageId stage,
                                             std::vector<Hole>* holes) {
  return std::make_shared<RowSum>(in, stage, holes);
}

}  // namespace tunesmith::schedule
