// SPDX-License-Identifier: Apache-2.0
// The runner by itself: what it answers to requests that cannot be right, and when it ends.
#include <gtest/gtest.h>

#include "measure/runner_process.h"
#include "support/subprocess.h"
#include "tests/measure/jobs.h"
#include "tests/measure/law.h"

namespace tunesmith::measure {
namespace {

constexpr std::chrono::milliseconds kLimit{10000};

Load LoadOf(uint32_t number, tunesmith_entry entry) {
  const Job job = JobFor(entry);
  Load load;
  load.kernel = number;
  load.main_offset = job.kernel.image.main_offset;
  load.image = job.kernel.image.bytes;
  return load;
}

class RunnerTest : public testing::Test {
 protected:
  template <class Reply, class Request>
  Reply Ask(const Request& request) {
    const std::optional<Frame> frame = runner_.Exchange(Encode(request), kLimit);
    EXPECT_TRUE(frame.has_value()) << runner_.end().ToString(kLimit);
    Reply reply;
    EXPECT_TRUE(frame && Decode(*frame, &reply));
    return reply;
  }
  template <class Request>
  std::string Refused(const Request& request) {
    return Ask<Refusal>(request).text;
  }
  void TearDown() override {
    // However bad the requests were, the runner goes on.
    if (runner_.alive()) {
      EXPECT_GT(Ask<Greeting>(Hello()).cpus, 0u);
    }
  }

