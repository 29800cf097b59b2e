// SPDX-License-Identifier: Apache-2.0
#include "cli/contest.h"

#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <optional>

#include "cli/command.h"
#include "measure/statistics.h"
#include "support/forked_child.h"
#include "support/strings.h"

namespace tunesmith::cli {
namespace {

using Blobs = std::vector<std::vector<uint8_t>>;

bool WriteAll(int fd, const void* data, size_t size) {
  const char* from = static_cast<const char*>(data);
  while (size > 0) {
    ssize_t done = write(fd, from, size);
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) return false;
    from += done;
    size -= static_cast<size_t>(done);
  }
  return true;
}

bool ReadAll(int fd, void* data, size_t size) {
  char* to = static_cast<char*>(data);
  while (size > 0) {
    ssize_t done = read(fd, to, size);
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) return false;
    to += done;
    size -= static_cast<size_t>(done);
  }
  return true;
}

bool WriteBytes(int fd, const void* data, uint64_t size) {
  return WriteAll(fd, &size, sizeof size) && WriteAll(fd, data, size);
}
bool WriteText(int fd, const std::string& text) { return WriteBytes(fd, text.data(), text.size()); }
bool WriteBlobs(int fd, const Blobs& blobs) {
  uint64_t count = blobs.size();
  bool ok = WriteAll(fd, &count, sizeof count);
  for (const auto& b : blobs) ok = ok && WriteBytes(fd, b.data(), b.size());
  return ok;
}

template <class Bytes>
bool ReadBytes(int fd, Bytes* bytes) {
  uint64_t size = 0;
  constexpr uint64_t kMost = uint64_t{1} << 36;
  if (!ReadAll(fd, &size, sizeof size) || size > kMost) return false;
  bytes->resize(size);
  return ReadAll(fd, bytes->data(), size);
}
bool ReadBlobs(int fd, Blobs* blobs) {
  uint64_t count = 0;
  if (!ReadAll(fd, &count, sizeof count) || count > 64) return false;
  blobs->resize(count);
  return std::all_of(blobs->begin(), blobs->end(), [&](auto& b) { return ReadBytes(fd, &b); });
}

/// The untimed part of a turn: the caches become the contender's own. Threads that woke up on one CPU need a
/// tick or two of the system's clock (4 ms each, often) until they are spread.
constexpr double kSettleNs = 12e6;

double Time(Contender* contender, int64_t repeats) {
  auto start = std::chrono::steady_clock::now();
  for (int64_t i = 0; i < repeats; ++i) contender->Run();
  return std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - start).count() /
         static_cast<double>(repeats);
}

/// The contender's process: makes it, then answers 't' (a turn), 'o' (its outputs), 'q' (end).
void Serve(const Entrant& entrant, const Blobs& inputs, int in, int out) {
  cpu_set_t all, mine;
  if (sched_getaffinity(0, sizeof all, &all) == 0) {
    CPU_ZERO(&mine);
    for (int cpu = 0, left = entrant.threads; cpu < CPU_SETSIZE && left > 0; ++cpu) {
      if (CPU_ISSET(cpu, &all)) CPU_SET(cpu, &mine), --left;
    }
    sched_setaffinity(0, sizeof mine, &mine);
  }
  // Ours stay where they are put; so do the threads of peers that use OpenMP, unless the user says otherwise.
  setenv("OMP_PROC_BIND", "true", 0);
  Result<std::unique_ptr<Contender>> made = entrant.make(inputs);
  uint8_t stands = made.ok();
  WriteAll(out, &stands, 1);
  if (!made.ok()) {
    WriteText(out, std::string(MessageOf(made.status())));
    return;
  }
  Contender* contender = made->get();
  contender->Run();
  double once = std::min(Time(contender, 1), Time(contender, 1));
  constexpr double kSampleNs = 2e6;
  int64_t repeats = std::max<int64_t>(1, static_cast<int64_t>(kSampleNs / std::max(once, 10.0)));
  int64_t untimed =
      entrant.threads == 1 ? 1 : std::max<int64_t>(1, static_cast<int64_t>(kSettleNs / std::max(once, 10.0)));
  double turn_ns = once * static_cast<double>(repeats + 1);
  WriteText(out, contender->name());
  WriteAll(out, &turn_ns, sizeof turn_ns);
  WriteBlobs(out, contender->Inputs());
  for (char command; ReadAll(in, &command, 1) && command != 'q';) {
    if (command == 'o') {
      contender->Run();
      WriteBlobs(out, contender->Outputs());
      continue;
    }
    Time(contender, untimed);
    double ns = Time(contender, repeats);
    WriteAll(out, &ns, sizeof ns);
  }
}

