// SPDX-License-Identifier: Apache-2.0
// Register-tiled reductions: matrix products, convolutions, depthwise convolutions, pooling, column sums.
//
// The loops, outermost first (v: the lane axis, m and n: the two spatial axes before it, k: the longest
// reduced axis):
//   other spatial axes, then the tiles of v, k, n and m in one of a few orders,
//   the reduced axes (short windows perhaps unrolled, k in steps of a few),
//   and the register tile: n.i, m.i, v.i.o unrolled, v.i.i as lanes; inside of the lanes, where the machine
//   has an instruction for it, a group of k that one dot product sums.
// After Goto & van de Geijn, "Anatomy of high-performance matrix multiplication" (TOMS 2008), for products;
// the same tile serves windows, where neighbouring outputs share inputs (Georganas et al., SC 2018).
#include <algorithm>

#include "schedule/rules.h"
#include "support/strings.h"

namespace tunesmith::schedule {
namespace {

using te::Expr;
using te::ExprKind;

std::vector<int64_t> UpTo(std::vector<int64_t> values, int64_t most) {
  values.erase(std::remove_if(values.begin(), values.end(), [&](int64_t v) { return v > most; }),
               values.end());
  return values;
}

class Contraction : public Part {
 public:
  Contraction(const Surroundings& in, StageId id, std::vector<Hole>* holes);

  bool Allows(const Decisions& d) const override {
    int64_t vectors = d[vectors_], accumulators = vectors * d[rows_] * d[planes_];
    if (accumulators > registers_ - vectors - 1 && accumulators > 1) return false;
    if (d[block_] > 0 && d[steps_] * Group(d) > d[block_]) return false;
    if (Group(d) > 1) {
      // Its operands' groups must lie together: a tensor that is read along the lanes is copied so.
      bool copied =
          std::all_of(copies_.begin(), copies_.end(), [&](const Copied& c) { return d[c.hole] == 1; });
      if (!copied || d[steps_] * Group(d) > long_extent_) return false;
      // Of a group that is cut off inside a block, nobody proves where it ends.
      if (d[block_] > 0 && long_extent_ % Group(d) != 0) return false;
    }
    // A padded axis is divided into its edges and the steady part, each a copy of the tile; beyond this many
    // multiply-adds the code leaves the cache of decoded instructions and takes long to compile.
    constexpr int64_t kMostUnrolled = 1024;
    int64_t unrolled = accumulators * d[steps_];
    if (padded_ && d[rows_] > 1) unrolled *= 3;
    if (padded_ && d[planes_] > 1) unrolled *= 3;
    for (const Window& w : windows_) {
      bool whole = d[w.hole] == 1;
      unrolled *= whole ? w.extent : 1;
      // Only when it is unrolled are the guards of an edge tile known; and with nothing to share it only
      // makes code.
      bool shared = (w.axis == row_window_ && d[rows_] > 1) || (w.axis == plane_window_ && d[planes_] > 1);
      if (padded_ && shared && !whole) return false;
      if (whole && !shared && !long_axis_.empty()) return false;
    }
    return unrolled <= kMostUnrolled;
  }

  void AddSteps(Decisions* d) const override;

 private:
  struct Window {
    std::string axis;
    int64_t extent;
    size_t hole;
  };
  struct Copied {  // a tensor that is read along the lane axis
    std::string tensor;
    int rank;
    int lane_dim;
    int long_dim;  // the dimension that the longest reduced axis walks; -1 if it is none alone
    bool weight;
    bool needed;  // it has another stride than 1 there
    size_t hole;
  };

  /// Neighbours along the longest reduced axis that one instruction sums.
  int64_t Group(const Decisions& d) const { return dot_group_ > 1 && d[dot_] ? dot_group_ : 1; }
  std::string Loop(const std::string& axis) const { return StrCat(name_, ".", axis); }
  void AddCopies(Decisions* d) const;
  void FindDotProduct(const Surroundings& in, const te::Stage& stage, int lane, int longest,
                      const std::vector<Expr>& reads);

