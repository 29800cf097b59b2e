// SPDX-License-Identifier: Apache-2.0
// Runs the bytecode of one stage over blocks of lanes.
#pragma once

#include <cstdint>
#include <vector>

#include "te/bytecode.h"

namespace tunesmith::te {

/// Where the elements of a tensor are: as they are stored (parameters), or one double or int64_t an element.
struct Source {
  DType dtype = DType::kF32;
  const uint8_t* stored = nullptr;
  const double* floats = nullptr;
  const int64_t* integers = nullptr;
  const double* errors = nullptr;  // null: exact
};

/// Makes elements of tensors available before a machine reads them.
class Supplier {
 public:
  virtual ~Supplier() = default;
  /// The elements first, first + step, … of a tensor, `count` of them, are about to be read.
  virtual void Supply(int tensor, int64_t first, int64_t step, int64_t count) = 0;
};

class Machine {
 public:
  /// `bounded`: computes an error bound with each value.
  Machine(Bytecode code, bool bounded);

  /// Evaluates the body for `lanes` (at most kLanes) consecutive values of axis `lane_axis` (-1: one lane),
  /// the first of which, as the values of the other axes, is in `point`. `supplier` may be null.
  void Run(const std::vector<int64_t>& point, int lane_axis, int lanes, const std::vector<Source>& sources,
           Supplier* supplier);

  /// The results of the last run, one a lane; that of the body's kind of type, and the bounds if `bounded`.
  const double* floats() const { return floats_.data() + Lane(code_.result); }
  const int64_t* integers() const { return integers_.data() + Lane(code_.result); }
  const double* float_errors() const { return float_errors_.data() + Lane(code_.result); }
  const double* integer_errors() const { return integer_errors_.data() + Lane(code_.result); }

 private:
  static size_t Lane(int reg) { return static_cast<size_t>(reg) * kLanes; }

  void Execute(const Instruction& in, int lanes);
  void ExecuteErrors(const Instruction& in, int lanes);
  void ExecuteLoad(const Instruction& in);
  void LoadAffine(const Load& load, const Source& source, const Instruction& in);
  void LoadIndexed(const Load& load, const Source& source, const Instruction& in);
  void LoadRun(const Source& source, const Instruction& in, int64_t first, int64_t step, int begin, int end);

  Bytecode code_;
  bool bounded_;
  std::vector<double> floats_, float_errors_, integer_errors_;
  std::vector<int64_t> integers_;
  // Of the current run.
  const std::vector<int64_t>* point_ = nullptr;
  int lane_axis_ = -1;
  int lanes_ = 0;
  const std::vector<Source>* sources_ = nullptr;
  Supplier* supplier_ = nullptr;
};

}  // namespace tunesmith::te
