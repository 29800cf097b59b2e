// SPDX-License-Identifier: Apache-2.0
// Every way in which a kernel can fail becomes the outcome that says so.
#include <gtest/gtest.h>
#include <signal.h>

#include <thread>

#include "measure/local_measurer.h"
#include "tests/measure/jobs.h"

namespace tunesmith::measure {
namespace {

class OutcomeTest : public testing::Test {
 protected:
  Outcome Measure(Job job) {
    Result<Outcome> outcome = measurer_.Measure(std::move(job));
    EXPECT_TRUE(outcome.ok()) << outcome.status();
    return outcome.value_or(Outcome());
  }
  Outcome Measure(tunesmith_entry kernel) { return Measure(JobFor(kernel)); }
  void ExpectFailure(tunesmith_entry kernel, OutcomeKind kind, const std::string& detail) {
    const Outcome outcome = Measure(kernel);
    EXPECT_EQ(NameOf(outcome.kind), NameOf(kind));
    EXPECT_EQ(outcome.detail, detail);
    EXPECT_TRUE(outcome.samples_ns.empty());
  }
  /// After whatever happened before, a good kernel is measured.
  void TearDown() override { EXPECT_EQ(Measure(Add).detail, ""); }

  LocalMeasurer measurer_ = LocalMeasurer::Create({RunnerPath(), 0}).value();
};

TEST_F(OutcomeTest, OkHasSamplesAndTheirSummary) {
  const Outcome outcome = Measure(Add);
  ASSERT_TRUE(outcome.ok()) << outcome.detail;
  EXPECT_EQ(outcome.samples_ns.size(), 10u);
  for (double sample : outcome.samples_ns) EXPECT_GT(sample, 0);
  EXPECT_GT(outcome.median_ns, 0);
  EXPECT_GE(outcome.spread_ns, 0);
}

TEST_F(OutcomeTest, ColdSamplesAreTaken) {
  Job job = JobFor(Add);
  job.scenario.cold = true;
  job.scenario.huge_pages = false;
  job.scenario.pinned = false;
  const Outcome outcome = Measure(job);
  ASSERT_TRUE(outcome.ok()) << outcome.detail;
  EXPECT_EQ(outcome.samples_ns.size(), 10u);
}

TEST_F(OutcomeTest, HopelessKernelIsLeftAtItsFirstSamples) {
  Job job = JobFor(Add);
  job.timing.best_ns = 1e-3;
  const Outcome outcome = Measure(job);
  ASSERT_TRUE(outcome.ok()) << outcome.detail;
  EXPECT_EQ(outcome.samples_ns.size(), 3u);
}

TEST_F(OutcomeTest, ParallelKernelRunsOnThePool) {
  Job job = JobFor(AddParallel);
  job.scenario.threads = 4;
  EXPECT_EQ(Measure(job).detail, "");
}

TEST_F(OutcomeTest, WorkspaceIsGiven) {
  Job job = JobFor(AddThroughWorkspace);
  job.kernel.main_workspace.shared_bytes = kElements * 4;
  EXPECT_EQ(Measure(job).detail, "");
}

TEST_F(OutcomeTest, PackedWeightMayHaveUnwrittenPadding) {
  Job job = JobFor(AddPacked);
  job.kernel.image.pack_offset = JobFor(CopyPacked).kernel.image.main_offset;
  job.signature.main[1] = {Signature::Kind::kPacked, 0, 64};
  job.signature.pack = {{Signature::Kind::kInput, 1, 4}, {Signature::Kind::kPacked, 0, 64}};
  job.signature.packed = {{kElements + 8, 4}};
  EXPECT_EQ(Measure(job).detail, "");
}

TEST_F(OutcomeTest, WrongElementIsNamedWithBothValues) {
  const Outcome outcome = Measure(WrongElement);
  EXPECT_EQ(outcome.kind, OutcomeKind::kWrongResult);
  const ExpectedOutput& expected = AddExpectation()->sets[0].outputs[0];
  const float right = static_cast<float>(expected.elements[617].value);
  const std::string want = "C[6, 17] is " + std::to_string(right + 1).substr(0, 5);
  EXPECT_EQ(outcome.detail.substr(0, want.size()), want);
  const std::string end = ", but must be " + te::ToString(expected.elements[617], te::DType::kF32) +
                          " (inputs uniform, threads 1)";
  EXPECT_EQ(outcome.detail.substr(outcome.detail.size() - end.size()), end);
}

TEST_F(OutcomeTest, OddNumberOfThreadsIsChecked) {
  const Outcome outcome = Measure(WrongOnThreeThreads);
  EXPECT_EQ(outcome.kind, OutcomeKind::kWrongResult);
  EXPECT_TRUE(outcome.detail.ends_with("(inputs uniform, threads 3)")) << outcome.detail;
}

// Hostile results are known less well: every number of threads must compute the uniform ones.
TEST_F(OutcomeTest, TwoThreadsAreCheckedOnUniformInputs) {
  const Outcome outcome = Measure(WrongOnTwoThreads);
  EXPECT_EQ(outcome.kind, OutcomeKind::kWrongResult);
  EXPECT_TRUE(outcome.detail.ends_with("(inputs uniform, threads 2)")) << outcome.detail;
}

TEST_F(OutcomeTest, HostileInputsAreChecked) {
  const Outcome outcome = Measure(WrongOnLargeInputs);
  EXPECT_EQ(outcome.kind, OutcomeKind::kWrongResult);
  EXPECT_TRUE(outcome.detail.ends_with("(inputs cancelling, threads 2)")) << outcome.detail;
}

TEST_F(OutcomeTest, UnwrittenElementsAreFound) {
  ExpectFailure(SkipsElements, OutcomeKind::kWrongResult,
                "C[5, 0] is not written, the first of 10 such elements (inputs uniform, threads 1)");
}

TEST_F(OutcomeTest, PoisonShowsAccumulationWithoutAStart) {
  // NaN plus anything is that NaN, and the other poison is so large that sums do not change it.
  ExpectFailure(AccumulatesOntoOutput, OutcomeKind::kWrongResult,
                "C[0, 0] is not written, the first of 1000 such elements (inputs uniform, threads 1)");
}

TEST_F(OutcomeTest, WriteBeforeABufferIsOutOfBounds) {
  ExpectFailure(WritesBeforeOutput, OutcomeKind::kOutOfBounds,
                "writes to byte -1 of output C of 4000 bytes (inputs uniform, threads 1)");
}

TEST_F(OutcomeTest, WriteFarBeforeABufferIsOutOfBounds) {
  ExpectFailure(WritesFarBeforeOutput, OutcomeKind::kOutOfBounds,
                "writes to byte -5000 of output C of 4000 bytes (inputs uniform, threads 1)");
}

TEST_F(OutcomeTest, ReadBeforeABufferIsOutOfBounds) {
  ExpectFailure(ReadsBeforeInput, OutcomeKind::kOutOfBounds,
                "reads byte -4 of input A of 4000 bytes (inputs cancelling, threads 2)");
}

TEST_F(OutcomeTest, WriteBehindABufferIsOutOfBounds) {
  ExpectFailure(WritesBehindOutput, OutcomeKind::kOutOfBounds,
                "writes to byte 4000 of output C of 4000 bytes (inputs uniform, threads 1)");
}

TEST_F(OutcomeTest, ReadBehindABufferIsOutOfBounds) {
  ExpectFailure(ReadsBehindInput, OutcomeKind::kOutOfBounds,
                "reads byte 4000 of input A of 4000 bytes (inputs uniform, threads 1)");
}

TEST_F(OutcomeTest, WriteToAnInputIsOutOfBounds) {
  ExpectFailure(WritesInput, OutcomeKind::kOutOfBounds,
                "writes to byte 12 of input B of 4000 bytes (inputs uniform, threads 1)");
}

TEST_F(OutcomeTest, WriteBehindTheWorkspaceIsOutOfBounds) {
  Job job = JobFor(WritesBehindWorkspace);
  job.kernel.main_workspace.bytes_per_worker = kElements * 4;  // 4000: 32 bytes of red zone are left
  const Outcome outcome = Measure(job);
  EXPECT_EQ(outcome.kind, OutcomeKind::kOutOfBounds);
  EXPECT_EQ(outcome.detail, "writes to byte 4000 of the workspace (inputs uniform, threads 1)");
}

TEST_F(OutcomeTest, SignalsAreNamed) {
  ExpectFailure(NullPointer, OutcomeKind::kCrash, "SIGSEGV at address 0x10 (inputs uniform, threads 1)");
  ExpectFailure(IllegalInstruction, OutcomeKind::kCrash, "SIGILL (inputs uniform, threads 1)");
  ExpectFailure(DividesByZero, OutcomeKind::kCrash, "SIGFPE (inputs uniform, threads 1)");
  EXPECT_EQ(measurer_.runners_started(), 3);
}

TEST_F(OutcomeTest, StackOverflowIsACrash) {
  const Outcome outcome = Measure(OverflowsStack);
  EXPECT_EQ(outcome.kind, OutcomeKind::kCrash);
  EXPECT_TRUE(outcome.detail.starts_with("SIGSEGV at address ")) << outcome.detail;
}

TEST_F(OutcomeTest, CrashOnAWorkerIsACrash) {
  ExpectFailure(CrashesOnWorker, OutcomeKind::kCrash, "SIGILL (inputs cancelling, threads 2)");
}

TEST_F(OutcomeTest, HangIsATimeout) {
  for (tunesmith_entry kernel : {Hangs, HangsOnWorker}) {
    Job job = JobFor(kernel);
    job.timing.limit = std::chrono::milliseconds(100);
    const Outcome outcome = Measure(job);
    EXPECT_EQ(outcome.kind, OutcomeKind::kTimeout);
    EXPECT_TRUE(outcome.detail.starts_with("did not end within 100 ms (inputs ")) << outcome.detail;
  }
}

TEST_F(OutcomeTest, ExitIsACrash) {
  ExpectFailure(Exits, OutcomeKind::kCrash, "the runner exited with status 3 (inputs uniform, threads 1)");
}

TEST_F(OutcomeTest, KillCostsOneTrial) {
  ExpectFailure(KillsItself, OutcomeKind::kCrash,
                "the runner was killed by SIGKILL from outside (inputs uniform, threads 1)");
  EXPECT_TRUE(Measure(Add).ok());
  EXPECT_EQ(measurer_.runners_started(), 2);
}

TEST_F(OutcomeTest, RunnerKilledWhileIdleCostsOneTrialAtMost) {
  EXPECT_TRUE(Measure(Add).ok());
  const int pid = measurer_.runner_pid();
  kill(pid, SIGKILL);
  Measure(Add);
  EXPECT_TRUE(Measure(Add).ok());
  EXPECT_NE(measurer_.runner_pid(), pid);
  EXPECT_EQ(measurer_.runners_started(), 2);
}

TEST_F(OutcomeTest, RunnerKilledMidRunCostsOneTrial) {
  EXPECT_TRUE(Measure(Add).ok());
  const int pid = measurer_.runner_pid();
  std::thread killer([pid] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    kill(pid, SIGKILL);
  });
  const Outcome outcome = Measure(Hangs);
  killer.join();
  EXPECT_EQ(outcome.kind, OutcomeKind::kCrash);
  EXPECT_EQ(outcome.detail, "the runner was killed by SIGKILL from outside (inputs uniform, threads 1)");
}

TEST_F(OutcomeTest, WorkspaceLargerThanMemoryIsOutOfMemory) {
  Job job = JobFor(Add);
  job.kernel.main_workspace.shared_bytes = int64_t{1} << 60;
  const Outcome outcome = Measure(job);
  EXPECT_EQ(outcome.kind, OutcomeKind::kOutOfMemory);
  EXPECT_TRUE(outcome.detail.starts_with("a buffer of 1152921504606846976 bytes does not fit: "))
      << outcome.detail;
  EXPECT_EQ(measurer_.runners_started(), 1);
}

TEST_F(OutcomeTest, EntryOutsideTheImageIsACompileError) {
  Job job = JobFor(Add);
  job.kernel.image.bytes.resize(1);
  job.kernel.image.main_offset = 5;
  const Outcome outcome = Measure(job);
  EXPECT_EQ(outcome.kind, OutcomeKind::kCompileError);
  EXPECT_EQ(outcome.detail, "kernel 0: its entries at 5 and -1 do not lie in its image of 1 bytes");
}

TEST_F(OutcomeTest, HundredTrialsStartAHandfulOfRunners) {
  for (uint64_t id = 0; id < 100; ++id) {
    Job job = JobFor(id == 50 ? IllegalInstruction : Add);
    job.id = id;
    ASSERT_TRUE(measurer_.Submit(std::move(job)).ok());
  }
  EXPECT_EQ(measurer_.pending(), 100u);
  for (uint64_t id = 0; id < 100; ++id) {
    const Result<Trial> trial = measurer_.Wait();
    ASSERT_TRUE(trial.ok()) << trial.status();
    EXPECT_EQ(trial->outcome.ok(), trial->id != 50) << trial->outcome.detail;
  }
  EXPECT_EQ(measurer_.runners_started(), 2);
}

TEST(LocalMeasurer, LimitedMemoryIsAnOutcome) {
  LocalMeasurer measurer = LocalMeasurer::Create({RunnerPath(), 1 << 20}).value();
  const Result<Outcome> outcome = measurer.Measure(JobFor(Add));
  ASSERT_TRUE(outcome.ok());
  EXPECT_EQ(outcome->kind, OutcomeKind::kOutOfMemory);
  EXPECT_EQ(outcome->detail, "a buffer of 4000 bytes does not fit: 1048576 bytes of memory are free");
}

TEST(LocalMeasurer, MissingRunnerIsAnError) {
  LocalMeasurer measurer = LocalMeasurer::Create({"/nowhere/tunesmith-runner", 0}).value();
  const Result<Outcome> outcome = measurer.Measure(JobFor(Add));
  ASSERT_FALSE(outcome.ok());
  EXPECT_EQ(
      MessageOf(outcome.status()),
      "the runner (it belongs beside the program that uses it): cannot execute /nowhere/tunesmith-runner: No "
      "such file or directory; check that it exists and is a program for this machine");
}

TEST(LocalMeasurer, ProgramThatIsNoRunnerIsAnError) {
  LocalMeasurer measurer = LocalMeasurer::Create({"/bin/cat", 0}).value();
  const Result<Outcome> outcome = measurer.Measure(JobFor(Add));
  ASSERT_FALSE(outcome.ok());
  EXPECT_EQ(MessageOf(outcome.status()),
            "/bin/cat does not greet as a runner does; check that it was built together with this program");
}

TEST(LocalMeasurer, WaitWithoutJobsIsAnError) {
  LocalMeasurer measurer = LocalMeasurer::Create({RunnerPath(), 0}).value();
  EXPECT_EQ(MessageOf(measurer.Wait().status()), "no job is pending; submit one first");
}

TEST(LocalMeasurer, ContradictoryJobsAreRefused) {
  LocalMeasurer measurer = LocalMeasurer::Create({RunnerPath(), 0}).value();
  const auto message = [&](auto change) {
    Job job = JobFor(Add);
    change(&job);
    return std::string(MessageOf(measurer.Submit(std::move(job))));
  };
  EXPECT_EQ(message([](Job* job) { job->signature.main[1].source = 2; }),
            "job 0: parameter 1 of main is tensor 2 of 2 of its kind");
  EXPECT_EQ(message([](Job* job) { job->signature.main[2].alignment = 48; }),
            "job 0: parameter 2 of main is to be aligned to 48 bytes; powers of two up to 4096 are possible");
  EXPECT_EQ(message([](Job* job) { job->scenario.threads = 0; }), "job 0: 0 threads; at least 1 is needed");
  EXPECT_EQ(message([](Job* job) { job->kernel.main_workspace.shared_bytes = -1; }),
            "job 0: a workspace of -1 bytes");
  EXPECT_EQ(message([](Job* job) { job->expectation = nullptr; }), "job 0: says not what to expect");
  EXPECT_EQ(measurer.pending(), 0u);
}

}  // namespace
}  // namespace tunesmith::measure
