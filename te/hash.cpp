// SPDX-License-Identifier: Apache-2.0
// WorkloadHash: 128 bits over a byte string that says everything about the normalised definition but
// its names. Part of the database's keys: the byte string below, and with it the order of the enumerators
// that it contains, must not change.
#include "support/hash.h"

#include "te/graph.h"

namespace tunesmith::te {
namespace {

void Add(const Expr& e, Hasher* hasher) {
  if (!e) {
    hasher->Add(int64_t{-1});
    return;
  }
  hasher->Add(e->kind).Add(e->type);
  switch (e->kind) {
    case ExprKind::kInt:
      hasher->Add(e->integer);
      break;
    case ExprKind::kFloat:
      hasher->Add(e->number);
      break;
    case ExprKind::kVar:
      hasher->Add(e->id);
      break;
    case ExprKind::kRead:
      hasher->Add(e->id).Add(e->guarded);
      break;
    case ExprKind::kCast:
      hasher->Add(e->rounding);
      break;
    case ExprKind::kCall:
      hasher->Add(e->function);
      break;
    default:
      break;
  }
  hasher->Add(e->args.size());
  for (const Expr& arg : e->args) Add(arg, hasher);
}

}  // namespace

std::string WorkloadHash(const Workload& workload) {
  Graph graph = Normalize(workload.definition());
  Hasher hasher;
  hasher.Add(graph.tensors.size());
  for (const Tensor& tensor : graph.tensors) {
    hasher.Add(tensor.dtype).Add(tensor.role).Add(tensor.shape.size());
    for (int64_t extent : tensor.shape) hasher.Add(extent);
  }
  for (const Stage& stage : graph.stages) {
    hasher.Add(stage.tensor).Add(stage.spatial).Add(stage.axes.size());
    for (const Axis& axis : stage.axes) hasher.Add(axis.extent);
    hasher.Add(stage.reducer);
    // Without a reduction the accumulator has no meaning.
    if (stage.reducer != Reducer::kNone) hasher.Add(stage.accumulator);
    Add(stage.body, &hasher);
  }
  return hasher.Hash().ToHex();
}

}  // namespace tunesmith::te
