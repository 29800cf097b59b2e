// SPDX-License-Identifier: Apache-2.0
// Register-tiled reductions: matrix products, convolutions, depthwise convolutions, pooling, column sums.
//
// The loops, outermost first (v: the lane axis, m and n: the two spatial axes before it, k: the longest
// reduced axis):
//   other spatial axes, then the tiles of v, k, n and m in one of a few orders,
//   the reduced axes (short windows perhaps unrolled, k in steps of a few),
//   and the register tile: n.i, m.i, v.i.o unrolled, v.i.i as lanes; inside of the lanes, where the machine
//   has an instruction for it, a group of k that one dot product sums.
// A lane axis of a few iterations (the channels of a group) would leave most lanes idle: then a piece of the
// axis before it (the groups) and all of it are the lanes together.
// Where there are too few outputs to keep all threads busy, the longest reduced axis is cut into pieces first
// (split-K): a stage of its own sums each, by the loops above, and the pieces are summed at the end. Where
// they are too few to keep the adders busy, sums of it take turns in the same way (chains).
// After Goto & van de Geijn, "Anatomy of high-performance matrix multiplication" (TOMS 2008), for products;
// the same tile serves windows, where neighbouring outputs share inputs (Georganas et al., SC 2018).
#include <algorithm>
#include <initializer_list>
#include <iterator>
#include <numeric>

