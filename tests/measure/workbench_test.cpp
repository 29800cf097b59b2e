// SPDX-License-Identifier: Apache-2.0
#include "measure/workbench.h"

#include <gtest/gtest.h>

#include "measure/check.h"
#include "measure/local_measurer.h"
#include "tests/measure/jobs.h"
#include "tests/te/sample_graphs.h"

namespace tunesmith::measure {
namespace {

/// C[i] = A[i] + B[i], but of another shape, and with other inputs than AddExpectation's.
std::shared_ptr<const Expectation> OtherExpectation() {
  te::GraphBuilder builder;
  const int a = builder.Add("P", {kElements}, te::Role::kInput);
  const int b = builder.Add("Q", {kElements}, te::Role::kInput);
  const int c = builder.Add("R", {kElements}, te::Role::kOutput);
  builder.Pointwise(c, {"i"}, builder.At(a, {te::Var(0)}) + builder.At(b, {te::Var(0)}));
  te::Workload workload;
  workload.algorithms.push_back({"direct", builder.graph, 1});
  CheckPlan plan;
  plan.seed = 99;
  return PrepareExpectation(workload, plan).value();
}

TEST(Workbench, WorkloadsTakeTurns) {
  LocalMeasurer measurer = LocalMeasurer::Create({RunnerPath(), 0}).value();
  const auto other = OtherExpectation();
  for (int n = 0; n < 4; ++n) {
    Job job = JobFor(Add);
    if (n % 2 == 1) job.expectation = other;
    EXPECT_EQ(measurer.Measure(job).value().detail, "");
    job.kernel.image.main_offset = JobFor(WrongElement).kernel.image.main_offset;
    const Outcome outcome = measurer.Measure(job).value();
    EXPECT_TRUE(outcome.detail.starts_with(n % 2 == 1 ? "R[617] is " : "C[6, 17] is ")) << outcome.detail;
  }
  EXPECT_EQ(measurer.runners_started(), 1);
}

TEST(Workbench, ScenariosAndAlignmentsTakeTurns) {
  LocalMeasurer measurer = LocalMeasurer::Create({RunnerPath(), 0}).value();
  for (int n = 0; n < 6; ++n) {
    Job job = JobFor(Add);
    job.scenario.huge_pages = n % 2 == 0;
    for (Signature::Parameter& parameter : job.signature.main) parameter.alignment = n % 3 == 0 ? 4 : 4096;
    EXPECT_EQ(measurer.Measure(job).value().detail, "");
  }
  EXPECT_EQ(measurer.runners_started(), 1);
}

TEST(Workbench, PackedWeightsOfManySizesFollowEachOther) {
  LocalMeasurer measurer = LocalMeasurer::Create({RunnerPath(), 0}).value();
  // More sizes than there are buffer numbers: numbers must be used again.
  for (int n = 0; n < 1100; ++n) {
    Job job = JobFor(AddPacked);
    job.kernel.image.pack_offset = JobFor(CopyPacked).kernel.image.main_offset;
    job.signature.main[1] = {Signature::Kind::kPacked, 0, 64};
    job.signature.pack = {{Signature::Kind::kInput, 1, 4}, {Signature::Kind::kPacked, 0, 64}};
    job.signature.packed = {{kElements + n, 4}};
    job.timing.samples = job.timing.first_samples = 1;
    ASSERT_EQ(measurer.Measure(job).value().detail, "");
    if (n == 3) measurer.Measure(JobFor(Add)).IgnoreError();
  }
  EXPECT_EQ(measurer.runners_started(), 1);
}

TEST(Workbench, SeveralKernelsStandReadyAtOnce) {
  AcceptedOutputs accepted;
  Workbench workbench = Workbench::Start(RunnerPath(), 0, &accepted).value();
  const Job good = JobFor(Add);
  const Job wrong = JobFor(WrongElement);
  ASSERT_TRUE(workbench.Load(0, good).ok());
  ASSERT_TRUE(workbench.Load(1, wrong).ok());
  std::vector<double> samples;
  for (int n = 0; n < 3; ++n) {
    EXPECT_TRUE(workbench.Sample(0, good, 1, 1e6, &samples).ok());
    EXPECT_TRUE(workbench.CompareTimed(good).ok());
    // What is timed is compared as well.
    EXPECT_TRUE(workbench.Sample(1, wrong, 1, 1e6, &samples).ok());
    EXPECT_EQ(workbench.CompareTimed(wrong).kind, OutcomeKind::kWrongResult);
  }
  EXPECT_EQ(samples.size(), 6u);
  EXPECT_TRUE(workbench.Unload(1).ok());
  EXPECT_EQ(workbench.Unload(1).detail, "there is no kernel 1");
  EXPECT_TRUE(workbench.usable());
}

TEST(Workbench, ChecksNothingThatWasLoadedOnlyToBeTimed) {
  AcceptedOutputs accepted;
  Workbench workbench = Workbench::Start(RunnerPath(), 0, &accepted).value();
  const Job job = JobFor(Add);
  ASSERT_TRUE(workbench.LoadToTime(0, job).ok());
  EXPECT_EQ(workbench.Check(0, job).detail, "kernel 0 was loaded only to be timed");
  std::vector<double> samples;
  EXPECT_TRUE(workbench.Sample(0, job, 2, 1e6, &samples).ok());
  EXPECT_EQ(samples.size(), 2u);
  EXPECT_TRUE(workbench.CompareTimed(job).ok());
  // Loaded again it has all inputs.
  ASSERT_TRUE(workbench.Load(0, job).ok());
  EXPECT_EQ(workbench.Check(0, job).detail, "");
}

TEST(Workbench, FetchesNoBitsTwice) {
  LocalMeasurer measurer = LocalMeasurer::Create({RunnerPath(), 0}).value();
  const auto expectation = std::make_shared<Expectation>(*AddExpectation());
  Job job = JobFor(Add);
  job.expectation = expectation;
  EXPECT_EQ(measurer.Measure(job).value().detail, "");
  // Whoever looked again would find every element wrong now.
  for (InputSet& set : expectation->sets) {
    for (te::Expected& element : set.outputs[0].elements) element.value += 1e30;
  }
  EXPECT_EQ(measurer.Measure(job).value().detail, "");
  job.kernel.image.main_offset = JobFor(WrongElement).kernel.image.main_offset;
  EXPECT_EQ(measurer.Measure(job).value().kind, OutcomeKind::kWrongResult);
}

TEST(Workbench, FetchesNoBitsThatAnotherRunnerComputed) {
  AcceptedOutputs accepted;
  const auto expectation = std::make_shared<Expectation>(*AddExpectation());
  Job job = JobFor(Add);
  job.expectation = expectation;
  const auto sampled = [&] {
    Workbench workbench = Workbench::Start(RunnerPath(), 0, &accepted).value();
    std::vector<double> samples;
    EXPECT_TRUE(workbench.LoadToTime(0, job).ok());
    EXPECT_TRUE(workbench.Sample(0, job, 1, 1e6, &samples).ok());
    return workbench.CompareTimed(job);
  };
  EXPECT_EQ(sampled().detail, "");
  for (te::Expected& element : expectation->sets[0].outputs[0].elements) element.value += 1e30;
  EXPECT_EQ(sampled().detail, "");
  accepted.hashes.clear();
  EXPECT_EQ(sampled().kind, OutcomeKind::kWrongResult);
}

TEST(Workbench, AcceptsBitsOnlyForTheInputsAndBoundsThatTheyWereComparedWith) {
  LocalMeasurer measurer = LocalMeasurer::Create({RunnerPath(), 0}).value();
  Job job = JobFor(WrongElement);
  job.tolerance_factor = 1e30;
  EXPECT_EQ(measurer.Measure(job).value().detail, "");
  job.tolerance_factor = 1;
  EXPECT_EQ(measurer.Measure(job).value().kind, OutcomeKind::kWrongResult);
  // The second set of inputs has the first one's values, and so the same bits come out; but they are wrong.
  const auto expectation = std::make_shared<Expectation>(*AddExpectation());
  expectation->sets[1].parameters = expectation->sets[0].parameters;
  job = JobFor(Add);
  job.expectation = expectation;
  const Outcome outcome = measurer.Measure(job).value();
  EXPECT_EQ(outcome.kind, OutcomeKind::kWrongResult);
  EXPECT_TRUE(outcome.detail.ends_with("(inputs cancelling, threads 2)")) << outcome.detail;
}

TEST(Workbench, IsCondemnedByAnOverwrittenRedZone) {
  AcceptedOutputs accepted;
  Workbench workbench = Workbench::Start(RunnerPath(), 0, &accepted).value();
  const Job job = JobFor(WritesBeforeOutput);
  ASSERT_TRUE(workbench.Load(0, job).ok());
  EXPECT_EQ(workbench.Check(0, job).kind, OutcomeKind::kOutOfBounds);
  EXPECT_FALSE(workbench.usable());
}

}  // namespace
}  // namespace tunesmith::measure
