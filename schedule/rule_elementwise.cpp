// SPDX-License-Identifier: Apache-2.0
// Elementwise stages, and chains of row-wise stages that end in one (softmax, layer norm): vectors along the
// innermost axis; the producers of a chain are computed inside the row loop, a row or a few at a time, in
// registers if a row fits.
#include <algorithm>

#include "schedule/rule_rows.h"
#include "support/strings.h"

namespace tunesmith::schedule {
namespace {

class Elementwise : public Part {
 public:
  Elementwise(const Surroundings& in, StageId id, std::vector<Hole>* holes);
  bool Allows(const Decisions& d) const override {
    if (chain_.empty()) return true;
    // A row that stays in registers is repeated as code; beyond this many vectors it must be a loop.
    constexpr int64_t kMostUnrolled = 128;
    int64_t vectors = row_vectors_ * d[row_tile_];
    return !d[unrolled_] ||
           (vectors <= kMostUnrolled && d[accumulators_] <= std::max<int64_t>(row_vectors_, 1));
  }
  void AddSteps(Decisions* d) const override;

 private:
  struct Producer {
    std::string name;
    bool reduces;
    RowReduction reduction;  // if it reduces
    std::string inner;       // if not: its innermost axis, empty if it has one element a row
  };

  std::string Loop(const std::string& axis) const { return StrCat(name_, ".", axis); }

  std::string name_, lane_;
  int lanes_;
  std::vector<std::string> rows_;
  std::vector<Producer> chain_;
  int64_t row_vectors_ = 1;
  size_t vectors_ = 0, row_tile_ = 0, unrolled_ = 0, accumulators_ = 0, grain_ = 0, stream_ = 0;
};

Elementwise::Elementwise(const Surroundings& in, StageId id, std::vector<Hole>* holes)
    : name_(in.NameOf(id)), lanes_(in.LanesOf(id)) {
  const te::Stage& stage = in.graph.stages[static_cast<size_t>(id)];
  auto add = [&](std::string_view what, std::vector<int64_t> domain) {
    holes->push_back({StrCat(name_, ".", what), std::move(domain)});
    return holes->size() - 1;
  };
  std::vector<te::Axis> axes;
  for (const te::Axis& a : stage.axes) {
    if (a.extent > 1) axes.push_back(a);
  }
  bool has_lane = !axes.empty() && stage.axes.back().extent > 1;
  if (has_lane) {
    lane_ = axes.back().name;
    row_vectors_ = (axes.back().extent + lanes_ - 1) / lanes_;
    axes.pop_back();
  }
  for (const te::Axis& a : axes) rows_.push_back(a.name);
  for (StageId p : in.rows[static_cast<size_t>(id)]) {
    const te::Stage& producer = in.graph.stages[static_cast<size_t>(p)];
    Producer made{in.NameOf(p), producer.reducer != te::Reducer::kNone, RowReduction(), ""};
    made.reduction = RowReduction::Of(in, p);
    if (!made.reduces && producer.spatial >= stage.spatial && producer.axes.back().extent > 1)
      made.inner = producer.axes.back().name;
    chain_.push_back(std::move(made));
  }
  if (rows_.empty()) chain_.clear();
  vectors_ = add("vectors", {1, 2, 3, 4, 6, 8, 12, 16});
  if (!rows_.empty()) row_tile_ = add("rows", {1, 2, 4});
  grain_ = add("grain", {1, 4, 16, 64});
  stream_ = add("stream", in.StreamingOf(id));
  if (chain_.empty()) return;
  unrolled_ = add("unrolled", {0, 1});
  accumulators_ = add("accumulators", {1, 2, 4});
}

void Elementwise::AddSteps(Decisions* d) const {
  std::vector<std::string> rows;
  for (const std::string& axis : rows_) rows.push_back(Loop(axis));
  bool unrolled = !chain_.empty() && (*d)[unrolled_];
  int64_t row_tile = rows_.empty() ? 1 : (*d)[row_tile_];
  for (const Producer& p : chain_) {
    if (p.reduces) FactorRow(p.reduction, lanes_, (*d)[accumulators_], d);
  }
  std::string row_loop;
  if (!rows.empty()) {
    row_loop = rows.back();
    d->Add(Verb::kSplit, {row_loop, "mask"}, {row_tile});
    d->Add(Verb::kUnroll, {row_loop + ".i"});
    row_loop += ".o";
    rows.back() = row_loop;
  }
  if (!lane_.empty()) {
    std::string lane = Loop(lane_);
    d->Add(Verb::kSplit, {lane, "mask"}, {(*d)[vectors_] * lanes_});
    d->Add(Verb::kSplit, {lane + ".i", "mask"}, {lanes_});
    d->Add(Verb::kVector, {lane + ".i.i"});
    d->Add(Verb::kUnroll, {lane + ".i.o"});
    if (unrolled) d->Add(Verb::kUnroll, {lane + ".o"});
    if (rows.empty()) d->Add(Verb::kParallel, {lane + ".o"}, {(*d)[grain_] * 16});
  }
  if ((*d)[stream_]) d->Add(Verb::kStream, {name_});
  if (!rows.empty()) d->Add(Verb::kParallel, {rows.front()}, {rows.size() > 1 ? 1 : (*d)[grain_]});
  for (size_t i = chain_.size(); i-- > 0;) {
    const Producer& p = chain_[i];
    if (p.reduces) {
      PlaceRow(p.reduction, row_loop, true, (*d)[accumulators_], unrolled, row_tile, d);
      continue;
    }
    if (unrolled || p.inner.empty()) {
      d->Add(Verb::kAt, {p.name, row_loop, "registers"});
    } else {
      d->Add(Verb::kAt, {p.name, row_loop});
    }
    if (row_tile > 1) d->Add(Verb::kUnroll, {StrCat(p.name, ".", rows_.back())});
    if (p.inner.empty()) continue;
    std::string lane = StrCat(p.name, ".", p.inner);
    d->Add(Verb::kSplit, {lane, "mask"}, {(*d)[vectors_] * lanes_});
    d->Add(Verb::kSplit, {lane + ".i", "mask"}, {lanes_});
    d->Add(Verb::kVector, {lane + ".i.i"});
    d->Add(Verb::kUnroll, {lane + ".i.o"});
    if (unrolled) d->Add(Verb::kUnroll, {lane + ".o"});
  }
}

}  // namespace

std::shared_ptr<const Part> ElementwisePart(const Surroundings& in, StageId stage, std::vector<Hole>* holes) {
  return std::make_shared<Elementwise>(in, stage, holes);
}

}  // namespace tunesmith::schedule