#include "schedule/rule_copies.h"
#include "schedule/rules.h"
#include "schedule/strides.h"
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
    int64_t vectors = d[vectors_] * RegistersOfTile(),
            accumulators = vectors * d[rows_] * d[planes_] * d[chains_];
    if (accumulators > registers_ - vectors - 1 && accumulators > 1) return false;
    if (d[block_] > 0 && d[steps_] * Group(d) > d[block_]) return false;
    if (d[chains_] > 1 && (d[pieces_] > 1 || d[block_] > 0 || Group(d) > 1)) return false;
    if (d[chains_] * d[steps_] > long_extent_) return false;
    if (d[pieces_] > 1 && d[block_] >= PieceExtent(d)) return false;
    if (d[pieces_] > 1 && Group(d) > 1 && long_extent_ % PieceExtent(d) != 0) return false;
    if (Group(d) > 1) {
      // Its operands' groups must lie together: a tensor that is read along the lanes is copied so.
      bool copied = std::all_of(copies_.begin(), copies_.end(),
                                [&](const CopiedOperand& c) { return d[c.hole] == kWhole; });
      if (!copied || d[steps_] * Group(d) > long_extent_) return false;
      // Of groups that are cut off inside a block, nobody proves where they end.
      if (d[block_] > 0 && long_extent_ % d[block_] != 0) return false;
    }
    // A tile is copied once, by the thread that uses it, before anything walks along it.
    const bool in_tiles = std::any_of(copies_.begin(), copies_.end(),
                                      [&](const CopiedOperand& c) { return d[c.hole] == kInTiles; });
    if (in_tiles && (d[order_] != 0 || (d[block_] == 0 && d[parallel_] > LoopsToLaneTiles(d)))) return false;
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
      if (whole && !shared && long_axis_ >= 0) return false;
    }
    return unrolled <= kMostUnrolled;
  }

  void TakeSteps(const Decisions& d, Draft* draft) const override;

 private:
  struct Window {
    int axis;
    int64_t extent;
    size_t hole;
  };
  static constexpr auto kWhole = static_cast<int64_t>(CopyPlace::kWhole);
  static constexpr auto kInTiles = static_cast<int64_t>(CopyPlace::kInTiles);

  /// Neighbours along the longest reduced axis that one instruction sums.
  int64_t Group(const Decisions& d) const { return dot_group_ > 1 && d[dot_] ? dot_group_ : 1; }
  /// How much of the longest reduced axis one piece has: a multiple of what steps and groups take at a time.
  int64_t PieceExtent(const Decisions& d) const {
    constexpr int64_t kMultiple = 32;
    const int64_t pieces = d[pieces_] * kMultiple;
    return (long_extent_ + pieces - 1) / pieces * kMultiple;
  }
  static CopyPlace PlaceOf(const CopiedOperand& c, const Decisions& d) {
    return static_cast<CopyPlace>(d[c.hole]);
  }
  /// Registers of one vector loop, or two that are one vector.
  int64_t RegistersOfTile() const { return shared_ < 0 ? 1 : shared_lanes_ * lane_extent_ / lanes_; }
  /// Iterations of the axis that `vectors` divides which are one vector.
  int64_t LanesOfTile() const { return shared_ < 0 ? lanes_ : shared_lanes_; }
  void ShareLanes(const Surroundings& in, const te::Stage& stage, const std::vector<Expr>& reads,
                  std::vector<int>* spatial);
  std::vector<int64_t> PiecesOf(const Surroundings& in, const te::Stage& stage) const;
  std::vector<int64_t> ChainsOf(const te::Stage& stage) const;
  /// The number of loops from the outermost to that over tiles of the lane axis, in order 0.
  int64_t LoopsToLaneTiles(const Decisions& d) const {
    return static_cast<int64_t>(others_.size()) + (d[pieces_] > 1 ? 2 : 1);
  }
  void SumPieces(Draft* draft) const;
  void FindDotProduct(const Surroundings& in, const te::Stage& stage, int lane, int longest,
                      const std::vector<Expr>& reads);

  StageId stage_;
  int rank_;          // of its result
  StageId epilogue_;  // or -1
  int lanes_, registers_;
  Tail tail_;  // of the lane axis
  // Axes, by number; -1: there is none.
  int lane_ = -1, row_ = -1, plane_ = -1;
  int shared_ = -1;  // the axis before the lane axis that shares its lanes
  int64_t shared_lanes_ = 1, lane_extent_ = 1;
  int row_window_ = -1, plane_window_ = -1;  // the reduced axes that slide along them
  bool padded_ = false;                      // some read is guarded
  std::vector<int> others_;
  int long_axis_ = -1;
  int64_t long_extent_ = 1;
  int64_t dot_group_ = 1;  // 1: the machine has no dot product for this
  std::vector<Window> windows_;
  std::vector<CopiedOperand> copies_;
  std::string pieces_name_;  // of the stage that sums each piece, or chain
  size_t vectors_, rows_, planes_, block_, steps_, order_, parallel_, stream_, pieces_, chains_, dot_ = 0;
};

