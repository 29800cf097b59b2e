// SPDX-License-Identifier: Apache-2.0
// What the interpreter knows of every element: its value, whether it has one, and who touched it last.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "ir/interpret_code.h"

namespace tunesmith::ir::interpret {

/// One group of accesses that may race with those of its siblings: an iteration of a parallel, bound or
/// vector loop, or a role. Siblings of different loops ("instances") follow one another.
struct Task {
  int parent = -1;
  int depth = 0;
  int instance = 0;
  bool lane = false;
  bool role = false;
};

/// For each role, up to which moment its accesses are known to have happened.
using Clock = absl::flat_hash_map<int, int64_t>;

struct Access {
  int task = -1;
  bool reduces = false;  // part of b[i] = combine(b[i], x)
  int64_t moment = 0;
};

/// The tree of tasks. Two accesses race if neither task contains the other and where their paths part they
/// are iterations of one loop, or roles between which no event was waited for.
class Tasks {
 public:
  Tasks() { tasks_.emplace_back(); }
  static constexpr int kRoot = 0;

  int Add(int parent, int instance, bool lane, bool role);
  int NewInstance() { return ++instances_; }
  bool IsWithin(int task, int ancestor) const;
  /// `now` follows `before` in the order of interpretation; `clock` is that of its role.
  bool Race(const Access& before, const Access& now, const Clock& clock) const;

 private:
  const Task& at(int task) const { return tasks_[static_cast<size_t>(task)]; }
  std::vector<Task> tasks_;
  int instances_ = 0;
};

/// One life of a buffer.
struct Memory {
  std::vector<Cell> cells;
  std::vector<uint8_t> defined;
  bool alive = false;

  struct Touched {
    Access writer;
    Access readers[2];  // the latest, and one that is concurrent with it
  };
  std::vector<Touched> touched;  // empty where nothing can race

  void Start(int64_t elements, bool is_defined, bool track);
  /// Notes an access; true if it races with an earlier one.
  bool Races(int64_t index, bool store, const Access& now, const Tasks& tasks, const Clock& clock);
};

}  // namespace tunesmith::ir::interpret
