// SPDX-License-Identifier: Apache-2.0
// Small workloads, and tuners of them whose kernels are built but run by nobody: a fake measurer says what
// they take.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "search/tuner.h"
#include "tests/measure/fake_measurer.h"

namespace tunesmith::search {

/// C = A * B of n x n.
te::Workload ProductWorkload(int64_t n);
/// A padded 3 x 3 convolution of 112 x 112 x 256 elements with bias and relu: too many choices to enumerate.
te::Workload ConvolutionWorkload();
/// Sums of rows, columns a multiple of 8: by the definition and, with twice its tolerance, by eighths of rows
/// ("split").
te::Workload RowSumWorkload(int64_t rows, int64_t columns);
/// Y = 2 X of n elements: by the definition and, with twice its tolerance, as X + X ("twice"). The stages of
/// both have the same names and loops.
te::Workload DoublingWorkload(int64_t n);
/// C = A + B of n elements: a space so small that it can be looked through.
te::Workload SumWorkload(int64_t n);

/// A processor that is the same on every machine that runs the tests.
const codegen::Target& TestTarget();
Problem TestProblem(const te::Workload& workload);

/// A latency that is a pure function of the plan, between 100 and 200 microseconds.
double LatencyOf(uint64_t plan_hash);
/// The device on which every kernel takes just that: jobs carry the plan's hash as their id.
measure::Outcome Device(const measure::Job& job, size_t trial);

/// A tuner with all that it refers to, and what it reported.
struct Bench {
  explicit Bench(measure::FakeMeasurer::Device device = Device, int threads = 2)
      : measurer(std::move(device)), pool(threads) {}

  /// Reports are kept; from `fail_at` reports on they are answered with an error.
  std::unique_ptr<Tuner> Tune(const te::Workload& workload, const TuneOptions& options);

  /// Of trials, not of finalists.
  std::vector<uint64_t> TriedHashes() const;
  /// As a database would give them back.
  std::vector<EarlierTrial> Earlier() const;

  measure::FakeMeasurer measurer;
  ThreadPool pool;
  std::vector<TrialReport> reports;
  size_t fail_at = SIZE_MAX;
  codegen::Target target = TestTarget();
  std::atomic<bool> interrupted = false;
};

}  // namespace tunesmith::search
