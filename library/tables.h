// SPDX-License-Identifier: Apache-2.0
// The part of a generated library that is its own: the tables that describe its kernels, and the functions by
// which they are called. Everything else is codegen/runtime/library.c.
#pragma once

#include <string>
#include <vector>

#include "library/library.h"
#include "library/packing.h"

namespace tunesmith::library {

/// A kernel with what was decided about its names.
struct NamedKernel {
  const Kernel* kernel = nullptr;
  std::string name;  // in C, without the library's prefix
  std::vector<te::Tensor> parameters;
  std::vector<Packing> packings;  // one a variant
  std::vector<std::string> code;  // one a variant: its functions are NAME_main and NAME_pack

  size_t CountOf(te::Role role) const;  // of the parameters
  bool weights() const { return CountOf(te::Role::kWeight) > 0; }
};

/// An ELF object with the library's tables and functions. The functions of `kernels` and of the runtime are
/// undefined in it.
Result<std::string> EmitTables(const std::string& prefix, const Library& library,
                               const std::vector<NamedKernel>& kernels);

/// The functions that users of the library see.
std::vector<std::string> ExportedNames(const std::string& prefix, const std::vector<NamedKernel>& kernels);

/// TUNESMITH_X86_64_V2 | …: what a processor must have to run code for the target. Fails for a target that
/// libraries do not know.
Result<int32_t> ExtensionsOf(const codegen::Target& target);

}  // namespace tunesmith::library
