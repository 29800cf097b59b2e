// SPDX-License-Identifier: Apache-2.0
// The seam between those who propose kernels and those who run them: kernels in, outcomes out, in any order.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <vector>

#include "codegen/kernel.h"
#include "ir/ir.h"
#include "measure/expectation.h"
#include "measure/outcome.h"
#include "measure/scenario.h"
#include "support/status.h"

namespace tunesmith::measure {

/// What a kernel's entries take, in order. A source is the number of a tensor of its kind: an input of the
/// workload (its parameters, weights included, in declared order), a repacked weight, or an output.
struct Signature {
  enum class Kind : uint8_t { kInput, kPacked, kOutput };
  struct Parameter {
    Kind kind = Kind::kInput;
    int source = 0;
    int64_t alignment = 1;  // in bytes, that the kernel relies on
  };
  struct Packed {
    int64_t elements = 0;
    int64_t element_bytes = 1;
    int64_t bytes() const { return elements * element_bytes; }
  };
  std::vector<Parameter> main;
  std::vector<Parameter> pack;  // empty if there is nothing to pack
  std::vector<Packed> packed;
};

/// The signature of a program of the workload that `graph` defines, as ir::Program describes it.
/// Errors: the program's parameters are not the graph's in number or size.
Result<Signature> SignatureOf(const ir::Program& program, const te::Graph& graph);

/// How long to look at one kernel.
struct TimingPlan {
  int first_samples = 3;   // taken of every kernel
  int samples = 10;        // taken in all of one that can still win
  double sample_ns = 1e6;  // a warm sample is a batch of calls of about this length
  double budget_ns = 1e8;  // no sample is begun after it, but the first
  /// The best median so far, or 0: a kernel whose first samples' median is more than `hopeless` times as long
  /// is left at that. With three samples, a median 1.3 times the best is no noise on any machine seen.
  double best_ns = 0;
  double hopeless = 1.3;
  std::chrono::milliseconds limit{10000};  // for each single answer of the runner
};

/// One kernel to check and time. The id is the caller's, to tell outcomes apart.
struct Job {
  uint64_t id = 0;
  codegen::Kernel kernel;
  Signature signature;
  std::shared_ptr<const Expectation> expectation;
  double tolerance_factor = 1;  // of the kernel's algorithm, see te::Algorithm
  Scenario scenario;
  TimingPlan timing;
};

struct Trial {
  uint64_t id = 0;
  Outcome outcome;
};

struct FinalistsPlan;
struct FinalistsResult;

class Measurer {
 public:
  virtual ~Measurer() = default;
  /// Takes a job; returns at once. Errors: the job can never be run (its numbers contradict each other).
  virtual Status Submit(Job job) = 0;
  /// Waits for the outcome of some submitted job. Errors: nothing is pending; no runner can be started. A
  /// kernel that fails is an outcome, never an error.
  virtual Result<Trial> Wait() = 0;
  /// Jobs submitted whose outcome was not yet given.
  virtual size_t pending() const = 0;
  /// Times the jobs, of one workload and scenario, against each other in fresh processes while nothing is
  /// pending: measure/finalists.h, whose runner the measurer knows.
  virtual Result<FinalistsResult> TimeAgain(const std::vector<Job>& jobs, FinalistsPlan plan) = 0;
};

}  // namespace tunesmith::measure
