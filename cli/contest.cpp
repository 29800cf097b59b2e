// SPDX-License-Identifier: Apache-2.0
#include "cli/contest.h"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <optional>

#include "cli/own_data.h"
#include "measure/statistics.h"
#include "support/forked_child.h"
#include "support/stopwatch.h"
#include "support/strings.h"

namespace tunesmith::cli {
namespace {

constexpr int kHeats = 3;
constexpr int kLeastTurns = 2;  // in a heat

double Time(Contender* contender, int64_t repeats) {
  const Stopwatch watch;
  for (int64_t i = 0; i < repeats; ++i) contender->Run();
  return watch.nanoseconds() / static_cast<double>(repeats);
}

/// How often a contender runs in a turn.
struct Turn {
  int64_t untimed = 1;
  int64_t timed = 1;
};

Turn TurnOf(Contender* contender, int threads, bool cold) {
  constexpr double kSampleNs = 2e6;
  // The untimed part: the caches become the contender's own. Threads that woke up on one CPU need a tick or
  // two of the system's clock (4 ms each, often) until they are spread.
  constexpr double kSettleNs = 12e6;
  contender->Run();
  double once = Time(contender, 1);
  if (once < kSampleNs) once = std::min(once, Time(contender, 1));
  auto filling = [&](double ns) {
    return std::max<int64_t>(1, static_cast<int64_t>(ns / std::max(once, 10.0)));
  };
  return {threads == 1 ? 1 : filling(kSettleNs), cold ? 1 : filling(kSampleNs)};
}

/// Leaves this process `threads` CPUs.
void ConfineTo(int threads) {
  cpu_set_t all, mine;
  if (sched_getaffinity(0, sizeof all, &all) != 0) return;
  CPU_ZERO(&mine);
  for (int cpu = 0, left = threads; cpu < CPU_SETSIZE && left > 0; ++cpu) {
    if (CPU_ISSET(cpu, &all)) CPU_SET(cpu, &mine), --left;
  }
  sched_setaffinity(0, sizeof mine, &mine);
}

/// The next command; 'q' when there are no more.
char NextCommand(int in) {
  char command = 'q';
  while (read(in, &command, 1) < 0 && errno == EINTR) {
  }
  return command;
}

/// The contender's process: makes it, then answers 't' (a turn), 'o' (its outputs), 'q' (end).
void Serve(const Entrant& entrant, bool cold, const Blobs& inputs, int in, int out) {
  // Ctrl-C reaches all processes of a terminal; what it means is decided by the one that holds the contest.
  signal(SIGINT, SIG_IGN);
  signal(SIGTERM, SIG_IGN);
  dup2(STDERR_FILENO, STDOUT_FILENO);  // what a library prints is none of our results
  ConfineTo(entrant.threads);
  // Ours stay where they are put; so do the threads of peers that use OpenMP, unless the user says otherwise.
  setenv("OMP_PROC_BIND", "true", 0);
  Result<std::unique_ptr<Contender>> made = entrant.make(inputs);
  Status status = made.status();
  if (status.ok() && cold) status = EvictOwnData();
  uint8_t stands = status.ok();
  if (!stands) {
    WriteAll(out, &stands, 1);
    WriteText(out, MessageOf(status));
    return;
  }
  Contender* contender = made->get();
  Turn turn = TurnOf(contender, entrant.threads, cold);
  WriteAll(out, &stands, 1);
  WriteText(out, contender->name());
  WriteBlobs(out, contender->Inputs());
  for (char command; (command = NextCommand(in)) != 'q';) {
    if (command == 'o') {
      contender->Run();
      WriteBlobs(out, contender->Outputs());
      continue;
    }
    Time(contender, turn.untimed);
    if (cold) (void)EvictOwnData();  // it has succeeded before
    double ns = Time(contender, turn.timed);
    WriteAll(out, &ns, sizeof ns);
  }
}

/// A contender's process in a heat.
struct Seat {
  std::optional<ForkedChild> child;
  double used_seconds = 0;
  std::vector<double> samples_ns;
};

class Contest {
 public:
  Contest(const std::vector<Entrant>& entrants, const ContestPlan& plan)
      : entrants_(entrants), plan_(plan), standings_(entrants.size()) {}

  Result<std::vector<Standing>> Hold() {
    for (int heat = 0; heat < kHeats; ++heat) TS_RETURN_IF_ERROR(HoldHeat());
    for (Standing& s : standings_) {
      if (s.status.ok()) s.median_ns = measure::Median(s.process_medians_ns);
    }
    return std::move(standings_);
  }

