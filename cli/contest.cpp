// SPDX-License-Identifier: Apache-2.0
#include "cli/contest.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstdlib>
#include <cstring>

#include "measure/statistics.h"
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

double Time(Contender* contender, int64_t repeats) {
  auto start = std::chrono::steady_clock::now();
  for (int64_t i = 0; i < repeats; ++i) contender->Run();
  return std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - start).count() /
         static_cast<double>(repeats);
}

/// The contender's process: makes it, then answers 't' (a turn), 'o' (its outputs), 'q' (end).
[[noreturn]] void Serve(const Entrant& entrant, const Blobs& inputs, int in, int out) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  cpu_set_t all, mine;
  if (sched_getaffinity(0, sizeof all, &all) == 0) {
    CPU_ZERO(&mine);
    for (int cpu = 0, left = entrant.threads; cpu < CPU_SETSIZE && left > 0; ++cpu) {
      if (CPU_ISSET(cpu, &all)) CPU_SET(cpu, &mine), --left;
    }
    sched_setaffinity(0, sizeof mine, &mine);
  }
  // Threads of OpenMP that wait for work must not occupy the CPU of the next turn.
  setenv("OMP_WAIT_POLICY", "passive", 1);
  Result<std::unique_ptr<Contender>> made = entrant.make(inputs);
  uint8_t stands = made.ok();
  WriteAll(out, &stands, 1);
  if (!made.ok()) {
    WriteText(out, std::string(MessageOf(made.status())));
    _exit(0);
  }
  Contender* contender = made->get();
  contender->Run();
  double once = std::min(Time(contender, 1), Time(contender, 1));
  constexpr double kSampleNs = 2e6;
  int64_t repeats = std::max<int64_t>(1, static_cast<int64_t>(kSampleNs / std::max(once, 10.0)));
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
    contender->Run();
    double ns = Time(contender, repeats);
    WriteAll(out, &ns, sizeof ns);
  }
  _exit(0);
}

struct Child {
  pid_t pid = -1;
  int to = -1, from = -1;
  int rounds = 0;

  void Close() {
    if (to >= 0) close(to);
    if (from >= 0) close(from);
    to = from = -1;
    if (pid > 0) {
      kill(pid, SIGKILL);
      waitpid(pid, nullptr, 0);
      pid = -1;
    }
  }
};

Status Died() { return Unavailable("its process ended in the middle of the contest"); }

Child Start(const Entrant& entrant, const Blobs& inputs) {
  int down[2], up[2];
  if (pipe2(down, O_CLOEXEC) != 0) return {};
  if (pipe2(up, O_CLOEXEC) != 0) {
    close(down[0]), close(down[1]);
    return {};
  }
  Child child;
  child.pid = fork();
  if (child.pid == 0) {
    close(down[1]), close(up[0]);
    Serve(entrant, inputs, down[0], up[1]);
  }
  close(down[0]), close(up[1]);
  child.to = down[1];
  child.from = up[0];
  return child;
}

}  // namespace

std::vector<Standing> HoldContest(const std::vector<Entrant>& entrants, double seconds) {
  std::vector<Standing> standings(entrants.size());
  std::vector<Child> children(entrants.size());
  Blobs inputs;
  for (size_t i = 0; i < entrants.size(); ++i) {
    Standing& standing = standings[i];
    children[i] = Start(entrants[i], inputs);
    uint8_t stands = 0;
    double turn_ns = 0;
    if (children[i].pid < 0 || !ReadAll(children[i].from, &stands, 1)) {
      standing.status = Unavailable("its process could not be started, or died while it set up");
    } else if (!stands) {
      std::string why;
      standing.status = ReadBytes(children[i].from, &why) ? Unavailable(why) : Died();
    } else if (!ReadBytes(children[i].from, &standing.name) ||
               !ReadAll(children[i].from, &turn_ns, sizeof turn_ns) ||
               !ReadBlobs(children[i].from, &standing.inputs)) {
      standing.status = Died();
    } else {
      children[i].rounds = static_cast<int>(std::clamp(seconds * 1e9 / turn_ns, 5.0, 51.0));
      if (inputs.empty()) inputs = standing.inputs;
    }
    if (!standing.status.ok()) children[i].Close();
  }
  // Each round begins with another contender, so that none always follows the same one.
  constexpr int kMostRounds = 51;
  for (int round = 0; round < kMostRounds; ++round) {
    for (size_t k = 0; k < entrants.size(); ++k) {
      size_t i = (k + static_cast<size_t>(round)) % entrants.size();
      if (children[i].pid < 0 || round >= children[i].rounds) continue;
      double ns = 0;
      if (WriteAll(children[i].to, "t", 1) && ReadAll(children[i].from, &ns, sizeof ns)) {
        standings[i].samples_ns.push_back(ns);
      } else {
        standings[i].status = Died();
        children[i].Close();
      }
    }
  }
  for (size_t i = 0; i < entrants.size(); ++i) {
    if (children[i].pid < 0) continue;
    if (!WriteAll(children[i].to, "o", 1) || !ReadBlobs(children[i].from, &standings[i].outputs))
      standings[i].status = Died();
    (void)WriteAll(children[i].to, "q", 1);
    standings[i].median_ns = measure::Median(standings[i].samples_ns);
    std::vector<double> deviations;
    for (double s : standings[i].samples_ns) deviations.push_back(std::fabs(s - standings[i].median_ns));
    standings[i].spread_ns = measure::Median(deviations);
    children[i].Close();
  }
  return standings;
}

}  // namespace tunesmith::cli