/// A contender's process, and how many rounds it takes part in.
struct Seat {
  std::optional<ForkedChild> child;
  int rounds = 0;
};

Status Died() { return Unavailable("its process ended in the middle of the contest"); }

}  // namespace

std::vector<Standing> HoldContest(const std::vector<Entrant>& entrants, double seconds) {
  std::vector<Standing> standings(entrants.size());
  std::vector<Seat> seats(entrants.size());
  Blobs inputs;
  for (size_t i = 0; i < entrants.size() && !Interrupted(); ++i) {
    Standing& standing = standings[i];
    Result<ForkedChild> started = ForkChild([&](int in, int out) { Serve(entrants[i], inputs, in, out); });
    if (!started.ok()) {
      standing.status = started.status();
      continue;
    }
    seats[i].child.emplace(*std::move(started));
    int from = seats[i].child->from();
    uint8_t stands = 0;
    double turn_ns = 0;
    if (!ReadAll(from, &stands, 1)) {
      standing.status = Unavailable("its process could not be started, or died while it set up");
    } else if (!stands) {
      std::string why;
      standing.status = ReadBytes(from, &why) ? Unavailable(why) : Died();
    } else if (!ReadBytes(from, &standing.name) || !ReadAll(from, &turn_ns, sizeof turn_ns) ||
               !ReadBlobs(from, &standing.inputs)) {
      standing.status = Died();
    } else {
      seats[i].rounds = static_cast<int>(std::clamp(seconds * 1e9 / turn_ns, 5.0, 51.0));
      if (inputs.empty()) inputs = standing.inputs;
    }
    // Libraries' threads may spin for a while after each call. They are at their best so, but must not occupy
    // the CPUs in others' turns: between its turns a contender's process stands still.
    if (standing.status.ok()) {
      seats[i].child->Pause();
    } else {
      seats[i].child.reset();
    }
  }
  // Each round begins with another contender, so that none always follows the same one.
  constexpr int kMostRounds = 51;
  for (int round = 0; round < kMostRounds; ++round) {
    for (size_t k = 0; k < entrants.size() && !Interrupted(); ++k) {
      size_t i = (k + static_cast<size_t>(round)) % entrants.size();
      if (!seats[i].child || round >= seats[i].rounds) continue;
      double ns = 0;
      seats[i].child->Continue();
      if (WriteAll(seats[i].child->to(), "t", 1) && ReadAll(seats[i].child->from(), &ns, sizeof ns)) {
        standings[i].samples_ns.push_back(ns);
        seats[i].child->Pause();
      } else {
        standings[i].status = Died();
        seats[i].child.reset();
      }
    }
  }
  if (Interrupted()) {
    for (Standing& standing : standings) standing.status = Quiet(kInterrupted);
    return standings;
  }
  for (size_t i = 0; i < entrants.size(); ++i) {
    if (!seats[i].child) continue;
    seats[i].child->Continue();
    if (!WriteAll(seats[i].child->to(), "o", 1) || !ReadBlobs(seats[i].child->from(), &standings[i].outputs))
      standings[i].status = Died();
    (void)WriteAll(seats[i].child->to(), "q", 1);
    standings[i].median_ns = measure::Median(standings[i].samples_ns);
    std::vector<double> deviations;
    for (double s : standings[i].samples_ns) deviations.push_back(std::fabs(s - standings[i].median_ns));
    standings[i].spread_ns = measure::Median(deviations);
    seats[i].child.reset();
  }
  return standings;
}

}  // namespace tunesmith::cli
