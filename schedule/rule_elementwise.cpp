// SPDX-License-Identifier: Apache-2.0
// Elementwise stages, and chains of row-wise stages that end in one (softmax, layer norm): vectors along the
// innermost axis, in blocks of rows and columns where what is read lies across; the producers of a chain are
// computed inside the row loop, a row or a few at a time, in registers if a row fits.
#include <algorithm>

#include "schedule/rule_rows.h"
#include "schedule/strides.h"
#include "support/strings.h"

namespace tunesmith::schedule {
namespace {

class Elementwise : public Part {
 public:
  Elementwise(const Surroundings& in, StageId id, std::vector<Hole>* holes);
  bool Allows(const Decisions& d) const override {
    if (transposed_) {
      constexpr int64_t kMostInBlock = 64;  // of vectors, made of elements one by one
      if (!d[blocked_]) return d[row_tile_] <= 4 && d[reads_ahead_] == 0 && d[stores_ahead_] == 0;
      if (d[row_tile_] * d[vectors_] > kMostInBlock) return false;
      // What is asked for belongs to a later block of the inner walk, and is not too much at once.
      const bool along = d[blocked_] == kAlongRows;
      const int64_t of_block = along ? d[vectors_] : d[row_tile_];
      const int64_t blocks = ((along ? row_vectors_ : last_row_extent_) + of_block - 1) / of_block;
      return std::max(d[reads_ahead_], d[stores_ahead_]) < blocks &&
             (d[reads_ahead_] == 0 || MostLines(d) <= kMostPrefetched);
    }
    if (chain_.empty()) return true;
    // A row that stays in registers is repeated as code; beyond this many vectors it must be a loop.
    constexpr int64_t kMostUnrolled = 128;
    int64_t vectors = row_vectors_ * d[row_tile_];
    return !d[unrolled_] ||
           (vectors <= kMostUnrolled && d[accumulators_] <= std::max<int64_t>(row_vectors_, 1));
  }
  void TakeSteps(const Decisions& d, Draft* draft) const override;

 private:
  /// How the blocks of rows and columns of a transposition follow each other: the columns' loop inside the
  /// rows', so that what is stored is walked along, or outside, so that what is read is. 0: there are no
  /// blocks.
  static constexpr int64_t kAlongRows = 1, kDownColumns = 2;

  struct Producer {
    StageId stage;
    bool reduces;
    RowReduction reduction;  // if it reduces
    int inner = -1;          // if not: its innermost axis; none if it has one element a row
    bool in_order = true;    // its readers walk its rows as they lie
  };

  /// A tensor that a transposition reads across.
  struct Across {
    int tensor;
    int64_t bytes;  // of an element
    /// By which the axes of lanes and of rows walk each dimension.
    std::vector<std::pair<int64_t, int64_t>> steps;
  };
  /// The most cache lines that a block touches of one of them.
  double MostLines(const Decisions& d) const {
    double most = 0;
    for (const Across& a : across_) {
      absl::InlinedVector<int64_t, 6> extents;
      for (const auto& [by_lane, by_row] : a.steps)
        extents.push_back((d[vectors_] * lanes_ - 1) * by_lane + (d[row_tile_] - 1) * by_row + 1);
      most = std::max(most, LinesOf(extents, a.bytes));
    }
    return most;
  }

  /// Whether all that read a tensor walk each of its dimensions with one axis, element by element, or not at
  /// all.
  static bool ReadInOrder(const Surroundings& in, int tensor);

  /// Vectors of so many iterations along a loop, and the loop over those of a tile; `whole` unrolls what is
  /// left of it.
  NodeId Vectorize(NodeId loop, int64_t of_vector, bool whole, const Decisions& d, Draft* draft) const;

