// SPDX-License-Identifier: Apache-2.0
// What a contest makes of contenders that are right, wrong, hang or die.
#include "cli/contest.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstring>
#include <set>
#include <thread>

#include "support/strings.h"

namespace tunesmith::cli {
namespace {

Blobs BlobOf(int number) {
  Blobs blobs(1, std::vector<uint8_t>(sizeof number));
  std::memcpy(blobs[0].data(), &number, sizeof number);
  return blobs;
}

int NumberIn(const Blobs& blobs) {
  int number = -1;
  if (blobs.size() == 1 && blobs[0].size() == sizeof number)
    std::memcpy(&number, blobs[0].data(), sizeof number);
  return number;
}

enum class Fault { kNone, kRefuses, kHangsInTurn, kHangsAtTheEnd, kDiesInTurn, kExitsInTurn };

[[noreturn]] void Hang() {
  for (;;) pause();
}

/// Its output is its input plus one, or its process's number.
class Fake : public Contender {
 public:
  Fake(std::string name, int input, Fault fault, bool tells_process)
      : name_(std::move(name)), input_(input), fault_(fault), tells_process_(tells_process) {}
  void Run() override {
    if (!set_up_) return;
    if (fault_ == Fault::kHangsInTurn) Hang();
    if (fault_ == Fault::kDiesInTurn) raise(SIGKILL);
    if (fault_ == Fault::kExitsInTurn) _exit(7);
  }
  Blobs Inputs() override {
    set_up_ = true;  // the last of its set-up
    return BlobOf(input_);
  }
  Blobs Outputs() override {
    if (fault_ == Fault::kHangsAtTheEnd) Hang();
    return BlobOf(tells_process_ ? getpid() : input_ + 1);
  }
  std::string name() const override { return name_; }

 private:
  std::string name_;
  int input_;
  Fault fault_;
  bool tells_process_;
  bool set_up_ = false;
};

Status IsOneMore(const Blobs& inputs, const Blobs& outputs) {
  if (NumberIn(outputs) == NumberIn(inputs) + 1) return absl::OkStatus();
  return Invalid(StrCat(NumberIn(outputs), " is not one more than ", NumberIn(inputs)));
}

/// Takes the inputs it is given, else 5.
Entrant EntrantOf(const std::string& name, Fault fault = Fault::kNone) {
  return {1,
          [=](const Blobs& inputs) -> Result<std::unique_ptr<Contender>> {
            if (fault == Fault::kRefuses) return Unavailable("does not want to");
            return std::unique_ptr<Contender>(
                std::make_unique<Fake>(name, inputs.empty() ? 5 : NumberIn(inputs), fault, false));
          },
          IsOneMore};
}

ContestPlan Quick() {
  ContestPlan plan;
  plan.seconds = 0;
  plan.patience.seconds = 2;
  return plan;
}

class ContestTest : public ::testing::Test {
 protected:
  void SetUp() override { signal(SIGPIPE, SIG_IGN); }  // as tune does
};

TEST_F(ContestTest, TimesEachInThreeFreshProcesses) {
  std::set<int> processes;
  Entrant first = EntrantOf("first");
  first.make = [](const Blobs&) -> Result<std::unique_ptr<Contender>> {
    return std::unique_ptr<Contender>(std::make_unique<Fake>("first", 5, Fault::kNone, true));
  };
  first.check = [&](const Blobs&, const Blobs& outputs) {
    processes.insert(NumberIn(outputs));
    return absl::OkStatus();
  };
  Result<std::vector<Standing>> standings = HoldContest({first, EntrantOf("second")}, Quick());
  ASSERT_TRUE(standings.ok()) << standings.status();
  EXPECT_EQ(processes.size(), 3u);
  EXPECT_EQ(processes.count(getpid()), 0u);
  for (const Standing& s : *standings) {
    EXPECT_TRUE(s.status.ok()) << s.status;
    ASSERT_EQ(s.process_medians_ns.size(), 3u);
    std::vector<double> sorted = s.process_medians_ns;
    std::sort(sorted.begin(), sorted.end());
    EXPECT_EQ(s.median_ns, sorted[1]);
  }
  EXPECT_EQ(standings->at(0).name, "first");
  EXPECT_EQ(standings->at(1).name, "second");
}

TEST_F(ContestTest, GivesEveryContenderItsSeconds) {
  ContestPlan plan = Quick();
  plan.seconds = 0.6;
  auto begin = std::chrono::steady_clock::now();
  ASSERT_TRUE(HoldContest({EntrantOf("first"), EntrantOf("second")}, plan).ok());
  // No bound from above: that would depend on what else the machine does.
  EXPECT_GE(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(1200));
}

TEST_F(ContestTest, GoesOnWithoutThoseThatFail) {
  const std::pair<Fault, const char*> kFaults[] = {
      {Fault::kRefuses, "does not want to"},
      {Fault::kHangsInTurn, "a turn did not end within 2 s; --timeout allows more"},
      {Fault::kHangsAtTheEnd, "its last run did not end within 2 s; --timeout allows more"},
      {Fault::kDiesInTurn, "its process ended in a turn: signal 9 (Killed)"},
      {Fault::kExitsInTurn, "its process ended in a turn: exit code 7"},
  };
  for (const auto& [fault, why] : kFaults) {
    Result<std::vector<Standing>> standings =
        HoldContest({EntrantOf("first"), EntrantOf("bad", fault), EntrantOf("last")}, Quick());
    ASSERT_TRUE(standings.ok()) << standings.status();
    EXPECT_EQ(MessageOf(standings->at(1).status), why);
    EXPECT_EQ(standings->at(1).median_ns, 0);
    for (size_t other : {0, 2}) {
      EXPECT_TRUE(standings->at(other).status.ok()) << standings->at(other).status;
      EXPECT_GT(standings->at(other).median_ns, 0);
    }
  }
}

TEST_F(ContestTest, HasOneSetOfInputs) {
  Entrant stubborn = EntrantOf("stubborn");
  stubborn.make = [](const Blobs&) -> Result<std::unique_ptr<Contender>> {
    return std::unique_ptr<Contender>(std::make_unique<Fake>("stubborn", 8, Fault::kNone, false));
  };
  Result<std::vector<Standing>> standings = HoldContest(
      {EntrantOf("absent", Fault::kRefuses), EntrantOf("first"), stubborn, EntrantOf("last")}, Quick());
  ASSERT_TRUE(standings.ok()) << standings.status();
  EXPECT_TRUE(standings->at(1).status.ok());
  EXPECT_EQ(MessageOf(standings->at(2).status), "its inputs differ from those of first");
  EXPECT_TRUE(standings->at(3).status.ok());
}

TEST_F(ContestTest, DropsOneThatIsWrongInALaterProcess) {
  int asked = 0;
  Entrant late = EntrantOf("late");
  late.check = [&](const Blobs&, const Blobs&) {
    return ++asked == 3 ? Invalid("wrong at last") : absl::OkStatus();
  };
  Result<std::vector<Standing>> standings = HoldContest({late, EntrantOf("other")}, Quick());
  ASSERT_TRUE(standings.ok()) << standings.status();
  EXPECT_EQ(MessageOf(standings->at(0).status), "wrong at last");
  EXPECT_EQ(standings->at(0).median_ns, 0);
  EXPECT_TRUE(standings->at(1).status.ok());
}

/// A page that all contenders' processes see.
struct Shared {
  std::atomic<int64_t> steps;           // of threads that spin
  std::atomic<int64_t> witnessed;       // runs of the witness
  std::atomic<int64_t> steps_of_owner;  // of those, the ones in runs of the threads' owner
};

/// Has a thread that spins from its making on, as OpenMP's do, also when it has nothing to do.
class Spinner : public Fake {
 public:
  explicit Spinner(Shared* shared) : Fake("spinner", 5, Fault::kNone, false), shared_(shared) {
    std::thread([shared] {
      for (;;) ++shared->steps;
    }).detach();
  }
  void Run() override {
    const int64_t seen = shared_->steps;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    shared_->steps_of_owner += shared_->steps - seen;
  }

