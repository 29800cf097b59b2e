// SPDX-License-Identifier: Apache-2.0
// Runs compiled loop IR. A machine is one thread of control; each role is a machine of its own, suspended
// while it waits for an event.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "ir/interpret.h"
#include "ir/interpret_memory.h"

namespace tunesmith::ir::interpret {

/// What all machines of a run share.
struct World {
  World(const Function& f, const Code& c, const Observer& o) : function(f), code(c), observe(o) {}

  const Function& function;
  const Code& code;
  const Observer& observe;
  Tasks tasks;
  std::vector<std::unique_ptr<Memory>> memories;
  int64_t now = 0;  // counts signals and copies

  struct Firing {
    int task;
    Clock clock;
  };
  std::vector<std::vector<Firing>> fired;  // by event

  /// A copy that has been started and not been waited for. It happens as late as it can.
  struct PendingCopy {
    const Instruction* instruction;
    Memory* to;
    Memory* from;
    int64_t to_index, from_index, elements;
    Firing firing;
  };
  std::vector<PendingCopy> pending;
};

class Machine {
 public:
  /// `live` is the memory of each buffer; null while it has none.
  Machine(World* world, std::vector<Memory*> live);

  enum class State { kDone, kBlocked };
  Result<State> Run();
  /// The statement that the machine waits at.
  std::string Waiting() const;

 private:
  struct Frame {  // of a loop
    int head;
    int64_t begin, extent, position;
    int64_t start, step;  // of the order in which concurrent iterations run
    int task_outside;
    int instance;
    size_t pending_before;
  };

  const Instruction& At(int n) const { return world_->code.instructions[static_cast<size_t>(n)]; }
  Cell& Slot(int n) { return slots_[static_cast<size_t>(n)]; }
  Status Wrong(const Instruction& instruction, const std::string& reason) const;
  void Evaluate(const Instruction& i);
  Status Load(const Instruction& i);
  Status Store(const Instruction& i);
  void BeginLoop(const Instruction& i);
  void BeginIteration(Frame* frame);
  Status Next(const Instruction& i);
  Status StartCopy(const Instruction& i);
  void Finish(const World::PendingCopy& copy);
  bool Waits(const Instruction& i);
  void BeginRoles(const Instruction& i);
  Result<State> RunRoles();
  Status Free(const Instruction& i);
  Status Touch(const Instruction& i, int buffer, int64_t index, bool store);
  Status CheckPending(const Instruction& i, const Memory* memory, int64_t index, int64_t elements,
                      bool store);
  Status CheckInside(const Instruction& i, int buffer, int64_t index, int64_t elements,
                     const char* does) const;
  World::Firing FiringNow() const;

  World* world_;
  std::vector<Memory*> live_;
  std::vector<Cell> slots_;
  std::vector<Frame> frames_;
  std::vector<std::unique_ptr<Machine>> roles_;  // that run now
  Clock clock_;
  int pc_ = 0;
  int task_ = Tasks::kRoot;
  int role_ = -1;  // the task of the role that this machine is
  int after_roles_ = 0;
};

}  // namespace tunesmith::ir::interpret
