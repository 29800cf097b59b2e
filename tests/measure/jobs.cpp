// SPDX-License-Identifier: Apache-2.0
#include "tests/measure/jobs.h"

#include <cstdlib>

#include "measure/check.h"
#include "measure/local_measurer.h"
#include "tests/te/sample_graphs.h"

namespace tunesmith::measure {

std::shared_ptr<const Expectation> AddExpectation() {
  static const auto* const expectation = [] {
    te::GraphBuilder builder;
    const int a = builder.Add("A", {10, 100}, te::Role::kInput);
    const int b = builder.Add("B", {10, 100}, te::Role::kWeight);
    const int c = builder.Add("C", {10, 100}, te::Role::kOutput);
    builder.Pointwise(c, {"i", "j"},
                      builder.At(a, {te::Var(0), te::Var(1)}) + builder.At(b, {te::Var(0), te::Var(1)}));
    te::Workload workload;
    workload.op = "add";
    workload.algorithms.push_back({"direct", builder.graph, 1});
    return new std::shared_ptr<const Expectation>(PrepareExpectation(workload).value());
  }();
  return *expectation;
}

Job JobFor(tunesmith_entry kernel) {
  Job job;
  const auto offset = [](tunesmith_entry entry) {
    return reinterpret_cast<const unsigned char*>(entry) - __start_tunesmith_kernels;
  };
  job.kernel.image.bytes.assign(__start_tunesmith_kernels, __stop_tunesmith_kernels);
  job.kernel.image.main_offset = offset(kernel);
  job.signature.main = {
      {Signature::Kind::kInput, 0, 4}, {Signature::Kind::kInput, 1, 4}, {Signature::Kind::kOutput, 0, 4}};
  job.expectation = AddExpectation();
  job.timing.sample_ns = 1e4;
  job.timing.budget_ns = 1e7;
  job.timing.limit = std::chrono::milliseconds(10000);
  return job;
}

std::string RunnerPath() { return RunnerBesideThisProgram().value(); }

}  // namespace tunesmith::measure
