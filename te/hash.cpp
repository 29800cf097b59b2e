// SPDX-License-Identifier: Apache-2.0
// WorkloadHash: XXH3's 128 bits over a byte string that says everything about the normalised definition but
// its names. Part of the database's keys: the byte string below, and with it the order of the enumerators
// that it contains, must not change.
#include <bit>
#include <string>

#include "te/graph.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace tunesmith::te {
namespace {

class Bytes {
 public:
  void Add(int64_t value) {
    auto bits = static_cast<uint64_t>(value);
    for (int i = 0; i < 8; ++i) bytes_ += static_cast<char>(bits >> (8 * i));
  }

  void Add(const Expr& e) {
    if (!e) return Add(-1);
    Add(static_cast<int64_t>(e->kind));
    Add(static_cast<int64_t>(e->type));
    switch (e->kind) {
      case ExprKind::kInt:
        return Add(e->integer);
      case ExprKind::kFloat:
        return Add(std::bit_cast<int64_t>(e->number));
      case ExprKind::kVar:
        return Add(e->id);
      case ExprKind::kRead:
        Add(e->id);
        Add(e->guarded ? 1 : 0);
        break;
      case ExprKind::kCast:
        Add(static_cast<int64_t>(e->rounding));
        break;
      case ExprKind::kCall:
        Add(static_cast<int64_t>(e->function));
        break;
      default:
        break;
    }
    Add(static_cast<int64_t>(e->args.size()));
    for (const Expr& arg : e->args) Add(arg);
  }

  std::string Hash() const {
    XXH128_canonical_t canonical;
    XXH128_canonicalFromHash(&canonical, XXH3_128bits(bytes_.data(), bytes_.size()));
    std::string digits;
    for (unsigned char byte : canonical.digest) {
      digits += "0123456789abcdef"[byte >> 4];
      digits += "0123456789abcdef"[byte & 15];
    }
    return digits;
  }

 private:
  std::string bytes_;
};

}  // namespace

std::string WorkloadHash(const Workload& workload) {
  Graph graph = Normalize(workload.definition());
  Bytes bytes;
  bytes.Add(static_cast<int64_t>(graph.tensors.size()));
  for (const Tensor& tensor : graph.tensors) {
    bytes.Add(static_cast<int64_t>(tensor.dtype));
    bytes.Add(static_cast<int64_t>(tensor.role));
    bytes.Add(static_cast<int64_t>(tensor.shape.size()));
    for (int64_t extent : tensor.shape) bytes.Add(extent);
  }
  for (const Stage& stage : graph.stages) {
    bytes.Add(stage.tensor);
    bytes.Add(stage.spatial);
    bytes.Add(static_cast<int64_t>(stage.axes.size()));
    for (const Axis& axis : stage.axes) bytes.Add(axis.extent);
    bytes.Add(static_cast<int64_t>(stage.reducer));
    // Without a reduction the accumulator has no meaning.
    bytes.Add(stage.reducer == Reducer::kNone ? -1 : static_cast<int64_t>(stage.accumulator));
    bytes.Add(stage.body);
  }
  return bytes.Hash();
}

}  // namespace tunesmith::te