 private:
  Status HoldHeat() {
    seats_.clear();
    seats_.resize(entrants_.size());
    for (size_t i = 0; i < seats_.size(); ++i) {
      if (standings_[i].status.ok()) TS_RETURN_IF_ERROR(Take(i, SetUp(i)));
    }
    // Each round begins with another contender, so that none always follows the same one.
    bool any = true;
    for (size_t round = 0; any; ++round) {
      any = false;
      for (size_t k = 0; k < seats_.size(); ++k) {
        size_t i = (k + round) % seats_.size();
        const Seat& seat = seats_[i];
        if (!seat.child ||
            (round >= kLeastTurns && seat.used_seconds >= plan_.seconds / static_cast<double>(kHeats)))
          continue;
        any = true;
        TS_RETURN_IF_ERROR(Take(i, TakeTurn(i)));
      }
    }
    for (size_t i = 0; i < seats_.size(); ++i) {
      if (seats_[i].child) TS_RETURN_IF_ERROR(Take(i, Finish(i)));
    }
    return absl::OkStatus();
  }

  /// What became of a step: a contender that failed leaves the contest.
  Status Take(size_t i, const Status& step) {
    if (step.ok() || absl::IsCancelled(step)) return step;
    standings_[i].status = step;
    seats_[i].child.reset();
    return absl::OkStatus();
  }

  Status SetUp(size_t i) {
    TS_ASSIGN_OR_RETURN(ForkedChild started, ForkChild([&](int in, int out) {
                          Serve(entrants_[i], plan_.cold, inputs_, in, out);
                        }));
    seats_[i].child.emplace(std::move(started));
    Reply reply(seats_[i].child->from(), plan_.patience);
    uint8_t stands = 0;
    std::string text;  // its name, or why it refuses
    TS_RETURN_IF_ERROR(Read(i, "its set-up", [&]() -> Status {
      TS_RETURN_IF_ERROR(reply.Read(&stands, 1));
      return reply.ReadText(&text);
    }));
    if (!stands) return Unavailable(text);
    standings_[i].name = std::move(text);
    Blobs inputs;
    TS_RETURN_IF_ERROR(Read(i, "its set-up", [&] { return reply.ReadBlobs(&inputs); }));
    if (inputs_.empty()) {
      inputs_ = std::move(inputs);
      first_ = standings_[i].name;
    } else if (inputs != inputs_) {
      return Invalid(StrCat("its inputs differ from those of ", first_));
    }
    // Libraries' threads may spin for a while after each call. They are at their best so, but must not occupy
    // the CPUs in others' turns: between its turns a contender's process stands still.
    seats_[i].child->Pause();
    return absl::OkStatus();
  }

  Status TakeTurn(size_t i) {
    Seat& seat = seats_[i];
    const Stopwatch watch;
    double ns = 0;
    seat.child->Continue();
    WriteAll(seat.child->to(), "t", 1);  // if it has gone, so has its reply
    Reply reply(seat.child->from(), plan_.patience);
    TS_RETURN_IF_ERROR(Read(i, "a turn", [&] { return reply.Read(&ns, sizeof ns); }));
    seat.child->Pause();
    seat.samples_ns.push_back(ns);
    seat.used_seconds += watch.seconds();
    return absl::OkStatus();
  }

  Status Finish(size_t i) {
    Seat& seat = seats_[i];
    Blobs outputs;
    seat.child->Continue();
    WriteAll(seat.child->to(), "o", 1);
    Reply reply(seat.child->from(), plan_.patience);
    TS_RETURN_IF_ERROR(Read(i, "its last run", [&] { return reply.ReadBlobs(&outputs); }));
    seat.child.reset();
    TS_RETURN_IF_ERROR(entrants_[i].check(inputs_, outputs));
    standings_[i].process_medians_ns.push_back(measure::Median(seat.samples_ns));
    return absl::OkStatus();
  }

  /// Reads from a contender's process; if that fails, says how it failed in this step.
  template <class ReadReply>
  Status Read(size_t i, std::string_view step, const ReadReply& read) {
    Status status = read();
    if (absl::IsDeadlineExceeded(status))
      return Unavailable(
          StrCat(step, " did not end within ", plan_.patience.seconds, " s; --timeout allows more"));
    if (absl::IsUnavailable(status))
      return Unavailable(StrCat("its process ended in ", step, ": ", seats_[i].child->End().ToString()));
    return status;
  }

  const std::vector<Entrant>& entrants_;
  const ContestPlan& plan_;
  Blobs inputs_;       // of all
  std::string first_;  // whose they were
  std::vector<Seat> seats_;
  std::vector<Standing> standings_;
};

}  // namespace

Result<std::vector<Standing>> HoldContest(const std::vector<Entrant>& entrants, const ContestPlan& plan) {
  return Contest(entrants, plan).Hold();
}

}  // namespace tunesmith::cli
