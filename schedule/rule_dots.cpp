// SPDX-License-Identifier: Apache-2.0
// Products with few columns: lanes along these would mostly be idle, so they lie along the long sum instead.
//
//   other spatial axes, then the tiles of m (the axis before the columns) and of n (the columns),
//   the reduced axes, the longest in vectors (in steps of a few),
//   and the register tile: m.i and n.i unrolled, lanes of the sum: each vector of an operand serves a row, or
//   a column, of the tile.
// A tile ends with the sums of its lanes, and the epilogue. What is not contiguous along the sum is copied
// so.
#include <algorithm>
#include <bit>
#include <vector>

#include "schedule/rules.h"
#include "schedule/strides.h"
#include "support/strings.h"

namespace tunesmith::schedule {
namespace {

using te::Expr;
using te::ExprKind;

/// What the rule needs to know of a stage that it fits.
struct Shape {
  int columns = -1, longest = -1;  // axes
  int rows = -1;                   // or there is none
  std::vector<int> others;         // spatial axes with loops
  struct Copied {
    int tensor;
    int rank;
    int long_dim;
    bool weight;
  };
  std::vector<Copied> copies;
};

std::optional<Shape> ShapeOf(const Surroundings& in, StageId id) {
  const te::Stage& stage = in.graph.stages[static_cast<size_t>(id)];
  const auto extent = [&](int a) { return stage.axes[static_cast<size_t>(a)].extent; };
  const int64_t lanes = in.LanesOf(id);
  constexpr int64_t kOftenEnough = 8;  // uses of an element that is copied in each call
  if (stage.spatial == 0) return std::nullopt;
  Shape shape;
  shape.columns = stage.spatial - 1;
  if (extent(shape.columns) < 2 || 2 * extent(shape.columns) >= lanes) return std::nullopt;
  for (int a = 0; a + 1 < stage.spatial; ++a) {
    if (extent(a) > 1) shape.others.push_back(a);
  }
  if (!shape.others.empty()) {
    shape.rows = shape.others.back();
    shape.others.pop_back();
  }
  int64_t iterations = 1;
  for (int a = 0; a < static_cast<int>(stage.axes.size()); ++a) {
    iterations *= extent(a);
    if (a >= stage.spatial && (shape.longest < 0 || extent(a) >= extent(shape.longest))) shape.longest = a;
  }
  if (shape.longest < 0) return std::nullopt;
  // Instructions for each result: the terms in vectors, and the sum of the lanes, by halves; or, with lanes
  // along the columns, a vector for each term of all columns.
  const int64_t terms = extent(shape.longest), halves = std::bit_width(static_cast<uint64_t>(lanes)) - 1;
  if (terms < lanes || terms / lanes + 2 * halves + 1 >= terms / extent(shape.columns)) return std::nullopt;
  bool fits = true;
  std::vector<Expr> reads;
  te::Visit(stage.body, [&](const Expr& e) {
    if (e->kind == ExprKind::kRead) reads.push_back(e);
  });
  for (const Expr& read : reads) {
    int long_dim = -1;
    for (size_t d = 0; d < te::ReadRank(*read); ++d) {
      fits = fits && (read->args[d]->kind == ExprKind::kVar || read->args[d]->kind == ExprKind::kInt);
      if (read->args[d]->kind == ExprKind::kVar && read->args[d]->id == shape.longest)
        long_dim = static_cast<int>(d);
    }
    const std::optional<int64_t> stride = StrideOf(in.graph, read, shape.longest);
    if (!fits || read->guarded || ReadsSeveral(stage, read->id) || !stride) return std::nullopt;
    const bool again = std::any_of(shape.copies.begin(), shape.copies.end(),
                                   [&](const Shape::Copied& c) { return c.tensor == read->id; });
    if (*stride == 0 || *stride == 1 || again) continue;
    const te::Tensor& tensor = in.graph.tensors[static_cast<size_t>(read->id)];
    const bool weight =
        tensor.role == te::Role::kWeight && in.ReadersOf(read->id) == std::vector<StageId>{id};
    if (!weight && tensor.elements() * kOftenEnough > iterations) return std::nullopt;
    shape.copies.push_back({read->id, static_cast<int>(tensor.shape.size()), long_dim, weight});
  }
  return reads.empty() ? std::nullopt : std::optional(shape);
}

class Dots : public Part {
 public:
  Dots(const Surroundings& in, StageId id, Shape shape, std::vector<Hole>* holes)
      : stage_(id),
        rank_(in.graph.stages[static_cast<size_t>(id)].spatial),
        epilogue_(in.epilogue[static_cast<size_t>(id)]),
        lanes_(in.LanesOf(id)),
        registers_(in.machine.vector_registers),
        shape_(std::move(shape)),
        name_(in.NewName(in.NameOf(id) + "_dots")) {
    const te::Stage& stage = in.graph.stages[static_cast<size_t>(id)];
    const auto extent = [&](int a) { return stage.axes[static_cast<size_t>(a)].extent; };
    long_extent_ = extent(shape_.longest);
    for (int a = rank_; a < static_cast<int>(stage.axes.size()); ++a) {
      if (a != shape_.longest && extent(a) > 1) reduced_.push_back(a);
    }
    for (const Shape::Copied& c : shape_.copies)
      copies_.push_back(in.NewName(in.graph.tensors[static_cast<size_t>(c.tensor)].name + "_turned"));
    const auto add = [&](std::string_view what, std::vector<int64_t> domain, int64_t most) {
      domain.erase(std::remove_if(domain.begin(), domain.end(), [&](int64_t v) { return v > most; }),
                   domain.end());
      holes->push_back({StrCat(in.NameOf(id), ".", what), std::move(domain)});
      return holes->size() - 1;
    };
    rows_ = add("rows", {1, 2, 3, 4, 6, 8}, shape_.rows < 0 ? 1 : extent(shape_.rows));
    columns_ = add("columns", {1, 2, 3, 4, 5, 6, 7, 8}, extent(shape_.columns));
    steps_ = add("steps", {1, 2, 4}, long_extent_ / lanes_);
    parallel_ =
        add("parallel", in.MayStayAlone(id) ? std::vector<int64_t>{1, 0} : std::vector<int64_t>{1}, 1);
  }