 private:
  Shared* shared_;
};

/// Its output is wrong if another contender's thread took a step while it ran, or set itself up.
class Witness : public Fake {
 public:
  explicit Witness(Shared* shared)
      : Fake("witness", 5, Fault::kNone, false), shared_(shared), seen_(shared->steps) {}
  void Run() override {
    if (at_work_) seen_ = shared_->steps;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    disturbed_ |= shared_->steps != seen_;
    ++shared_->witnessed;
  }
  Blobs Inputs() override {
    at_work_ = true;
    return Fake::Inputs();
  }
  Blobs Outputs() override { return disturbed_ ? BlobOf(-1) : Fake::Outputs(); }

 private:
  Shared* shared_;
  int64_t seen_;
  bool at_work_ = false;  // turns of others may lie between its runs
  bool disturbed_ = false;
};

TEST_F(ContestTest, NobodysSpinningThreadsRunInTheTurnOfAnother) {
  auto* shared = static_cast<Shared*>(
      mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  ASSERT_NE(shared, MAP_FAILED);
  auto entrant = [&](auto make) -> Entrant {
    return {2, [=](const Blobs&) -> Result<std::unique_ptr<Contender>> { return make(); }, IsOneMore};
  };
  Entrant spinner = entrant([=] { return std::make_unique<Spinner>(shared); });
  Entrant witness = entrant([=] { return std::make_unique<Witness>(shared); });
  Result<std::vector<Standing>> standings = HoldContest({spinner, witness, spinner, witness}, Quick());
  ASSERT_TRUE(standings.ok()) << standings.status();
  for (const Standing& s : *standings) EXPECT_TRUE(s.status.ok()) << s.name << ": " << s.status;
  EXPECT_GT(shared->witnessed, 0);
  EXPECT_GT(shared->steps_of_owner, 0);
  munmap(shared, sizeof *shared);
}

std::atomic<bool> interrupted{false};

TEST_F(ContestTest, EndsWhenInterruptedThoughAContenderHangs) {
  ContestPlan plan = Quick();
  plan.patience.seconds = 3600;
  plan.patience.interrupted = &interrupted;
  signal(SIGALRM, [](int) { interrupted = true; });
  alarm(1);
  Status status = HoldContest({EntrantOf("bad", Fault::kHangsInTurn)}, plan).status();
  EXPECT_TRUE(absl::IsCancelled(status)) << status;
}

}  // namespace
}  // namespace tunesmith::cli