Contraction::Contraction(const Surroundings& in, StageId id, std::vector<Hole>* holes)
    : stage_(id),
      epilogue_(in.epilogue[static_cast<size_t>(id)]),
      lanes_(in.LanesOf(id)),
      registers_(in.machine.vector_registers),
      tail_(in.VectorTail()) {
  const te::Stage& stage = in.graph.stages[static_cast<size_t>(id)];
  rank_ = stage.spatial;
  auto add = [&](std::string_view what, std::vector<int64_t> domain) {
    holes->push_back({StrCat(in.NameOf(id), ".", what), std::move(domain)});
    return holes->size() - 1;
  };
  auto axis = [&](int a) -> const te::Axis& { return stage.axes[static_cast<size_t>(a)]; };
  std::vector<int> spatial;  // those with a loop
  for (int a = 0; a < stage.spatial; ++a) {
    if (axis(a).extent > 1) spatial.push_back(a);
  }
  int lane = stage.spatial - 1;
  if (!spatial.empty() && spatial.back() == lane) spatial.pop_back();
  if (axis(lane).extent > 1) lane_ = lane;
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
  lane_extent_ = axis(lane).extent;
  ShareLanes(in, stage, reads, &spatial);
  // Tiles want axes along which something is used again. Along one that every operand moves with (a batch,
  // the groups of a convolution) nothing is, unless windows overlap.
  const auto reused = [&](int a) {
    return std::any_of(reads.begin(), reads.end(), [&](const Expr& read) {
      return StrideOf(in.graph, read, a) == 0 || WindowsOverlap(*read, a, stage);
    });
  };
  std::stable_partition(spatial.begin(), spatial.end(), [&](int a) { return !reused(a); });
  int64_t row_extent = 1, plane_extent = 1;
  if (!spatial.empty()) {
    row_ = spatial.back();
    row_extent = axis(row_).extent;
    spatial.pop_back();
  }
  if (windowed && !spatial.empty()) {
    plane_ = spatial.back();
    plane_extent = axis(plane_).extent;
    spatial.pop_back();
  }
  others_ = std::move(spatial);
  for (const Expr& read : reads) {
    padded_ = padded_ || read->guarded;
    for (size_t i = 0; i < te::ReadRank(*read); ++i) {
      std::optional<te::Affine> index = te::ToAffine(read->args[i]);
      if (!index) continue;
      int slides = -1, along = -1;
      for (const auto& [a, factor] : index->terms) (a < stage.spatial ? along : slides) = a;
      if (slides < 0 || along < 0) continue;
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
    windows_.push_back({a, axis(a).extent, hole});
  }
  if (longest >= 0) {
    long_axis_ = longest;
    long_extent_ = axis(longest).extent;
  }
  const int64_t tiled = shared_ < 0 ? lane_extent_ : axis(shared_).extent;
  int64_t lane_vectors = (tiled + LanesOfTile() - 1) / LanesOfTile();
  vectors_ = add("vectors", UpTo({1, 2, 3, 4, 5, 6, 8}, std::max<int64_t>(lane_vectors, 1)));
  rows_ = add("rows", UpTo({1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 14, 28}, row_extent));
  planes_ = add("planes", UpTo({1, 2, 3, 4}, plane_extent));
  std::vector<int64_t> blocks = UpTo({64, 96, 128, 192, 256, 384, 512, 1024}, long_extent_ - 1);
  blocks.insert(blocks.begin(), 0);
  block_ = add("reduced block", blocks);
  steps_ = add("reduced steps", UpTo({1, 2, 4, 8}, long_extent_));
  order_ = add("order", plane_ < 0 ? std::vector<int64_t>{0, 1} : std::vector<int64_t>{0, 1, 2});
  parallel_ =
      add("parallel loops", in.MayStayAlone(id) ? std::vector<int64_t>{1, 2, 0} : std::vector<int64_t>{1, 2});
  stream_ = add("stream", in.StreamingOf(epilogue_ >= 0 ? epilogue_ : id));
  pieces_ = add("pieces", PiecesOf(in, stage));
  chains_ = add("chains", ChainsOf(stage));
  if ((*holes)[pieces_].domain.size() > 1 || (*holes)[chains_].domain.size() > 1)
    pieces_name_ = in.NewName(StrCat(in.NameOf(id), "_pieces"));
  for (const Expr& read : reads) {
    const te::Tensor& tensor = in.graph.tensors[static_cast<size_t>(read->id)];
    std::optional<int64_t> stride = StrideOf(in.graph, read, lane);
    if (lane_ < 0 || !stride || *stride == 0 || in.graph.StageOf(read->id) == id) continue;
    int dim = -1, long_dim = -1, shared_dim = -1;
    for (size_t i = 0; i < te::ReadRank(*read); ++i) {
      if (read->args[i]->kind == ExprKind::kVar && read->args[i]->id == lane) dim = static_cast<int>(i);
      if (read->args[i]->kind == ExprKind::kVar && read->args[i]->id == longest)
        long_dim = static_cast<int>(i);
      if (read->args[i]->kind == ExprKind::kVar && read->args[i]->id == shared_)
        shared_dim = static_cast<int>(i);
    }
    bool again = std::any_of(copies_.begin(), copies_.end(),
                             [&](const CopiedOperand& c) { return c.tensor == read->id; });
    // Tiles of a copy serve one element of it an iteration, not several that lie apart.
    if (dim < 0 || again || ReadsSeveral(stage, read->id) || (shared_ >= 0 && shared_dim < 0)) continue;
    // A weight that others read as it is keeps its place among the parameters.
    const bool weight =
        tensor.role == te::Role::kWeight && in.ReadersOf(read->id) == std::vector<StageId>{id};
    bool needed = *stride != 1;
    // Copying at run time pays only where the rows of the copy are used by several output rows.
    if (!weight && (row_extent < 2 || windowed)) continue;
    constexpr auto kNone = static_cast<int64_t>(CopyPlace::kNone);
    std::vector<int64_t> domain = {kWhole};
    if (!needed) domain.insert(weight ? domain.end() : domain.begin(), kNone);
    if (needed && !weight && shared_ < 0) domain.push_back(kInTiles);
    size_t hole = add(StrCat("pack ", tensor.name), domain);
    copies_.push_back({read->id, in.NewName(tensor.name + "_packed"), tensor.shape, dim, shared_dim, long_dim,
                       weight, needed, hole});
  }
  FindDotProduct(in, stage, lane, longest, reads);
  if (dot_group_ > 1) dot_ = add("dot product", {1, 0});
}

/// Finds out whether the last of the other spatial axes shares the lanes, and takes it from them.
void Contraction::ShareLanes(const Surroundings& in, const te::Stage& stage, const std::vector<Expr>& reads,
                             std::vector<int>* spatial) {
  if (lane_ < 0 || spatial->empty()) return;
  const int64_t shared = SharedLanes(in.graph, stage, reads, lane_, spatial->back(), lanes_);
  if (shared == 0) return;
  shared_ = spatial->back();
  shared_lanes_ = shared;
  spatial->pop_back();
}

/// In how many pieces the longest reduced axis may be summed: one, but where the outputs are fewer than would
/// keep the threads busy while each piece is still worth a thread's waking.
std::vector<int64_t> Contraction::PiecesOf(const Surroundings& in, const te::Stage& stage) const {
  constexpr int64_t kBusy = 512;     // outputs for a thread: a few tiles
  constexpr int64_t kWorth = 16384;  // multiply-adds of a piece
  constexpr int64_t kLonger = 8;     // than the sum of the pieces, which one thread takes
  const int64_t threads = in.machine.threads;
  int64_t outputs = 1, sums = 1;
  for (size_t a = 0; a < stage.axes.size(); ++a)
    (a < static_cast<size_t>(stage.spatial) ? outputs : sums) *= stage.axes[a].extent;
  std::vector<int64_t> pieces = {1};
  if (threads < 2 || padded_ || shared_ >= 0 || outputs >= kBusy * threads) return pieces;
  for (int64_t each : {1, 4}) {
    const int64_t count = each * threads;
    if (long_extent_ >= 128 * count && outputs * sums / count >= kWorth && sums >= kLonger * count * threads)
      pieces.push_back(count);
  }
  return pieces;
}

/// How many sums of each output go on side by side: one, but where the outputs are too few vectors to keep
/// the adders busy.
std::vector<int64_t> Contraction::ChainsOf(const te::Stage& stage) const {
  constexpr int64_t kBusy = 4;          // vectors of outputs
  constexpr int64_t kLongEnough = 128;  // beside summing the chains at the end
  int64_t vectors = 1;
  for (int a = 0; a < stage.spatial; ++a) {
    const int64_t extent = stage.axes[static_cast<size_t>(a)].extent;
    vectors *= a == lane_ ? (extent + lanes_ - 1) / lanes_ : extent;
  }
  if (padded_ || shared_ >= 0 || vectors > kBusy || long_extent_ < kLongEnough) return {1};
  return {1, 2, 4, 8};
}

/// A dot product fits if one operand's groups lie together as they are, the same for all lanes, and the
/// other, read along the lanes, can be copied into groups.
void Contraction::FindDotProduct(const Surroundings& in, const te::Stage& stage, int lane, int longest,
                                 const std::vector<Expr>& reads) {
  const DotProduct* dot = DotOf(in.machine.dots, stage);
  if (!dot || lane_ < 0 || shared_ >= 0 || long_axis_ < 0 || long_extent_ < dot->group || reads.size() != 2)
    return;
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

/// What factoring left of the stage: the sum of the pieces or chains, lanes along the same axis.
void Contraction::SumPieces(Draft* draft) const {
  NodeIds order;
  for (int axis : others_) order.push_back(draft->LoopOf(stage_, axis));
  for (int axis : {plane_, row_, lane_}) {
    if (axis >= 0) order.push_back(draft->LoopOf(stage_, axis));
  }
  const NodeId tiles = order.empty() ? kRoot : order.back();
  NodeId lanes = kRoot;
  if (lane_ >= 0) lanes = draft->Split(tiles, lanes_, Tail::kMask);
  order.push_back(draft->LoopOf(stage_, rank_));
  if (lanes != kRoot) order.push_back(lanes);
  if (order.size() > 1) draft->Reorder(order);
  if (tiles != kRoot) draft->Keep(stage_, tiles);
  if (lanes != kRoot) draft->Vector(lanes);
  if (epilogue_ >= 0 && tiles != kRoot) draft->FuseConsumer(epilogue_, stage_, tiles);
}

void Contraction::TakeSteps(const Decisions& d, Draft* draft) const {
  StageId stage = stage_;  // that reads the operands
  NodeId piece = kRoot, chain = kRoot;
  if (d[pieces_] > 1 || d[chains_] > 1) {
    // Pieces follow one another; chains take turns.
    const bool chains = d[chains_] > 1;
    const NodeId loop = draft->LoopOf(stage_, long_axis_);
    const NodeId inside = draft->Split(loop, chains ? d[chains_] : PieceExtent(d), Tail::kMask);
    stage = draft->Factor(stage_, chains ? inside : loop, pieces_name_);
    (chains ? chain : piece) = draft->LoopOf(stage, rank_);
    std::vector<int> order = {rank_};
    for (int i = 0; i < rank_; ++i) order.push_back(i);
    draft->SetLayout(stage, order, {});
  }
  // The pieces' axis comes behind those of the result, before the reduced ones.
  const auto loop_of = [&](int axis) {
    return draft->LoopOf(stage, axis < rank_ || stage == stage_ ? axis : axis + 1);
  };
  const CopyForm form{d[vectors_] * LanesOfTile(), lanes_, Group(d)};
  std::vector<StageId> copies(copies_.size(), -1);
  for (size_t i = 0; i < copies.size(); ++i) {
    if (const CopyPlace place = PlaceOf(copies_[i], d); place != CopyPlace::kNone)
      copies[i] = AddCopy(copies_[i], place, form, stage, draft);
  }
  // Tiles, and what is inside of one; kRoot where there is no such axis.
  NodeId lane_tiles = kRoot, row_tiles = kRoot, plane_tiles = kRoot;
  NodeId vectors = kRoot, lanes = kRoot, inner_lanes = kRoot, rows = kRoot, planes = kRoot;
  if (lane_ >= 0) {
    if (shared_ >= 0) inner_lanes = loop_of(lane_);
    lane_tiles = loop_of(shared_ >= 0 ? shared_ : lane_);
    vectors = draft->Split(lane_tiles, d[vectors_] * LanesOfTile(), tail_);
    lanes = draft->Split(vectors, LanesOfTile(), Tail::kMask);
  }
  if (row_ >= 0) {
    row_tiles = loop_of(row_);
    rows = draft->Split(row_tiles, d[rows_], Tail::kPeel);
  }
  if (plane_ >= 0) {
    plane_tiles = loop_of(plane_);
    planes = draft->Split(plane_tiles, d[planes_], Tail::kPeel);
  }
  // The longest reduced axis, from the outside: blocks, what is left of it, steps, groups.
  NodeId blocks = kRoot, inner = long_axis_ < 0 ? kRoot : loop_of(long_axis_), step = kRoot, group = kRoot;
  if (d[block_] > 0) {
    blocks = inner;
    inner = draft->Split(blocks, d[block_], Tail::kMask);
  }
  if (Group(d) > 1) group = draft->Split(inner, Group(d), Tail::kPeel);
  if (d[steps_] > 1) step = draft->Split(inner, d[steps_], Tail::kPeel);

  using Loops = std::initializer_list<NodeId>;
  auto append = [](Loops loops, NodeIds* to) {
    std::copy_if(loops.begin(), loops.end(), std::back_inserter(*to), [](NodeId n) { return n != kRoot; });
  };
  NodeIds outer, tile;
  append({piece}, &outer);
  for (int axis : others_) outer.push_back(loop_of(axis));
  switch (d[order_]) {
    case 0:
      append({lane_tiles, blocks, plane_tiles, row_tiles}, &outer);
      break;
    case 1:
      append({plane_tiles, row_tiles, blocks, lane_tiles}, &outer);
      break;
    default:
      append({plane_tiles, lane_tiles, blocks, row_tiles}, &outer);
      break;
  }
  append({chain, planes, rows, vectors, lanes, inner_lanes}, &tile);
  NodeIds order = outer;
  for (const Window& w : windows_) order.push_back(loop_of(w.axis));
  append({inner, step}, &order);
  order.insert(order.end(), tile.begin(), tile.end());
  append({group}, &order);
  if (order.size() > 1) draft->Reorder(order);
  if (!outer.empty()) draft->Keep(stage, outer.back());
  for (NodeId loop : tile) loop == lanes || loop == inner_lanes ? draft->Vector(loop) : draft->Unroll(loop);
  for (NodeId loop : {group, step}) {
    if (loop != kRoot) draft->Unroll(loop);
  }
  for (const Window& w : windows_) {
    if (d[w.hole]) draft->Unroll(loop_of(w.axis));
  }
  if (padded_ && row_ >= 0 && d[rows_] > 1) draft->Partition(row_tiles);
  if (padded_ && plane_ >= 0 && d[planes_] > 1) draft->Partition(plane_tiles);
  // Of chains of unequal length only the last iteration is guarded.
  if (chain != kRoot && long_extent_ % d[chains_] != 0) draft->Partition(inner);
  for (size_t i = 0; i < copies.size(); ++i) {
    if (copies[i] < 0) continue;
    const CopyPlace place = PlaceOf(copies_[i], d);
    MakeCopy(copies_[i], place, form, copies[i], blocks != kRoot ? blocks : lane_tiles, draft);
    if (place == CopyPlace::kInTiles && lane_extent_ % form.tile != 0) draft->Partition(lane_tiles);
  }
  if (stage != stage_) SumPieces(draft);
  if (stage == stage_ && epilogue_ >= 0 && !outer.empty())
    draft->FuseConsumer(epilogue_, stage_, outer.back());
  if (d[stream_]) draft->Stream(epilogue_ >= 0 ? epilogue_ : stage_);
  for (size_t i = 0; i < outer.size() && static_cast<int64_t>(i) < d[parallel_] && outer[i] != blocks; ++i)
    draft->Parallel(outer[i]);
}

}  // namespace

std::shared_ptr<const Part> ContractionPart(const Surroundings& in, StageId stage, std::vector<Hole>* holes) {
  return std::make_shared<Contraction>(in, stage, holes);
}

}  // namespace tunesmith::schedule
