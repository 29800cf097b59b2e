// SPDX-License-Identifier: Apache-2.0
// How a kernel's weights lie in memory once they are packed: a header, then a part for each weight in the
// order of the parameters, each at a multiple of 64 bytes. What a variant repacks is stored in its layout,
// and what it reads as it is is copied; so all variants of a kernel, and all kernels that later tuning may
// give, have the same functions in C.
#pragma once

#include <cstdint>
#include <vector>

#include "library/library.h"
#include "support/hash.h"

namespace tunesmith::library {

/// Where an argument of compiled code comes from.
struct Source {
  int parameter = 0;    // of the kernel: inputs and weights as declared, then outputs
  bool packed = false;  // then `offset` of the packed weights, else the caller's tensor
  int64_t offset = 0;
};

struct Packing {
  std::vector<Source> main;  // one a parameter
  std::vector<Source> pack;  // arguments of the code that packs; empty if there is none
  int64_t bytes = 0;         // in all, with the header; 0 without weights
  Hash128 layout;            // differs where offsets or what packs the weights differ
};

/// Errors: the signature is not one of the definition's.
Result<Packing> PackingOf(const te::Graph& definition, const Variant& variant);

/// The parameters of a kernel: the definition's parameters as declared, then its outputs.
std::vector<te::Tensor> ParametersOf(const te::Graph& definition);

}  // namespace tunesmith::library
