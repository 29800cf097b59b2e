// SPDX-License-Identifier: Apache-2.0
#include "te/inputs.h"

#include <cmath>

#include "support/random.h"
#include "te/scalar.h"

namespace tunesmith::te {
namespace {

/// 64 bits for one element; index -1 is the whole parameter.
uint64_t Bits(uint64_t seed, int position, int64_t index) {
  auto low = [](auto x) { return static_cast<uint32_t>(x); };
  auto block = Philox({low(index), low(index >> 32), low(position), 0}, {low(seed), low(seed >> 32)});
  return static_cast<uint64_t>(block[1]) << 32 | block[0];
}

/// In [-1, 1), a multiple of 2^-23.
double Uniform(uint64_t random) { return (static_cast<double>(random >> 40) - 0x1p23) * 0x1p-23; }

double Number(InputKind kind, uint64_t random, uint64_t common, DType dtype) {
  bool half = dtype == DType::kF16;
  switch (kind) {
    case InputKind::kUniform:
      return Uniform(random);
    case InputKind::kLarge:
      return Uniform(random) * (half ? 0x1p8 : 0x1p40);
    case InputKind::kTiny:
      return Uniform(random) * (half ? 0x1p-14 : 0x1p-70);
    case InputKind::kCancelling: {
      double magnitude = 1 + std::fabs(Uniform(random)) * 0x1p-6;
      if ((random & 2) != 0) magnitude *= 4096;
      return (random & 1) != 0 ? -magnitude : magnitude;
    }
    case InputKind::kModerate: {
      const double magnitude = 8 + std::fabs(Uniform(random)) * 8;
      return (random & 1) != 0 ? -magnitude : magnitude;
    }
    case InputKind::kEqual:
      return 0.5 + std::fabs(Uniform(common)) / 2;
  }
  return 0;
}

int64_t Integer(InputKind kind, uint64_t random, uint64_t common, DType dtype) {
  int64_t low = LowestInteger(dtype), high = HighestInteger(dtype);
  bool bit = (random & 1) != 0;
  switch (kind) {
    case InputKind::kUniform:
      return Wrap(dtype, static_cast<int64_t>(random));
    case InputKind::kLarge:
      return bit ? low : high;
    case InputKind::kTiny:
      return low == 0 ? static_cast<int64_t>(random & 1) : static_cast<int64_t>(random % 3) - 1;
    case InputKind::kCancelling:
    case InputKind::kModerate: {
      int64_t magnitude = 1 + static_cast<int64_t>(common % 100);
      return Wrap(dtype, low == 0 || bit ? magnitude : -magnitude);
    }
    case InputKind::kEqual:
      return high;
  }
  return 0;
}

}  // namespace

ErrorModel ErrorModelFor(InputKind kind) {
  return kind == InputKind::kUniform ? ErrorModel::kIndependent : ErrorModel::kWorstCase;
}

InputElement GenerateElement(InputKind kind, uint64_t seed, int position, DType dtype, int64_t index) {
  uint64_t random = Bits(seed, position, index), common = Bits(seed, position, -1);
  InputElement element;
  if (IsFloat(dtype)) {
    element.number = RoundTo(dtype, Number(kind, random, common, dtype));
  } else {
    element.integer = Integer(kind, random, common, dtype);
  }
  return element;
}

Value GenerateInput(InputKind kind, uint64_t seed, int position, const Tensor& tensor) {
  Value value(tensor.dtype, tensor.shape);
  bool is_float = IsFloat(tensor.dtype);
  for (int64_t i = 0; i < value.elements(); ++i) {
    InputElement element = GenerateElement(kind, seed, position, tensor.dtype, i);
    if (is_float) {
      value.Store(i, element.number);
    } else {
      value.StoreInteger(i, element.integer);
    }
  }
  return value;
}

std::vector<Value> GenerateInputs(InputKind kind, uint64_t seed, const Graph& graph) {
  std::vector<Value> inputs;
  for (int id : graph.Parameters()) {
    inputs.push_back(
        GenerateInput(kind, seed, static_cast<int>(inputs.size()), graph.tensors[static_cast<size_t>(id)]));
  }
  return inputs;
}

}  // namespace tunesmith::te
