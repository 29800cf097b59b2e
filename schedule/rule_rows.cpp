// SPDX-License-Identifier: Apache-2.0
#include "schedule/rule_rows.h"

#include <algorithm>

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
      holes->push_back({StrCat(row_.name, ".", what), std::move(domain)});
      return holes->size() - 1;
    };
    accumulators_ = add("accumulators", {1, 2, 4, 8});
    grain_ = add("grain", {1, 4, 16});
    constexpr int64_t kPieces = 32;  // enough for any thread count that one row is worth
    if (row_.rows.empty()) piece_ = std::max<int64_t>(1, (row_.extent + kPieces - 1) / kPieces);
  }

  bool Allows(const Decisions&) const override { return true; }

  void AddSteps(Decisions* d) const override {
    RowReduction row = row_;
    if (row.rows.empty()) {
      if (row.axis.empty()) return;
      d->Add(Verb::kSplit, {StrCat(row.name, ".", row.axis), "mask"}, {piece_});
      d->Add(Verb::kFactor, {row.name, StrCat(row.name, ".", row.axis, ".o"), row.name + "_pieces"});
      row = {row.name + "_pieces", row.axis + "_i", {row.axis + "_o"}, piece_, row.rank + 1};
    }
    FactorRow(row, lanes_, (*d)[accumulators_], d);
    std::string innermost = StrCat(row.name, ".", row.rows.back());
    d->Add(Verb::kParallel, {StrCat(row.name, ".", row.rows.front())}, {(*d)[grain_]});
    PlaceRow(row, innermost, false, (*d)[accumulators_], false, 1, d);
  }

 private:
  RowReduction row_;
  int lanes_;
  int64_t piece_ = 1;
  size_t accumulators_, grain_;
};

}  // namespace

RowReduction RowReduction::Of(const Surroundings& in, StageId id) {
  const te::Stage& stage = in.graph.stages[static_cast<size_t>(id)];
  RowReduction row;
  row.name = in.NameOf(id);
  row.rank = stage.spatial;
  for (size_t a = 0; a < stage.axes.size(); ++a) {
    if (stage.axes[a].extent <= 1) continue;
    if (a < static_cast<size_t>(stage.spatial)) {
      row.rows.push_back(stage.axes[a].name);
    } else {
      row.axis = stage.axes[a].name;
      row.extent = stage.axes[a].extent;
    }
  }
  return row;
}

void FactorRow(const RowReduction& r, int lanes, int64_t accumulators, Decisions* d) {
  if (r.axis.empty()) return;
  std::string loop = StrCat(r.name, ".", r.axis);
  d->Add(Verb::kSplit, {loop, "mask"}, {lanes});
  if (accumulators > 1) d->Add(Verb::kSplit, {loop + ".o", "mask"}, {accumulators});
  d->Add(Verb::kFactor, {r.name, loop + ".i", r.name + "_lanes"});
  if (accumulators > 1)
    d->Add(Verb::kFactor, {r.name + "_lanes", StrCat(r.name, "_lanes.", r.axis, "_o_i"), r.name + "_parts"});
}

void PlaceRow(const RowReduction& r, const std::string& row_loop, bool place_last, int64_t accumulators,
              bool unrolled, int64_t row_tile, Decisions* d) {
  if (place_last) d->Add(Verb::kAt, {r.name, row_loop, "registers"});
  auto unroll_rows = [&](const std::string& stage) {
    if (row_tile > 1) d->Add(Verb::kUnroll, {StrCat(stage, ".", r.rows.back())});
  };
  if (r.axis.empty()) {
    if (place_last) unroll_rows(r.name);
    return;
  }
  std::string lanes = r.name + "_lanes", parts = r.name + "_parts";
  d->Add(Verb::kVector, {StrCat(r.name, ".", r.axis, "_i")});
  if (place_last) unroll_rows(r.name);
  d->Add(Verb::kAt, {lanes, row_loop, "registers"});
  unroll_rows(lanes);
  std::string lane_loop = StrCat(lanes, ".", r.axis, "_i");
  std::string walk = StrCat(lanes, ".", r.axis, "_o");
  if (accumulators > 1) {
    d->Add(Verb::kOrder, {StrCat(lanes, ".", r.axis, "_o_i"), lane_loop});
    d->Add(Verb::kUnroll, {StrCat(lanes, ".", r.axis, "_o_i")});
    d->Add(Verb::kVector, {lane_loop});
    d->Add(Verb::kAt, {parts, row_loop, "registers"});
    // Its dimensions are those of the rows, the lanes and the accumulators; lanes must be neighbours.
    std::vector<int64_t> order;
    for (int dim = 0; dim < r.rank; ++dim) order.push_back(dim);
    order.insert(order.end(), {r.rank + 1, r.rank});
    d->Add(Verb::kLayout, {parts}, order);
    unroll_rows(parts);
    lane_loop = StrCat(parts, ".", r.axis, "_i");
    walk = StrCat(parts, ".", r.axis, "_o_o");
    std::string part_loop = StrCat(parts, ".", r.axis, "_o_i");
    d->Add(Verb::kOrder, {walk, part_loop, lane_loop});
    d->Add(Verb::kUnroll, {part_loop});
  } else {
    d->Add(Verb::kOrder, {walk, lane_loop});
  }
  d->Add(Verb::kVector, {lane_loop});
  if (unrolled) d->Add(Verb::kUnroll, {walk});
}

std::shared_ptr<const Part> RowReductionPart(const Surroundings& in, StageId stage,
                                             std::vector<Hole>* holes) {
  return std::make_shared<RowSum>(in, stage, holes);
}

}  // namespace tunesmith::schedule
