// SPDX-License-Identifier: Apache-2.0
// Runs compiled programs inside the test: the image is mapped executable, and every buffer ends where a page
// that may not be touched begins (or begins right behind one), so that a stray access crashes the test.
#pragma once

#include <string>
#include <vector>

#include "codegen/kernel.h"
#include "codegen/target.h"
#include "ir/ir.h"
#include "support/status.h"
#include "te/value.h"

namespace tunesmith::codegen::testing {

using te::DType;
using te::Expr;
using te::Value;

/// The levels whose code this CPU can run ("x86-64-sse4.2" always), and the one with its dot products.
std::vector<Target> RunnableTargets();

/// Memory between two pages that may not be touched, at one end of it.
class Fenced {
 public:
  /// `alignment` is that of the first byte; the last byte is as near to the upper fence as that allows.
  Fenced(int64_t bytes, int64_t alignment, bool at_end = true);
  ~Fenced();
  Fenced(const Fenced&) = delete;
  Fenced& operator=(const Fenced&) = delete;
  uint8_t* data() const { return data_; }

 private:
  uint8_t* map_;
  int64_t size_;
  uint8_t* data_;
};

/// Runs the kernel on parameters in order; those of `function` that are written are poisoned first and
/// returned updated, the others must not have changed. The table of threads is a table of this test: it cuts
/// the iterations into pieces of `grain` and gives them to `threads` workers in turn, backwards.
Status RunImage(const Image& image, int64_t offset, const Workspace& workspace, const ir::Function& function,
                std::vector<Value>* parameters, int threads, bool at_end = true);

/// Compiles `function` for the target and runs it; the parameters afterwards.
Result<std::vector<Value>> CompileAndRun(const ir::Function& function, const Target& target,
                                         std::vector<Value> parameters, int threads = 2);

/// Expects that the function, compiled for every target that runs here, computes what the interpreter does:
/// exactly, or for floating outputs within `ulps` units in the last place.
void ExpectAsInterpreted(const ir::Function& function, const std::vector<Value>& parameters, double ulps = 0);
/// The same as text: what differs, or nothing. With the target's name and the program.
std::string DifferenceFromInterpreter(const ir::Function& function, const Target& target,
                                      const std::vector<Value>& parameters, double ulps, int threads = 2);

/// A function of parameters A, B, … (in `inputs`) and one output O.
struct Parameter {
  DType dtype;
  int64_t elements;
  int64_t alignment = 0;  // 0: the element's size
};
ir::Function FunctionOf(const std::vector<Parameter>& inputs, Parameter output, int variables);
/// One more buffer; its number.
int AddBuffer(ir::Function* function, const std::string& name, DType dtype, ir::Scope scope,
              int64_t elements);

/// Small numbers that every type can represent, unlike their neighbours: n*7 % 23 - 11 (u8: never negative).
Value SmallNumbers(DType dtype, int64_t elements);
std::vector<Value> ParametersOf(const ir::Function& function);

}  // namespace tunesmith::codegen::testing