  bool Allows(const Decisions& d) const override {
    constexpr int64_t kMostUnrolled = 128;
    const int64_t accumulators = d[rows_] * d[columns_];
    return accumulators <= registers_ - d[columns_] - 1 && accumulators * d[steps_] <= kMostUnrolled;
  }

  void TakeSteps(const Decisions& d, Draft* draft) const override {
    const NodeId inside = draft->Split(draft->LoopOf(stage_, shape_.longest), lanes_, Tail::kMask);
    const StageId dots = draft->Factor(stage_, inside, name_);
    // The lanes' axis comes behind those of the result, before the reduced ones.
    const auto loop_of = [&](int axis) { return draft->LoopOf(dots, axis < rank_ ? axis : axis + 1); };
    for (size_t n = 0; n < shape_.copies.size(); ++n) {
      const Shape::Copied& c = shape_.copies[n];
      std::vector<int64_t> multiples(static_cast<size_t>(c.rank), 1);
      multiples[static_cast<size_t>(c.long_dim)] = lanes_;
      const StageId copy = draft->Cache(c.tensor, dots, copies_[n], multiples);
      if (c.weight) draft->Pack(copy);
      std::vector<int> order;
      for (int i = 0; i < c.rank; ++i) {
        if (i != c.long_dim) order.push_back(i);
      }
      order.push_back(c.long_dim);
      draft->SetLayout(copy, order, {});
    }
    NodeIds order;
    std::vector<NodeId> tile;
    for (int axis : shape_.others) order.push_back(loop_of(axis));
    if (shape_.rows >= 0) {
      order.push_back(loop_of(shape_.rows));
      tile.push_back(draft->Split(order.back(), d[rows_], Tail::kPeel));
    }
    order.push_back(loop_of(shape_.columns));
    tile.push_back(draft->Split(order.back(), d[columns_], Tail::kPeel));
    const NodeId tiles = order.back(), outermost = order.front();
    for (int axis : reduced_) order.push_back(loop_of(axis));
    const NodeId terms = loop_of(shape_.longest);
    order.push_back(terms);
    if (d[steps_] > 1) {
      order.push_back(draft->Split(terms, d[steps_], Tail::kPeel));
      draft->Unroll(order.back());
    }
    order.insert(order.end(), tile.begin(), tile.end());
    const NodeId lanes = draft->LoopOf(dots, rank_);
    order.push_back(lanes);
    draft->Reorder(order);
    draft->Keep(dots, tiles);
    draft->Vector(lanes);
    for (NodeId loop : tile) draft->Unroll(loop);
    // Only the last vector of a sum is guarded.
    if (long_extent_ % lanes_ != 0) draft->Partition(terms);
    draft->FuseConsumer(stage_, dots, tiles);
    if (epilogue_ >= 0) draft->FuseConsumer(epilogue_, stage_, tiles);
    if (d[parallel_]) draft->Parallel(outermost);
  }

 private:
  StageId stage_;
  int rank_;          // of its result
  StageId epilogue_;  // or -1
  int lanes_, registers_;
  Shape shape_;
  std::string name_;                 // of the stage of the lanes' sums
  std::vector<std::string> copies_;  // names
  std::vector<int> reduced_;         // further reduced axes
  int64_t long_extent_ = 1;
  size_t rows_, columns_, steps_, parallel_;
};

}  // namespace

std::shared_ptr<const Part> DotsPart(const Surroundings& in, StageId stage, std::vector<Hole>* holes) {
  std::optional<Shape> shape = ShapeOf(in, stage);
  return shape ? std::make_shared<Dots>(in, stage, *std::move(shape), holes) : nullptr;
}

}  // namespace tunesmith::schedule