  std::string name_, epilogue_;
  int lanes_, registers_;
  std::string lane_, row_, plane_;         // axes; row_ and plane_ may be empty
  std::string row_window_, plane_window_;  // the reduced axes that slide along them
  bool padded_ = false;                    // some read is guarded
  std::vector<std::string> others_;
  std::string long_axis_;
  int64_t long_extent_ = 1;
  int64_t dot_group_ = 1;  // 1: the machine has no dot product for this
  std::vector<Window> windows_;
  std::vector<Copied> copies_;
  size_t vectors_, rows_, planes_, block_, steps_, order_, parallel_, stream_, dot_ = 0;
};

Contraction::Contraction(const Surroundings& in, StageId id, std::vector<Hole>* holes)
    : name_(in.NameOf(id)), lanes_(in.LanesOf(id)), registers_(in.machine.vector_registers) {
  const te::Stage& stage = in.graph.stages[static_cast<size_t>(id)];
  if (in.epilogue[static_cast<size_t>(id)] >= 0) epilogue_ = in.NameOf(in.epilogue[static_cast<size_t>(id)]);
  auto add = [&](std::string_view what, std::vector<int64_t> domain) {
    holes->push_back({StrCat(name_, ".", what), std::move(domain)});
    return holes->size() - 1;
  };
  auto axis = [&](int a) -> const te::Axis& { return stage.axes[static_cast<size_t>(a)]; };
  std::vector<int> spatial;  // those with a loop
  for (int a = 0; a < stage.spatial; ++a) {
    if (axis(a).extent > 1) spatial.push_back(a);
  }
  int lane = stage.spatial - 1;
  if (!spatial.empty() && spatial.back() == lane) spatial.pop_back();
  lane_ = axis(lane).extent > 1 ? axis(lane).name : "";
  bool windowed = false;
  std::vector<Expr> reads;
  te::Visit(stage.body, [&](const Expr& e) {
    if (e->kind != ExprKind::kRead) return;
    reads.push_back(e);
    for (size_t i = 0; i < te::ReadRank(*e); ++i) {
      std::optional<te::Affine> index = te::ToAffine(e->args[i]);
      windowed = windowed || (index && index->terms.size() > 1);
    }
  });
  int64_t row_extent = 1, plane_extent = 1;
  if (!spatial.empty()) {
    row_ = axis(spatial.back()).name;
    row_extent = axis(spatial.back()).extent;
    spatial.pop_back();
  }
  if (windowed && !spatial.empty()) {
    plane_ = axis(spatial.back()).name;
    plane_extent = axis(spatial.back()).extent;
    spatial.pop_back();
  }
  for (int a : spatial) others_.push_back(axis(a).name);
  for (const Expr& read : reads) {
    padded_ = padded_ || read->guarded;
    for (size_t i = 0; i < te::ReadRank(*read); ++i) {
      std::optional<te::Affine> index = te::ToAffine(read->args[i]);
      if (!index) continue;
      std::string slides, along;
      for (const auto& [a, factor] : index->terms) (a < stage.spatial ? along : slides) = axis(a).name;
      if (slides.empty() || along.empty()) continue;
      if (along == row_) row_window_ = slides;
      if (along == plane_) plane_window_ = slides;
    }
  }
  constexpr int64_t kWindow = 11;  // axes up to this long are windows, unrolled as a whole or not at all
  int longest = -1;
  for (int a = stage.spatial; a < static_cast<int>(stage.axes.size()); ++a) {
    if (axis(a).extent > 1 && axis(a).extent > kWindow &&
        (longest < 0 || axis(a).extent >= axis(longest).extent))
      longest = a;
  }
  for (int a = stage.spatial; a < static_cast<int>(stage.axes.size()); ++a) {
    if (a == longest || axis(a).extent <= 1) continue;
    size_t hole = add(StrCat("unroll ", axis(a).name),
                      axis(a).extent <= kWindow ? std::vector<int64_t>{0, 1} : std::vector<int64_t>{0});
    windows_.push_back({axis(a).name, axis(a).extent, hole});
  }
  if (longest >= 0) {
    long_axis_ = axis(longest).name;
    long_extent_ = axis(longest).extent;
  }
  int64_t lane_vectors = (axis(lane).extent + lanes_ - 1) / lanes_;
  vectors_ = add("vectors", UpTo({1, 2, 3, 4, 5, 6, 8}, std::max<int64_t>(lane_vectors, 1)));
  rows_ = add("rows", UpTo({1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 14, 28}, row_extent));
  planes_ = add("planes", UpTo({1, 2, 3, 4}, plane_extent));
  std::vector<int64_t> blocks = UpTo({64, 96, 128, 192, 256, 384, 512, 1024}, long_extent_ - 1);
  blocks.insert(blocks.begin(), 0);
  block_ = add("reduced block", blocks);
  steps_ = add("reduced steps", UpTo({1, 2, 4, 8}, long_extent_));
  order_ = add("order", {0, 1, 2});
  parallel_ = add("parallel loops", {1, 2});
  StageId last = in.epilogue[static_cast<size_t>(id)] >= 0 ? in.epilogue[static_cast<size_t>(id)] : id;
  stream_ = add("stream", in.StreamingOf(last));
  for (const Expr& read : reads) {
    const te::Tensor& tensor = in.graph.tensors[static_cast<size_t>(read->id)];
    std::optional<int64_t> stride = StrideOf(in.graph, read, lane);
    if (lane_.empty() || !stride || *stride == 0 || in.graph.StageOf(read->id) == id) continue;
    int dim = -1, long_dim = -1;
    for (size_t i = 0; i < te::ReadRank(*read); ++i) {
      if (read->args[i]->kind == ExprKind::kVar && read->args[i]->id == lane) dim = static_cast<int>(i);
      if (read->args[i]->kind == ExprKind::kVar && read->args[i]->id == longest)
        long_dim = static_cast<int>(i);
    }
    bool again =
        std::any_of(copies_.begin(), copies_.end(), [&](const Copied& c) { return c.tensor == tensor.name; });
    if (dim < 0 || again) continue;
    bool weight = tensor.role == te::Role::kWeight;
    bool needed = *stride != 1;
    // Copying at run time pays only where the rows of the copy are used by several output rows.
    if (!weight && (row_extent < 2 || windowed)) continue;
    std::vector<int64_t> domain = needed   ? std::vector<int64_t>{1}
                                  : weight ? std::vector<int64_t>{1, 0}
                                           : std::vector<int64_t>{0, 1};
    size_t hole = add(StrCat("pack ", tensor.name), domain);
    copies_.push_back(
        {tensor.name, static_cast<int>(tensor.shape.size()), dim, long_dim, weight, needed, hole});
  }
  FindDotProduct(in, stage, lane, longest, reads);
  if (dot_group_ > 1) dot_ = add("dot product", {1, 0});
}

/// A dot product fits if one operand's groups lie together as they are, the same for all lanes, and the
/// other, read along the lanes, can be copied into groups.
void Contraction::FindDotProduct(const Surroundings& in, const te::Stage& stage, int lane, int longest,
                                 const std::vector<Expr>& reads) {
  const DotProduct* dot = DotOf(in.machine.dots, stage);
  if (!dot || lane_.empty() || long_axis_.empty() || long_extent_ < dot->group || reads.size() != 2) return;
  bool grouped = false, copied = false;
  for (const Expr& read : reads) {
    if (StrideOf(in.graph, read, lane) == 0) {
      grouped = StrideOf(in.graph, read, longest) == 1;
    } else {
      copied = copies_.size() == 1 && copies_[0].long_dim >= 0;
    }
  }
  if (grouped && copied) dot_group_ = dot->group;
}

void Contraction::AddCopies(Decisions* d) const {
  int64_t tile = (*d)[vectors_] * lanes_;
  for (const Copied& c : copies_) {
    if (!(*d)[c.hole]) continue;
    std::string copy = StrCat(c.tensor, "_packed");
    std::vector<int64_t> multiples(static_cast<size_t>(c.rank), 1);
    multiples[static_cast<size_t>(c.lane_dim)] = tile;
    int64_t group = Group(*d);
    if (group > 1) multiples[static_cast<size_t>(c.long_dim)] = group;
    d->Add(Verb::kCache, {c.tensor, name_, copy}, multiples);
    if (c.weight) d->Add(Verb::kPack, {copy});
    std::vector<int64_t> layout = {c.lane_dim};
    for (int i = 0; i < c.rank; ++i) {
      if (i != c.lane_dim) layout.push_back(i);
    }
    layout.push_back(c.lane_dim);
    layout.push_back(tile);
    if (group > 1) layout.insert(layout.end(), {c.long_dim, group});
    d->Add(Verb::kLayout, {copy, StrCat(c.rank)}, layout);
  }
}

void Contraction::AddSteps(Decisions* d) const {
  AddCopies(d);
  std::vector<std::string> outer, reduced, tile;
  for (const std::string& axis : others_) outer.push_back(Loop(axis));
  std::string lane_tiles, row_tiles, plane_tiles, blocks;
  if (!lane_.empty()) {
    d->Add(Verb::kSplit, {Loop(lane_), "mask"}, {(*d)[vectors_] * lanes_});
    d->Add(Verb::kSplit, {Loop(lane_) + ".i", "mask"}, {lanes_});
    lane_tiles = Loop(lane_) + ".o";
  }
  if (!row_.empty()) {
    d->Add(Verb::kSplit, {Loop(row_), "peel"}, {(*d)[rows_]});
    row_tiles = Loop(row_) + ".o";
  }
  if (!plane_.empty()) {
    d->Add(Verb::kSplit, {Loop(plane_), "peel"}, {(*d)[planes_]});
    plane_tiles = Loop(plane_) + ".o";
  }
  std::string inner = long_axis_.empty() ? "" : Loop(long_axis_);
  if ((*d)[block_] > 0) {
    d->Add(Verb::kSplit, {inner, "mask"}, {(*d)[block_]});
    blocks = inner + ".o";
    inner += ".i";
  }
  std::string group;
  if (Group(*d) > 1) {
    d->Add(Verb::kSplit, {inner, "peel"}, {Group(*d)});
    group = inner + ".i";
    inner += ".o";
  }
  std::string step;
  if ((*d)[steps_] > 1) {
    d->Add(Verb::kSplit, {inner, "peel"}, {(*d)[steps_]});
    step = inner + ".i";
    inner += ".o";
  }
  switch ((*d)[order_]) {
    case 0:
      outer.insert(outer.end(), {lane_tiles, blocks, plane_tiles, row_tiles});
      break;
    case 1:
      outer.insert(outer.end(), {plane_tiles, row_tiles, blocks, lane_tiles});
      break;
    default:
      outer.insert(outer.end(), {plane_tiles, lane_tiles, blocks, row_tiles});
      break;
  }
  outer.erase(std::remove(outer.begin(), outer.end(), ""), outer.end());
  for (const Window& w : windows_) reduced.push_back(Loop(w.axis));
  for (const std::string& loop : {inner, step}) {
    if (!loop.empty()) reduced.push_back(loop);
  }
  if (!plane_.empty()) tile.push_back(Loop(plane_) + ".i");
  if (!row_.empty()) tile.push_back(Loop(row_) + ".i");
  if (!lane_.empty()) tile.insert(tile.end(), {Loop(lane_) + ".i.o", Loop(lane_) + ".i.i"});
  std::vector<std::string> order = outer;
  order.insert(order.end(), reduced.begin(), reduced.end());
  order.insert(order.end(), tile.begin(), tile.end());
  if (!group.empty()) order.push_back(group);
  if (order.size() > 1) d->Add(Verb::kOrder, order);
  if (!outer.empty()) d->Add(Verb::kKeep, {name_, outer.back()});
  for (const std::string& loop : tile)
    d->Add(loop == tile.back() && !lane_.empty() ? Verb::kVector : Verb::kUnroll, {loop});
  for (const std::string& loop : {group, step}) {
    if (!loop.empty()) d->Add(Verb::kUnroll, {loop});
  }
  for (const Window& w : windows_) {
    if ((*d)[w.hole]) d->Add(Verb::kUnroll, {Loop(w.axis)});
  }
  if (padded_ && !row_.empty() && (*d)[rows_] > 1) d->Add(Verb::kPartition, {row_tiles});
  if (padded_ && !plane_.empty() && (*d)[planes_] > 1) d->Add(Verb::kPartition, {plane_tiles});
  if (!epilogue_.empty() && !outer.empty()) d->Add(Verb::kFuse, {epilogue_, name_, outer.back()});
  if ((*d)[stream_]) d->Add(Verb::kStream, {epilogue_.empty() ? name_ : epilogue_});
  for (int64_t i = 0; i < (*d)[parallel_] && i < static_cast<int64_t>(outer.size()); ++i) {
    if (outer[static_cast<size_t>(i)] == blocks) break;
    d->Add(Verb::kParallel, {outer[static_cast<size_t>(i)]});
  }
}

}  // namespace

std::shared_ptr<const Part> ContractionPart(const Surroundings& in, StageId stage, std::vector<Hole>* holes) {
  return std::make_shared<Contraction>(in, stage, holes);
}

}  // namespace tunesmith::schedule