  RunnerProcess runner_ = RunnerProcess::Start(RunnerPath()).value();
};

TEST_F(RunnerTest, GreetsWithWhatItHas) {
  EXPECT_GE(runner_.greeting().cpus, 1u);
  EXPECT_GE(runner_.greeting().page_bytes, 4096u);
  EXPECT_GT(runner_.greeting().available_bytes, 1u << 20);
}

TEST_F(RunnerTest, HoldsWhatIsWritten) {
  for (const Placement placement : {Placement::kGuarded, Placement::kHuge}) {
    Ask<Done>(Allocate{3, 10, 2, placement});
    EXPECT_EQ(Ask<Data>(Read{3, 0, 10}).data, std::vector<uint8_t>(10, 0));
    Ask<Done>(Write{3, 4, {1, 2, 3, 4}});
    EXPECT_EQ(Ask<Data>(Read{3, 3, 4}).data, (std::vector<uint8_t>{0, 1, 2, 3}));
    EXPECT_EQ(Ask<Data>(Gather{3, 2, {3, 2, 2}}).data, (std::vector<uint8_t>{3, 4, 1, 2, 1, 2}));
    const char held[] = "\0\0\0\0\1\2\3\4\0";
    EXPECT_EQ(Ask<Digest>(measure::Hash{3}).hash, HashBytes128({held, 10}));
    Ask<Done>(Allocate{4, 10, 1, Placement::kGuarded});
    Ask<Done>(Copy{3, 4});
    EXPECT_EQ(Ask<Data>(Read{4, 4, 4}).data, (std::vector<uint8_t>{1, 2, 3, 4}));
  }
  Ask<Done>(Free{3});
  EXPECT_EQ(Refused(Read{3, 0, 1}), "there is no buffer 3");
  Ask<Done>(Free{kNoBuffer});
  EXPECT_EQ(Refused(Free{4}), "there is no buffer 4");
}

TEST_F(RunnerTest, EmptyBuffersAreBuffers) {
  Ask<Done>(Allocate{0, 0, 4, Placement::kGuarded});
  EXPECT_TRUE(Ask<Data>(Read{0, 0, 0}).data.empty());
  EXPECT_EQ(Ask<Digest>(measure::Hash{0}).hash, HashBytes128(""));
  EXPECT_EQ(Refused(Gather{0, 4, {0}}), "buffer 0 has 0 elements, none of index 0");
}

TEST_F(RunnerTest, RefusesWhatCannotBe) {
  Ask<Done>(Allocate{1, 8, 4, Placement::kGuarded});
  Ask<Done>(Allocate{2, 9, 4, Placement::kGuarded});
  EXPECT_EQ(Refused(Allocate{kMaxBuffers, 8, 4, Placement::kHuge}), "buffer 1024: numbers are below 1024");
  EXPECT_EQ(Refused(Allocate{5, 8, 3, Placement::kHuge}),
            "buffer 5: its alignment 3 is not a power of two up to 4096");
  EXPECT_EQ(Refused(Write{1, 8, {1}}), "1 bytes at 8 do not fit into buffer 1 of 8 bytes");
  EXPECT_EQ(Refused(Write{1, ~uint64_t{0}, {1}}),
            "1 bytes at 18446744073709551615 do not fit into buffer 1 of 8 bytes");
  EXPECT_EQ(Refused(Read{1, 1, 8}), "8 bytes at 1 of buffer 1 of 8 bytes cannot be read at once");
  EXPECT_EQ(Refused(Gather{1, 3, {}}), "elements of 3 bytes");
  EXPECT_EQ(Refused(Gather{1, 4, {2}}), "buffer 1 has 2 elements, none of index 2");
  EXPECT_EQ(Refused(measure::Hash{7}), "there is no buffer 7");
  EXPECT_EQ(Refused(Copy{1, 2}), "buffers 1 and 2 differ in size: 8 and 9 bytes");
  EXPECT_EQ(Refused(Copy{7, 2}), "there is no buffer 7");
  EXPECT_EQ(Refused(Unload{9}), "there is no kernel 9");
  EXPECT_EQ(Refused(Greeting()), "128 is no type of request");
  measure::Run run;
  run.call.kernel = 9;
  EXPECT_EQ(Refused(run), "kernel 9 is not loaded, or has no such entry");
  Ask<Done>(LoadOf(9, Add));
  run.call.entry = Entry::kPack;
  EXPECT_EQ(Refused(run), "kernel 9 is not loaded, or has no such entry");
  run.call.entry = Entry::kMain;
  run.call.threads = 0;
  EXPECT_EQ(Refused(run), "0 threads: the number is from 1 to 4096");
  run.call.threads = 1;
  run.call.arguments = {{77, Access::kRead, 4}};
  EXPECT_EQ(Refused(run), "there is no buffer 77");
  run.call.arguments = {{1, Access::kRead, 5}};
  EXPECT_EQ(Refused(run), "elements of 5 bytes");
  run.call.arguments.clear();
  run.call.worker_workspace_bytes = ~uint64_t{0};
  run.call.threads = 2;
  EXPECT_EQ(Refused(run), "the workspace is larger than any memory");
  Time time;
  time.call.kernel = 9;
  time.samples = 0;
  EXPECT_EQ(Refused(time), "0 samples: the number is from 1 to 1048576");
  EXPECT_EQ(Refused(Probe{ProbeKind::kRead, 1, 100, 0}), "a probe over 100 bytes of memory on each thread");
}

TEST_F(RunnerTest, MalformedPayloadIsRefused) {
  const std::optional<Frame> frame =
      runner_.Exchange(EncodeFrame(MessageType::kRead, std::vector<uint8_t>{1, 2, 3}), kLimit);
  ASSERT_TRUE(frame.has_value());
  Refusal refusal;
  ASSERT_TRUE(Decode(*frame, &refusal));
  EXPECT_EQ(refusal.text, "a request of type 8 is malformed");
}

TEST_F(RunnerTest, RandomRequestsAreAnswered) {
  ExpectLaw([this](const std::vector<uint8_t>& payload, uint8_t type) {
    const auto request = static_cast<MessageType>(type % 13);
    const std::optional<Frame> frame = runner_.Exchange(EncodeFrame(request, payload), kLimit);
    RC_ASSERT(frame.has_value());
  });
}

TEST_F(RunnerTest, KernelOfTheSameNumberIsReplaced) {
  Ask<Done>(LoadOf(1, Hangs));
  Ask<Done>(LoadOf(1, Add));
  for (uint32_t buffer : {0, 1, 2}) Ask<Done>(Allocate{buffer, 4 * kElements, 4, Placement::kGuarded});
  measure::Run run;
  run.call.kernel = 1;
  run.call.arguments = {{0, Access::kRead, 4}, {1, Access::kRead, 4}, {2, Access::kWrite, 4}};
  EXPECT_EQ(Ask<Finding>(run).kind, Finding::Kind::kClean);
  EXPECT_EQ(Ask<Data>(Read{2, 0, 4}).data, std::vector<uint8_t>(4, 0));
}

TEST_F(RunnerTest, ProcessesCannotOutliveTheirMeasurer) {
  // A runner whose kernel never returns ends when the other end of its input is closed.
  Command command;
  command.args = {RunnerPath()};
  Subprocess process = Subprocess::Start(command).value();
  const auto send = [&](const std::vector<uint8_t>& bytes) {
    const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    ASSERT_TRUE(process.Write(text, After(kLimit)).ok());
  };
  send(Encode(LoadOf(1, Hangs)));
  EXPECT_TRUE(process.ReadExactly(kHeaderBytes, After(kLimit)).ok());
  measure::Run run;
  run.call.kernel = 1;
  send(Encode(run));
  process.CloseInput();
  const Result<ExitStatus> status = process.Wait(After(kLimit));
  ASSERT_TRUE(status.ok()) << status.status();
  EXPECT_TRUE(status->ok()) << status->ToString();
}

std::string ErrorOf(const std::vector<std::string>& arguments, std::string_view input, int code) {
  Command command;
  command.args = {RunnerPath()};
  command.args.insert(command.args.end(), arguments.begin(), arguments.end());
  const Result<CommandOutput> output = RunCommand(command, input, After(kLimit));
  EXPECT_TRUE(output.ok()) << output.status();
  EXPECT_EQ(output->status.code, code);
  EXPECT_EQ(output->output, "");
  return output->error_output;
}

TEST(Runner, SaysThatItIsNotForPeople) {
  EXPECT_EQ(ErrorOf({}, "hello, runner", 1),
            "tunesmith-runner: a frame does not begin with TSrn; it is started by a measurer, not by hand\n");
  EXPECT_EQ(ErrorOf({}, "", 0), "");
}

TEST(Runner, RefusesArguments) {
  const std::string usage =
      "usage: tunesmith-runner [--memory-limit BYTES]\n"
      "Runs kernels for a measurer at standard input and output; started by `tune`, not by hand.\n"
      "  --memory-limit BYTES   give no more than this to buffers\n";
  EXPECT_EQ(ErrorOf({"--help"}, "", 2), usage);
  EXPECT_EQ(ErrorOf({"--memory-limit", "many"}, "", 2), usage);
  EXPECT_EQ(ErrorOf({"--memory-limit", "-1"}, "", 2), usage);
  EXPECT_EQ(ErrorOf({"--memory-limit", "99999999999999999999"}, "", 2), usage);
}

}  // namespace
}  // namespace tunesmith::measure
