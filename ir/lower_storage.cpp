// SPDX-License-Identifier: Apache-2.0
#include "ir/lower_storage.h"

namespace tunesmith::ir {

Expr Evaluate(const te::Affine& value, const LoopValues& loops) {
  Expr sum = te::Int(value.constant);
  for (const auto& [loop, factor] : value.terms)
    sum = sum + loops[static_cast<size_t>(loop)] * te::Int(factor);
  return sum;
}

schedule::Layout RowMajor(const std::vector<schedule::Span>& region) {
  schedule::Layout layout;
  for (size_t d = 0; d < region.size(); ++d) layout.push_back({static_cast<int>(d), region[d].extent});
  return layout;
}

int64_t ElementsOf(const schedule::Layout& layout) {
  int64_t elements = 1;
  for (const schedule::Piece& p : layout) elements *= p.extent;
  return elements;
}

Expr Address(const Storage& storage, const std::vector<Expr>& indices, const LoopValues& loops) {
  std::vector<int64_t> divisor(storage.region.size(), 1);  // of the digits of a dimension already used
  Expr address = te::Int(0);
  int64_t stride = 1;
  for (size_t p = storage.layout.size(); p-- > 0;) {
    size_t d = static_cast<size_t>(storage.layout[p].dim);
    int64_t extent = storage.layout[p].extent;
    Expr digit = indices[d] - Evaluate(storage.region[d].first, loops);
    if (divisor[d] > 1) digit = digit / te::Int(divisor[d]);
    bool leading = true;  // the most significant digit needs no remainder
    for (size_t q = 0; q < p; ++q) leading = leading && storage.layout[q].dim != storage.layout[p].dim;
    if (!leading) digit = te::Binary(te::ExprKind::kMod, digit, te::Int(extent));
    address = address + digit * te::Int(stride);
    stride *= extent;
    divisor[d] *= extent;
  }
  return address;
}

std::vector<schedule::Span> WholeOf(const te::Tensor& tensor) {
  std::vector<schedule::Span> whole;
  for (int64_t extent : tensor.shape) whole.push_back({te::Affine(), extent});
  return whole;
}

}  // namespace tunesmith::ir
