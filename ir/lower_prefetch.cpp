// SPDX-License-Identifier: Apache-2.0
#include "ir/lower_prefetch.h"

#include <algorithm>

#include "support/strings.h"

namespace tunesmith::ir {

Stmt PrefetchRegion(const schedule::Plan& plan, schedule::StageId stage, const schedule::Prefetched& p,
                    const Storage& storage, const LoopValues& loops, Function* function) {
  constexpr int64_t kMostUnrolled = 16;
  const Buffer& buffer = function->buffers[static_cast<size_t>(storage.buffer)];
  const std::vector<schedule::Span> region = schedule::RegionTouched(plan, p.tensor, {stage}, p.loop);
  std::vector<Expr> indices;
  struct Lines {
    int var;
    int64_t extent;
  };
  std::vector<Lines> nest;
  int64_t requests = 1;
  for (size_t d = 0; d < region.size(); ++d) {
    te::Affine first = region[d].first;
    first.constant += first.CoefficientOf(p.loop) * p.ahead;
    // Of the dimension whose neighbours lie side by side a line holds several elements.
    const schedule::Piece& innermost = storage.layout.back();
    const int64_t in_line = std::max<int64_t>(kLine / te::SizeOf(buffer.dtype), 1);
    const int64_t step =
        innermost.dim == static_cast<int>(d) ? std::clamp<int64_t>(innermost.extent, 1, in_line) : 1;
    const int64_t steps = (region[d].extent + step - 1) / step;
    Expr index = Evaluate(first, loops);
    if (steps > 1) {
      const int var = static_cast<int>(function->variables.size());
      function->variables.push_back(StrCat(buffer.name, ".line", d));
      nest.push_back({var, steps});
      index = index + te::Var(var) * te::Int(step);
      requests *= steps;
    }
    indices.push_back(std::move(index));
  }
  Stmt statement = Prefetch(storage.buffer, Address(storage, indices, loops));
  const auto kind = requests <= kMostUnrolled ? schedule::LoopKind::kUnroll : schedule::LoopKind::kSerial;
  for (size_t i = nest.size(); i-- > 0;)
    statement = For(kind, nest[i].var, te::Int(0), te::Int(nest[i].extent), std::move(statement));
  return statement;
}

}  // namespace tunesmith::ir