  StageId stage_;
  int tensor_;  // that it computes
  int lanes_;
  Tail tail_;        // of a row
  int lane_ = -1;    // axis, if any
  int shared_ = -1;  // the axis before it that shares its lanes
  int64_t shared_lanes_ = 1;
  std::vector<int> rows_;  // the axes before it that have loops
  std::vector<Producer> chain_;
  int64_t row_vectors_ = 1;
  int64_t last_row_extent_ = 1;  // of rows_
  bool transposed_ = false;      // reads along the last of the rows what it stores along the lanes
  std::vector<Across> across_;
  size_t vectors_ = 0, row_tile_ = 0, unrolled_ = 0, accumulators_ = 0, grain_ = 0, stream_ = 0, blocked_ = 0;
  size_t reads_ahead_ = 0, stores_ahead_ = 0;
};

Elementwise::Elementwise(const Surroundings& in, StageId id, std::vector<Hole>* holes)
    : stage_(id),
      tensor_(in.graph.stages[static_cast<size_t>(id)].tensor),
      lanes_(in.LanesOf(id)),
      tail_(in.VectorTail()) {
  const te::Stage& stage = in.graph.stages[static_cast<size_t>(id)];
  auto add = [&](std::string_view what, std::vector<int64_t> domain) {
    holes->push_back({StrCat(in.NameOf(id), ".", what), std::move(domain)});
    return holes->size() - 1;
  };
  for (size_t a = 0; a < stage.axes.size(); ++a) {
    if (stage.axes[a].extent > 1) rows_.push_back(static_cast<int>(a));
  }
  if (!rows_.empty() && stage.axes.back().extent > 1) {
    lane_ = rows_.back();
    row_vectors_ = (stage.axes.back().extent + lanes_ - 1) / lanes_;
    rows_.pop_back();
  }
  if (lane_ >= 0 && !rows_.empty() && in.rows[static_cast<size_t>(id)].empty()) {
    std::vector<te::Expr> reads;
    te::Visit(stage.body, [&](const te::Expr& e) {
      if (e->kind == te::ExprKind::kRead) reads.push_back(e);
    });
    const int64_t shared = SharedLanes(in.graph, stage, reads, lane_, rows_.back(), lanes_);
    if (shared > 0) {
      shared_ = rows_.back();
      shared_lanes_ = shared;
      rows_.pop_back();
    }
  }
  for (StageId p : in.rows[static_cast<size_t>(id)]) {
    const te::Stage& producer = in.graph.stages[static_cast<size_t>(p)];
    Producer made{p, producer.reducer != te::Reducer::kNone, RowReduction::Of(in, p)};
    made.in_order = ReadInOrder(in, producer.tensor);
    if (!made.reduces && producer.spatial >= stage.spatial && producer.axes.back().extent > 1)
      made.inner = static_cast<int>(producer.axes.size()) - 1;
    chain_.push_back(std::move(made));
  }
  if (rows_.empty()) chain_.clear();
  vectors_ = add("vectors", {1, 2, 3, 4, 6, 8, 12, 16});
  if (!rows_.empty() && lane_ >= 0 && shared_ < 0 && chain_.empty()) {
    te::Visit(stage.body, [&](const te::Expr& e) {
      if (e->kind != te::ExprKind::kRead) return;
      const std::optional<int64_t> along = StrideOf(in.graph, e, lane_);
      if (!along || *along <= 1 || StrideOf(in.graph, e, rows_.back()) != 1) return;
      transposed_ = true;
      const bool again =
          std::any_of(across_.begin(), across_.end(), [&](const Across& a) { return a.tensor == e->id; });
      if (again) return;
      across_.push_back({e->id, te::SizeOf(e->type), {}});
      for (size_t n = 0; n < te::ReadRank(*e); ++n) {
        const te::Affine index = te::ToAffine(e->args[n]).value_or(te::Affine());
        across_.back().steps.emplace_back(std::abs(index.CoefficientOf(lane_)),
                                          std::abs(index.CoefficientOf(rows_.back())));
      }
    });
    // Of a tensor that is read in several places at once, what comes next is not known.
    std::erase_if(across_, [&](const Across& a) { return ReadsSeveral(stage, a.tensor); });
  }
  if (!rows_.empty()) {
    row_tile_ =
        add("rows", transposed_ ? std::vector<int64_t>{1, 2, 4, 8, 16, 32} : std::vector<int64_t>{1, 2, 4});
  }
  if (transposed_) {
    last_row_extent_ = stage.axes[static_cast<size_t>(rows_.back())].extent;
    blocked_ = add("blocked", {0, kAlongRows, kDownColumns});
    // Blocks of rows that are far apart are not what hardware prefetches.
    reads_ahead_ =
        add("reads_ahead", across_.empty() ? std::vector<int64_t>{0} : std::vector<int64_t>{0, 1, 2});
    stores_ahead_ = add("stores_ahead", {0, 1, 2});
  }
  grain_ = add("grain", in.GrainsOf(id, {1, 4, 16, 64}));
  // Lines that are far apart are better written through the caches.
  stream_ = add("stream", transposed_ ? std::vector<int64_t>{0} : in.StreamingOf(id));
  if (chain_.empty()) return;
  unrolled_ = add("unrolled", {0, 1});
  accumulators_ = add("accumulators", {1, 2, 4});
}

bool Elementwise::ReadInOrder(const Surroundings& in, int tensor) {
  bool in_order = true;
  for (StageId reader : in.ReadersOf(tensor)) {
    te::Visit(in.graph.stages[static_cast<size_t>(reader)].body, [&](const te::Expr& e) {
      if (e->kind != te::ExprKind::kRead || e->id != tensor) return;
      for (size_t d = 0; d < te::ReadRank(*e); ++d)
        in_order =
            in_order && (e->args[d]->kind == te::ExprKind::kVar || e->args[d]->kind == te::ExprKind::kInt);
    });
  }
  return in_order;
}

NodeId Elementwise::Vectorize(NodeId loop, int64_t of_vector, bool whole, const Decisions& d,
                              Draft* draft) const {
  // Where the whole row is unrolled its pieces make no difference, and are always the same.
  const NodeId vectors = draft->Split(loop, (whole ? 1 : d[vectors_]) * of_vector, tail_);
  const NodeId lanes = draft->Split(vectors, of_vector, Tail::kMask);
  draft->Vector(lanes);
  draft->Unroll(vectors);
  if (whole) draft->Unroll(loop);
  return vectors;
}

void Elementwise::TakeSteps(const Decisions& d, Draft* draft) const {
  const bool unrolled = !chain_.empty() && d[unrolled_];
  const int64_t row_tile = rows_.empty() ? 1 : d[row_tile_];
  std::vector<FactoredRow> factored(chain_.size());
  for (size_t i = 0; i < chain_.size(); ++i) {
    if (chain_[i].reduces) factored[i] = FactorRow(chain_[i].reduction, lanes_, d[accumulators_], draft);
  }
  NodeId row_loop = kRoot, rows = kRoot, outermost = kRoot;
  if (!rows_.empty()) {
    row_loop = draft->LoopOf(stage_, rows_.back());
    rows = draft->Split(row_loop, row_tile, transposed_ ? tail_ : Tail::kMask);
    draft->Unroll(rows);
    outermost = rows_.size() > 1 ? draft->LoopOf(stage_, rows_.front()) : row_loop;
  }
  if (lane_ >= 0) {
    const NodeId lane = draft->LoopOf(stage_, shared_ < 0 ? lane_ : shared_);
    const NodeId vectors = Vectorize(lane, shared_ < 0 ? lanes_ : shared_lanes_, unrolled, d, draft);
    if (shared_ >= 0) draft->Vector(draft->LoopOf(stage_, lane_));
    // Of a block of rows and columns all that a cache line holds is used while it is there.
    if (transposed_ && d[blocked_] != 0) {
      NodeId outer = row_loop, inner = lane;
      if (d[blocked_] == kDownColumns) std::swap(outer, inner);
      draft->Reorder({outer, inner, rows, vectors});
      if (rows_.size() == 1) outermost = outer;
      if (d[reads_ahead_] > 0) {
        for (const Across& a : across_) draft->Prefetch(a.tensor, stage_, inner, d[reads_ahead_]);
      }
      if (d[stores_ahead_] > 0) draft->Prefetch(tensor_, stage_, inner, d[stores_ahead_]);
    }
    if (rows_.empty() && d[grain_] > 0) draft->Parallel(lane, d[grain_] * 16);
  }
  if (d[stream_]) draft->Stream(stage_);
  if (!rows_.empty() && d[grain_] > 0) draft->Parallel(outermost, rows_.size() > 1 ? 1 : d[grain_]);
  for (size_t i = chain_.size(); i-- > 0;) {
    const Producer& p = chain_[i];
    if (p.reduces) {
      PlaceRow(p.reduction, factored[i], row_loop, true, unrolled, row_tile, draft);
      continue;
    }
    // Registers have no addresses: only rows that are walked in order may lie there.
    const bool registers = (unrolled || p.inner < 0) && p.in_order;
    draft->ComputeAt(p.stage, row_loop, registers ? Scope::kRegister : Scope::kThread);
    // A producer is read by rows: its first axes are those of the stage.
    if (row_tile > 1) draft->Unroll(draft->LoopOf(p.stage, rows_.back()));
    if (p.inner >= 0) Vectorize(draft->LoopOf(p.stage, p.inner), lanes_, unrolled, d, draft);
  }
}

}  // namespace

std::shared_ptr<const Part> ElementwisePart(const Surroundings& in, StageId stage, std::vector<Hole>* holes) {
  return std::make_shared<Elementwise>(in, stage, holes);
}

}  // namespace tunesmith::schedule
