// SPDX-License-Identifier: Apache-2.0
// A generated library: kernels compiled for several levels of the processor, and the files that make them
// usable from C, C++, CMake and Python (docs/library.md). Files are made in memory, from these values alone:
// equal values give equal bytes.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "codegen/llvm/compile.h"
#include "codegen/target.h"
#include "database/record.h"
#include "measure/measurer.h"
#include "measure/scenario.h"
#include "support/status.h"
#include "te/graph.h"

namespace tunesmith::library {

/// A kernel's code for one level of the processor.
struct Variant {
  codegen::Target target;
  codegen::Object object;
  measure::Signature signature;
  std::string pack_program;  // the IR that packs weights, printed; empty if nothing is packed
  std::string trace;
  double tolerance_factor = 1;             // of its algorithm
  std::optional<database::Record> record;  // that it was made from; nothing: the default schedule
};

struct Kernel {
  std::string name;   // as the user thinks of it: the id of a suite's line, or the operator and its bindings
  std::string title;  // "matmul M=128 N=768 K=768"
  te::Workload workload;
  std::string hash;               // of the workload
  std::vector<Variant> variants;  // ascending: later ones are preferred where they run
};

struct Library {
  std::string name;  // a C identifier: the prefix of all names
  std::string target;
  measure::Scenario scenario;
  std::vector<Kernel> kernels;
};

struct File {
  std::string bytes;
  bool executable = false;
};
using Files = std::map<std::string, File>;  // by path within the library's folder

/// All files of the library's folder. Errors: no kernel; a kernel with more than 64 tensors; an operator or a
/// target that the library cannot hold; the linker's own errors.
Result<Files> MakeFiles(const Library& library);

}  // namespace tunesmith::library
